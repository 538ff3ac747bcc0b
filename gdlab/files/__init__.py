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
from gdlab.files.truth import TRUTH_SCHEMA, read_truth, truth_path, write_truth

__all__ = [
    "TRUTH_SCHEMA",
    "Loaded",
    "Spill",
    "SpillStatistics",
    "TableError",
    "load",
    "read_truth",
    "truth_path",
    "write_csv",
    "write_document",
    "write_fields_csv",
    "write_fields_parquet",
    "write_parquet",
    "write_pcapng",
    "write_truth",
]
