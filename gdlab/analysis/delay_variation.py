"""Delay of one way above the least there was: from the sender's times alone, no answer needed.

The difference of two clocks is no delay. But how it changes is: what is above its lowest value was waiting, once the
drift of the clocks is taken out. RFC 5481 calls this packet delay variation, PDV.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.arrivals import UNIT_US, runs_of_clock, sent_times
from gdlab.analysis.columns import PEER, groups, names_of, order, require, time_index, times_ns
from gdlab.analysis.placing import by_row
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Fewer messages of a sender show no least delay that could be trusted.
LEAST_MESSAGES: Final = 20
#: Stretches of time of which the lowest points are looked at first.
_STRETCHES: Final = 512
#: Drifts beyond are not of a clock: the fastest that NTP turns one.
_MOST_PPM: Final = 500.0


@by_row
def delay_above_least(
    table: Source, *, sent: str | None = None, unit: str = "us", by: str | Sequence[str] = PEER
) -> pd.DataFrame:
    """How much longer than the fastest each message took, by the time that its sender wrote into it.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`; any order, may be empty.
    sent : column with the sender's clock when it sent, such as ``"v.t_us"``. By default the `t_us` of the
        probe messages that arrived, pings only.
    unit : what `sent` counts in: ``s``, ``ms``, ``us`` or ``ns``.
    by : columns that tell the senders apart, such as ``"v.id"``; by default the peers.

    Returns
    -------
    One row per message of a sender with at least 20, in order of arrival: `time`, the columns `by`, `above_ms`
    (float64, at least 0: delay above the least), `drift_ppm` (float64: how much faster our clock runs than the
    sender's, as taken out), `n` (int64: messages that the least was taken over). It is not a delay: the least itself is
    unknown.

    Raises
    ------
    KeyError
        If there is no column `sent`.
    ValueError
        If `unit` is not known, or no sender has 20 messages.

    Notes
    -----
    Packet delay variation of RFC 5481 section 4.2, with the reference at the lower edge. Drift is that of the line
    which runs below all differences and closest to them (Moon, Skelly, Towsley, 1999), at most 500 ppm: it needs a
    fast message now and then, over tens of seconds. A network whose least delay rises or falls steadily looks like
    drift. A clock that goes back by more than a second starts anew.
    """
    by = names_of(by)
    table = table_of(table, sent, *by)
    if unit not in UNIT_US:
        raise ValueError(f"unit is one of {', '.join(UNIT_US)}, not {unit!r}")
    require(table, ("time", "endpoint", "peer", "direction", "event", *by))
    stamps = times_ns(table)
    rows, theirs = sent_times(table, sent, UNIT_US[unit])
    subset = table[list(by)].iloc[rows]
    ids, _ = groups(subset, by)
    sequence = order(ids, stamps[rows])
    when, theirs = stamps[rows][sequence], theirs[sequence]
    begins = runs_of_clock(ids[sequence], theirs)
    edges = [*np.flatnonzero(begins).tolist(), len(rows)]
    above, drift, n = np.full(len(rows), np.nan), np.full(len(rows), np.nan), np.zeros(len(rows), np.int64)
    for first, last in pairwise(edges):
        here = slice(first, last)
        if last - first < LEAST_MESSAGES:
            continue
        ours = (when[here] - when[first]) / 1e3
        difference = ours - (theirs[here] - theirs[first])
        above[here], drift[here] = _above(ours / 1e6, difference)
        n[here] = last - first
    if not n.any():
        raise ValueError(
            f"no delay above the least: {LEAST_MESSAGES} messages of one sender with its time are needed, and the "
            f"most that one has are {int(np.diff(edges).max(initial=0))}. Give the column with the time (sent=)"
        )
    told = np.flatnonzero(n)
    told = told[np.lexsort((sequence[told], when[told]))]
    taken = sequence[told]
    return pd.DataFrame(
        {
            "time": time_index(when[told]),
            **{name: subset[name].array.take(taken) for name in by},
            "above_ms": above[told] / 1e3,
            "drift_ppm": drift[told],
            "n": n[told],
        },
        index=pd.Index(rows[taken]),
    )


def _above(x: Floats, y: Floats) -> tuple[Floats, float]:
    """How far points lie above the line that is below them all and closest to them; and how it rises."""
    kept = _lowest(x, y)
    middle = float(x.mean())
    for _ in range(64):
        level, drift = _edge(x[kept], y[kept], middle)
        left = y - level - drift * x
        below = np.flatnonzero(left < -1e-6)
        if not len(below):
            break
        # What lies below the line that some points gave is a corner of the hull, too.
        kept = np.unique(np.concatenate([kept, below[_lowest(x[below], left[below])]]))
    return np.maximum(left - min(float(left.min()), 0.0), 0.0), drift


def _lowest(x: Floats, y: Floats) -> NDArray[np.int64]:
    """The lowest point of each stretch."""
    span = max(float(np.ptp(x)), 1e-9)
    stretch = ((x - x.min()) / span * (_STRETCHES - 1)).astype(np.int64)
    ordered = np.lexsort((y, stretch))
    return ordered[np.flatnonzero(np.diff(stretch[ordered], prepend=-1))]


def _edge(x: Floats, y: Floats, middle: float) -> tuple[float, float]:
    """The edge of the lower hull at `middle`, as level and rise; the rise within what clocks do."""
    hull: list[int] = []
    ordered = np.lexsort((y, x)).tolist()
    for each in ordered:
        while len(hull) > 1 and _turns_down(x, y, hull[-2], hull[-1], each):
            hull.pop()
        if not hull or x[each] > x[hull[-1]]:
            hull.append(each)
    drift = 0.0
    for left, right in pairwise(hull):
        drift = float((y[right] - y[left]) / (x[right] - x[left]))
        if x[right] >= middle:
            break
    drift = float(np.clip(drift, -_MOST_PPM, _MOST_PPM))
    return float((y - drift * x).min()), drift


def _turns_down(x: Floats, y: Floats, first: int, second: int, third: int) -> bool:
    return bool(
        (y[second] - y[first]) * (x[third] - x[first]) >= (y[third] - y[first]) * (x[second] - x[first])
    )
