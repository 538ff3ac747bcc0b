"""Where messages stay while a capture runs: a bounded columnar store for each endpoint."""

from gdlab.store.cursor import Cursor
from gdlab.store.limits import DEFAULT_LIMIT, Limit, LimitError
from gdlab.store.store import Snapshot, Store, StoreStatistics

__all__ = [
    "DEFAULT_LIMIT",
    "Cursor",
    "Limit",
    "LimitError",
    "Snapshot",
    "Store",
    "StoreStatistics",
]
