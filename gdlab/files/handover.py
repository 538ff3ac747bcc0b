"""Tables handed to other engines by Arrow's C stream (polars, DuckDB, pyarrow), payloads not copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from gdlab.files import arrow
from gdlab.files import to_schema as conform


def stream(table: pd.DataFrame) -> Any:
    """A reader of record batches over a table of a capture; text is escaped as in files (see `cells`).

    Raises
    ------
    MissingDependency : pyarrow is not installed.
    TableError : not the columns of a capture.
    """
    pa = arrow.require("Tables as Arrow")
    table = conform.conform(table)

    def batches() -> Iterator[Any]:
        for rows in conform.batches(conform.payloads(table).sizes):
            yield arrow.batch(table.iloc[rows])

    return pa.RecordBatchReader.from_batches(arrow.schema(), batches())
