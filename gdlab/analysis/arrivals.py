"""The times between arrivals, with and without the sender's clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import (
    PEER,
    cells_of,
    codes,
    equals,
    firsts,
    group_rows,
    in_time,
    messages,
    names_of,
    order,
    require,
    starts_of,
    time_index,
    times_ns,
)
from gdlab.analysis.gathering import at, column_at, picked
from gdlab.analysis.placing import by_row
from gdlab.analysis.probes import messages_of
from gdlab.analysis.probes import probes as probes_of
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.stamps import carried, with_stamps
from gdlab.analysis.together import together
from gdlab.analysis.truths import stamped, truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Microseconds in the units a sender's clock may count in.
UNIT_US: Final = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
#: RFC 3550 section 6.4.1: the gain of the filter, "a good noise reduction ratio while maintaining a
#: reasonable rate of convergence".
GAIN: Final = 1 / 16
#: Runs that have so many messages on average are filtered one by one; the shorter ones together, which costs more for
#: each message and less for each run.
_LONG_RUNS: Final = 2000
#: Where nothing was before; neither a time nor a number of runs.
_NONE: Final = np.iinfo(np.int64).min
#: A sender's clock that goes back by more has started anew; messages overtake each other by less.
RESTART_US: Final = 1e6


@by_row
def inter_arrival(
    table: Source, *, direction: str = "in", probes: bool = False, by: str | Sequence[str] = PEER
) -> pd.DataFrame:
    """Time between each message of a peer and the one before it.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`; any order, may be empty.
    direction : ``in`` for what arrived, ``out`` for what was sent.
    probes : include our own pings and their answers, which are gdlab's messages and not the game's.
    by : columns that tell the streams apart, such as ``"v.type"``; by default those of each peer.

    Returns
    -------
    One row per message, in order of time: `time`, the columns `by`, `iat_ms` (float64, at least 0; NaN for
    the first message of each peer, and for the first after a `gap` row of the endpoint, since messages are
    missing before it). The sample size of a peer is its number of values.

    Notes
    -----
    This is the difference of two arrivals and needs no clock but the capture's; it mixes what the sender did
    with what the network did. Only `jitter` takes the sender's part out.
    """
    by = names_of(by)
    table = table_of(table, *by)
    require(table, ("time", "endpoint", "peer", "direction", "event", *by))
    stamps = times_ns(table)
    rows = np.flatnonzero(messages_of(table, direction, probes=probes))
    times = picked(stamps, rows)
    if not in_time(times):
        sequence = np.argsort(times, kind="stable")
        rows, times = rows[sequence], times[sequence]
    numbers, size = cells_of(table, by, rows)
    # Of categories, also those that do not occur: so pandas takes the numbers as they are and looks for none.
    cells = pd.CategoricalIndex(pd.Categorical.from_codes(numbers, pd.RangeIndex(size), validate=False))
    before = _before(times, cells)
    between = (times - before) / 1e6
    between[before == _NONE] = np.nan
    run = _runs(table, stamps)
    if run is not None:
        run = picked(run, rows)
        between[run != _before(run, cells)] = np.nan
    return _in_time(table, rows, times, by, "iat_ms", between)


def _before(values: NDArray[np.int64], cells: pd.CategoricalIndex[int]) -> NDArray[np.int64]:
    """The value that stands before each in its cell; (n,) int64, `_NONE` where it is the first."""
    grouped = pd.Series(values, copy=False).groupby(cells, observed=False)
    return np.asarray(grouped.shift(fill_value=_NONE), dtype=np.int64)


@by_row
def jitter(
    table: Source, *, sent: str | None = None, unit: str = "us", by: str | Sequence[str] = PEER
) -> pd.DataFrame:
    """Inter-arrival jitter by the estimator of RFC 3550 section 6.4.1.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`; any order, may be empty. For a relay, or a file
        that one saved, it is what goes out, with the times at which it came in, from the relay's truth.
    sent : column with the sender's clock when it sent, such as ``"v.t_us"``. By default the `t_us` of the
        probe messages that arrived, pings only (an answer or echo carries our own time); without any, that of messages
        that carry `seq` and `t_us`, as those of `Capture.gdscript` do.
    unit : what `sent` counts in: ``s``, ``ms``, ``us`` or ``ns``.
    by : columns that tell the senders apart, such as ``"v.id"``; by default the peers.

    Returns
    -------
    One row per message that arrived with a time of its sender, in order of arrival: `time`, the columns `by`,
    `jitter_ms` (float64; NaN for the first message of each peer and for the first after its clock went back
    by more than a second, as after a restart; such a start also starts the estimate). The sample size of a
    value is the number of messages of the peer up to it, less one; the filter forgets, so that it stands for
    about the last 16.

    Raises
    ------
    KeyError
        If there is no column `sent`.
    ValueError
        If `unit` is not known.

    Notes
    -----
    With R the arrival and S the sending of consecutive arrivals, ``D = (R1 - R0) - (S1 - S0)`` and
    ``J += (|D| - J) / 16``, J starting at 0. The two clocks are never subtracted from each other, so their
    offset does not matter; their drift adds to D by drift times interval (100 ppm of 16.7 ms: 1.7 us). A
    sender's clock in whole milliseconds hides jitter below one.

    What it estimates is the mean of ``|D|``. As it forgets, more messages do not make it more certain: of delays that
    do not depend on each other and are exponential, single values scatter by 23 % (standard deviation) around it.
    """
    by = names_of(by)
    known = truth_of(table) if sent is None else None
    if known is not None:
        table, sent, unit = stamped(*known), "entered_ns", "ns"
    if unit not in UNIT_US:
        raise ValueError(f"unit is one of {', '.join(UNIT_US)}, not {unit!r}")
    with together():  # probes are looked for once
        table = table_of(with_stamps(table) if sent is None else table, sent, *by)
        require(table, ("time", "endpoint", "peer", "direction", "event", *by))
        rows, sent_us = sent_times(table, sent, UNIT_US[unit])
    arrivals = Arrivals.of(table, times_ns(table), rows, by)
    sent_us = at(sent_us, arrivals.sequence)
    difference = np.zeros(len(rows))
    difference[1:] = np.diff(arrivals.when) / 1e3 - np.diff(sent_us)
    begins = _clock_starts(arrivals.starts, sent_us)
    difference[begins] = 0.0
    values = _filtered(np.abs(difference, out=difference), begins) / 1e3
    values[begins] = np.nan
    return arrivals.by_time(table, by, "jitter_ms", values)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Some rows of a table in order of sender, then time.

    Attributes
    ----------
    rows : (n,) int64, positions in the table. times : (n,) int64, nanoseconds of each.
    sequence : (n,) int64, positions in `rows`, in that order. when : (n,) int64, nanoseconds in that order.
    starts : (senders,) int64, where each begins in that order.
    """

    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    sequence: NDArray[np.int64]
    when: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        stamps_ns: NDArray[np.int64],
        rows: NDArray[np.int64],
        by: Sequence[str],
    ) -> Arrivals:
        """Put rows of a table in order; `stamps_ns` are the times of all its rows."""
        ids, first = group_rows(table, by, rows)
        times = picked(stamps_ns, rows)
        sequence = order(ids, times)
        return cls(rows, times, sequence, at(times, sequence), starts_of(ids, len(first)))

    def by_time(
        self, table: pd.DataFrame, by: Sequence[str], name: str, values: NDArray[np.float64]
    ) -> pd.DataFrame:
        """`values`, which are in order of sender, as column `name` of a table in order of time."""
        rows, times, there = self.rows, self.times, np.empty(len(values))
        there[self.sequence] = values
        if not in_time(times):
            source = np.argsort(times, kind="stable")
            rows, times, there = rows[source], times[source], there[source]
        return _in_time(table, rows, times, by, name, there)


def _in_time(
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    times: NDArray[np.int64],
    by: Sequence[str],
    name: str,
    values: NDArray[np.float64],
) -> pd.DataFrame:
    """`values` of some rows of a table, all in order of time, as its column `name`."""
    columns = {"time": time_index(times), **{column: column_at(table, column, rows) for column in by}}
    # All of these were made here: nothing is shared that a copy would keep apart.
    return pd.DataFrame({**columns, name: values}, index=pd.Index(rows, copy=False), copy=False)


def runs_of_clock(ids: NDArray[np.int64], sent_us: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the sender's clock starts: at the first message of each sender, and after it went back; (n,) bool."""
    begins = firsts(ids)
    begins[1:] |= np.diff(sent_us) < -RESTART_US
    return begins


def _clock_starts(starts: NDArray[np.int64], sent_us: NDArray[np.float64]) -> NDArray[np.int64]:
    """As `runs_of_clock`, as positions; `starts` are those of the senders."""
    back = np.flatnonzero(np.diff(sent_us) < -RESTART_US) + 1
    return np.union1d(starts, back) if len(back) else starts


def _filtered(values: NDArray[np.float64], begins: NDArray[np.int64]) -> NDArray[np.float64]:
    """The filter of RFC 3550 over each of some runs, which begin at these positions with a value of 0."""
    # `ewm` without adjustment is the recurrence of the RFC: y = x at the start (here 0), then y += gain * (x - y).
    series = pd.Series(values, copy=False)
    if len(values) < _LONG_RUNS * len(begins):
        lengths = np.diff(begins, append=len(values))
        runs = series.groupby(np.repeat(np.arange(len(begins)), lengths))
        return np.asarray(runs.ewm(alpha=GAIN, adjust=False).mean().to_numpy(), dtype=np.float64)
    filtered = np.empty(len(values))
    for first, last in pairwise([*begins.tolist(), len(values)]):
        filtered[first:last] = series.iloc[first:last].ewm(alpha=GAIN, adjust=False).mean().to_numpy()
    return filtered


def _runs(table: pd.DataFrame, stamps: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Number of gap rows of the endpoint up to each row; (n,) int64, None without any."""
    gap = equals(table, "event", "gap")
    if not gap.any():
        return None
    endpoints, _ = codes(table, "endpoint")
    sequence = order(endpoints, stamps)
    runs = np.empty(len(table), dtype=np.int64)
    runs[sequence] = np.cumsum(gap[sequence])
    return runs


def sent_times(
    table: pd.DataFrame, sent: str | None, unit_us: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows that arrived with a time of their sender, and that time in microseconds from the first of them."""
    arrived = messages(table, "in")
    if sent is None:
        found = probes_of(table)
        rows = found["row"].to_numpy()
        kept = arrived[rows] & ~found["ours"].to_numpy() & ~found["pong"].to_numpy()
        rows, exact = rows[kept], found["t_us"].to_numpy()[kept]
        if not len(rows):
            own = carried(table)
            rows, exact = own.rows, own.t_us
        return rows, (exact - exact[:1].sum()).astype(np.float64)
    require(table, [sent])
    column = table[sent]
    if column.dtype == np.int64:  # none is missing
        rows = np.flatnonzero(arrived)
        exact = picked(column.to_numpy(), rows)
        return rows, (exact - exact[:1].sum()).astype(np.float64) * unit_us
    column = pd.to_numeric(column, errors="coerce")
    rows = np.flatnonzero(arrived & column.notna().to_numpy())
    values = column.iloc[rows]
    if pd.api.types.is_integer_dtype(values.dtype):
        exact = values.to_numpy(dtype=np.int64)
        # Nanoseconds since 1970 do not fit a float64; differences do.
        return rows, (exact - exact[:1].sum()).astype(np.float64) * unit_us
    return rows, values.to_numpy(dtype=np.float64) * unit_us
