"""Every row of a capture in an order, with or without a filter, a page at a time.

Nothing is built for a row before somebody looks at it: without a filter, in the order of arrival, a place in the list
is a number in the store. With one there is an array of numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gdlab.live.rows import Row, row_of
from gdlab.store import Snapshot

Keys = npt.NDArray[np.int64]
#: Bits of a key that hold the number of the row; the others the number of the store.
_NUMBER_BITS: Final = 48
#: Rows that are matched between two looks at the clock.
_CHUNK: Final = 500

#: Columns by which the list can be sorted.
SORTABLE: Final = ("time", "peer", "size_bytes", "direction", "event")


class Progress(NamedTuple):
    """How far a search is.

    Attributes
    ----------
    rows : there are. searched : were looked at. matched : passed the filter; all rows where there is none.
    """

    rows: int
    searched: int
    matched: int


class Listing:
    """The rows of a capture's stores, in the order of time or of another column.

    Parameters
    ----------
    matches : says for each row of a list whether it is listed; None lists all.
    """

    def __init__(self) -> None:
        self._snapshots: Sequence[Snapshot] = ()
        self._matches: Callable[[list[Row]], Sequence[bool]] | None = None
        self._range: tuple[int, int] | None = None
        self._sort: tuple[str, bool] | None = None
        self._seen: dict[int, int] = {}
        self._pending: Keys = np.empty(0, np.int64)
        self._searched = 0
        self._keys: Keys = np.empty(0, np.int64)
        self._order: Keys | None = None
        self._plain = True

    # ---- what is listed

    def choose(
        self,
        *,
        matches: Callable[[list[Row]], Sequence[bool]] | None = None,
        between_ns: tuple[int, int] | None = None,
    ) -> None:
        """List the rows that match, and lie between two moments; the search begins anew."""
        self._matches, self._range = matches, between_ns
        self._restart()

    def sort(self, column: str | None, *, descending: bool = False) -> None:
        """Order by a column; None by arrival.

        Raises
        ------
        ValueError : not one of `SORTABLE`.
        """
        if column is not None and column not in SORTABLE:
            raise ValueError(f"sort by one of {', '.join(SORTABLE)}, not {column!r}")
        self._sort = None if column is None else (column, descending)
        self._order = None

    def _restart(self) -> None:
        self._seen = {}
        self._searched = 0
        self._pending = self._keys = np.empty(0, np.int64)
        self._order = None

    def follow(self, snapshots: Sequence[Snapshot], budget_s: float = 0.03) -> bool:
        """Take what is new, and search for at most so long; return whether there is more to search."""
        self._snapshots = snapshots
        self._plain = len(snapshots) <= 1 and self._matches is None and self._range is None
        if self._plain:
            return False
        new = []
        for store, snapshot in enumerate(snapshots):
            first = max(self._seen.get(store, 0), snapshot.begin)
            if snapshot.end > first:
                new.append(np.arange(first, snapshot.end, dtype=np.int64) + (np.int64(store) << _NUMBER_BITS))
            self._seen[store] = snapshot.end
        if new:
            keys = np.concatenate(new)
            if self._range is not None or len(new) > 1:
                times = self._column(keys, "time_ns")
                if self._range is not None:
                    keep = (times >= self._range[0]) & (times <= self._range[1])
                    keys, times = keys[keep], times[keep]
                keys = keys[np.argsort(times, kind="stable")]
            if self._matches is None:
                self._add(keys)
                self._searched += len(keys)
            else:
                self._pending = np.concatenate([self._pending, keys])
        return self._search(budget_s)

    def _search(self, budget_s: float) -> bool:
        until = time.perf_counter() + budget_s
        while len(self._pending) and self._matches is not None:
            chunk, self._pending = self._pending[:_CHUNK], self._pending[_CHUNK:]
            rows = [(key, row) for key in chunk.tolist() if (row := self._row(key)) is not None]
            found = self._matches([row for _, row in rows])
            self._add(np.array([key for (key, _), hit in zip(rows, found, strict=True) if hit], np.int64))
            self._searched += len(chunk)
            if time.perf_counter() > until:
                break
        return bool(len(self._pending))

    def _add(self, keys: Keys) -> None:
        if len(keys):
            self._keys = np.concatenate([self._keys, keys])
            if self._order is not None:
                self._order = None

    # ---- what is looked at

    @property
    def progress(self) -> Progress:
        """How many rows there are, were searched, and are listed."""
        rows = sum(snapshot.end - snapshot.begin for snapshot in self._snapshots)
        if self._plain:
            return Progress(rows, rows, rows)
        return Progress(rows, min(self._searched, rows), len(self._keys))

    def __len__(self) -> int:
        return self.progress.matched

    def page(self, first: int, count: int) -> list[Row]:
        """Return rows from a place in the list on; those that were evicted meanwhile are left out."""
        keys = self._at(first, count)
        return [row for key in keys.tolist() if (row := self._row(key)) is not None]

    def place_of(self, time_ns: int) -> int:
        """Return the place of the row nearest to a moment; 0 in an empty list."""
        count = len(self)
        if not count:
            return 0
        keys = self._at(0, count)
        times = self._column(keys, "time_ns")
        return int(np.argmin(np.abs(times - time_ns)))

    def _at(self, first: int, count: int) -> Keys:
        if self._plain and self._sort is None:
            if not self._snapshots:
                return np.empty(0, np.int64)
            start = self._snapshots[0].begin
            stop = self._snapshots[0].end
            low = min(start + max(0, first), stop)
            return np.arange(low, min(low + count, stop), dtype=np.int64)
        keys = self._keys
        if self._plain:
            keys = np.arange(self._snapshots[0].begin, self._snapshots[0].end) if self._snapshots else keys
        if self._sort is not None:
            if self._order is None or len(self._order) != len(keys):
                self._order = self._ordered(keys)
            keys = keys[self._order]
        return keys[max(0, first) : max(0, first) + count]

    def _ordered(self, keys: Keys) -> Keys:
        column, descending = self._sort or ("time", False)
        if column == "peer":
            values = self._peer_ranks(keys)
        else:
            name = {"time": "time_ns", "size_bytes": "size"}.get(column, column)
            values = self._column(keys, name)
        order = np.argsort(values, kind="stable")
        return order[::-1] if descending else order

    def _peer_ranks(self, keys: Keys) -> Keys:
        """The rank of each row's peer among the names."""
        names = sorted({name for snapshot in self._snapshots for name in snapshot.peers})
        rank = {name: place for place, name in enumerate(names)}
        ranks = np.zeros(len(keys), np.int64)
        stores = keys >> _NUMBER_BITS
        codes = self._column(keys, "peer")
        for store, snapshot in enumerate(self._snapshots):
            table = np.array([rank[name] for name in snapshot.peers], np.int64)
            chosen = stores == store
            ranks[chosen] = table[codes[chosen]]
        return ranks

    def _column(self, keys: Keys, name: str) -> Keys:
        """Values of a block column at keys; 0 where the row has been evicted."""
        if self._plain and len(self._snapshots) == 1 and len(keys) == len(self):
            parts = [getattr(block.columns, name) for block in self._snapshots[0].blocks]
            return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)
        values = np.zeros(len(keys), np.int64)
        stores, numbers = keys >> _NUMBER_BITS, keys & ((1 << _NUMBER_BITS) - 1)
        for store, snapshot in enumerate(self._snapshots):
            number = snapshot.end - sum(len(block) for block in snapshot.blocks)
            mine = stores == store
            for block in snapshot.blocks:
                chosen = mine & (numbers >= number) & (numbers < number + len(block))
                if chosen.any():
                    values[chosen] = getattr(block.columns, name)[numbers[chosen] - number]
                number += len(block)
        return values

    def _row(self, key: int) -> Row | None:
        store, number = key >> _NUMBER_BITS, key & ((1 << _NUMBER_BITS) - 1)
        return row_of(self._snapshots[store], number, store) if store < len(self._snapshots) else None


def as_key(row: Row) -> int:
    """Return the key of a row: which one it is, for as long as the capture lives."""
    store, number = row.key
    return (store << _NUMBER_BITS) | number


def from_key(key: Any) -> tuple[int, int]:
    """Return number of the store, and number of the row in it."""
    return int(key) >> _NUMBER_BITS, int(key) & ((1 << _NUMBER_BITS) - 1)
