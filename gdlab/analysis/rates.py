"""Messages and bytes per second, in bins of time.

A rate is a count divided by the time in which it could be counted. Two things make that less simple than it
sounds, and both are decided here once:

- The capture was only running from its first to its last row (or over `span`, where the caller knows better),
  so the last bin is usually cut. Its rate is over the covered part; where less than half is covered there is
  none.
- A `gap` row says that messages are missing between the row before it, of the same endpoint, and itself. A
  bin touched by that time is not `complete`: what it counted is a lower bound, and if it counted nothing, its
  rate is not 0 but unknown (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import (
    STREAM,
    codes,
    equals,
    firsts,
    group_rows,
    in_time,
    labels_of,
    names_of,
    order,
    require,
    time_index,
    times_ns,
)
from gdlab.analysis.probes import messages_of
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NS: Final = 1_000_000_000
#: Bins of the automatic width at most: about as many as a plot can show.
AUTOMATIC_BINS: Final = 200
#: Messages of a group that a bin of the automatic width has on average: below, bins show counting noise.
AUTOMATIC_MESSAGES: Final = 5
#: Cells (bins times groups) of a result at most; a file with wrong times must not take the memory.
MAX_CELLS: Final = 4_000_000


def rates(
    table: Source,
    *,
    bin_s: float | None = None,
    by: str | Sequence[str] = STREAM,
    top: int | None = None,
    span: tuple[pd.Timestamp, pd.Timestamp] | None = None,
    probes: bool = False,
) -> pd.DataFrame:
    """Messages and bytes per second of each peer and direction.

    Parameters
    ----------
    table : columns `time`, `event`, `size_bytes`, `wire_bytes` and those of `by`; any order, may be empty.
    bin_s : width of a bin in seconds; by default the smallest of 0.01, 0.02, 0.05, 0.1, ... that makes at
        most 200 bins, and fewer (down to 20) where a bin would have fewer than five messages.
    by : columns that tell groups apart, or one, such as ``"v.type"``; ``()`` for all messages together.
    top : keep this many groups, those with the most messages, and merge the rest into one (its columns are
        missing values). All groups by default.
    span : when the capture was running, as UTC times; by default from the first to the last row of any event.
    probes : include our own pings and their answers, which are gdlab's messages and not the game's.

    Returns
    -------
    One row for each bin and group, sorted by group (in order of first message), then time:
    `time` (start of the bin), the columns `by`, `messages` (int64, the sample size of the rates),
    `messages_hz`, `goodput_bytes_s` (payload bytes per second), `wire_bytes_s` (the estimate with headers),
    all float64, NaN where unknown; `covered_s`; `complete` (False: a lower bound, messages are known to be
    missing). ``attrs["bin_s"]`` is the width. The start of a bin belongs to it, its end to the next.

    Raises
    ------
    ValueError
        If `bin_s` is not positive, `span` ends before it begins, or the result would have over 4,000,000
        rows.

    Notes
    -----
    The error of a rate is that of counting: one message more or less in a bin, ``1 / bin_s`` Hz, plus the
    variation of the traffic itself. Goodput is payload bytes per second as in RFC 2647 section 3.17, without its
    subtraction of retransmissions, which only loss-free streams have.
    """
    by = names_of(by)
    table = table_of(table, *by)
    require(table, ("time", "event", "size_bytes", "wire_bytes", *by))
    stamps = times_ns(table)
    start, end = _span(stamps, span)
    rows = _within(table, start, end, probes=probes)
    ids, first = group_rows(table, by, rows)
    some = bool(len(stamps)) or span is not None
    bins = bins_for(start, end, bin_s=bin_s, top=top, messages=len(rows), groups=len(first), some=some)
    counts = _counted(table, rows, ids, labels_of(table, by, rows[first]), rows[first], bins)
    return finished(counts, _gaps(table, stamps), bins=bins, by=by, top=top)


@dataclass(frozen=True, slots=True)
class Bins:
    """Stretches of time: `count` of `width` nanoseconds each from `start`, the last one cut at `end`."""

    start: int
    end: int
    width: int
    count: int


def bins_for(
    start: int, end: int, *, bin_s: float | None, top: int | None, messages: int, groups: int, some: bool
) -> Bins:
    """Bins as asked for, else of a width that suits so many messages of so many groups; none of nothing."""
    shown = groups if top is None else min(groups, top + 1)
    width = _width_ns(end - start, bin_s, messages / max(shown, 1))
    bins = int((end - start) // width) + 1 if some else 0
    if max(bins * shown, bins) > MAX_CELLS:
        raise ValueError(
            f"{bins} bins of {width / NS:g} s for {shown} groups make {bins * shown} rows, over {MAX_CELLS}; "
            f"take a larger bin_s, fewer groups (top=8), or by=()"
        )
    return Bins(start, end, width, bins)


@dataclass(frozen=True, slots=True)
class Counted:
    """Messages of some rows, by group and bin; only cells that have some.

    Attributes
    ----------
    labels : one row per group. first : (groups,) position of the first message of each.
    group, bin : (cells,) int64. messages : (cells,) int64. payload, wire : (cells,) float64, bytes.
    """

    labels: pd.DataFrame
    first: NDArray[np.int64]
    group: NDArray[np.int64]
    bin: NDArray[np.int64]
    messages: NDArray[np.int64]
    payload: NDArray[np.float64]
    wire: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gap rows: the endpoint's number among `endpoints`, their time, and that of the row of the endpoint before.

    Where there is none before, messages may be missing from the beginning on: then that time is the least integer.
    """

    endpoints: pd.Index
    endpoint: NDArray[np.int64]
    at: NDArray[np.int64]
    before: NDArray[np.int64]


def grouped(
    table: pd.DataFrame, *, by: Sequence[str], start: int, end: int, probes: bool
) -> tuple[pd.DataFrame, NDArray[np.int64], int]:
    """The groups of the messages between two times, the position of the first of each, and how many there are."""
    rows = _within(table, start, end, probes=probes)
    _, first = group_rows(table, by, rows)
    return labels_of(table, by, rows[first]), rows[first], len(rows)


def _within(table: pd.DataFrame, start: int, end: int, *, probes: bool) -> NDArray[np.int64]:
    stamps = times_ns(table)
    return np.flatnonzero(messages_of(table, probes=probes) & (stamps >= start) & (stamps <= end))


def counted(table: pd.DataFrame, *, by: Sequence[str], bins: Bins, probes: bool) -> Counted:
    """Count the messages of some rows."""
    rows = _within(table, bins.start, bins.end, probes=probes)
    ids, first = group_rows(table, by, rows)
    return _counted(table, rows, ids, labels_of(table, by, rows[first]), rows[first], bins)


def _counted(
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    ids: NDArray[np.int64],
    labels: pd.DataFrame,
    first: NDArray[np.int64],
    bins: Bins,
) -> Counted:
    where = ids * bins.count + _bin(times_ns(table)[rows], bins)
    cells = bins.count * len(labels)
    if cells <= MAX_CELLS:
        filled = np.flatnonzero(np.bincount(where, minlength=cells))
    else:  # far more groups than will be shown
        filled, where = np.unique(where, return_inverse=True)
        cells = len(filled)
    every = np.arange(cells) if cells == len(filled) else filled

    def total(weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
        return np.bincount(where, weights, minlength=cells)[every].astype(np.float64)

    size, wire = (table[name].to_numpy(dtype=np.float64)[rows] for name in ("size_bytes", "wire_bytes"))
    return Counted(
        labels,
        first,
        filled // max(bins.count, 1),
        filled % max(bins.count, 1),
        total(None).astype(np.int64),
        total(size),
        total(wire),
    )


def _bin(stamps_ns: NDArray[np.int64], bins: Bins) -> NDArray[np.int64]:
    """Which bin each time lies in; (n,) int64."""
    if bins.count < len(stamps_ns) and in_time(stamps_ns):
        edges = bins.start + bins.width * np.arange(1, bins.count)
        return np.repeat(
            np.arange(bins.count),
            np.diff(np.searchsorted(stamps_ns, edges), prepend=0, append=len(stamps_ns)),
        )
    # Without a sign: from first to last there may be more than 63 bits of nanoseconds.
    since = stamps_ns.view(np.uint64) - np.uint64(bins.start % 2**64)
    return (since // np.uint64(bins.width)).astype(np.int64)


def finished(counts: Counted, gaps: Gaps, *, bins: Bins, by: Sequence[str], top: int | None) -> pd.DataFrame:
    """The table of `rates` of what was counted."""
    n, width, start, end = bins.count, bins.width, bins.start, bins.end
    weights = counts.messages.astype(np.float64)
    size = np.bincount(counts.group, weights=weights, minlength=len(counts.labels)).astype(np.int64)
    renumber, labels = _merged(size, counts.labels, top)
    where = renumber[counts.group] * n + counts.bin
    cells = n * len(labels)
    count = np.bincount(where, weights=weights, minlength=cells).astype(np.int64)
    payload = np.bincount(where, weights=counts.payload, minlength=cells)
    wire = np.bincount(where, weights=counts.wire, minlength=cells)

    edges = start + width * np.arange(n, dtype=np.int64)
    covered = np.minimum(end - edges, width) / NS
    missing = _missing(gaps, start, width, n, labels)
    seconds = np.tile(np.where(covered >= width / NS / 2, covered, np.nan), len(labels))
    seconds[missing.ravel() & (count == 0)] = np.nan

    result = pd.DataFrame({"time": time_index(np.tile(edges, len(labels)))})
    for name in by:
        result[name] = labels[name].repeat(n).array
    result["messages"] = count
    result["messages_hz"] = count / seconds
    result["goodput_bytes_s"] = payload / seconds
    result["wire_bytes_s"] = wire / seconds
    result["covered_s"] = np.tile(covered, len(labels))
    result["complete"] = ~missing.ravel()
    result.attrs["bin_s"] = width / NS
    return result


def _span(stamps: NDArray[np.int64], span: tuple[pd.Timestamp, pd.Timestamp] | None) -> tuple[int, int]:
    """First and last nanosecond of the capture."""
    if span is not None:
        start, end = (pd.Timestamp(moment).as_unit("ns").value for moment in span)
        if end < start:
            raise ValueError(f"span ends ({span[1]}) before it begins ({span[0]})")
        return start, end
    if not len(stamps):
        return 0, 0
    return int(stamps.min()), int(stamps.max())


def _width_ns(duration_ns: int, bin_s: float | None, messages_per_group: float) -> int:
    """Width of a bin: what was asked for, else the first wide enough of 1, 2, 5 times a power of ten."""
    if bin_s is not None:
        asked: object = bin_s  # what a notebook gives need not be a number
        if not isinstance(asked, Real) or not 0 < float(asked) < np.inf:
            raise ValueError(f"bin_s is a number of seconds above 0, not {bin_s!r}")
        return max(1, round(bin_s * NS))
    width = NS // 100
    most = np.clip(messages_per_group / AUTOMATIC_MESSAGES, 20, AUTOMATIC_BINS)
    for factor in (2, 2.5, 2) * 12:  # 10 ms, 20 ms, 50 ms, 100 ms, ...
        if duration_ns // width < most:
            break
        width = int(width * factor)
    return width


def _merged(
    size: NDArray[np.int64], labels: pd.DataFrame, top: int | None
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """New numbers of the groups, the `top` largest and one of the rest in their order; and the labels of these."""
    if top is None or len(labels) <= top:
        return np.arange(len(labels)), labels
    kept = np.sort(np.argsort(-size, kind="stable")[:top])
    renumber = np.full(len(labels), top, dtype=np.int64)
    renumber[kept] = np.arange(top)
    # `reindex` with a position that is not there appends a row of missing values for the rest.
    return renumber, labels.reindex([*kept.tolist(), len(labels)]).reset_index(drop=True)


def _gaps(table: pd.DataFrame, stamps: NDArray[np.int64]) -> Gaps:
    """The gaps of a table."""
    endpoints, values = codes(table, "endpoint")
    gap = np.flatnonzero(equals(table, "event", "gap"))
    before = np.full(len(stamps), np.iinfo(np.int64).min, dtype=np.int64)
    if len(gap):
        sequence = order(endpoints, stamps)
        follows = ~firsts(endpoints[sequence])
        before[sequence[follows]] = stamps[np.roll(sequence, 1)[follows]]
    return Gaps(values, np.asarray(endpoints, np.int64)[gap], stamps[gap], before[gap])


def _missing(gaps: Gaps, start: int, width: int, bins: int, labels: pd.DataFrame) -> NDArray[np.bool_]:
    """(groups, bins) bool: the bins in which messages of the group are known to be missing."""
    # One row per endpoint, and at the end (where -1 points) one for groups that may be of any endpoint.
    marks = np.zeros((len(gaps.endpoints) + 1, bins + 1), dtype=np.int64)
    if bins and len(gaps.at):
        first = np.clip((np.maximum(gaps.before, start) - start) // width, 0, bins)
        last = np.clip((gaps.at - start) // width, -1, bins - 1)
        for rows in (gaps.endpoint, np.full(len(gaps.at), -1)):
            np.add.at(marks, (rows, first), 1)
            np.add.at(marks, (rows, last + 1), -1)
    touched = np.cumsum(marks[:, :bins], axis=1) > 0
    if "endpoint" not in labels.columns:
        return np.repeat(touched[-1:], len(labels), axis=0)
    return np.asarray(touched[gaps.endpoints.get_indexer(pd.Index(labels["endpoint"]))])
