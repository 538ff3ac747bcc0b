"""The framing that decides itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gdlab.errors import FramingError
from gdlab.framing.frames import Frame, Framer, FrameTable, State
from gdlab.framing.guess import guess
from gdlab.words import sentence

if TYPE_CHECKING:
    from gdlab.facts import Fact

    class _MakeFramer(Protocol):
        def __call__(self, name: str, *, max_frame_bytes: int) -> Framer: ...


class AutoFramer:
    """Holds the first bytes until `guess` names their framing, then hands all to a framer of that name.

    Parameters
    ----------
    make : makes a framer of a given name.
    """

    def __init__(self, make: _MakeFramer, *, max_frame_bytes: int) -> None:
        if max_frame_bytes < 1:
            raise FramingError(f"max_frame_bytes is {max_frame_bytes}, but must be at least 1")
        self._make = make
        self._max_frame_bytes = max_frame_bytes
        self._head = bytearray()
        self._framer: Framer | None = None
        self._guess: Fact | None = None
        self._ended = False

    def __repr__(self) -> str:
        open_ = f"framing not yet known: the first {len(self._head)} bytes do not tell"
        return f"<AutoFramer {sentence(self._guess) if self._guess else open_}>"

    @property
    def name(self) -> str:
        """The framing guessed; "auto" until then."""
        return self._framer.name if self._framer else "auto"

    @property
    def guess(self) -> Fact | None:
        """What was guessed and why; None as long as it is open."""
        return self._guess

    @property
    def state(self) -> State:
        """RECEIVING, then ERROR or ENDED."""
        return self._framer.state if self._framer else State.RECEIVING

    @property
    def error(self) -> FramingError | None:
        """Why the state is ERROR."""
        return self._framer.error if self._framer else None

    @property
    def dropped_bytes(self) -> int:
        """Bytes that are in no frame."""
        return self._framer.dropped_bytes if self._framer else 0

    @property
    def held_bytes(self) -> int:
        """Bytes waiting for the rest of their frame, or for the decision."""
        return self._framer.held_bytes if self._framer else len(self._head)

    def receive_data(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the bytes of one read."""
        if self._framer:
            self._framer.receive_data(chunk)
            return
        self._head += chunk
        self._decide(final=False)

    def settle(self) -> None:
        """Decide with what is there: the peer may wait for an answer to bytes that are still held."""
        if self._framer is None and self._head:
            self._decide(final=True)

    def end(self) -> None:
        """The stream has ended."""
        if self._framer is None:
            self._decide(final=True)
        if self._framer:
            self._framer.end()

    def frames(self) -> list[Frame]:
        """All frames complete since the last call; none before the decision."""
        return self._framer.frames() if self._framer else []

    def table(self) -> FrameTable:
        """The plain frames up to the first flawed one, as arrays."""
        return self._framer.table() if self._framer else FrameTable.of(())

    def _decide(self, *, final: bool) -> None:
        decision = guess(bytes(self._head), final=final)
        if decision is None:
            return
        name, self._guess = decision
        self._framer = self._make(name, max_frame_bytes=self._max_frame_bytes)
        self._framer.receive_data(self._head)
        self._head = bytearray()
