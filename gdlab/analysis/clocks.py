"""The other side's clock, and delays of one way: only with an estimated offset, and with its error.

Subtracting a time of one clock from a time of another gives a delay plus the clocks' offset, and no delay.
Probes whose answers say when they were received and sent (`r_us`, `s_us`) bound the offset: it lies between
the two one-way differences. Without them there are round trips, jitter and inter-arrival times, which need
no second clock, and this module refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.arrivals import UNIT_US
from gdlab.analysis.clock_bounds import ManyBounds, many_bounds
from gdlab.analysis.columns import (
    PEER,
    equals,
    firsts,
    group_rows,
    in_time,
    labels_of,
    order,
    require,
    time_index,
    times_ns,
)
from gdlab.analysis.gathering import at, column_at, picked
from gdlab.analysis.placing import by_row
from gdlab.analysis.probes import messages_of, probes
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.stamps import carried, with_stamps
from gdlab.analysis.together import together
from gdlab.analysis.truths import true_delays, truth_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Exchanges at least: fewer than these prove little, and a liar needs only one.
LEAST_EXCHANGES: Final = 5
#: A ping holds the time from before it was sent. So much earlier than its row at most, it was of the same clock.
JUST_BEFORE_US: Final = 1_000_000
US: Final = 1e6


class NoOffset(ValueError):
    """Nothing tells how the clock of any peer differs from this one."""

    def __init__(self) -> None:
        super().__init__(
            "no one-way delay: nothing tells how the other clock differs from this one, and a difference of "
            "two clocks is no delay. Needed are at least 5 answers to probes that carry r_us and s_us, of clocks that "
            "nobody sets meanwhile. Valid without: round_trips (both ways together), delay_above_least (one way, but "
            "only how much more than the least), jitter (changes of the delay), inter_arrival."
        )


@by_row
def clock_offsets(table: Source) -> pd.DataFrame:
    """Offset and drift of each peer's clock against the capture's.

    Parameters
    ----------
    table : columns of the schema, with probes of ours and answers that have `r_us` and `s_us`; may be empty.

    Returns
    -------
    One row per peer whose offset can be determined: `endpoint`, `peer`, `time` (for which the offset holds),
    `offset_us` (int64: their clock minus ours, both in microseconds, ours since 1970 UTC), `drift_ppm` (float64:
    microseconds by which the offset grows per second), `drift_error_ppm` (float64: largest possible error of the
    drift), `error_us` (float64: largest possible error of the offset, moved on by the drift, between `first` and
    `last`; before and after, the drift's error adds to it per second), `first`, `last` (times), `n` (int64: exchanges).
    All of this while the drift is steady and at most 500 ppm; peers whose times no such clock explains have no row.

    Notes
    -----
    Not an average but an interval. In each exchange, ``r - t1`` is the offset plus the time that the ping took and
    ``s - t4`` is the offset less the time that the answer took (the times of RFC 5905 section 8). No message arrives
    before it was sent: so the offset, a straight line over time, lies below all of the one and above all of the
    other. The middle of all such lines is the offset, how far they reach is the error. The fastest way there and the
    fastest way back need not be of one exchange: a game that waits for its next frame before it answers makes every
    exchange slow, and the interval no wider.
    """
    clocks = _fitted(table_of(table))
    told = np.flatnonzero(clocks.told)
    lines = [clocks.line(clock) for clock in told.tolist()]
    frame = pd.DataFrame(lines, columns=[f.name for f in fields(_Line)])
    frame = frame.astype(dict.fromkeys(("time", "offset_us", "first", "last", "n"), "int64"))
    frame = frame.astype(dict.fromkeys(("drift_ppm", "drift_error_ppm", "error_us"), "float64"))
    for name in ("time", "first", "last"):
        frame[name] = time_index(frame[name].to_numpy(dtype=np.int64) * 1000)
    return pd.concat([clocks.labels.iloc[told].reset_index(drop=True), frame], axis=1).set_axis(
        pd.Index(clocks.rows[told]), axis=0
    )


def _fitted(table: pd.DataFrame) -> Clocks:
    """What is told of the clocks of those who answered probes."""
    found = probes(table)
    row = found["row"].to_numpy()
    stamps = times_ns(table)[row]
    out = equals(table, "direction", "out")[row]
    exchange = found["exchange"].to_numpy()
    pong, held = found["pong"].to_numpy(), found["held"].to_numpy()
    ours = found["ours"].to_numpy()
    ping, answer = _pairs(exchange, stamps, ours & out & ~pong, ~out & held)
    sides, first = group_rows(table, PEER, row[ping])
    sent = stamps[ping] // 1000
    # A row has the time at which sending had ended; the ping itself that from before, if it is of this clock.
    before = found["t_us"].to_numpy()[ping]
    near = (before <= sent) & (before > sent - JUST_BEFORE_US)
    times = (
        np.where(near, before, sent),
        found["r_us"].to_numpy()[answer],
        found["s_us"].to_numpy()[answer],
        stamps[answer] // 1000,
    )
    begin = np.zeros(int(exchange.max(initial=-1)) + 1, dtype=np.int64)
    begin[exchange[::-1]] = row[::-1]
    rows = begin[exchange[ping[first]]]
    by_side = order(sides, np.zeros(0, np.int64))  # and there as they are
    return Clocks.of(
        labels_of(table, PEER, row[ping[first]]), rows, *(at(each, by_side) for each in (sides, *times))
    )


def _pairs(
    exchange: NDArray[np.int64], stamps: NDArray[np.int64], asks: NDArray[np.bool_], tells: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pings directly followed by their answer, and those answers; by exchange, as positions.

    Repeated pings and answers are left out, they prove nothing new.
    """
    if in_time(stamps) and np.bincount(exchange).max(initial=0) <= 2:  # as a rule
        place, n = np.arange(len(exchange)), int(exchange.max(initial=-1)) + 1
        first, last = np.zeros(n, np.int64), np.zeros(n, np.int64)
        last[exchange] = place
        first[exchange[::-1]] = place[::-1]
        good = np.flatnonzero((first < last) & asks[first] & tells[last])
        return at(first, good), at(last, good)
    sequence = order(exchange, stamps)
    of = at(exchange, sequence)
    good = np.flatnonzero((of[1:] == of[:-1]) & asks[sequence[:-1]] & tells[sequence[1:]])
    return at(sequence, good), at(sequence, good + 1)


@dataclass(frozen=True, slots=True)
class _Line:
    """The columns of `clock_offsets` that are estimated; times in microseconds since 1970."""

    time: int
    offset_us: int
    drift_ppm: float
    drift_error_ppm: float
    error_us: float
    first: int
    last: int
    n: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of some peers: whole microseconds, and on top of them bounds over the seconds since `start`.

    Attributes
    ----------
    labels : one row per peer. rows : (peers,) int64, the first row of the exchange that shows each.
    told : (peers,) bool, whether anything is told of its clock; the others' figures mean nothing.
    place : (peers,) int64, which of the `bounds` are its. start, base, n : (peers,) int64.
    """

    labels: pd.DataFrame
    rows: NDArray[np.int64]
    told: NDArray[np.bool_]
    place: NDArray[np.int64]
    start: NDArray[np.int64]
    base: NDArray[np.int64]
    n: NDArray[np.int64]
    bounds: ManyBounds

    @classmethod
    def of(
        cls,
        labels: pd.DataFrame,
        rows: NDArray[np.int64],
        sides: NDArray[np.int64],
        sent: NDArray[np.int64],
        received: NDArray[np.int64],
        returned: NDArray[np.int64],
        back: NDArray[np.int64],
    ) -> Clocks:
        """From the four times of each exchange in microseconds, and which peer each is of, peer by peer."""
        peers = len(labels)
        sane = ((back - sent) - (returned - received) >= -1) & (returned >= received)
        n = np.bincount(sides[sane], minlength=peers)
        told = n >= LEAST_EXCHANGES
        kept = sane & told[sides]
        if not kept.all():
            sides, sent, received, returned, back = (
                each[kept] for each in (sides, sent, received, returned, back)
            )
        start, base = np.zeros(peers, np.int64), np.zeros(peers, np.int64)
        place = np.cumsum(told) - 1
        starts = np.flatnonzero(firsts(sides))
        # Integers until only small differences are left: a float's 53 bits hold no quarters of microseconds since
        # 1970.
        start[told] = np.minimum.reduceat(sent, starts) if len(starts) else 0
        base[told] = received[starts] - sent[starts]
        start_of, base_of = at(start, sides), at(base, sides)
        found = many_bounds(
            (
                (sent - start_of) / US,
                (received - sent - base_of).astype(np.float64),
                starts,
            ),
            (
                (back - start_of) / US,
                (returned - back - base_of).astype(np.float64),
                starts,
            ),
        )
        told[told] = found.fits  # else their clock was set meanwhile, or the times are no times
        return cls(labels, rows, told, place, start, base, n, found)

    def line(self, peer: int) -> _Line:
        """What is told of the clock of a peer."""
        place, start, base = int(self.place[peer]), int(self.start[peer]), int(self.base[peer])
        first, last = (float(self.bounds.knots_s[place, end]) for end in (0, -1))
        middle = round((first + last) / 2 * US)
        level, drift = float(self.bounds.level_us[place]), float(self.bounds.drift_ppm[place])
        return _Line(
            start + middle,
            base + round(level + drift * (middle / US)),
            drift,
            float(self.bounds.drift_error_ppm[place]),
            float(self.bounds.errors_us[place].max()) + 0.5,  # for the whole number
            start + round(first * US),
            start + round(last * US),
            int(self.n[peer]),
        )

    def ahead(
        self, peer: NDArray[np.int64], ours_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Their clocks minus ours beyond `base` at some times, and by how much that is wrong at most."""
        place = at(self.place, peer)
        x = (ours_us - at(self.start, peer)) / US
        first, last = (
            at(self.bounds.knots_s[:, 0].copy(), place),
            at(self.bounds.knots_s[:, -1].copy(), place),
        )
        outside = np.maximum(np.maximum(first - x, x - last), 0.0)
        error = self.bounds.error(place, x) + outside * at(self.bounds.drift_error_ppm, place)
        return self.bounds.at(place, x), error


@by_row
def one_way_delay(table: Source, *, sent: str | None = None, unit: str = "us") -> pd.DataFrame:
    """Delay of each message that carries its sender's time, by the estimated offset of that clock.

    Parameters
    ----------
    table : columns of the schema, with the exchanges that `clock_offsets` needs. For a relay, or a file that one
        saved, it is the delay between its two sides, from the relay's truth.
    sent : column with the sender's clock when it sent, the same clock as its `r_us` and `s_us`. By
        default the `t_us` of its own pings, or else that of messages that carry `seq` and `t_us`, as those of
        `Capture.gdscript` do.
    unit : what `sent` counts in: ``s``, ``ms``, ``us`` or ``ns``.

    Returns
    -------
    One row per message of a peer whose offset is known, in order of time: `time`, `endpoint`, `peer`,
    `delay_ms`, `error_ms` (float64: the delay is this wrong at most, while the drift is steady; a delay
    smaller than it may even come out negative).

    Raises
    ------
    ValueError
        If no offset can be estimated: the difference of two clocks is no delay. The message says what is
        valid.

    Notes
    -----
    One-way delay as in RFC 7679, with its section 3.7 on the errors of clocks in mind.
    """
    of_relay = truth_of(table) if sent is None else None
    if of_relay is not None:
        return true_delays(*of_relay).drop(columns=["way", "entered"])
    if unit not in UNIT_US:
        raise ValueError(f"unit is one of {', '.join(UNIT_US)}, not {unit!r}")
    with together():
        table = with_stamps(table) if sent is None else table_of(table, sent)
        return _delays(table, sent, UNIT_US[unit])


def _delays(table: pd.DataFrame, sent: str | None, unit_us: float) -> pd.DataFrame:
    clocks = _fitted(table)
    told = np.flatnonzero(clocks.told)
    if not len(told):
        raise NoOffset
    arrived = messages_of(table, "in")
    if sent is None:
        found = probes(table)
        rows = found["row"].to_numpy()
        kept = arrived[rows] & ~found["ours"].to_numpy() & ~found["pong"].to_numpy()
        rows, theirs = rows[kept], found["t_us"].to_numpy()[kept].astype(np.float64)
        if not len(rows):
            own = carried(table)
            rows, theirs = own.rows, own.t_us.astype(np.float64)
    else:
        require(table, [sent])
        column = pd.to_numeric(table[sent], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        rows = np.flatnonzero(arrived & np.isfinite(column))
        theirs = column[rows] * unit_us
    stamps = picked(times_ns(table), rows)
    # Which clock each message's peer has; -1 where it is none that is told.
    of_messages, first = group_rows(table, PEER, rows)
    key = list(PEER)
    numbers = clocks.labels[key].iloc[told].astype(object).assign(side=told)
    matched = labels_of(table, PEER, rows[first]).astype(object).merge(numbers, on=key, how="left")["side"]
    peer = at(matched.fillna(-1).to_numpy(dtype=np.int64), of_messages)
    kept = peer >= 0
    if not kept.all():
        rows, stamps, theirs, peer = rows[kept], stamps[kept], theirs[kept], peer[kept]
    if not in_time(stamps):
        by_time = np.argsort(stamps, kind="stable")
        rows, stamps, theirs, peer = rows[by_time], stamps[by_time], theirs[by_time], peer[by_time]
    ours = stamps // 1000
    ahead, wrong = clocks.ahead(peer, ours)
    # Their time as it would read on our clock, taken from ours.
    delay = ours - (theirs - at(clocks.base, peer) - ahead)
    return pd.DataFrame(
        {
            "time": time_index(stamps),
            "endpoint": column_at(table, "endpoint", rows),
            "peer": column_at(table, "peer", rows),
            "delay_ms": delay / 1e3,
            "error_ms": wrong / 1e3,
        },
        index=pd.Index(rows),
        copy=False,
    )
