"""What columns are put together from: typed arrays where whole columns were read, Python values where rows were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.int64]

_INT64: Final = 2**63
_KINDS: Final[dict[type, str]] = {bool: "b", int: "i", float: "f", str: "s"}
_DTYPES: Final[dict[str, Any]] = {"b": np.bool_, "i": np.int64, "f": np.float64}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one column holds in some rows.

    Attributes
    ----------
    rows : (k,) int64, positions.
    held : (k,) an array of int64, uint64, float64, bool or objects; objects are Python values, None is null. Or an
        Arrow array of text without nulls.
    """

    rows: Rows
    held: Any


class Piece(NamedTuple):
    """Values of one kind: ``b``, ``i``, ``u`` (of which int64 cannot hold all), ``f``, ``s`` (text) or ``o``."""

    kind: str
    rows: Rows
    held: Any


def pieces(part: Part) -> Iterator[Piece]:
    """A part by the kinds of its values, without its nulls."""
    rows, held = part.rows, part.held
    if not len(rows):
        return
    if not isinstance(held, np.ndarray):
        yield Piece("s", rows, held)
    elif held.dtype.kind == "u" and int(held.max()) < _INT64:
        yield Piece("i", rows, held.astype(np.int64))
    elif held.dtype != object:
        yield Piece(held.dtype.kind, rows, held)
    elif pd.api.types.infer_dtype(held, skipna=False) == "string":
        yield Piece("s", rows, held)
    else:
        yield from _by_kind(rows, held)


def _by_kind(rows: Rows, held: npt.NDArray[np.object_]) -> Iterator[Piece]:
    places: dict[str, list[int]] = {}
    for at, value in enumerate(held):
        if value is not None:
            kind = _KINDS.get(type(value)) or ("s" if isinstance(value, str) else "o")
            places.setdefault(kind, []).append(at)
    for kind, found in places.items():
        where, some = rows[found], held[found]
        if kind == "i":
            low, high = min(some), max(some)
            if low < -_INT64 or high >= _INT64:
                if low >= 0 and high < 2 * _INT64:
                    yield Piece("u", where, some.astype(np.uint64))
                else:
                    yield Piece("o", where, some)
                continue
        yield Piece(kind, where, some.astype(_DTYPES[kind]) if kind in _DTYPES else some)


def as_objects(values: list[Any]) -> npt.NDArray[np.object_]:
    """A list as an array of objects, whatever they are."""
    array = np.empty(len(values), object)
    array[:] = values
    return array
