"""How a frame was cut out of its stream, in one word: the column `framing` of the table.

The word is the framing's name wherever the frame's bytes follow from it, as they nearly always do: ``u32le`` before 20
bytes is ``14000000``. Otherwise it is followed by the bytes before and behind the payload, and by where the reads
ended inside the frame and when: ``json head=0a``, ``u32le reads=12@250000``. So the table keeps a stream as it
arrived, and `reread` can read it again in another framing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final, NamedTuple

from gdlab.errors import FramingError
from gdlab.framing.names import encode

#: Reads that are kept of one frame; of more the times in between are left out.
MAX_READS: Final = 1000

#: Bytes before or behind a payload that a word holds; longer ones are a hole.
MAX_AROUND_BYTES: Final = 1 << 20


class Mark(NamedTuple):
    """What a word says.

    Attributes
    ----------
    head, tail : bytes around the payload; None where they follow from the name.
    reads : reads that ended inside the frame: how many of its bytes came with each, and how many nanoseconds before
        the read that completed it.
    hole : bytes are missing here, which were dropped.
    """

    name: str
    head: bytes | None = None
    tail: bytes | None = None
    reads: tuple[tuple[int, int], ...] = ()
    hole: bool = False


def written(mark: Mark) -> str:
    """Return the word for a mark."""
    parts = [mark.name]
    if mark.head is not None or mark.tail is not None:
        parts.append(f"head={(mark.head or b'').hex()}")
        if mark.tail:
            parts.append(f"tail={mark.tail.hex()}")
    if mark.reads:
        parts.append("reads=" + ",".join(f"{count}@{before}" for count, before in mark.reads))
    if mark.hole:
        parts.append("hole")
    return " ".join(parts)


@functools.lru_cache(maxsize=4096)
def parsed(word: str) -> Mark:
    """Understand a word; what a damaged file made of it is a hole.

    Raises
    ------
    Nothing : a word that cannot be read is a mark with a hole.
    """
    name, *parts = word.split(" ")
    head = tail = None
    reads: tuple[tuple[int, int], ...] = ()
    hole = False
    try:
        for part in parts:
            key, _, value = part.partition("=")
            if key == "head":
                head, tail = bytes.fromhex(value), tail or b""
            elif key == "tail":
                tail = bytes.fromhex(value)
            elif key == "reads":
                pairs = (one.split("@") for one in value.split(",")[:MAX_READS])
                reads = tuple((max(0, int(count)), int(before)) for count, before in pairs)
            elif key == "hole":
                hole = True
    except ValueError:
        return Mark(name, b"", b"", (), hole=True)
    return Mark(name, head, tail, reads, hole)


def mark_of(
    name: str, payload: bytes, raw: bytes | None, reads: Sequence[tuple[int, int]] = (), *, known: bool = True
) -> Mark:
    """Return the mark of a frame.

    Parameters
    ----------
    raw : the frame's bytes as they were in the stream; None where they follow from the name.
    known : whether the name alone says how to frame a payload, as that of a function of the user's does not.
    """
    kept = tuple(reads)
    if raw is None or (known and _follows(name, payload, raw)):
        return Mark(name, reads=kept)
    if len(raw) - len(payload) > MAX_AROUND_BYTES:
        return Mark(name, b"", b"", kept, hole=True)
    at = max(0, raw.find(payload))
    return Mark(name, raw[:at], raw[at + len(payload) :], kept)


def raw_of(mark: Mark, payload: bytes) -> bytes:
    """Return the bytes of a frame as they were in the stream."""
    if mark.head is not None or mark.tail is not None:
        return (mark.head or b"") + payload + (mark.tail or b"")
    if mark.hole:
        return payload
    try:
        return encode(mark.name, payload)
    except FramingError:  # a name of somebody's registration, or a damaged file
        return payload


def _follows(name: str, payload: bytes, raw: bytes) -> bool:
    try:
        return encode(name, payload) == raw
    except FramingError:
        return False
