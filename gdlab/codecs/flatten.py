"""Values as flat, typed columns: ``{"seq": 7, "pos": Vector2(1, 2)}`` becomes `v.seq`, `v.pos.x` and `v.pos.y`.

The name of a column is the Python expression that leads from the value there: `v.pos.x`, `v.items[0]`,
`v["a.b"]` (a key that is not a name), `v[1]` (the key 1, or the second element). A dot never belongs to a key.

=====================  ==============================================================================
In the values          In the columns
=====================  ==============================================================================
bool                   `boolean`
int                    `Int64`; `UInt64` where one of them needs it; beyond that Python ints (object)
float                  `Float64`; NaN of the sender stays NaN, missing is NA
int and float          `Float64` where every int survives as a float, else object: no int is rounded
str, StringName        `string`; of a NodePath its text
other mixtures         object, each value as it came
null, or no such key   NA
vectors, transforms    a column a component
RID, Signal            `Int64` id; name and `object_id`
list, packed array     its first `MAX_ITEMS` elements, and ``v.items[]``, the number of elements
bytes                  ``v.data[]``, their number; the bytes stay in `value`
empty dictionary       nothing
=====================  ==============================================================================

At most `MAX_COLUMNS` columns are made, the ones with the most values, and none for what lies under more than
`MAX_DEPTH` containers or under a key of more than `MAX_KEY` characters. How many values of a row have no column for
these reasons is counted, so that nothing is left out silently.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.variant import (
    RID,
    Color,
    EncodedObject,
    NodePath,
    ObjectRecord,
    PackedArray,
    PackedColorArray,
    Signal,
    Vector4,
)
from gdlab.variant.mathtypes import MATH_TYPES

#: Columns at most, whatever peers send.
MAX_COLUMNS: Final = 256
#: Elements of a list that get a column each.
MAX_ITEMS: Final = 8
#: Containers around a value that gets a column.
MAX_DEPTH: Final = 16
#: Characters of a key, as written in a column's name.
MAX_KEY: Final = 64
#: Different places that are followed before those seen only once are given up.
MAX_PLACES: Final = 50_000

_INT64: Final = 2**63
_EXACT: Final = 2**53


@dataclass(slots=True, eq=False)
class _Place:
    """One place in the values: what stood there, in which rows; and the places below it."""

    name: str
    rows: list[int] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    below: dict[Any, _Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flat:
    """Columns of n values.

    Attributes
    ----------
    columns : by name, in the order of their first value; each of n rows.
    omitted : (n,) int64, how many values of a row have no column.
    omitted_columns : how many columns would have been made without the limit; at least.
    """

    columns: dict[str, pd.api.extensions.ExtensionArray | npt.NDArray[Any]]
    omitted: npt.NDArray[np.int64]
    omitted_columns: int


class _Walk:
    """Collects what stands where. Values nest at most `MAX_DEPTH` deep for us, so recursion is safe."""

    def __init__(self, n: int) -> None:
        self.root = _Place("v")
        self.omitted = np.zeros(n, np.int64)
        self.given_up = 0
        self._places = 0
        self._full = False

    def add(self, row: int, value: Any) -> None:
        """Take in the value of a row."""
        self._visit(row, value, self.root, 0)

    def _visit(self, row: int, value: Any, place: _Place, depth: int) -> None:
        if type(value) in _SCALARS:
            place.rows.append(row)
            place.seen.append(value)
        elif depth >= MAX_DEPTH:
            self.omitted[row] += 1
        elif isinstance(value, dict):
            for key, item in value.items():
                self._below(row, item, place, key, depth)
        elif type(value) in MATH_TYPES:
            for name, item in zip(_FIELDS[type(value)], value, strict=True):
                self._below(row, item, place, name, depth)
        elif isinstance(value, (list, tuple)):
            self._below(row, len(value), place, _COUNT, depth)
            for index, item in enumerate(value[:MAX_ITEMS]):
                self._below(row, item, place, index, depth)
        elif isinstance(value, np.ndarray) and value.ndim:
            self._array(row, value, place, depth)
        else:
            self._other(row, value, place, depth)

    def _other(self, row: int, value: Any, place: _Place, depth: int) -> None:
        if isinstance(value, (bytes, bytearray, memoryview)):
            self._below(row, len(value), place, _COUNT, depth)
        elif isinstance(value, (np.generic, np.ndarray)):
            self._visit(row, value.tolist(), place, depth + 1)
        elif isinstance(value, (str, NodePath)):
            self._visit(row, str(value), place, depth)
        elif isinstance(value, RID):
            self._visit(row, value.id, place, depth)
        elif isinstance(value, EncodedObject):
            self._below(row, value.object_id, place, _field("object_id"), depth)
        elif isinstance(value, Signal):
            self._below(row, value.name, place, _field("name"), depth)
            self._below(row, value.object_id, place, _field("object_id"), depth)
        elif isinstance(value, ObjectRecord):
            self._below(row, value.class_name, place, _field("class_name"), depth)
            self._below(row, value.properties, place, _field("properties"), depth)
        else:  # a Callable, which is always empty; or an object of the user's codec
            place.rows.append(row)
            place.seen.append(value)

    def _array(self, row: int, value: np.ndarray[Any, Any], place: _Place, depth: int) -> None:
        self._below(row, len(value), place, _COUNT, depth)
        fields = _FIELDS[Color] if isinstance(value, PackedColorArray) else _FIELDS[Vector4]
        for index, item in enumerate(value[:MAX_ITEMS].tolist()):
            if isinstance(item, list) and isinstance(value, PackedArray):
                element = self._find(row, place, index)
                if element is not None:
                    for name, part in zip(fields, item, strict=False):
                        self._below(row, part, element, name, depth + 1)
            else:
                self._below(row, item, place, index, depth)

    def _below(self, row: int, value: Any, place: _Place, key: Any, depth: int) -> None:
        found = place.below.get(key) if type(key) in _PLAIN_KEYS else None
        if found is None:
            found = self._find(row, place, key)
            if found is None:
                return
        self._visit(row, value, found, depth + 1)

    def _find(self, row: int, place: _Place, key: Any) -> _Place | None:
        """The place under a key; a new one, unless there are too many or the key is too long."""
        if type(key) is _Field:
            filed: Any = key
        elif isinstance(key, str):
            filed = str(key)
        else:
            filed = ("repr", suffix(key)) if type(key) is not int else key
        found = place.below.get(filed)
        if found is not None:
            return found
        name = suffix(filed) if not isinstance(filed, tuple) else filed[1]
        if len(name) > MAX_KEY or self._is_full():
            self.omitted[row] += 1
            self.given_up += 1
            return None
        self._places += 1
        found = place.below[filed] = _Place(place.name + name)
        return found

    def _is_full(self) -> bool:
        if self._places >= MAX_PLACES and not self._full:
            # One sender's random keys must not crowd out the keys that every message has.
            self._prune(self.root)
            self._full = self._places > MAX_PLACES // 2
        return self._full

    def _prune(self, place: _Place) -> None:
        for key, child in list(place.below.items()):
            self._prune(child)
            if not child.below and len(child.rows) <= 1:
                for row in child.rows:
                    self.omitted[row] += 1
                self.given_up += len(child.rows)
                del place.below[key]
                self._places -= 1


class _Field(str):
    """A component of a value, or the number of its elements; never equal to a key of the same letters."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return type(other) is _Field and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


_field: Final = functools.cache(_Field)  # one object a name: a dict finds it without comparing
_COUNT: Final = _field("[]")
_FIELDS: Final = {cls: tuple(map(_field, cls._fields)) for cls in MATH_TYPES}  # type: ignore[attr-defined]  # named tuples
_SCALARS: Final = frozenset({type(None), bool, int, float, str})
#: Keys that are found in a dict of places as they are.
_PLAIN_KEYS: Final = frozenset({str, int, _Field})


def suffix(key: Any) -> str:
    """How a key follows a value in an expression."""
    if type(key) is _Field:
        return str(key) if key == _COUNT else f".{key}"
    if isinstance(key, str):
        if len(key) > MAX_KEY:
            return "[" + "." * MAX_KEY  # too long for a column; its text is of no interest
        return f".{key}" if key.isidentifier() else f"[{json.dumps(key, ensure_ascii=False)}]"
    if isinstance(key, (list, dict, np.ndarray, bytes)) and len(key) > MAX_KEY:
        return "[" + "." * MAX_KEY
    return f"[{key!r}]"


def columns(values: npt.NDArray[np.object_], present: npt.NDArray[np.bool_]) -> Flat:
    """The columns of some values.

    Parameters
    ----------
    values : (n,) objects, values of `gdlab.variant`, or what JSON gives.
    present : (n,) bool, which of them to look at; the others get NA everywhere.
    """
    walk = _Walk(len(values))
    for row in np.flatnonzero(present).tolist():
        walk.add(row, values[row])
    places = [place for place in _leaves(walk.root) if not _is_empty(place)]
    # Distinct places may have one name: the key "x" and the component x of a vector are both `v.x`.
    merged: dict[str, list[_Place]] = {}
    for place in places:
        merged.setdefault(place.name, []).append(place)
    chosen = set(merged)
    if len(merged) > MAX_COLUMNS:
        by_use = sorted(merged, key=lambda name: -sum(len(place.rows) for place in merged[name]))
        chosen = set(by_use[:MAX_COLUMNS])
        for name in by_use[MAX_COLUMNS:]:
            for place in merged[name]:
                np.add.at(walk.omitted, np.array(place.rows, np.int64), 1)
    made = {
        name: _column(
            len(values),
            [row for place in parts for row in place.rows],
            [v for place in parts for v in place.seen],
        )
        for name, parts in merged.items()
        if name in chosen
    }
    return Flat(made, walk.omitted, len(merged) - len(chosen) + walk.given_up)


def _leaves(root: _Place) -> list[_Place]:
    found, pending = [], [root]
    while pending:
        place = pending.pop()
        if place.rows:
            found.append(place)
        pending += reversed(place.below.values())
    return found


def _is_empty(place: _Place) -> bool:
    """Only nulls where other rows have a container: the container's columns say as much with NA."""
    return bool(place.below) and all(value is None for value in place.seen)


def _column(n: int, rows: list[int], values: list[Any]) -> Any:
    """One column of n rows from the values it has."""
    where = np.array(rows, np.int64)
    missing = np.ones(n, np.bool_)
    kinds = {type(value) for value in values} - {type(None)}
    if type(None) in {type(value) for value in values}:
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
    for row, value in zip(where.tolist(), values, strict=True):
        objects[row] = value
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return pd.array(objects, dtype="string")
    return objects
