"""One behaviour suite for every framer."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Sequence

from gdlab.facts import Fact, Reason
from gdlab.framing import Frame, Framer, State
from gdlab.words import sentence

Make = Callable[[], Framer]

#: A framer may hold one frame of the limit, its header, and the byte that shows that it is longer.
HEADER_ALLOWANCE = 5


BROKEN, OVERSIZED = Fact(Reason.MALFORMED), Fact(Reason.OVERSIZED)
SKIPPED, INCOMPLETE = Fact(Reason.SKIPPED), Fact(Reason.INCOMPLETE)


def reason(frame: Frame) -> Reason | None:
    """What is wrong with a frame."""
    return frame.flaw.reason if frame.flaw else None


def read(make: Make, chunks: Iterable[bytes], *, by_table: bool = False, limit: int | None = None) -> Reading:
    """All frames of a stream that arrives in these chunks and then ends."""
    framer = make()
    frames: list[Frame] = []
    for chunk in chunks:
        framer.receive_data(chunk)
        frames += drain(framer, by_table=by_table)
        if limit is not None:
            assert framer.held_bytes <= limit + HEADER_ALLOWANCE
    framer.end()
    frames += drain(framer, by_table=by_table)
    assert framer.frames() == []  # each once
    assert framer.held_bytes == 0
    return Reading(framer, frames)


def drain(framer: Framer, *, by_table: bool) -> list[Frame]:
    if not by_table:
        return framer.frames()
    data, offsets, lengths, header_bytes = framer.table()
    plain = [
        Frame(data[offset : offset + length], header)
        for offset, length, header in zip(
            offsets.tolist(), lengths.tolist(), header_bytes.tolist(), strict=True
        )
    ]
    return plain + framer.frames()


class Reading:
    """What came out of a framer."""

    def __init__(self, framer: Framer, frames: list[Frame]) -> None:
        self.framer = framer
        self.frames = frames

    def accounted_bytes(self) -> int:
        """Bytes in frames, their framing, and those counted as dropped."""
        return self.framer.dropped_bytes + sum(len(f.payload) + f.header_bytes for f in self.frames)

    def comparable(self) -> tuple[object, ...]:
        """What must not depend on how the stream was cut."""
        frames = self.frames
        if self.framer.name == "raw":  # whose frames are the chunks; "auto" may end there
            frames = [Frame(b"".join(frame.payload for frame in frames))]
        if self.framer.state is State.ERROR:  # its last frame shows what had arrived
            last = frames[-1]
            frames = [*frames[:-1], last._replace(payload=b"")]
        error = self.framer.error
        return frames, self.framer.state, str(error), error and error.offset


def cuts(wire: bytes, at: Iterable[int]) -> list[bytes]:
    """The stream in pieces, cut at these positions."""
    places = [0, *sorted(at), len(wire)]
    return [wire[a:b] for a, b in itertools.pairwise(places)]


def byte_by_byte(wire: bytes) -> list[bytes]:
    return cuts(wire, range(1, len(wire)))


def random_cuts(wire: bytes, seed: int) -> list[bytes]:
    source = random.Random(seed)
    return cuts(wire, (source.randrange(len(wire) + 1) for _ in range(source.randrange(1, 12))))


def check_any_bytes(make: Make, wire: bytes, *ways: Sequence[bytes], limit: int) -> Reading:
    """Whatever the bytes: no exception, no byte lost without a count, bounded, and the same in any pieces."""
    whole = read(make, [wire], limit=None)
    assert whole.accounted_bytes() == len(wire)
    expected = whole.comparable()
    for chunks, by_table in itertools.product(ways, (False, True)):
        pieces = read(make, chunks, by_table=by_table, limit=limit)
        assert pieces.comparable() == expected
        assert pieces.accounted_bytes() == len(wire)
    assert all(
        len(frame.payload) <= limit for frame in whole.frames if reason(frame) is not Reason.INCOMPLETE
    )
    assert all(sentence(frame.flaw) for frame in whole.frames if frame.flaw)
    return whole


def check_framer(make: Make, wire: bytes, frames: Sequence[Frame | bytes], *, limit: int = 1 << 24) -> None:
    """The stream `wire` is these frames: whole, in any pieces, glued to itself, and cut short.

    Parameters
    ----------
    frames : payloads, or frames whose header and flaw are compared, too (of the flaw, the reason).
    """

    def agrees(found: list[Frame], wanted: Sequence[Frame | bytes]) -> None:
        assert [frame.payload for frame in found] == [
            want.payload if isinstance(want, Frame) else want for want in wanted
        ]
        for frame, want in zip(found, wanted, strict=True):
            flaw = reason(want) if isinstance(want, Frame) else None
            assert reason(frame) is flaw, frame.flaw
            if isinstance(want, Frame):
                assert frame.header_bytes == want.header_bytes

    whole = check_any_bytes(make, wire, byte_by_byte(wire), limit=limit)
    agrees(whole.frames, frames)
    for seed in range(20):
        agrees(read(make, random_cuts(wire, seed)).frames, frames)
    if len(wire) < 400:
        for middle in range(len(wire)):
            agrees(read(make, [wire[:middle], wire[middle:]]).frames, frames)
    if whole.framer.state is State.ENDED and not any(
        reason(frame) is Reason.INCOMPLETE for frame in whole.frames
    ):
        agrees(read(make, [wire + wire]).frames, [*frames, *frames])
        agrees(read(make, [wire, wire], by_table=True).frames, [*frames, *frames])
    # Cut short anywhere: what was complete stays the same.
    for length in {0, 1, len(wire) // 3, len(wire) // 2, max(0, len(wire) - 1)}:
        short = check_any_bytes(make, wire[:length], byte_by_byte(wire[:length]), limit=limit).frames
        while short and short[-1].flaw:
            short.pop()
        plain = [frame.payload for frame in short]
        wanted = [frame.payload for frame in whole.frames]
        if plain and len(plain) <= len(wanted) and plain[-1] != wanted[len(plain) - 1]:
            plain.pop()  # a number that the end of the stream completed early
        assert plain == wanted[: len(plain)]
