"""The times between arrivals, with and without the sender's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import (
    PEER,
    codes,
    equals,
    firsts,
    groups,
    messages,
    names_of,
    order,
    require,
    time_index,
    times_ns,
)
from gdlab.analysis.placing import by_row
from gdlab.analysis.probes import messages_of
from gdlab.analysis.probes import probes as probes_of
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.stamps import carried, with_stamps
from gdlab.analysis.truths import stamped, truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Microseconds in the units a sender's clock may count in.
UNIT_US: Final = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
#: RFC 3550 section 6.4.1: the gain of the filter, "a good noise reduction ratio while maintaining a
#: reasonable rate of convergence".
GAIN: Final = 1 / 16
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
    probes : also our own pings and what answered them, which are gdlab's messages and not the game's.
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
    subset = table[list(by)].iloc[rows]  # payloads would be copied, too
    ids, _ = groups(subset, by)
    sequence = order(ids, stamps[rows])
    when = stamps[rows][sequence]
    between = np.full(len(rows), np.nan)
    between[1:] = np.diff(when) / 1e6
    between[firsts(ids[sequence])] = np.nan
    run = _runs(table, stamps)[rows][sequence]
    between[1:][np.diff(run) != 0] = np.nan
    return _by_time(subset, stamps[rows], rows, sequence, "iat_ms", between)


@by_row
def jitter(
    table: Source, *, sent: str | None = None, unit: str = "us", by: str | Sequence[str] = PEER
) -> pd.DataFrame:
    """Inter-arrival jitter by the estimator of RFC 3550 section 6.4.1.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`; any order, may be empty. Of a relay, or what one
        has saved, what goes out of it, by the times at which it came in, which its truth has.
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

    What it estimates is the mean of ``|D|``. As it forgets, more messages make it no surer: of delays that do not
    depend on each other and are exponential, single values scatter by 23 % (standard deviation) around it.
    """
    by = names_of(by)
    known = truth_of(table) if sent is None else None
    if known is not None:
        table, sent, unit = stamped(*known), "entered_ns", "ns"
    table = table_of(with_stamps(table) if sent is None else table, sent, *by)
    if unit not in UNIT_US:
        raise ValueError(f"unit is one of {', '.join(UNIT_US)}, not {unit!r}")
    require(table, ("time", "endpoint", "peer", "direction", "event", *by))
    stamps = times_ns(table)
    rows, sent_us = sent_times(table, sent, UNIT_US[unit])
    subset = table[list(by)].iloc[rows]  # payloads would be copied, too
    ids, _ = groups(subset, by)
    sequence = order(ids, stamps[rows])
    when, sent_us = stamps[rows][sequence], sent_us[sequence]
    difference = np.zeros(len(rows))
    difference[1:] = np.diff(when) / 1e3 - np.diff(sent_us)
    begins = runs_of_clock(ids[sequence], sent_us)
    difference[begins] = 0.0
    # `ewm` without adjustment is the recurrence of the RFC: y = x at the start (here 0), then y += gain * (x
    # - y).
    runs = np.cumsum(begins)
    filtered = pd.Series(np.abs(difference)).groupby(runs).ewm(alpha=GAIN, adjust=False).mean()
    values = np.asarray(filtered.to_numpy() / 1e3, dtype=np.float64)
    values[begins] = np.nan
    return _by_time(subset, stamps[rows], rows, sequence, "jitter_ms", values)


def runs_of_clock(ids: NDArray[np.int64], sent_us: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the sender's clock starts: at the first message of each sender, and after it went back; (n,) bool."""
    begins = firsts(ids)
    begins[1:] |= np.diff(sent_us) < -RESTART_US
    return begins


def _runs(table: pd.DataFrame, stamps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of gap rows of the endpoint up to each row; (n,) int64."""
    gap = equals(table, "event", "gap")
    if not gap.any():
        return np.zeros(len(table), dtype=np.int64)
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
    column = pd.to_numeric(table[sent], errors="coerce")
    rows = np.flatnonzero(arrived & column.notna().to_numpy())
    values = column.iloc[rows]
    if pd.api.types.is_integer_dtype(values.dtype):
        exact = values.to_numpy(dtype=np.int64)
        # Nanoseconds since 1970 do not fit a float64; differences do.
        return rows, (exact - exact[:1].sum()).astype(np.float64) * unit_us
    return rows, values.to_numpy(dtype=np.float64) * unit_us


def _by_time(
    subset: pd.DataFrame,
    stamps: NDArray[np.int64],
    rows: NDArray[np.int64],
    sequence: NDArray[np.int64],
    name: str,
    values: NDArray[np.float64],
) -> pd.DataFrame:
    """The measure `name` of the rows that `sequence` put in order of peer, in order of time again."""
    back = np.empty(len(sequence), dtype=np.int64)
    back[sequence] = np.arange(len(sequence))
    if np.any(np.diff(stamps) < 0):
        source = np.argsort(stamps, kind="stable")
        return _taken(subset.iloc[source], stamps[source], rows[source], name, values[back[source]])
    return _taken(subset, stamps, rows, name, values[back])


def _taken(
    subset: pd.DataFrame,
    stamps: NDArray[np.int64],
    rows: NDArray[np.int64],
    name: str,
    values: NDArray[np.float64],
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": time_index(stamps),
            **{column: subset[column].array for column in subset.columns},
            name: values,
        },
        index=pd.Index(rows),
    )
