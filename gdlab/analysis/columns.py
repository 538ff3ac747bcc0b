"""The message table's columns as arrays, without a copy where that can be.

Every measure starts here, so that all of them mean the same by "a message", "in" and "per peer", and so that
tables read back from a file (strings where categories were, microseconds where nanoseconds were) work alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: What one side says to one other side: the unit in which order, gaps and loss have a meaning.
STREAM: Final = ("endpoint", "peer", "direction")


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
            f"{', '.join(map(str, table.columns))}. "
            "Decoded columns such as 'v.seq' come from decoding the payloads first."
        )


def times_ns(table: pd.DataFrame) -> NDArray[np.int64]:
    """Nanoseconds since 1970 UTC of every row.

    Raises
    ------
    ValueError
        If a row has no time (NaT): such a table is not a capture.
    """
    require(table, ["time"])
    naive = table["time"].to_numpy(dtype="datetime64[ns]")
    if np.isnat(naive).any():
        raise ValueError(
            "the column 'time' holds NaT: every row of a capture has a time; drop those rows first"
        )
    return naive.view(np.int64)


def time_index(stamps_ns: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Nanoseconds since 1970 UTC as the dtype of the column `time`."""
    return pd.DatetimeIndex(stamps_ns.view("datetime64[ns]")).tz_localize("UTC")


def codes(table: pd.DataFrame, name: str) -> tuple[NDArray[np.integer[Any]], pd.Index]:
    """Position of each row's value among the column's distinct values, -1 where it is missing.

    Returns
    -------
    (n,) integers, and the distinct values; for a categorical column its categories, also those that do not
    occur.
    """
    require(table, [name])
    column = table[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(dtype=np.int64), column.cat.categories
    numbers, values = pd.factorize(column)
    return np.asarray(numbers, dtype=np.int64), pd.Index(values)


def equals(table: pd.DataFrame, name: str, value: str) -> NDArray[np.bool_]:
    """True for the rows whose column `name` is `value`; (n,) bool."""
    require(table, [name])
    column = table[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        # The smallest integer type is kept: comparing 1,000,000 int8 costs a tenth of comparing strings.
        position = column.cat.categories.get_indexer(pd.Index([value]))[0]
        if position < 0:
            return np.zeros(len(table), dtype=np.bool_)
        return np.asarray(column.cat.codes.to_numpy() == position)
    return np.asarray(column.eq(value).fillna(False).to_numpy(dtype=np.bool_))


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
    (n,) int64 group of each row, and one row a group with the columns `by` (categories where they were,
    missing values kept as missing).
    """
    ids, distinct = np.zeros(len(table), dtype=np.int64), min(1, len(table))
    for name in by:
        numbers, values = codes(table, name)
        # Numbered anew after every column, so that the product cannot leave 64 bits however many there are.
        numbered, uniques = pd.factorize(ids * (len(values) + 1) + (numbers + 1))
        ids, distinct = numbered.astype(np.int64), len(uniques)
    return ids, table[list(by)].iloc[first_rows(ids, distinct)].reset_index(drop=True)


def first_rows(ids: NDArray[np.int64], distinct: int) -> NDArray[np.int64]:
    """Position of the first row of each group; (distinct,) int64."""
    first = np.zeros(distinct, dtype=np.int64)
    first[ids[::-1]] = np.arange(len(ids) - 1, -1, -1)
    return first


def order(ids: NDArray[np.integer[Any]], stamps_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions that sort rows by group, then by time, then by position; (n,) int64."""
    if np.all(stamps_ns[1:] >= stamps_ns[:-1]):
        # Captures are nearly always in order of time; small integers then sort by radix, ten times faster.
        small = ids.astype(np.int16) if ids.size and ids.max() < 2**15 else ids
        return np.argsort(small, kind="stable")
    return np.lexsort((stamps_ns, ids))


def firsts(sorted_ids: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """True where a new group begins in sorted group numbers; (n,) bool."""
    begins = np.ones(len(sorted_ids), dtype=np.bool_)
    np.not_equal(sorted_ids[1:], sorted_ids[:-1], out=begins[1:])
    return begins
