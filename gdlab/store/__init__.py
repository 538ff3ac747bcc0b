"""Where messages stay: a bounded columnar store for each endpoint, tables built from it, and files."""

from gdlab.store.conform import TableError
from gdlab.store.csvwrite import write_csv
from gdlab.store.document import write_document
from gdlab.store.limits import DEFAULT_LIMIT, Limit, LimitError
from gdlab.store.load import load
from gdlab.store.loaded import Loaded
from gdlab.store.parquet import write_parquet
from gdlab.store.pcapwrite import write_pcapng
from gdlab.store.spill import Spill, SpillStatistics
from gdlab.store.store import Snapshot, Store, StoreStatistics

__all__ = [
    "DEFAULT_LIMIT",
    "Limit",
    "LimitError",
    "Loaded",
    "Snapshot",
    "Spill",
    "SpillStatistics",
    "Store",
    "StoreStatistics",
    "TableError",
    "load",
    "write_csv",
    "write_document",
    "write_parquet",
    "write_pcapng",
]
