"""Where messages stay: a bounded columnar store for each endpoint, tables built from it, and files."""

from gdlab.store.limits import DEFAULT_LIMIT, Limit, LimitError
from gdlab.store.store import Snapshot, Store, StoreStatistics

__all__ = ["DEFAULT_LIMIT", "Limit", "LimitError", "Snapshot", "Store", "StoreStatistics"]
