"""Running totals of each peer and of each event; every row of the stores is looked at once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gdlab.facts import Fact, Reason
from gdlab.messages import CATEGORIES, Direction, Event
from gdlab.store import Cursor, Snapshot
from gdlab.store.blocks import Block

_EVENTS: Final = {event: CATEGORIES["event"].index(event) for event in Event}
_IN: Final = CATEGORIES["direction"].index(Direction.IN)

#: Rates are means over about this long: shorter ones dance, longer ones tell of the past.
RATE_SECONDS: Final = 2.0
_COLUMNS: Final = ("messages_in", "messages_out", "bytes_in", "bytes_out", "errors")


@dataclass(frozen=True, slots=True)
class Talk:
    """What has passed between an endpoint and one peer.

    Attributes
    ----------
    last_ns : UTC nanoseconds of its newest row.
    rate_hz, rate_bytes_s : messages and payload bytes received per second, over the last two seconds.
    is_open : whether its connection is open; None where there are no connections (UDP).
    """

    endpoint: str
    peer: str
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int
    errors: int
    last_ns: int
    rate_hz: float
    rate_bytes_s: float
    is_open: bool | None


class Tallies:
    """Follows the stores of one capture."""

    def __init__(self) -> None:
        self._cursor = Cursor()
        self._tables: dict[int, _Table] = {}
        self._snapshots: Sequence[Snapshot] = ()
        self._past: deque[tuple[int, dict[int, npt.NDArray[np.int64]]]] = deque()

    def follow(self, snapshots: Sequence[Snapshot], now_ns: int) -> None:
        """Count the rows that are new since the last call."""
        self._snapshots = snapshots
        for store, snapshot in enumerate(snapshots):
            table = self._tables.setdefault(store, _Table())
            table.grow(len(snapshot.peers))
        for store, _, block in self._cursor.new(snapshots):
            self._tables[store].count(block)
        self._past.append((now_ns, {store: table.received() for store, table in self._tables.items()}))
        while len(self._past) > 2 and now_ns - self._past[1][0] >= RATE_SECONDS * 1e9:
            self._past.popleft()

    def talks(self) -> list[Talk]:
        """Return one for each peer, in the order in which they were first seen."""
        if not self._past:
            return []
        then_ns, then = self._past[0]
        now_ns, now = self._past[-1]
        seconds = (now_ns - then_ns) / 1e9
        found = []
        for store, snapshot in enumerate(self._snapshots):
            table = self._tables[store]
            before = np.zeros_like(now[store])
            known = then.get(store)
            if known is not None:
                before[:, : known.shape[1]] = known
            grown = (now[store] - before) / seconds if seconds > 0 else np.zeros(now[store].shape)
            for code in range(1, len(snapshot.peers)):
                total = table.totals[:, code].tolist()
                found.append(
                    Talk(
                        endpoint=snapshot.endpoint,
                        peer=snapshot.peers[code],
                        messages_in=total[0],
                        messages_out=total[1],
                        bytes_in=total[2],
                        bytes_out=total[3],
                        errors=total[4],
                        last_ns=int(table.last_ns[code]),
                        rate_hz=float(grown[0, code]),
                        rate_bytes_s=float(grown[1, code]),
                        is_open=(None, False, True)[table.open[code] + 1],
                    )
                )
        return found


class _Table:
    """Totals of the peers of one store, by their codes."""

    def __init__(self) -> None:
        self.totals: npt.NDArray[np.int64] = np.zeros((len(_COLUMNS), 0), np.int64)
        self.last_ns: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.open: npt.NDArray[np.int8] = np.zeros(0, np.int8)  # -1 never, 0 closed, 1 open

    def grow(self, peers: int) -> None:
        more = peers - len(self.last_ns)
        if more > 0:
            self.totals = np.pad(self.totals, ((0, 0), (0, more)))
            self.last_ns = np.pad(self.last_ns, (0, more))
            self.open = np.pad(self.open, (0, more), constant_values=-1)

    def received(self) -> npt.NDArray[np.int64]:
        return np.stack([self.totals[0], self.totals[2]])

    def count(self, block: Block) -> None:
        columns, peers = block.columns, len(self.last_ns)
        said = columns.event == _EVENTS[Event.MESSAGE]
        probes = block.own_probes()
        if probes is not None:  # ours, not the game's
            said &= ~probes
        arrived = columns.direction == _IN
        for row, chosen in ((0, said & arrived), (1, said & ~arrived)):
            who = columns.peer[chosen]
            self.totals[row] += np.bincount(who, minlength=peers)
            sizes = np.bincount(who, weights=columns.size[chosen], minlength=peers)
            self.totals[row + 2] += sizes.astype(np.int64)
        failed = columns.event == _EVENTS[Event.ERROR]
        if failed.any():
            self.totals[4] += np.bincount(columns.peer[failed], minlength=peers)
        self.last_ns[columns.peer] = np.maximum(self.last_ns[columns.peer], columns.time_ns)
        changed = (columns.event == _EVENTS[Event.OPEN]) | (columns.event == _EVENTS[Event.CLOSE])
        # In order of writing: of several, the last one counts.
        for row in np.flatnonzero(changed).tolist():
            self.open[columns.peer[row]] = columns.event[row] == _EVENTS[Event.OPEN]


class EventCounts:
    """How often which trouble was noted.

    A capture counts errors as one number; what they were is in the rows.

    Attributes
    ----------
    errors : how many rows of event `error` there were for each reason; None for rows without one.
    last_error : what the newest of them has.
    """

    def __init__(self) -> None:
        self._cursor = Cursor()
        self.errors: Counter[Reason | None] = Counter()
        self.gaps = 0
        self.opened = self.closed = 0
        self.last_error: Fact | None = None

    def follow(self, snapshots: Sequence[Snapshot]) -> None:
        """Count the rows that are new since the last call."""
        for _, _, block in self._cursor.new(snapshots):
            events = block.columns.event
            self.gaps += int(np.count_nonzero(events == _EVENTS[Event.GAP]))
            self.opened += int(np.count_nonzero(events == _EVENTS[Event.OPEN]))
            self.closed += int(np.count_nonzero(events == _EVENTS[Event.CLOSE]))
            codes = block.columns.fact[events == _EVENTS[Event.ERROR]]
            for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
                fact = block.facts[code]
                self.errors[fact.reason if fact else None] += int(count)
            if len(codes):
                self.last_error = block.facts[codes[-1]]
