"""One column that grows: what is new is written behind the rows that are out, which never change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.codecs.parts import Part, Rows, as_objects, pieces
from gdlab.codecs.texts import PythonTexts, Texts, is_run, texts

#: By the kinds of `parts.Piece`; text has a class of its own.
_DTYPES: Final[dict[str, Any]] = {
    "b": np.bool_,
    "i": np.int64,
    "u": np.uint64,
    "f": np.float64,
    "o": np.object_,
}
_ARRAYS: Final = {
    "b": pd.arrays.BooleanArray,
    "i": pd.arrays.IntegerArray,
    "u": pd.arrays.IntegerArray,
    "f": pd.arrays.FloatingArray,
}
#: Integers up to here survive as floats.
_EXACT: Final = 2**53

Mask = npt.NDArray[np.bool_]


class Column:
    """A column of one kind as long as its values are; of objects, each as it came, once they mix.

    Integers and floats go together as floats where every integer survives that.

    Parameters
    ----------
    kind : of `parts.Piece`, where it is known before the first value.
    """

    def __init__(self, kind: str = "") -> None:
        self._kind = kind
        self._values: npt.NDArray[Any] = np.empty(0)
        self._missing: Mask = np.ones(0, np.bool_)
        #: Of floats: which came as integers. None where none did.
        self._whole: Mask | None = None
        self._least, self._most = 0, 0  # of the integers
        self._texts: Texts = texts()

    @property
    def is_null(self) -> bool:
        """Whether nothing but nulls stood there."""
        return not self._kind

    @property
    def nbytes(self) -> int:
        """Memory of it; of objects, that of the references."""
        whole = 0 if self._whole is None else self._whole.nbytes
        return int(self._values.nbytes + self._missing.nbytes + whole + self._texts.nbytes)

    def add(self, start: int, n: int, parts: list[Part]) -> None:
        """Take in what the rows from `start` to `n` hold, with positions counted from `start`."""
        for part in parts:
            for kind, some, held in pieces(part):
                if kind in "iu":
                    self._least = min(self._least, int(held.min()))
                    self._most = max(self._most, int(held.max()))
                self._become(self._together(kind), n)
                if self._kind == "s":
                    self._put(start + some, held, n)
                else:
                    self._write(start + some, kind, held, n)

    def _together(self, kind: str) -> str:
        """The kind that holds these as well."""
        if self._kind in ("", kind):
            return kind
        both = {self._kind, kind}
        if both == {"i", "f"} and self._least >= -_EXACT and self._most <= _EXACT:
            return "f"
        return "u" if both == {"i", "u"} and self._least >= 0 else "o"

    def _become(self, kind: str, n: int) -> None:
        old, self._kind = self._kind, kind
        if old in ("", kind):
            return
        if kind == "f":
            self._values, self._whole = self._values.astype(np.float64), ~self._missing
        elif kind == "u":
            self._values = self._values.astype(np.uint64)
        elif old == "s":
            self._to_objects(self._texts.array(n).astype(object), n)
        else:
            values = as_objects(self._values.tolist())
            if self._whole is not None:
                values[self._whole] = self._values[self._whole].astype(np.int64).tolist()
            values[self._missing] = pd.NA
            self._to_objects(values, n)

    def _to_objects(self, values: npt.NDArray[np.object_], n: int) -> None:
        self._values, self._missing, self._whole = values, np.zeros(len(values), np.bool_), None
        self._reserve(n)

    def _write(self, rows: Rows, kind: str, held: Any, n: int) -> None:
        self._reserve(n)
        where: Any = slice(int(rows[0]), int(rows[-1]) + 1) if is_run(rows) else rows
        if self._kind == "o" and kind != "o":
            held = as_objects(held.tolist())
        self._values[where] = held
        self._missing[where] = False
        if self._kind == "f" and (kind == "i" or self._whole is not None):
            if self._whole is None:
                self._whole = np.zeros(len(self._values), np.bool_)
            self._whole[where] = kind == "i"

    def _put(self, rows: Rows, held: Any, n: int) -> None:
        try:
            self._texts.put(rows, held)
        except UnicodeEncodeError:
            before = self._texts.array(n)
            known = np.flatnonzero(~np.asarray(before.isna()))
            self._texts = PythonTexts()
            if len(known):
                self._texts.put(known, as_objects(list(before[known])))
            self._texts.put(rows, held)

    def _reserve(self, n: int) -> None:
        have = len(self._values)
        if n <= have:
            return
        room = n + n // 2  # of which no page is touched before it is written to
        dtype = _DTYPES[self._kind]
        values: npt.NDArray[Any] = (
            np.full(room, pd.NA, object) if self._kind == "o" else np.zeros(room, dtype)
        )
        missing = np.ones(room, np.bool_)
        values[:have], missing[:have] = self._values, self._missing
        if self._whole is not None:
            self._whole = np.concatenate([self._whole, np.zeros(room - have, np.bool_)])
        self._values, self._missing = values, missing

    def array(self, n: int) -> Any:
        """The column of the first n rows; read-only."""
        if not self._kind:
            return np.broadcast_to(as_objects([pd.NA]), n)
        if self._kind == "s":
            return self._texts.array(n)
        self._reserve(n)
        values = read_only(self._values[:n])
        return values if self._kind == "o" else _ARRAYS[self._kind](values, read_only(self._missing[:n]))


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same memory, which cannot be written to by this array."""
    view = array.view()
    view.flags.writeable = False
    return view


def below(arrays: Sequence[Any]) -> Any:
    """Decoded columns below each other, as one decoding of all their rows makes of them.

    Parameters
    ----------
    arrays : columns that `Column` has made, or whatever stands for one in which everything is missing.
    """
    column, start = Column(), 0
    for array in arrays:
        rows = np.flatnonzero(~np.asarray(pd.isna(array), np.bool_))
        end = start + len(array)
        column.add(start, end, [Part(rows, _values(array)[rows])] if len(rows) else [])
        start = end
    return column.array(start)


def _values(array: Any) -> npt.NDArray[Any]:
    kind = array.dtype.kind
    if kind not in "biuf":
        return np.asarray(array, object)
    masked = isinstance(array, tuple(_ARRAYS.values()))
    held: npt.NDArray[Any] = array.to_numpy(_DTYPES[kind], na_value=0) if masked else np.asarray(array)
    return held
