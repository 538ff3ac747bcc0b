"""The rows of many files asked by SQL, through DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.datasets.reading import quiet
from gdlab.errors import MissingDependency
from gdlab.files import arrow, pieces
from gdlab.files import to_schema as conform


def ask(query: str, files: Sequence[str]) -> pd.DataFrame:
    """The answer of DuckDB to a query over the table ``messages``; see `Dataset.sql`."""
    try:
        import duckdb
    except ImportError as error:
        raise MissingDependency(
            "SQL needs DuckDB: pip install 'gdlab[dataset]' (or duckdb), then try again"
        ) from error
    arrow.require("Files as SQL")
    known = {whole: _is_todays_parquet(Path(whole)) for whole in dict.fromkeys(map(pieces.whole, files))}
    direct = [whole for whole, is_direct in known.items() if is_direct]
    others = [path for path in files if not known[pieces.whole(path)]]
    columns = ", ".join(f'"{name}"' for name in conform.NAMES)
    # Categories have other values in each file: as text they are the same everywhere.
    texts = ", ".join(f'"{name}"::varchar as "{name}"' for name in conform.CATEGORICAL)
    parts = []
    with duckdb.connect() as connection:
        if direct:
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in direct)
            parts.append(f"select {columns} from read_parquet([{listed}], union_by_name=true)")  # noqa: S608
        if others:
            connection.register("_others", _reader(others))
            parts.append(f"select {columns} from _others")  # noqa: S608
        each = [f"select * replace ({texts}) from ({part})" for part in parts]  # noqa: S608
        connection.execute(f"create temp view messages as {' union all '.join(each)}")
        answer: pd.DataFrame = connection.execute(query).df()
        return answer


def _is_todays_parquet(path: Path) -> bool:
    """Whether DuckDB reads the file as it is: Parquet with the columns of today."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return path.is_file() and set(conform.NAMES) <= set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException):
        return False


def _reader(files: Sequence[str]) -> Any:
    """The rows of files that only gdlab reads, one file or piece at a time."""
    import pyarrow as pa

    def batches() -> Iterator[Any]:
        for path in files:
            table = pieces.read(path, progress=quiet).table
            for rows in conform.batches(conform.payloads(table).sizes):
                yield arrow.batch(table.iloc[rows])

    return pa.RecordBatchReader.from_batches(arrow.schema(), batches())
