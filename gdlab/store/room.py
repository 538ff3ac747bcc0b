"""The bounds that the stores of one capture share: what goes first is what is oldest of all of them."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol

from gdlab.store.blocks import ROW_BYTES
from gdlab.store.limits import Limit


class Tenant(Protocol):
    """A store, as far as its room is concerned; all of it is only used while the lock is held."""

    def held(self) -> tuple[int, int]:
        """Rows and bytes that can be evicted."""

    def oldest_ns(self) -> int | None:
        """The time of the last row of its oldest block; None where it has none to give."""

    def evict(self) -> None:
        """Drop its oldest block."""


class Room:
    """What several stores may keep together.

    Parameters
    ----------
    limit : of all of them.
    stores : how many there will be. Each fills an open block of its own, whose room is kept free.

    Attributes
    ----------
    lock : held while blocks are sealed, evicted or rewritten. Rows are appended without it.
    share : how many stores the blocks are made for.
    """

    def __init__(self, limit: Limit, stores: int = 1) -> None:
        self.limit = limit
        self.share = max(1, stores)
        self.lock = threading.RLock()
        # A store that nobody has any more is gone at once, and its memory with it: the collector of cycles may be late.
        self._known: list[weakref.ref[Tenant]] = []
        self._open_rows = self._open_bytes = 0

    def block_size(self) -> tuple[int, int]:
        """Rows and payload bytes of a block: an eighth of the bound, which is what eviction takes at once."""
        limit = self.limit
        rows = max(1, min(65_536, (limit.rows or 1 << 30) // (8 * self.share)))
        payload_bytes = max(1 << 12, min(8 << 20, (limit.bytes or 1 << 30) // (8 * self.share)))
        return min(rows, max(64, payload_bytes // ROW_BYTES)) if limit.bytes else rows, payload_bytes

    def enter(self, store: Tenant, open_rows: int, open_bytes: int) -> None:
        """Count one more store, and what its open block may come to."""
        with self.lock:
            self._known.append(weakref.ref(store))
            self._open_rows += open_rows
            self._open_bytes += open_bytes

    @property
    def _stores(self) -> list[Tenant]:
        return [store for known in self._known if (store := known()) is not None]

    def keep_bounds(self, newest_ns: int) -> None:
        """Evict the oldest blocks until the bounds hold; the lock is held."""
        while True:
            candidates = [(at, store) for store in self._stores if (at := store.oldest_ns()) is not None]
            if not candidates:
                return
            at, store = min(candidates, key=lambda one: one[0])
            if not self._passes_bounds(newest_ns - at):
                return
            store.evict()

    def _passes_bounds(self, age_ns: int) -> bool:
        limit = self.limit
        rows, held = (sum(amounts) for amounts in zip(*(store.held() for store in self._stores), strict=True))
        return bool(
            # The open blocks may fill up before the bounds are looked at again: their share is kept free.
            (limit.rows is not None and rows + self._open_rows > limit.rows)
            or (limit.bytes is not None and held + self._open_bytes > limit.bytes)
            or (limit.seconds is not None and age_ns > limit.seconds * 1e9)
        )

    def after_fork(self) -> None:
        """In the child of a fork: whoever held the lock is not there."""
        self.lock = threading.RLock()
