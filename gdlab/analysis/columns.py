"""The message table's columns as arrays, without a copy where that can be.

Every measure starts here, so that all of them mean the same by "a message", "in" and "per peer", and so that
tables read back from a file (strings where categories were, microseconds where nanoseconds were) work alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.gathering import are_all, at, sorting
from gdlab.messages import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: What one side says to one other side: the unit in which order, gaps and loss have a meaning.
STREAM: Final = ("endpoint", "peer", "direction")
_SCHEMA: Final = frozenset(column.name for column in SCHEMA)

#: Values are numbered by an array with a place for each where there are so many places for a row at most, or so few.
_DENSE: Final = 4
_FEW_CELLS: Final = 1 << 16

#: Of so many parts of the rows, one is looked at before all are.
_HEAD: Final = 16
#: How `NaT` is kept.
_NAT: Final = np.iinfo(np.int64).min

#: Who sends to whom, where the direction is given.
PEER: Final = ("endpoint", "peer")


def names_of(by: str | Sequence[str]) -> tuple[str, ...]:
    """The columns that tell groups apart, of which one may be given as it is: ``by="v.type"``."""
    return (by,) if isinstance(by, str) else tuple(by)


def require(table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise where the table lacks a column.

    Raises
    ------
    KeyError
        With the names that are missing and those that are there.
    """
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise KeyError(
            f"the table has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(str, table.columns))}. {_way_out(missing, table)}"
        )


def _way_out(missing: list[str], table: pd.DataFrame) -> str:
    fields = [name for name in missing if name not in _SCHEMA]
    if fields and not fields[0].startswith("v."):
        return f"A field of the messages is named with v. before it, such as 'v.{fields[0]}'."
    if any(str(name).startswith("v.") for name in table.columns):
        return "The payloads are decoded, and none has such a field."
    return "Decoded columns such as 'v.seq' come from decoding the payloads first."


def times_ns(table: pd.DataFrame) -> NDArray[np.int64]:
    """Nanoseconds since 1970 UTC of every row.

    Raises
    ------
    ValueError
        If a row has no time (NaT): such a table is not a capture.
    """
    require(table, ["time"])
    stamps = table["time"].to_numpy(dtype="datetime64[ns]").view(np.int64)
    if len(stamps) and stamps.min() == _NAT:
        raise ValueError(
            "the column 'time' holds NaT: every row of a capture has a time; drop those rows first"
        )
    return stamps


def time_index(stamps_ns: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Nanoseconds since 1970 UTC as the dtype of the column `time`."""
    return pd.DatetimeIndex(stamps_ns, tz="UTC", copy=True)


def codes(table: pd.DataFrame, name: str) -> tuple[NDArray[np.integer[Any]], pd.Index]:
    """Position of each row's value among the column's distinct values, -1 where it is missing.

    Returns
    -------
    (n,) integers, of as few bytes as they need where the column is categorical, and the distinct values; for a
    categorical column its categories, also those that do not occur.
    """
    require(table, [name])
    column = table[name].array
    if isinstance(column, pd.Categorical):
        return np.asarray(column.codes), column.categories
    numbers, values = pd.factorize(table[name])
    return np.asarray(numbers, dtype=np.int64), pd.Index(values)


def equals(table: pd.DataFrame, name: str, value: str) -> NDArray[np.bool_]:
    """True for the rows whose column `name` is `value`; (n,) bool."""
    require(table, [name])
    column = table[name].array
    if isinstance(column, pd.Categorical):
        # The smallest integer type is kept: comparing 1,000,000 int8 costs a tenth of comparing strings.
        if value not in column.categories:
            return np.zeros(len(table), dtype=np.bool_)
        return np.asarray(column.codes == column.categories.get_loc(value))
    return np.asarray(table[name].eq(value).fillna(False).to_numpy(dtype=np.bool_))


def messages(table: pd.DataFrame, direction: str | None = None) -> NDArray[np.bool_]:
    """True for the rows that are messages, of one direction where it is given; (n,) bool."""
    chosen = equals(table, "event", "message")
    return chosen if direction is None else chosen & equals(table, "direction", direction)


def groups(table: pd.DataFrame, by: Sequence[str]) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Number the distinct combinations of some columns in the order of their first row.

    Parameters
    ----------
    table : with the columns `by`; may be empty.
    by : column names; none makes one group of all rows.

    Returns
    -------
    (n,) int64 group of each row, and one row per group with the columns `by` (categories where they were,
    missing values kept as missing).
    """
    ids, first = group_rows(table, by)
    return ids, labels_of(table, by, first)


def group_rows(
    table: pd.DataFrame, by: Sequence[str], rows: NDArray[np.integer[Any]] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `groups`, of some rows of a table (all by default), without copying its columns.

    Returns
    -------
    (n,) int64 group of each of the rows, and (groups,) int64 which of the rows is the first of each.
    """
    return numbered_cells(*cells_of(table, by, rows))


def cells_of(
    table: pd.DataFrame, by: Sequence[str], rows: NDArray[np.integer[Any]] | None = None
) -> tuple[NDArray[np.integer[Any]], int]:
    """As `group_rows`, but numbered in no order; (n,) integers from 0 on, and what all of them are below."""
    n = len(table) if rows is None else len(rows)
    if rows is not None and are_all(rows, len(table)):
        rows = None
    cells: NDArray[np.integer[Any]] = np.zeros(n, dtype=np.int8)
    size = 1
    for name in by:
        numbers, _ = codes(table, name)
        if rows is not None:
            numbers = at(np.asarray(numbers), rows)
        low, high = (int(numbers.min()), int(numbers.max())) if n else (0, 0)
        width = high - low + 1
        if width == 1:  # as the endpoint, mostly
            continue
        if size * width > max(_DENSE * n, _FEW_CELLS):
            # Numbered anew, so that the product stays small however many columns there are.
            cells, first = numbered_cells(cells, size)
            size = len(first)
        if size == 1 and width <= np.iinfo(numbers.dtype).max:
            cells = numbers - numbers.dtype.type(low)
        else:
            cells = cells.astype(np.int64) * width + numbers - low
        size *= width
    return cells, size


def labels_of(table: pd.DataFrame, by: Sequence[str], rows: NDArray[np.int64]) -> pd.DataFrame:
    """The columns `by` of some rows of a table, numbered from 0."""
    return table[list(by)].iloc[rows].reset_index(drop=True)


def numbered_cells(cells: NDArray[np.integer[Any]], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the distinct values in the order of their first row.

    Parameters
    ----------
    cells : (n,) integers, 0 and above, below `size`.

    Returns
    -------
    (n,) int64 number of each row, and (distinct,) int64 the first row of each.
    """
    n = len(cells)
    if size > max(_DENSE * n, _FEW_CELLS):
        numbers, uniques = pd.factorize(cells)
        numbers = numbers.astype(np.int64)
        return numbers, first_rows(numbers, len(uniques))
    # With a place for each value: hashing a million takes ten times as long.
    distinct = np.count_nonzero(np.bincount(cells, minlength=size))
    for head in (n // _HEAD, n):  # as a rule all have come up soon
        first = np.full(size, -1, dtype=np.int64)
        first[cells[:head][::-1]] = np.arange(head - 1, -1, -1)
        begins = np.sort(first[first >= 0])
        if len(begins) == distinct:
            break
    if distinct == size and np.array_equal(begins, first):  # they are numbered so already
        return cells.astype(np.int64), begins
    first[cells[begins]] = np.arange(distinct)
    return at(first, cells), begins


def first_rows(ids: NDArray[np.int64], distinct: int) -> NDArray[np.int64]:
    """Position of the first row of each group; (distinct,) int64."""
    first = np.zeros(distinct, dtype=np.int64)
    first[ids[::-1]] = np.arange(len(ids) - 1, -1, -1)
    return first


def in_time(stamps_ns: NDArray[np.integer[Any]]) -> bool:
    """Whether rows are in order of time, as those of a capture nearly always are."""
    return bool(np.all(stamps_ns[1:] >= stamps_ns[:-1]))


def order(ids: NDArray[np.integer[Any]], stamps_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions that sort rows by group, then by time, then by position; (n,) int64."""
    return sorting(ids) if in_time(stamps_ns) else np.lexsort((stamps_ns, ids))


def starts_of(ids: NDArray[np.int64], distinct: int) -> NDArray[np.int64]:
    """Where each group begins when rows are in `order`; (distinct,) int64."""
    starts = np.zeros(distinct, dtype=np.int64)
    np.cumsum(np.bincount(ids, minlength=distinct)[:-1], out=starts[1:])
    return starts


def firsts(sorted_ids: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """True where a new group begins in sorted group numbers; (n,) bool."""
    begins = np.ones(len(sorted_ids), dtype=np.bool_)
    np.not_equal(sorted_ids[1:], sorted_ids[:-1], out=begins[1:])
    return begins
