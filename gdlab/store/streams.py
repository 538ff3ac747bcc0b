"""Rows that were cut out of byte streams: given as they were written, and taken out of the blocks they are in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gdlab.messages import CODES, Direction, Event, TimeSource
from gdlab.store.blocks import Block
from gdlab.store.statistics import ProbeCounts

_EVENTS: Final = CODES["event"]
_SOURCES: Final = tuple(TimeSource)


class StreamRow(NamedTuple):
    """A row that was cut out of a stream; one without a word is the opening of a connection."""

    peer: int
    time_ns: int
    time_source: TimeSource
    word: str
    payload: bytes
    wire_bytes: int = 0


def stream_rows(blocks: Iterable[Block], peer: int | None = None, since_ns: int = 0) -> Iterator[StreamRow]:
    """Give the rows that were cut out of streams, as they were written, and the openings between them."""
    for block in blocks:
        columns = block.columns
        wanted = ((columns.word != 0) & (columns.time_ns >= since_ns)) | (
            columns.event == _EVENTS[Event.OPEN]
        )
        if peer is not None:
            wanted &= columns.peer == peer
        for row in np.flatnonzero(wanted).tolist():
            start, size = int(columns.offset[row]), int(columns.size[row])
            yield StreamRow(
                int(columns.peer[row]),
                int(columns.time_ns[row]),
                _SOURCES[columns.time_source[row]],
                block.words[columns.word[row]],
                block.arena[start : start + size].tobytes(),
                int(columns.wire[row]),
            )


class Taken(NamedTuple):
    """What is left of a block without its rows of streams, and what those were counted as."""

    block: Block
    #: Position of the first of them in the block as it was; None where there was none.
    first: int | None = None
    rows: int = 0
    messages: int = 0
    payload_bytes: int = 0
    errors: int = 0
    gaps: int = 0
    probes: ProbeCounts = ProbeCounts()


def taken(block: Block, peer: int | None = None, since_ns: int = 0) -> Taken:
    """Take the rows that were cut out of streams from a block.

    Parameters
    ----------
    peer : of this peer only; None for all. since_ns : not those from before.
    """
    columns = block.columns
    rows = (columns.word != 0) & (columns.time_ns >= since_ns)
    if peer is not None:
        rows &= columns.peer == peer
    if not rows.any():
        return Taken(block)
    messages = rows & (columns.event == _EVENTS[Event.MESSAGE])
    ours = block.own_probes()
    probes = ProbeCounts()
    if ours is not None:
        probes = probes.plus(Direction.IN, _count(messages & ours), int(columns.size[messages & ours].sum()))
    return Taken(
        block.without(rows),
        int(rows.argmax()),
        _count(rows),
        _count(messages),
        int(columns.size[messages].sum()),
        _count(rows & (columns.event == _EVENTS[Event.ERROR])),
        _count(rows & (columns.event == _EVENTS[Event.GAP])),
        probes,
    )


def _count(rows: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(rows))
