"""What a stretch of a capture's time looks like, at the width of a screen: rates, round trips, events.

A `Timeline` follows a running capture, or holds a loaded one. It is asked for a window of time and a number of pixel
columns, and answers with no more values than those can show: counts in bins, the smallest and the largest value of each
column. So a window over a million rows costs what one over a hundred costs, but for the looking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab import analysis
from gdlab.analysis.columns import times_ns
from gdlab.analysis.probes import messages_of
from gdlab.live.counts import Counts
from gdlab.live.points import Floats, Points, Series, Times
from gdlab.live.round_trips import RoundTrips
from gdlab.messages import CATEGORIES, Direction, Event
from gdlab.store import Snapshot
from gdlab.store.cursor import Cursor

_EVENTS: Final = CATEGORIES["event"]
_MESSAGE: Final = _EVENTS.index(Event.MESSAGE)
_DIRECTIONS: Final = {Direction.IN: "received", Direction.OUT: "sent"}

#: Rates are counted in bins of a window's width by about this; finer ones show the bins and not the traffic.
RATE_BINS: Final = 150
#: A peer more than these is in "received", but has no line of its own.
MAX_PEERS: Final = 8
#: A capture that is longer than this when it is first looked at is measured as a whole table.
_CATCH_UP_ROWS: Final = 20_000
_NICE: Final = (1, 2, 5)


class Captured(Protocol):
    """A capture as far as a timeline wants to know."""

    @property
    def df(self) -> pd.DataFrame:
        """The table."""
        ...


@dataclass(frozen=True, slots=True)
class Lane:
    """One plot of the stack.

    Attributes
    ----------
    shape : ``steps`` (values hold for `step_s`), ``dots``, or ``marks`` (something happened then).
    step_s : width of a bin; 0 for dots and marks.
    note : what the numbers are, or what to do where there are none.
    """

    key: str
    title: str
    unit: str
    shape: str
    series: tuple[Series, ...]
    step_s: float = 0.0
    note: str = ""


@dataclass
class _Guest:
    """A lane that somebody else fills."""

    title: str
    unit: str
    shape: str
    points: dict[str, Points]
    note: str


class Timeline:
    """The time axis of one capture, running or loaded.

    Parameters
    ----------
    by_peer : whether what is received has a line for each peer, the first `MAX_PEERS` that came.
    """

    def __init__(self, *, by_peer: bool = False) -> None:
        self.by_peer = by_peer
        self._counts: dict[str, Counts] = {name: Counts() for name in _DIRECTIONS.values()}
        self._peers: dict[str, Counts] = {}
        #: The pings of the capture that is followed.
        self.trips = RoundTrips(seconds=30.0)
        self._trip_points: dict[str, Points] = {}
        self._marks: dict[str, Points] = {}
        self._cursor: Cursor | None = None
        self._pinging = False
        self._fields: dict[str, Points] = {}
        self._guests: dict[str, _Guest] = {}
        self.first_ns: int | None = None
        self.last_ns: int | None = None

    # ---- taking rows

    def load(self, captured: Captured) -> None:
        """Take a whole table at once: a recording, or what a capture has held until now."""
        table = captured.df
        if not len(table):
            return
        times = times_ns(table)
        is_message = (table["event"] == Event.MESSAGE).to_numpy(bool)
        for direction, name in _DIRECTIONS.items():
            self._counts[name].add(times[messages_of(table, direction)])
        peers = table["peer"].astype(str).to_numpy(object)
        received = messages_of(table, Direction.IN)
        for peer in pd.unique(peers[received])[:MAX_PEERS]:
            self._peers.setdefault(peer, Counts()).add(times[received & (peers == peer)])
        events = table["event"].astype(str).to_numpy(object)
        counts = _counts_of(table)
        for event in _EVENTS:
            chosen = (events == event) & ~is_message
            if chosen.any():
                self._marks.setdefault(event, Points()).add(times[chosen], counts[chosen])
        trips = analysis.round_trips(table)
        for peer, part in trips.groupby("peer", observed=True, sort=True):
            answered = part[part["rtt_ms"].notna()]
            self._trip_points.setdefault(str(peer), Points()).add(
                _arrivals(answered), answered["rtt_ms"].to_numpy(np.float64)
            )
        self._reach(int(times.min()), int(times.max()))

    def follow(self, captured: Any, now_ns: int) -> None:
        """Take what is new of a running capture."""
        snapshots: Sequence[Snapshot] = captured.snapshots()
        self._pinging = getattr(captured, "ping_s", None) is not None
        if self._cursor is None:
            self._cursor = Cursor()
            if sum(len(each) for each in snapshots) > _CATCH_UP_ROWS:
                self.load(captured)
                self._cursor = Cursor(snapshots)
                self.trips.skip(snapshots)
                return
        for _, snapshot, block in self._cursor.new(snapshots):
            if len(block):
                self._take(snapshot, block)
        self.trips.follow(snapshots, now_ns)
        for trip in self.trips.taken():
            points = self._trip_points.setdefault(trip.peer, Points())
            points.add(np.array([trip.arrived_ns]), np.array([trip.rtt_ms]))

    def _take(self, snapshot: Snapshot, block: Any) -> None:
        columns = block.columns
        is_message = columns.event == _MESSAGE
        probes = block.own_probes()  # ours, not the game's
        counted = is_message if probes is None else is_message & ~probes
        for direction, name in _DIRECTIONS.items():
            chosen = counted & (columns.direction == CATEGORIES["direction"].index(direction))
            self._counts[name].add(columns.time_ns[chosen])
            if direction is Direction.IN:
                self._take_peers(snapshot, columns.peer[chosen], columns.time_ns[chosen])
        if not is_message.all():
            for row in np.flatnonzero(~is_message):
                points = self._marks.setdefault(_EVENTS[columns.event[row]], Points())
                points.add(columns.time_ns[row : row + 1], np.ones(1))
        self._reach(int(columns.time_ns.min()), int(columns.time_ns.max()))

    def _take_peers(self, snapshot: Snapshot, peers: npt.NDArray[np.int32], times: Times) -> None:
        for code in np.unique(peers):
            name = snapshot.peers[code]
            if name not in self._peers and len(self._peers) >= MAX_PEERS:
                continue
            self._peers.setdefault(name, Counts()).add(times[peers == code])

    def _reach(self, first_ns: int, last_ns: int) -> None:
        self.first_ns = first_ns if self.first_ns is None else min(first_ns, self.first_ns)
        self.last_ns = last_ns if self.last_ns is None else max(last_ns, self.last_ns)

    def set_lane(
        self,
        key: str,
        title: str,
        unit: str,
        shape: str,
        series: Mapping[str, tuple[Times, Floats]],
        note: str = "",
    ) -> None:
        """Give, or replace, a lane of something else that happened meanwhile, such as a game's frames.

        Parameters
        ----------
        shape : ``dots`` or ``marks``.
        series : by name the moments ((n,) UTC nanoseconds, growing) and the values ((n,)).
        note : what stands there where nothing is in view.
        """
        lane = _Guest(title, unit, shape, {}, note)
        for name, (times, values) in series.items():
            lane.points[name] = Points()
            lane.points[name].add(times, values)
            if len(times):
                self._reach(int(times[0]), int(times[-1]))
        self._guests[key] = lane

    def set_field(self, name: str, times: Times, values: Floats, *, anew: bool) -> None:
        """Give a field's values ((n,), NaN where there is none) at their rows' times; `anew` forgets the old."""
        if anew or name not in self._fields:
            self._fields[name] = Points()
        self._fields[name].add(times, values)

    def forget_fields(self) -> None:
        """Draw no field any longer."""
        self._fields.clear()

    # ---- answering

    def window(self, start_ns: int, stop_ns: int, columns: int, now_ns: int | None = None) -> list[Lane]:
        """Return what is to be drawn between two moments.

        Parameters
        ----------
        start_ns, stop_ns : UTC nanoseconds; the stop is beyond. columns : width in pixels.
        now_ns : of a capture that runs: a bin that ends later is not over, and would look like a fall.
        """
        stop_ns = max(stop_ns, start_ns + 1000)
        columns = int(np.clip(columns, 16, 8192))
        lanes = [self._rates(start_ns, stop_ns, now_ns), self._round_trips(start_ns, stop_ns, columns)]
        lanes += [
            Lane(f"field:{name}", name, "", "dots", (points.window(start_ns, stop_ns, columns, name),))
            for name, points in self._fields.items()
        ]
        for key, guest in self._guests.items():
            series = tuple(
                points.window(start_ns, stop_ns, columns, name) for name, points in guest.points.items()
            )
            lanes.append(
                Lane(key, guest.title, guest.unit, guest.shape, series, note="" if series else guest.note)
            )
        lanes.append(self._events(start_ns, stop_ns, columns))
        return lanes

    def count(self, start_ns: int, stop_ns: int) -> int:
        """How many messages there are between two moments, to the width of a bin (10 ms at first)."""
        if self.first_ns is None or self.last_ns is None:
            return 0
        start_ns, stop_ns = max(start_ns, self.first_ns), min(stop_ns, self.last_ns + 1)
        if stop_ns <= start_ns:
            return 0
        return sum(
            int(each.window(start_ns, stop_ns, 1)[1].sum()) for each in self._counts.values() if each.total
        )

    def _rates(self, start_ns: int, stop_ns: int, now_ns: int | None) -> Lane:
        step_ns = nice_step_ns((stop_ns - start_ns) / RATE_BINS)
        chosen = {"received": self._counts["received"], "sent": self._counts["sent"]}
        if self.by_peer and len(self._peers) > 1:
            chosen = {**self._peers, "sent": self._counts["sent"]}
        series = []
        # Nothing is drawn where nothing has been looked at yet: before the first row and beyond the last.
        first_ns = max(start_ns, self.first_ns) if self.first_ns is not None else start_ns
        until_ns = min(stop_ns, self.last_ns + 1) if self.last_ns is not None else start_ns
        real_ns = step_ns
        for name, counts in chosen.items():
            if (name == "sent" and not counts.total) or until_ns <= first_ns:
                continue
            starts, found, real_ns = counts.window(first_ns, until_ns, step_ns)
            if now_ns is not None:
                over = starts + real_ns <= now_ns
                starts, found = starts[over], found[over]
            hz = found / (real_ns / 1e9)
            series.append(Series(name, (starts - start_ns) / 1e9, hz, hz))
        return Lane(
            "rates",
            "Messages",
            "per second",
            "steps",
            tuple(series),
            real_ns / 1e9,
            f"counted in bins of {seconds(real_ns / 1e9)}",
        )

    def _round_trips(self, start_ns: int, stop_ns: int, columns: int) -> Lane:
        series = tuple(
            points.window(start_ns, stop_ns, columns, peer)
            for peer, points in sorted(self._trip_points.items())[:MAX_PEERS]
        )
        return Lane(
            "rtt", "Round trips", "ms", "dots", series, note="" if series else self.why_no_round_trips()
        )

    def why_no_round_trips(self) -> str:
        """What to do where there are none."""
        trips = self.trips
        if trips.sent:
            return f"{trips.sent} pings, none answered: the game must send them back as they are"
        if self._pinging:
            return "nobody to ping yet: a game is pinged as soon as it has sent something"
        return "nothing measured: press Ping, or listen with ping=0.5, and have the game echo pings"

    def _events(self, start_ns: int, stop_ns: int, columns: int) -> Lane:
        series = tuple(
            points.window(start_ns, stop_ns, columns, event) for event, points in sorted(self._marks.items())
        )
        return Lane(
            "events",
            "Events",
            "",
            "marks",
            series,
            note="" if series else "no opening, closing, error or gap",
        )


def _counts_of(table: pd.DataFrame) -> Floats:
    if "count" not in table:
        return np.ones(len(table))
    return table["count"].fillna(1).to_numpy(np.float64)


def _arrivals(trips: pd.DataFrame) -> Times:
    """When the answers came, in ns."""
    return np.asarray(
        times_ns(trips) + (trips["rtt_ms"].to_numpy(np.float64) * 1e6).astype(np.int64), np.int64
    )


def nice_step_ns(least_ns: float) -> int:
    """Return the first of 1, 2, 5, 10, ... ms that is not below; never less than a `Counts` bin."""
    step = 10_000_000
    while True:
        for factor in _NICE:
            if step * factor >= least_ns:
                return step * factor
        step *= 10


def seconds(value: float) -> str:
    """A duration with its unit, as people say it."""
    if value < 1:
        return f"{value * 1000:g} ms"
    return f"{value:g} s" if value < 120 else f"{value / 60:g} min"
