"""What a player sees of updates that come late: how large a buffer must be, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import groups, times_ns
from gdlab.analysis.sequence import numbered
from gdlab.analysis.source import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Buffers that are tried unless others are asked for, in milliseconds.
BUFFERS_MS: Final = (0, 10, 20, 33, 50, 75, 100, 150, 200, 300)


def playout(
    sender: Source,
    receiver: Source,
    *,
    seq: str | None = None,
    buffers_ms: Sequence[float] = BUFFERS_MS,
) -> pd.DataFrame:
    """Which updates are there when they should be drawn, if the receiver waits a little.

    A game that draws what others do shows each update a fixed time after it was sent: the fastest way that any took,
    and a buffer on top (an interpolation or jitter buffer). What comes later than that is as good as lost.

    Parameters
    ----------
    sender : a message table of who sent the updates, one stream going out.
    receiver : that of the program that got them. The two clocks need not agree, as only differences of the delay count.
    seq : column with the updates' numbers, as for `numbered`.
    buffers_ms : sizes of the buffer to try, in milliseconds.

    Returns
    -------
    One row per buffer: `buffer_ms` (index), `n` (int64: updates sent while both recorded), `lost` (int64: never came),
    `late` (int64: came when they should have been drawn already), `missing` (float64: the share of both), `longest`
    (int64: most missing updates in a row), `frozen_ms` (float64: how long nothing new could be drawn then).

    Raises
    ------
    ValueError : a buffer below 0; more than one stream in a table; no number that both have.
    """
    if any(buffer < 0 for buffer in buffers_ms):
        raise ValueError("a buffer cannot be below 0 ms")
    sent_at = _firsts(sender, seq, "out", "sender")
    came_at = _firsts(receiver, seq, "in", "receiver")
    both = sent_at.index.intersection(came_at.index)
    if not len(both):
        raise ValueError("no update was both sent and received; are these the two ends of one stream?")
    # What was sent before the receiver recorded, or after it ended, tells nothing.
    sent_at = sent_at.loc[both.min() : both.max()]
    delay_ms = (came_at.reindex(sent_at.index) - sent_at).to_numpy(dtype=np.float64) / 1e6
    extra_ms = delay_ms - np.nanmin(delay_ms)
    spacing_ms = float(np.median(np.diff(np.sort(sent_at.to_numpy())))) / 1e6 if len(sent_at) > 1 else 0.0
    lost = np.isnan(delay_ms)
    rows = []
    for buffer in buffers_ms:
        late = ~lost & (np.nan_to_num(extra_ms) > buffer)
        longest = _longest(lost | late)
        rows.append(
            (
                float(buffer),
                len(lost),
                int(lost.sum()),
                int(late.sum()),
                float((lost | late).mean()),
                longest,
                longest * spacing_ms,
            )
        )
    columns = ["buffer_ms", "n", "lost", "late", "missing", "longest", "frozen_ms"]
    return pd.DataFrame(rows, columns=columns).set_index("buffer_ms")


def _firsts(source: Source, seq: str | None, direction: str, name: str) -> pd.Series:
    """When each number first went by, in nanoseconds."""
    each = numbered(source, seq=seq, direction=direction)
    _, streams = groups(each, ("endpoint", "peer"))
    if len(streams) > 1:
        raise ValueError(
            f"the table of the {name} has {len(streams)} streams of numbered messages going {direction}; what one "
            "player sees can only be told of one: filter the table by peer and endpoint first"
        )
    each = each[each["status"] != "duplicate"]
    index = pd.MultiIndex.from_arrays([each["run"], each["seq"].to_numpy().view(np.int64)])
    times = pd.Series(times_ns(each), index=index)
    return times[~times.index.duplicated()].sort_index()


def _longest(missing: NDArray[np.bool_]) -> int:
    """The most in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missing, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
