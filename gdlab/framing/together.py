"""Frames with a length before them, of several reads at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdlab.framing.frames import FrameTable
from gdlab.framing.marks import Mark, written
from gdlab.framing.prefix import PrefixFramer
from gdlab.framing.taken import Read


class Together(NamedTuple):
    """Plain frames that several reads completed.

    Attributes
    ----------
    time_ns : (n,) int64, of the read that completed each.
    word : of all but some. words : of those that lie in several reads, with their numbers.
    size : bytes of all of them; what is behind them has not been taken.
    """

    table: FrameTable
    time_ns: NDArray[np.int64]
    word: str
    words: Sequence[tuple[int, str]]
    size: int


def together(made: PrefixFramer, reads: Sequence[Read], name: str) -> Together | None:
    """Take the plain frames at the beginning of some reads.

    Returns
    -------
    None where something is held, or there is no such frame: nothing has happened then.
    """
    table = made.scanned(b"".join([data for data, _ in reads]))
    if table is None or not len(table.lengths):
        return None
    ends = table.offsets + table.lengths
    bounds = np.cumsum([len(data) for data, _ in reads])
    times = np.array([time_ns for _, time_ns in reads], np.int64)
    completed = ends.searchsorted(bounds, "right")
    words = []
    for frame in sorted({one for one in completed.tolist() if one < len(ends)}):
        at, end = int(table.offsets[frame]) - made.prefix.header_bytes, int(ends[frame])
        then = int(times[int(bounds.searchsorted(end))])
        before = []
        for bound, (_, time_ns) in zip(bounds.tolist(), reads, strict=True):
            if at < bound < end:
                before.append((bound - at, then - time_ns))
                at = bound
        if before:
            words.append((frame, written(Mark(name, reads=tuple(before)))))
    each_ns = np.repeat(times, np.diff(completed, prepend=0))
    return Together(table, each_ns, name, words, int(ends[-1]))
