"""Pings matched with their answers as rows arrive; every row of the stores is looked at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gdlab import probe
from gdlab.analysis.probes import MIN_BYTES
from gdlab.messages import CATEGORIES, Direction, Event
from gdlab.store import Cursor, Snapshot
from gdlab.store.blocks import Block

_MESSAGE: Final = CATEGORIES["event"].index(Event.MESSAGE)
_OUT: Final = CATEGORIES["direction"].index(Direction.OUT)

#: A ping that took longer is counted as unanswered, as `analysis.latency` does.
TIMEOUT_NS: Final = 2_000_000_000
#: Round trips that are remembered, and pings that wait for their answer.
REMEMBERED: Final = 2000
WAITING: Final = 4096
#: Probes that are read in one turn; a flood of them is passed over, which is counted.
PER_TURN: Final = 2000


@dataclass(frozen=True, slots=True)
class Trip:
    """One answered ping of ours.

    Attributes
    ----------
    arrived_ns : UTC nanoseconds of the answer. rtt_ms : time since the ping was sent, on the same clock.
    """

    peer: str
    arrived_ns: int
    rtt_ms: float


class RoundTrips:
    """Matches the pings that the capture sent with what came back: pongs, or their plain echoes.

    Attributes
    ----------
    sent, answered, unanswered : pings, since the beginning; those that wait are neither.
    theirs : pings that peers sent to us: their measurement, not ours.
    passed_over : probes of a flood that were not looked at.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self._cursor = Cursor()
        self._waiting: dict[tuple[int, int, int, int], int] = {}
        self._trips: deque[Trip] = deque(maxlen=REMEMBERED)
        self._taken: list[Trip] = []
        self._asked: set[tuple[int, int]] = set()
        self._answering: set[tuple[int, int]] = set()
        self.sent = self.answered = self.unanswered = self.theirs = self.passed_over = 0

    def follow(self, snapshots: Sequence[Snapshot], now_ns: int) -> None:
        """Look at the rows that are new since the last call."""
        self._taken = []
        budgets = dict.fromkeys(range(len(snapshots)), PER_TURN)
        for store, snapshot, block in self._cursor.new(snapshots):
            rows, budget = _probes(block), budgets[store]
            self.passed_over += max(0, len(rows) - budget)
            for row in rows[len(rows) - budget :] if len(rows) > budget else rows:
                self._take(store, snapshot, block, int(row))
            budgets[store] = max(0, budget - len(rows))
        while self._waiting:
            key, sent_ns = next(iter(self._waiting.items()))
            if now_ns - sent_ns <= TIMEOUT_NS and len(self._waiting) <= WAITING:
                break
            del self._waiting[key]
            self.unanswered += 1
        while self._trips and now_ns - self._trips[0].arrived_ns > self._seconds * 1e9:
            self._trips.popleft()

    def _take(self, store: int, snapshot: Snapshot, block: Block, row: int) -> None:
        columns = block.columns
        start = int(columns.offset[row])
        found = probe.parse(block.arena[start : start + int(columns.size[row])].tobytes())
        if found is None:
            return
        time_ns, peer = int(columns.time_ns[row]), int(columns.peer[row])
        key = (store, peer, found.seq, found.t_us)
        if columns.direction[row] == _OUT:
            if not found.is_pong:
                self.sent += 1
                self._asked.add((store, peer))
                self._waiting[key] = time_ns
            return
        sent_ns = self._waiting.pop(key, None)
        if sent_ns is None:
            self.theirs += not found.is_pong
        elif time_ns - sent_ns > TIMEOUT_NS:
            self.unanswered += 1
        else:
            self.answered += 1
            self._answering.add((store, peer))
            trip = Trip(snapshot.peers[peer], time_ns, max(0.0, (time_ns - sent_ns) / 1e6))
            self._trips.append(trip)
            self._taken.append(trip)

    def taken(self) -> list[Trip]:
        """The round trips that the last `follow` has found."""
        return self._taken

    def skip(self, snapshots: Sequence[Snapshot]) -> None:
        """Take no notice of what is there already: it has been measured by other means."""
        self._cursor = Cursor(snapshots)

    @property
    def peers(self) -> tuple[int, int]:
        """How many peers have been pinged, and how many of them have ever answered in time."""
        return len(self._asked), len(self._answering)

    def recent(self) -> list[Trip]:
        """The round trips of the last seconds, in the order of their answers."""
        return list(self._trips)

    def by_peer(self) -> dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
        """For each peer the arrivals ((n,) int64, ns) and times ((n,) float64, ms); in order of names."""
        grouped: dict[str, list[Trip]] = {}
        for trip in self._trips:
            grouped.setdefault(trip.peer, []).append(trip)
        return {
            peer: (
                np.array([trip.arrived_ns for trip in trips], np.int64),
                np.array([trip.rtt_ms for trip in trips], np.float64),
            )
            for peer, trips in sorted(grouped.items())
        }


def _probes(block: Block) -> npt.NDArray[Any]:
    """The rows of a block that begin as probes do; no objects are made of the others."""
    columns = block.columns
    rows = np.flatnonzero(
        (columns.event == _MESSAGE) & (columns.size >= MIN_BYTES) & (columns.size <= probe.MAX_PROBE_BYTES)
    )

    def begin_with(prefix: bytes, at: int, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        starts = columns.offset[rows].astype(np.int64) + at
        for place, byte in enumerate(prefix):
            keep = block.arena[starts + place] == byte
            rows, starts = rows[keep], starts[keep]
        return rows

    variants = begin_with(probe.VARIANT_KEY, probe.VARIANT_KEY_AT, begin_with(probe.VARIANT_PREFIX, 0, rows))
    return np.sort(np.concatenate([begin_with(probe.JSON_PREFIX, 0, rows), variants]))
