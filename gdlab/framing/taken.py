"""What a reader of a stream is given, and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gdlab.facts import US, Fact, Reason
from gdlab.framing.frames import Frame, FrameTable
from gdlab.framing.guess import Guess


class Read(NamedTuple):
    """What one read returned, and when."""

    data: bytes
    time_ns: int


class Batch(NamedTuple):
    """Frames that one read completed.

    Attributes
    ----------
    before : a plain frame that stands before the others.
    table : plain frames, before `frames`.
    first_word : the word of the first of `before` and `table`; the rest of them has `word`.
    words : one for each of `frames`: how it was cut, see `marks`.
    """

    time_ns: int
    frames: Sequence[Frame] = ()
    words: Sequence[str] = ()
    before: Frame | None = None
    table: FrameTable | None = None
    first_word: str = ""
    word: str = ""

    def __bool__(self) -> bool:
        """Whether it has any frame."""
        return bool(self.frames) or self.before is not None or self.table is not None


class Taken(NamedTuple):
    """What a read, a pause or the end made known.

    Attributes
    ----------
    withdrawn : all frames of this stream that were given before are void: these stand for the whole stream.
    failed : a certain guess has failed, and why; `StreamReader.again` wants the whole stream from its first byte.
    error : a framing chosen by name is broken, and no next frame can be found.
    """

    batches: Sequence[Batch] = ()
    withdrawn: bool = False
    failed: Fact | None = None
    error: Fact | None = None


def fact_of(found: Guess) -> Fact:
    """What a row says of a guess: the framing, how sure it is, and the evidence."""
    return Fact.of(
        Reason.FRAMING_GUESSED,
        by=US,
        case=found.case,
        framing=found.name,
        certain=int(found.certain),
        frames=found.frames,
        bits=found.bits,
        waits_for=found.waits_for,
        protocol=found.protocol,
    )
