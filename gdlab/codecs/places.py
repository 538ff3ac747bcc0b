"""The places in values: what stands where in a column of them, followed within bounds."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from gdlab.variant import (
    RID,
    Color,
    Dictionary,
    EncodedObject,
    NodePath,
    ObjectRecord,
    PackedArray,
    Signal,
    Type,
    Vector2,
    Vector3,
    Vector4,
)
from gdlab.variant.keys import given
from gdlab.variant.mathtypes import MATH_TYPES

#: Elements of a list that get a column each.
MAX_ITEMS: Final = 8
#: Containers around a value that gets a column.
MAX_DEPTH: Final = 16
#: Characters of a key, as written in a column's name.
MAX_KEY: Final = 64
#: Different places that are followed before those seen only once are given up.
MAX_PLACES: Final = 50_000


@dataclass(slots=True, eq=False)
class Place:
    """One place in the values: what stood there, in which rows; and the places below it."""

    name: str
    rows: list[int] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    below: dict[Any, Place] = field(default_factory=dict)


class Walk:
    """Collects what stands where, a whole column of values at a time.

    Values of one shape are taken apart together, by one list comprehension a place, so that a table of equal
    messages costs little more than its numbers. Recursion ends at `MAX_DEPTH`.
    """

    def __init__(self, n: int) -> None:
        self.root = Place("v")
        self.omitted = np.zeros(n, np.int64)
        self.given_up = 0
        self._places = 0
        self._full = False

    def visit(self, rows: list[int], values: list[Any], place: Place, depth: int) -> None:
        """Take in the values that stand at a place."""
        kinds = set(map(type, values))
        if kinds <= _SCALARS:
            place.rows += rows
            place.seen += values
        elif len(kinds) == 1:
            self._same(kinds.pop(), rows, values, place, depth)
        else:
            groups: dict[type, tuple[list[int], list[Any]]] = {}
            for row, value in zip(rows, values, strict=True):
                group = groups.setdefault(type(value), ([], []))
                group[0].append(row)
                group[1].append(value)
            for kind, (some_rows, some_values) in groups.items():
                if kind in _SCALARS:
                    place.rows += some_rows
                    place.seen += some_values
                else:
                    self._same(kind, some_rows, some_values, place, depth)

    def _same(self, cls: type, rows: list[int], values: list[Any], place: Place, depth: int) -> None:
        """Take in values of one class, which is not a scalar's."""
        if depth >= MAX_DEPTH:
            self._omit(rows)
        elif issubclass(cls, dict):
            self._dicts(rows, values, place, depth)
        elif cls in MATH_TYPES:
            for index, name in enumerate(_FIELDS[cls]):
                self._below(rows, [value[index] for value in values], place, name, depth)
        elif issubclass(cls, (list, tuple)):
            self._elements(rows, list(map(len, values)), values, place, depth)
        elif issubclass(cls, PackedArray):
            element = _ELEMENTS.get(values[0].type)
            heads = [value[:MAX_ITEMS].tolist() for value in values]
            if element is not None:
                heads = [[element(*item) for item in head] for head in heads]
            self._elements(rows, list(map(len, values)), heads, place, depth)
        elif issubclass(cls, (np.ndarray, np.generic)):
            self.visit(rows, [value.tolist() for value in values], place, depth + 1)
        elif issubclass(cls, (bytes, bytearray, memoryview)):
            self._below(rows, list(map(len, values)), place, _COUNT, depth)
        elif issubclass(cls, (str, NodePath)):
            self.visit(rows, list(map(str, values)), place, depth)
        elif cls is RID:
            self.visit(rows, [value.id for value in values], place, depth)
        elif cls in _RECORD_FIELDS:
            for part in _RECORD_FIELDS[cls]:
                self._below(rows, [getattr(value, part) for value in values], place, _field(part), depth)
        else:  # a Callable, which is always empty; or an object of the user's codec
            place.rows += rows
            place.seen += values

    def _dicts(self, rows: list[int], values: list[dict[Any, Any]], place: Place, depth: int) -> None:
        shapes: dict[Any, tuple[list[int], list[dict[Any, Any]]]] = {}
        for row, value in zip(rows, values, strict=True):
            keys = tuple(dict.__iter__(value))  # as they are filed, which is what tells 1 from 1.0
            # A plain dict's keys may be equal and of different types; names are not, and nearly all are names.
            shape = keys if type(value) is Dictionary else (keys, *map(type, keys))
            group = shapes.get(shape)
            if group is None:
                group = shapes[shape] = ([], [])
            group[0].append(row)
            group[1].append(value)
        for some_rows, some in shapes.values():
            for key in dict.__iter__(some[0]):
                get = dict.__getitem__
                self._below(some_rows, [get(value, key) for value in some], place, given(key), depth)

    def _elements(
        self, rows: list[int], lengths: list[int], heads: list[Any], place: Place, depth: int
    ) -> None:
        """Take in lists of these lengths, of which at least the beginnings are given."""
        self._below(rows, lengths, place, _COUNT, depth)
        shortest = min(lengths)
        for index in range(min(MAX_ITEMS, max(lengths))):
            if index < shortest:
                self._below(rows, [head[index] for head in heads], place, index, depth)
            else:
                long = [which for which, length in enumerate(lengths) if length > index]
                some = [heads[which][index] for which in long]
                self._below([rows[which] for which in long], some, place, index, depth)

    def _below(self, rows: list[int], values: list[Any], place: Place, key: Any, depth: int) -> None:
        found = self._find(rows, place, key)
        if found is not None:
            self.visit(rows, values, found, depth + 1)

    def _find(self, rows: list[int], place: Place, key: Any) -> Place | None:
        """The place under a key; a new one, unless there are too many or the key is too long."""
        filed = _filed(key)
        found = place.below.get(filed)
        if found is not None:
            return found
        name = suffix(filed) if not isinstance(filed, tuple) else filed[1]
        if len(name) > MAX_KEY or self._is_full():
            self._omit(rows)
            self.given_up += 1
            return None
        self._places += 1
        found = place.below[filed] = Place(place.name + name)
        return found

    def _omit(self, rows: list[int]) -> None:
        if len(rows) == 1:  # what hostile keys come down to
            self.omitted[rows[0]] += 1
        else:
            np.add.at(self.omitted, rows, 1)

    def _is_full(self) -> bool:
        if self._places >= MAX_PLACES and not self._full:
            # One sender's random keys must not crowd out the keys that every message has.
            self._prune(self.root)
            self._full = self._places > MAX_PLACES // 2
        return self._full

    def _prune(self, place: Place) -> None:
        for key, child in list(place.below.items()):
            self._prune(child)
            if not child.below and len(child.rows) == 1:
                self._omit(child.rows)
                self.given_up += 1
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


_field: Final = functools.cache(_Field)  # one object per name: a dict finds it without comparing
_COUNT: Final = _field("[]")
_FIELDS: Final = {cls: tuple(map(_field, cls._fields)) for cls in MATH_TYPES}  # type: ignore[attr-defined]  # named tuples
_SCALARS: Final = frozenset({type(None), bool, int, float, str})


def _filed(key: Any) -> Any:
    """What a place is filed under; 1, 1.0 and True are three keys, a component's name is none of them."""
    if type(key) is _Field or type(key) is int:
        return key
    return str(key) if isinstance(key, str) else ("repr", suffix(key))


#: What an element of a packed array of vectors is.
_ELEMENTS: Final = {
    Type.PACKED_VECTOR2_ARRAY: Vector2,
    Type.PACKED_VECTOR3_ARRAY: Vector3,
    Type.PACKED_VECTOR4_ARRAY: Vector4,
    Type.PACKED_COLOR_ARRAY: Color,
}
_RECORD_FIELDS: Final = {
    EncodedObject: ("object_id",),
    Signal: ("name", "object_id"),
    ObjectRecord: ("class_name", "properties"),
}


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


def leaves(root: Place) -> list[Place]:
    """The places where something stood, in the order of their first value."""
    found, pending = [], [root]
    while pending:
        place = pending.pop()
        if place.rows:
            found.append(place)
        pending += reversed(place.below.values())
    return found


def is_empty(place: Place) -> bool:
    """Only nulls where other rows have a container: the container's columns say as much with NA."""
    return bool(place.below) and all(value is None for value in place.seen)
