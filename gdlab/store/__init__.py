"""Where messages stay while a capture runs: a columnar store for each endpoint, in one bounded room."""

from gdlab.store.cursor import Cursor
from gdlab.store.limits import DEFAULT_LIMIT, Limit, LimitError
from gdlab.store.room import Room
from gdlab.store.snapshot import Snapshot
from gdlab.store.statistics import StoreStatistics
from gdlab.store.store import Store

__all__ = [
    "DEFAULT_LIMIT",
    "Cursor",
    "Limit",
    "LimitError",
    "Room",
    "Snapshot",
    "Store",
    "StoreStatistics",
]
