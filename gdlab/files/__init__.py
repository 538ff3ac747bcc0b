"""Captures as files: CSV, Parquet, pcap, spill folders."""

from gdlab.files.csvwrite import write_csv
from gdlab.files.document import write_document
from gdlab.files.fields import write_fields_csv, write_fields_parquet
from gdlab.files.load import load
from gdlab.files.loaded import Loaded
from gdlab.files.parquet import write_parquet
from gdlab.files.pcapwrite import write_pcapng
from gdlab.files.spill import Spill, SpillStatistics
from gdlab.files.to_schema import TableError

__all__ = [
    "Loaded",
    "Spill",
    "SpillStatistics",
    "TableError",
    "load",
    "write_csv",
    "write_document",
    "write_fields_csv",
    "write_fields_parquet",
    "write_parquet",
    "write_pcapng",
]
