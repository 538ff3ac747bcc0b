"""Tables as Arrow's record batches, for Parquet and spilled captures.

Text is escaped as in CSV (see `cells`), as Arrow's strings must be valid Unicode; there is no guard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gdlab.errors import MissingDependency
from gdlab.files import cells, versions
from gdlab.files import to_schema as conform
from gdlab.messages import SCHEMA
from gdlab.payloads import PayloadDtype


def require(what: str) -> Any:
    """The module pyarrow.

    Raises
    ------
    MissingDependency : it is not installed; `what` begins the message, such as ``Parquet files``.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingDependency(
            f"{what} need pyarrow: pip install 'gdlab[arrow]' (or pyarrow), then try again"
        ) from error
    return pa


def schema(metadata: dict[bytes, bytes] | None = None) -> Any:
    """The Arrow schema of `messages.SCHEMA`."""
    import pyarrow as pa

    types = {
        "datetime64[ns, UTC]": pa.timestamp("ns", "UTC"),
        "category": pa.dictionary(pa.int32(), pa.string()),
        "int64": pa.int64(),
        "Int32": pa.int32(),
        "Int64": pa.int64(),
        "payload": pa.large_binary(),
        "string": pa.string(),
    }
    return pa.schema([pa.field(column.name, types[column.dtype]) for column in SCHEMA], metadata)


def first_schema() -> Any:
    """The Arrow schema of version 1."""
    import pyarrow as pa

    olds = {new: old for old, new in versions.RENAMED.items()}
    return pa.schema(
        [
            field.with_name(olds.get(field.name, field.name))
            for field in schema()
            if field.name not in versions.NEW
        ]
    )


def batch(part: pd.DataFrame) -> Any:
    """A record batch of some rows of a table, see `conform`."""
    import pyarrow as pa

    wanted = schema()
    arrays = []
    for column, field in zip(SCHEMA, wanted, strict=True):
        values = part[column.name]
        if column.dtype == "category":
            names = pa.array([cells.escape(name) for name in values.cat.categories], pa.string())
            codes = pa.array(values.cat.codes.to_numpy(), pa.int32())
            arrays.append(pa.DictionaryArray.from_arrays(codes, names))
        elif column.dtype == "string":
            arrays.append(pa.array([cells.escape(text) for text in values.to_numpy(object)], field.type))
        elif column.dtype == "payload":
            arrays.append(pa.array(values.array))
        elif column.name in conform.NULLABLE:
            missing = values.isna().to_numpy()
            arrays.append(pa.array(values.fillna(0).to_numpy(), field.type, mask=missing))
        elif column.dtype == "int64":
            arrays.append(pa.array(values.to_numpy(), field.type))
        else:
            arrays.append(pa.array(conform.time_ns(part), pa.int64()).cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=wanted)


def table(data: Any, wanted: Sequence[str] | None = None) -> pd.DataFrame:
    """The table of an Arrow table, whose columns must be those of `schema` in any order; others are left out.

    The columns may also be those of version 1, see `versions`. With `wanted`, only those of today's schema are taken.

    Raises
    ------
    ValueError : columns lack, or hold something else.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {}
    found = dict(zip(versions.names(data.column_names), data.columns, strict=True))
    before = "reason" not in found and wanted is None
    for column, field in zip(SCHEMA, schema(), strict=True):
        if (before and column.name in versions.NEW) or (wanted is not None and column.name not in wanted):
            continue
        if column.name == "framing" and column.name not in found:
            columns[column.name] = conform.categorical(np.zeros(len(data), np.int8), [""])
            continue
        if column.name not in found:
            raise ValueError(f"there is no column {column.name!r}")
        values = found[column.name]
        if column.dtype != "payload" and column.name not in conform.NULLABLE and values.null_count:
            raise ValueError(f"the column {column.name!r} has missing values")
        if column.dtype == "category":
            columns[column.name] = _category(column.name, values.chunks)
            continue
        try:
            values = values.cast(field.type)
        except pa.ArrowException as error:
            raise ValueError(f"the column {column.name!r} is {values.type} and not {field.type}") from error
        if column.dtype == "payload":
            columns[column.name] = PayloadDtype().__from_arrow__(values)
        elif column.dtype == "string":
            texts = [cells.unescape(text) for text in values.to_pylist()]
            columns[column.name] = pd.array(np.array(texts, object), dtype=pd.StringDtype("python"))
        elif column.name in conform.NULLABLE:
            numbers = values.fill_null(0).to_numpy().astype(column.dtype.lower())
            columns[column.name] = pd.arrays.IntegerArray(numbers, values.is_null().to_numpy())
        elif column.dtype == "int64":
            columns[column.name] = values.to_numpy()
        else:
            times = values.cast(pa.int64()).to_numpy().view("datetime64[ns]")
            columns[column.name] = pd.DatetimeIndex(times, tz="UTC")
    built = pd.DataFrame(columns, copy=False)
    return versions.with_facts(built) if before else built


def _category(name: str, chunks: Sequence[Any]) -> pd.Categorical:
    """One category column; each chunk may have categories of its own."""
    import pyarrow as pa

    order = conform.fixed_order(name)
    codes = [np.empty(0, np.int32)]
    for chunk in chunks:
        if not pa.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_encode()
        values = chunk.dictionary.to_pylist()
        if not all(isinstance(value, str) for value in values):
            raise ValueError(f"the column {name!r} does not hold text")
        used = [cells.unescape(value) for value in values]
        translate = np.array([order.setdefault(value, len(order)) for value in used], np.int32)
        codes.append(translate[chunk.indices.to_numpy()] if len(chunk) else np.empty(0, np.int32))
    return conform.categorical(np.concatenate(codes), order)
