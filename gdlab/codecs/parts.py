"""Columns put together from parts: typed arrays where whole columns were read, Python values where rows were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.int64]

#: Integers up to here survive as floats.
_EXACT: Final = 2**53
_INT64: Final = 2**63


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one column holds in some rows.

    Attributes
    ----------
    rows : (k,) int64, positions.
    held : (k,) an array of int64, uint64, float64, bool or objects; objects are Python values, None is null.
    """

    rows: Rows
    held: npt.NDArray[Any]


def is_null(part: Part) -> bool:
    """Whether nothing but nulls stands there."""
    return part.held.dtype == object and all(value is None for value in part.held)


def as_objects(values: list[Any]) -> npt.NDArray[np.object_]:
    """A list as an array of objects, whatever they are."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def column(n: int, parts: list[Part]) -> Any:
    """One column of n rows; rows in no part are NA."""
    parts = [part for part in parts if not is_null(part)]
    kinds = {part.held.dtype.kind for part in parts}
    if kinds == {"b"}:
        return _masked(n, parts, np.bool_, pd.arrays.BooleanArray)
    if kinds == {"i"}:
        return _masked(n, parts, np.int64, pd.arrays.IntegerArray)
    if kinds == {"f"} or (kinds == {"f", "i"} and all(map(_is_exact, parts))):
        return _masked(n, parts, np.float64, pd.arrays.FloatingArray)
    rows = np.concatenate([part.rows for part in parts]) if parts else np.zeros(0, np.int64)
    seen: list[Any] = []
    for part in parts:
        seen += part.held.tolist()
    return of_values(n, rows, seen)


def _masked(n: int, parts: list[Part], dtype: Any, make: Any) -> Any:
    out, missing = np.zeros(n, dtype), np.ones(n, np.bool_)
    for part in parts:
        out[part.rows] = part.held
        missing[part.rows] = False
    return make(out, missing)


def _is_exact(part: Part) -> bool:
    if part.held.dtype.kind == "f" or not len(part.held):
        return True
    return int(part.held.max()) <= _EXACT and int(part.held.min()) >= -_EXACT


def of_values(n: int, where: Rows, values: list[Any]) -> Any:
    """One column of n rows from Python values."""
    missing = np.ones(n, np.bool_)
    kinds = set(map(type, values))
    if type(None) in kinds:
        kinds.remove(type(None))
        keep = np.array([value is not None for value in values], np.bool_)
        where, values = where[keep], [value for value in values if value is not None]
    missing[where] = False
    if kinds == {bool}:
        flags = np.zeros(n, np.bool_)
        flags[where] = values
        return pd.arrays.BooleanArray(flags, missing)
    if kinds == {int}:
        low, high = min(values), max(values)
        if (low >= -_INT64 and high < _INT64) or (low >= 0 and high < 2 * _INT64):
            numbers = np.zeros(n, np.int64 if high < _INT64 else np.uint64)
            numbers[where] = values
            return pd.arrays.IntegerArray(numbers, missing)
    elif kinds and kinds <= {int, float} and all(type(v) is float or abs(v) <= _EXACT for v in values):
        reals = np.zeros(n, np.float64)
        reals[where] = values
        return pd.arrays.FloatingArray(reals, missing)
    objects = np.empty(n, object)
    objects[:] = pd.NA
    if kinds and all(issubclass(kind, str) for kind in kinds):
        objects[where] = as_objects(values)
        try:
            return pd.array(objects, dtype="string")
        except UnicodeEncodeError:  # half a surrogate pair, which JSON may hold and Arrow may not
            return pd.array(objects, dtype=pd.StringDtype("python"))
    for row, value in zip(where.tolist(), values, strict=True):
        objects[row] = value
    return objects
