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
vectors, transforms    a column per component
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

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.codecs.grown import Column
from gdlab.codecs.parts import Part, Rows, as_objects
from gdlab.codecs.places import Place, Walk, is_empty, leaves

#: Columns at most, whatever peers send.
MAX_COLUMNS: Final = 256

_INT64: Final = 2**63


@dataclass(frozen=True, slots=True)
class Flat:
    """Columns of n values.

    Attributes
    ----------
    columns : by name, in the order of their first value; each of n rows.
    omitted : (n,) int64, how many values of a row have no column.
    omitted_columns : how many columns would have been made without the limit; at least.
    """

    columns: dict[str, Any]
    omitted: npt.NDArray[np.int64]
    omitted_columns: int

    def series(self, index: pd.Index) -> dict[str, pd.Series]:
        """The columns with an index, each with its own dtype: pandas guesses at bare objects, and may fail at it."""
        return {name: pd.Series(made, index=index, dtype=made.dtype) for name, made in self.columns.items()}


def columns(values: npt.NDArray[np.object_], present: npt.NDArray[np.bool_]) -> Flat:
    """The columns of some values.

    Parameters
    ----------
    values : (n,) objects, values of `gdlab.variant`, or what JSON gives.
    present : (n,) bool, which of them to look at; the others get NA everywhere.
    """
    parts: dict[str, list[Part]] = {}
    omitted = collect(values, present, np.arange(len(values), dtype=np.int64), parts)
    made = {}
    for name, held in parts.items():
        column = Column()
        column.add(0, len(values), held)
        made[name] = column.array(len(values))
    return Flat(made, omitted.rows, omitted.columns)


@dataclass(frozen=True, slots=True)
class Omitted:
    """What has no column: how many values of each row, and how many columns were not made, at least."""

    rows: npt.NDArray[np.int64]
    columns: int


def collect(
    values: npt.NDArray[np.object_],
    present: npt.NDArray[np.bool_],
    where: Rows,
    parts: dict[str, list[Part]],
    known: frozenset[str] = frozenset(),
) -> Omitted:
    """Take values apart, and add what they hold to the parts of the columns.

    Parameters
    ----------
    values : (k,) objects, values of `gdlab.variant`, or what JSON gives.
    present : (k,) bool, which of them to look at.
    where : (k,) int64, the rows they stand in.
    parts : of each column, by its name; added to.
    known : further columns that there are already.
    """
    walk = Walk(len(values))
    rows = np.flatnonzero(present)
    walk.visit(rows.tolist(), values[rows].tolist(), walk.root, 0)
    # Distinct places may have one name: the key "x" and the component x of a vector are both `v.x`.
    merged: dict[str, list[Place]] = {}
    for place in leaves(walk.root):
        if not is_empty(place):
            merged.setdefault(place.name, []).append(place)
    chosen = set(merged)
    others = len(known | set(parts))
    free = max(0, MAX_COLUMNS - others)
    fresh = [name for name in merged if name not in parts and name not in known]
    if len(fresh) > free:
        by_use = sorted(fresh, key=lambda name: -sum(len(place.rows) for place in merged[name]))
        chosen -= set(by_use[free:])
        for name in by_use[free:]:
            for place in merged[name]:
                np.add.at(walk.omitted, np.array(place.rows, np.int64), 1)
    for name, places in merged.items():
        if name in chosen:
            parts.setdefault(_writable(name), []).extend(_part(place, where) for place in places)
    return Omitted(walk.omitted, len(merged) - len(chosen) + walk.given_up)


def flatten_at(name: str, rows: Rows, values: list[Any]) -> dict[str, list[Part]]:
    """The parts of the columns of values that all stand at one place, of this name."""
    walk = Walk(len(values))
    walk.root.name = name
    walk.visit(list(range(len(values))), values, walk.root, name.count(".") + name.count("["))
    found: dict[str, list[Part]] = {}
    for place in leaves(walk.root):
        if not is_empty(place):
            found.setdefault(place.name, []).append(_part(place, rows))
    return found


def _part(place: Place, where: Rows) -> Part:
    """What stands at a place, without its nulls; all of them where there is nothing else."""
    rows, seen = np.array(place.rows, np.int64), place.seen
    if type(None) in set(map(type, seen)):
        kept = [at for at, value in enumerate(seen) if value is not None]
        if kept:
            rows, seen = rows[kept], [seen[at] for at in kept]
    return Part(where[rows], _typed(seen))


def _typed(values: list[Any]) -> npt.NDArray[Any]:
    """Values of one kind as numbers or flags; all others as the objects they are."""
    kinds = set(map(type, values))
    if kinds == {int} and min(values) >= -_INT64 and max(values) < _INT64:
        return np.array(values, np.int64)
    if kinds == {float}:
        return np.array(values, np.float64)
    if kinds == {bool}:
        return np.array(values, np.bool_)
    return as_objects(values)


def _writable(name: str) -> str:
    """A name that any index of columns can hold: half a surrogate pair becomes its escape."""
    return name.encode("utf-8", "backslashreplace").decode()
