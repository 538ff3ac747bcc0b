"""Framings that one function tells, the user's own among them.

A framing is anything that answers how many bytes the next frame takes. The shortest is a function::

    def one_byte_length(data: bytes) -> int | None:
        return data[0] + 1 if data else None        # the frame's size, its length byte included

    gd.listen("tcp://127.0.0.1:4242", framing=one_byte_length)

It gets the bytes from the start of a frame on and returns the frame's size, or `cuts.Cut` with the payload's place in
it, or None for "more bytes are needed"; the size may lie behind what has come. It raises `ValueError` where no frame
begins. An object with a method `cut` may have a `name` and a method `encode`, which frames what is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from gdlab.errors import FramingError, GdlabError
from gdlab.facts import PEER, Fact, Reason, Statement, Value
from gdlab.framing.cuts import Cut, CutFunction
from gdlab.framing.frames import Frame
from gdlab.framing.stream import StreamFramer

#: A function is first shown so much, and all there is only if that does not do: it is asked for each frame anew.
_WINDOW_BYTES: Final = 4096


@runtime_checkable
class Framing(Protocol):
    """A framing of the user's own, as an object. `name` and `encode` may be missing."""

    def cut(self, data: bytes) -> int | Cut | tuple[int, int, int] | None:
        """Answer for the frame at the start of `data`; see the module."""


#: What `framing=` takes: a name, a function, or an object.
FramingLike: TypeAlias = "str | CutFunction | Framing"


def cut_of(framing: CutFunction | Framing) -> CutFunction:
    """The function that cuts.

    Raises
    ------
    FramingError : it has none.
    """
    cut = getattr(framing, "cut", framing)
    if not callable(cut):
        raise FramingError(Statement.of("framing/kind", type=type(framing).__name__))
    found: CutFunction = cut
    return found


def name_of(framing: FramingLike) -> str:
    """What rows, files and messages call a framing."""
    if isinstance(framing, str):
        return framing
    given = getattr(framing, "name", None) or getattr(framing, "__name__", None) or type(framing).__name__
    return "".join(char for char in str(given) if char.isprintable() and not char.isspace()) or "custom"


def encoder_of(framing: CutFunction | Framing) -> Callable[[bytes], bytes] | None:
    """The function that frames what is sent; None where a message goes out as it is."""
    encode = getattr(framing, "encode", None)
    return encode if callable(encode) else None


class CutFramer(StreamFramer):
    """Frames as a function cuts them."""

    def __init__(self, name: str, cut: CutFunction, *, max_frame_bytes: int) -> None:
        super().__init__(name, max_frame_bytes=max_frame_bytes)
        self._cut = cut
        self._needed = 0

    @property
    def waits_for(self) -> int:
        """Bytes of the frame that has begun, as far as they are known."""
        return self._needed if self._buffer else 0

    def _advance(self) -> None:
        at, buffer, needed = 0, self._buffer, self._needed
        size_now = len(buffer)
        while at < size_now and size_now - at >= needed:
            try:
                found = self._asked(at)
            except Exception as error:  # noqa: BLE001 (the user's function)
                self._forget(at)
                why: Value = error.statement if isinstance(error, GdlabError) else None
                if why is None:
                    why = str(error) if isinstance(error, ValueError) else repr(error)
                self._fail(
                    Fact.of(
                        Reason.MALFORMED,
                        by=PEER,
                        case="cut",
                        framing=self.name,
                        offset=self._taken,
                        why=why,
                    )
                )
                return
            if found is None:
                needed = 0
                if size_now - at > self.max_frame_bytes:
                    self._forget(at)
                    self._fail(self._too_long())
                    return
                break
            start, stop, size = found
            if size > self.max_frame_bytes:
                self._forget(at)
                self._fail(self._too_long(), needed_bytes=size)
                return
            needed = size
            if at + size > size_now:
                break
            self._ready.append(Frame(bytes(buffer[at + start : at + stop]), size - (stop - start)))
            at += size
            needed = 0
        self._forget(at)
        self._needed = needed

    def _forget(self, count: int) -> None:
        del self._buffer[:count]
        self._taken += count

    def _asked(self, at: int) -> tuple[int, int, int] | None:
        """What the function says of the frame at `at`, checked."""
        buffer = self._buffer
        found = self._cut(bytes(buffer[at : at + _WINDOW_BYTES]))
        if found is None and len(buffer) - at > _WINDOW_BYTES:
            found = self._cut(bytes(buffer[at:]))
        if found is None:
            return None
        start, stop, size = (0, found, found) if isinstance(found, int) else found
        if not (isinstance(size, int) and 0 <= start <= stop <= size and size > 0):
            raise ValueError(f"a frame cannot lie at {start} to {stop} of {size} bytes")
        return start, stop, size

    def _too_long(self) -> Fact:
        return Fact.of(
            Reason.OVERSIZED,
            by=PEER,
            limit="max_frame_bytes",
            case="cut",
            offset=self._taken,
            most=self.max_frame_bytes,
        )

    def _finish(self) -> None:
        if self._buffer:
            held, size = len(self._buffer), self.waits_for
            case = "frame" if size else "cut"
            self._add(
                bytes(self._buffer), 0, Fact.of(Reason.INCOMPLETE, by=PEER, case=case, held=held, size=size)
            )


def check_framing(
    framing: CutFunction | Framing,
    stream: bytes,
    payloads: list[bytes] | None = None,
    *,
    limit: int = 1 << 24,
) -> None:
    """Check a framing of one's own: the conformance kit.

    A stream of whole frames must be cut alike in one piece, byte by byte, glued to itself, and cut short anywhere;
    every byte must be in a frame; what `encode` makes must be cut into what went in.

    Parameters
    ----------
    stream : bytes of some whole frames, as the game sends them.
    payloads : what it should be cut into; by default only the sameness is checked.

    Raises
    ------
    AssertionError : it does not; the message says in which case.
    """

    def read(pieces: list[bytes]) -> list[tuple[bytes, int]]:
        made = CutFramer(name_of(framing), cut_of(framing), max_frame_bytes=limit)
        found = []
        for piece in pieces:
            made.receive_data(piece)
            found += [(frame.payload, frame.header_bytes) for frame in made.frames()]
            _expect(made.error is None, f"it fails on its own stream: {made.error}")
        _expect(made.held_bytes == 0, f"{made.held_bytes} bytes of whole frames are left over")
        return found

    whole = read([stream])
    got = [payload for payload, _ in whole]
    _expect(payloads is None or got == payloads, f"the payloads are {got!r}, not {payloads!r}")
    _expect(sum(len(payload) + header for payload, header in whole) == len(stream), "bytes are in no frame")
    _expect(read([bytes([byte]) for byte in stream]) == whole, "byte by byte it is cut otherwise")
    _expect(read([stream + stream]) == whole * 2, "the same stream twice is cut otherwise")
    for middle in range(1, min(len(stream), 600)):
        _expect(
            read([stream[:middle], stream[middle:]]) == whole, f"cut after {middle} bytes it is cut otherwise"
        )
    encode = encoder_of(framing)
    if encode is not None:
        for payload in got:
            _expect(
                [one for one, _ in read([encode(payload)])] == [payload],
                f"encode({payload!r}) is not cut back",
            )


def _expect(truth: bool, otherwise: str) -> None:
    if not truth:
        raise AssertionError(otherwise)


def is_known(framing: Any) -> bool:
    """Whether this can be a framing at all."""
    return isinstance(framing, str) or callable(getattr(framing, "cut", framing))
