"""Tables as files take them: the columns of the schema, of its dtypes, with nothing missing."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.errors import GdlabError
from gdlab.messages import CODES, SCHEMA
from gdlab.payloads import Int64, PayloadArray, PayloadDtype
from gdlab.store.table import text_categories

#: The columns whose few different values are kept as categories.
CATEGORICAL = tuple(column.name for column in SCHEMA if column.dtype == "category")

#: Those of them before the payload, which every row has something in.
LEADING = tuple(
    column.name
    for column in SCHEMA[: [column.name for column in SCHEMA].index("payload")]
    if column.dtype == "category"
)

#: Numbers that few rows have.
NULLABLE = tuple(column.name for column in SCHEMA if column.dtype in ("Int32", "Int64"))

#: All columns.
NAMES = tuple(column.name for column in SCHEMA)
_BATCH_ROWS = 65_536
#: Categories that are worth being remembered.
_FEW = 100
_BATCH_BYTES = 16 << 20


class TableError(GdlabError, ValueError):
    """A table that does not have the columns of a capture."""


def conform(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of `messages.SCHEMA`, in its order and with its dtypes; index 0 to n - 1.

    Tables of a capture, filtered or concatenated, pass as they are; where pandas has turned a category into
    objects, it becomes one again.

    Raises
    ------
    TableError : columns lack or are too many, a value is missing (only a payload, a code and a count may be), or a
        column holds something else than the schema says.
    """
    if "framing" not in table.columns:  # made by hand, or of no stream
        table = table.assign(framing=categorical(np.zeros(len(table), np.int8), [""]))
    missing = [name for name in NAMES if name not in table.columns]
    extra = [str(name) for name in table.columns if name not in NAMES]
    if missing or extra:
        raise TableError(
            "a file holds the columns of a capture; "
            + (f"missing here: {', '.join(missing)}. " if missing else "")
            + (f"too many: {', '.join(extra)}. " if extra else "")
            + "Write the capture's own table, or this one with DataFrame.to_csv"
        )
    columns: dict[str, Any] = {}
    for column in SCHEMA:
        series = table[column.name]
        try:
            columns[column.name] = _column(series, column.dtype)
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            raise TableError(
                f"the column {column.name!r} should be {column.dtype} and is {series.dtype}: {error}"
            ) from error
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), copy=False)


def _column(series: Any, dtype: str) -> Any:
    if dtype in ("Int32", "Int64"):
        return pd.array(series.array, dtype=dtype, copy=False)
    if dtype != "payload" and series.isna().any():
        raise ValueError(f"{int(series.isna().sum())} values are missing; fill or drop those rows first")
    if dtype == "payload":
        return pd.array(series.array, dtype=PayloadDtype())
    if dtype == "category":
        values = series.array if isinstance(series.dtype, pd.CategoricalDtype) else _category(series)
        if not all(isinstance(category, str) for category in values.categories):
            raise ValueError("its categories must be text")
        if values.categories.dtype == object and not values.ordered:
            return pd.Categorical.from_codes(values.codes, dtype=values.dtype)
        return categorical(values.codes, values.categories)
    if dtype.startswith("datetime64"):
        return pd.DatetimeIndex(series).tz_convert("UTC").as_unit("ns")
    if dtype == "int64":
        values = series.to_numpy()
        if values.dtype.kind not in "iu":
            raise TypeError("expected whole numbers")
        converted = values.astype(np.int64)
        if bool((converted != values).any()):
            raise OverflowError("a number is beyond 2**63 - 1")
        return converted
    values = series.to_numpy(object)
    if not all(isinstance(value, str) for value in values):
        raise TypeError("expected text")
    return pd.array(values, dtype=pd.StringDtype("python"))


def fixed_order(column: str) -> dict[str, int]:
    """The fixed categories of a column, as plain text, with their numbers; the caller's to add others to."""
    return {str(value): code for value, code in CODES.get(column, {}).items()}


def _category(series: pd.Series[Any]) -> pd.Categorical:
    """Categories again for a column that lost them: the fixed ones, or in order of first appearance."""
    order = fixed_order(str(series.name))
    return categorical([order.setdefault(value, len(order)) for value in series.to_numpy(object)], order)


def categorical(codes: Any, categories: Iterable[str]) -> pd.Categorical:
    """A category column of Python strings (Arrow's do not hold all of them)."""
    names = tuple(map(str, categories))
    dtype = _known(names) if len(names) <= _FEW else text_categories(names)
    return pd.Categorical.from_codes(codes, dtype=dtype)


#: The same few names come again in every file, and pandas looks for doubles in all of them.
_known = functools.lru_cache(maxsize=64)(text_categories)


def time_ns(table: pd.DataFrame) -> Int64:
    """(n,) int64, the column `time` in nanoseconds since 1970."""
    times: npt.NDArray[np.datetime64] = np.asarray(
        pd.DatetimeIndex(table["time"]).tz_convert(None), "datetime64[ns]"
    )
    return times.view(np.int64)


def concatenated(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables one behind the other, with the categories of all."""
    plain = [table.astype(dict.fromkeys(CATEGORICAL, object)) for table in tables]
    return conform(pd.concat(plain, ignore_index=True))


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The table in order of time; rows of equal time stay as they are."""
    times = time_ns(table)
    if bool(np.any(times[1:] < times[:-1])):
        return table.take(np.argsort(times, kind="stable")).reset_index(drop=True)
    return table


def concat(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables below each other; categories stay categories, in order of first appearance."""
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for column in SCHEMA:
        parts = [table[column.name] for table in tables]
        if column.dtype == "category":
            order = fixed_order(column.name)
            codes = [np.empty(0, np.int32)]
            for part in parts:
                new = np.array([order.setdefault(each, len(order)) for each in part.cat.categories], np.int32)
                old = part.cat.codes.to_numpy()
                codes.append(new[old] if len(new) else old.astype(np.int32))
            columns[column.name] = categorical(np.concatenate(codes), order)
        else:
            columns[column.name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns, copy=False)


def payloads(table: pd.DataFrame) -> PayloadArray:
    """The column `payload`."""
    return cast(PayloadArray, table["payload"].array)


def categories(table: pd.DataFrame) -> dict[str, list[str]]:
    """The categories of each categorical column, in their order."""
    return {name: table[name].cat.categories.tolist() for name in CATEGORICAL}


def batches(sizes: Int64) -> Iterator[slice]:
    """Split rows so that a batch is quickly written and its payloads take little memory.

    Parameters
    ----------
    sizes : (n,) int64, bytes of each payload; -1 where it is missing.
    """
    ends = np.cumsum(np.maximum(sizes, 0))
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(ends, before + _BATCH_BYTES, side="right"))
        stop = min(max(fitting, start + 1), start + _BATCH_ROWS, len(sizes))
        yield slice(start, stop)
        start = stop
