"""Decoded columns of a table that grows: each payload is decoded once, whoever looks, however often."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.codecs import flatten
from gdlab.codecs.codec import ANY, Codec, Decoded, Fast, Judging, Kinds, decodes_parts
from gdlab.codecs.doubt import Tally, added
from gdlab.codecs.parts import Part, Rows, as_objects, column, is_null, of_values
from gdlab.codecs.values import ValueArray
from gdlab.payloads import PayloadArray

_ARRAYS: Final = {"b": pd.arrays.BooleanArray, "i": pd.arrays.IntegerArray, "f": pd.arrays.FloatingArray}
_EXACT: Final = 2**53

Mask = npt.NDArray[np.bool_]


class Column:
    """One growing column: numbers and flags in a buffer with room at its end, text as pandas has it, else parts."""

    def __init__(self) -> None:
        self._kind = ""
        self._values: Any = None
        self._missing: Mask = np.ones(0, np.bool_)
        self._parts: list[Part] = []
        self._n = 0

    def add(self, start: int, n: int, parts: list[Part]) -> None:
        """Take in what the rows from `start` to `n` hold, with positions counted from `start`."""
        self._n = n
        parts = [part for part in parts if not is_null(part)]
        if not parts:
            return
        kinds = {part.held.dtype.kind for part in parts}
        kind: str = next(iter(kinds)) if len(kinds) == 1 else "o"
        if kind == "O":
            texts = all(pd.api.types.infer_dtype(part.held, skipna=False) == "string" for part in parts)
            kind = "s" if texts else "o"
        elif kind == "u":
            kind = "o"
        if not self._kind:
            self._kind = kind
        elif {self._kind, kind} == {"i", "f"} and self._is_exact(parts):
            self._to_float()
            kind = "f"
        if self._kind != kind:
            self._to_parts()
        if self._kind in _ARRAYS:
            self._reserve(n)
            for part in parts:
                self._values[start + part.rows] = part.held
                self._missing[start + part.rows] = False
        elif self._kind == "s":
            self._pad_text(start)
            new = column(n - start, parts)
            if self._values is not None and self._values.dtype.storage != new.dtype.storage:
                new, self._values = (each.astype(pd.StringDtype("python")) for each in (new, self._values))
            self._values = new if self._values is None else type(new)._concat_same_type([self._values, new])
        else:
            self._parts += [Part(start + part.rows, part.held) for part in parts]

    def _reserve(self, n: int) -> None:
        if self._values is None or n > len(self._values):
            room = n if self._values is None else max(n, 2 * len(self._values))
            dtype = {"b": np.bool_, "i": np.int64, "f": np.float64}[self._kind]
            values: Any = np.zeros(room, dtype)
            missing = np.ones(room, np.bool_)
            if self._values is not None:
                values[: len(self._values)] = self._values
                missing[: len(self._missing)] = self._missing
            self._values, self._missing = values, missing

    def _pad_text(self, n: int) -> None:
        have = 0 if self._values is None else len(self._values)
        if have < n:
            dtype: Any = "string" if self._values is None else self._values.dtype
            none: Any = pd.array([pd.NA], dtype=dtype).repeat(n - have)
            self._values = (
                none if self._values is None else type(none)._concat_same_type([self._values, none])
            )

    def _is_exact(self, parts: list[Part]) -> bool:
        held = [self._values[: self._n][~self._missing[: self._n]]] if self._kind == "i" else []
        whole = [*held, *(part.held for part in parts if part.held.dtype.kind == "i")]
        return all(not len(each) or int(np.abs(each).max()) <= _EXACT for each in whole)

    def _to_float(self) -> None:
        if self._kind == "i":
            self._kind = "f"
            self._values = None if self._values is None else self._values.astype(np.float64)

    def _to_parts(self) -> None:
        if self._kind in _ARRAYS and self._values is not None:
            rows = np.flatnonzero(~self._missing[: self._n])
            self._parts = [Part(rows, self._values[rows])]
        elif self._kind == "s" and self._values is not None:
            rows = np.flatnonzero(~np.asarray(self._values.isna()))
            self._parts = [Part(rows, as_objects(list(self._values[rows])))]
        self._kind, self._values = "o", None

    def array(self, n: int) -> Any:
        """The column of the first n rows; read-only where it is shared."""
        if self._kind in _ARRAYS:
            self._reserve(n)
            values, missing = self._values[:n].view(), self._missing[:n].view()
            values.flags.writeable = missing.flags.writeable = False
            return _ARRAYS[self._kind](values, missing)
        if self._kind == "s":
            self._pad_text(n)
            return self._values
        return column(n, self._parts)

    @property
    def is_null(self) -> bool:
        """Whether nothing but nulls stood there."""
        return not self._kind

    @property
    def nbytes(self) -> int:
        """Memory of it; of text that Python holds, of the references alone."""
        parts = sum(part.rows.nbytes + part.held.nbytes for part in self._parts)
        return parts + int(self._missing.nbytes) + (0 if self._values is None else int(self._values.nbytes))


class Growing:
    """What a codec has made of a column of payloads so far.

    Parameters
    ----------
    codec : reads the payloads.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._judging = codec if isinstance(codec, Judging) else None
        self._lazy = decodes_parts(codec)
        self._begin()

    def _begin(self) -> None:
        self.n = 0
        self.columns: dict[str, Column] = {}
        self.errors: dict[int, str] = {}
        self.notes: dict[int, str] = {}
        self.omitted_columns = 0
        self.names: list[str] = []
        self._codes: npt.NDArray[np.int8] = np.full(64, -1, np.int8)
        self._present: Mask = np.zeros(64, np.bool_)
        self._objects: npt.NDArray[np.object_] = np.empty(0 if self._lazy else 64, object)
        self._payloads: PayloadArray | None = None
        self._wanted: Mask = np.zeros(0, np.bool_)
        self._times: Rows = np.zeros(0, np.int64)
        self._kinds: Kinds = np.zeros(0, np.int8)
        self._tally: Tally = {}

    def follow(self, payloads: PayloadArray, wanted: Mask, times: Rows, kinds: Kinds | None = None) -> None:
        """Decode what is new; all of it, where the rows before are not those of the last time.

        Rows are told apart by `times`, in nanoseconds, and by size. `kinds` is what WebSocket tells of each.
        """
        kinds = np.full(len(payloads), ANY, np.int8) if kinds is None else kinds
        if self.n and not self._continues(payloads, wanted, times):
            self._begin()
        if self._judging is not None:
            self._judge(self._judging, payloads, wanted, kinds)
        start, n = self.n, len(payloads)
        self._kinds = kinds
        self._payloads, self._wanted, self._times = payloads, wanted, times
        if start < n:
            self._room(n)
            self._add(start, payloads[start:], wanted[start:])
            self.n = n

    def _judge(self, codec: Judging, payloads: PayloadArray, wanted: Mask, kinds: Kinds) -> None:
        """Judge the stream anew by what has come; where that changes the judgement, begin again."""
        new = self.n + np.flatnonzero(wanted[self.n :])
        counts = added(self._tally, codec.tally(payloads[new], kinds[new]))
        judged = codec.judging(counts)
        if judged is not codec:
            self._begin()
            self.codec = self._judging = judged
        self._tally = counts

    def _reader(self, rows: Rows) -> Codec:
        """The codec of these rows of the whole column."""
        return self.codec if self._judging is None else self._judging.knowing(self._kinds[rows])

    def _continues(self, payloads: PayloadArray, wanted: Mask, times: Rows) -> bool:
        n, known = self.n, self._payloads
        return (
            known is not None
            and len(self._times) == n <= len(times)
            # Which columns are the most used is asked of all rows.
            and len(self.columns) < flatten.MAX_COLUMNS
            and np.array_equal(self._times, times[:n])
            and np.array_equal(known.sizes, payloads.sizes[:n])
            and np.array_equal(self._wanted, wanted[:n])
        )

    def _room(self, n: int) -> None:
        def larger(array: Any, fill: Any) -> Any:
            if len(array) >= n:
                return array
            made = np.full(max(n, 2 * len(array)), fill, array.dtype)
            made[: len(array)] = array
            return made

        self._codes, self._present = larger(self._codes, -1), larger(self._present, False)
        if not self._lazy:
            self._objects = larger(self._objects, None)

    def _add(self, start: int, payloads: PayloadArray, wanted: Mask) -> None:
        rows = np.flatnonzero(wanted)
        some = payloads if len(rows) == len(wanted) else payloads[rows]
        reader = self._reader(start + rows)
        fast = reader.decode_parts(some) if decodes_parts(reader) else Fast.none(len(some))
        parts: dict[str, list[Part]] = {
            name: [Part(rows[part.rows], part.held) for part in held] for name, held in fast.parts.items()
        }
        for name, which in fast.names:
            self._codes[start + rows[which]] = self._code(name)
            self._present[start + rows[which]] = True
        if len(fast.left):
            self._slowly(start, some, rows, fast.left, parts, len(wanted))
        for name, held in parts.items():
            self.columns.setdefault(name, Column()).add(start, start + len(wanted), held)

    def _slowly(
        self, start: int, payloads: PayloadArray, rows: Rows, left: Rows, parts: dict[str, list[Part]], n: int
    ) -> None:
        """Decode row by row what was not read as whole columns, and add its parts to those of the others."""
        where = rows[left]
        reader = self._reader(start + where)
        found: Decoded = reader.decode_column(payloads if len(left) == len(payloads) else payloads[left])
        has_value = np.array([error is None for error in found.errors], np.bool_)
        readable = np.array([name is not None for name in found.names], np.bool_)
        for name in set(found.names.tolist()) - {None}:
            self._codes[start + where[found.names == name]] = self._code(name)
        # What `auto` cannot place is its own value, with the reason why.
        self._present[start + where] = [
            error is None or value is not None
            for error, value in zip(found.errors, found.objects, strict=True)
        ]
        if not self._lazy:
            self._objects[start + where] = found.objects
        not_bytes = np.array([type(value) is not bytes for value in found.objects], np.bool_)
        omitted = flatten.collect(
            found.objects, has_value & readable & not_bytes, where, parts, self._taken()
        )
        for at in np.flatnonzero(omitted.rows).tolist():
            number = int(omitted.rows[at])
            have = "values have" if number != 1 else "value has"
            text = f"{number} {have} no column (too many, too deep, or too long a key)"
            found.notes[at] = f"{found.notes[at]}; {text}" if found.notes[at] else text
        self.omitted_columns += omitted.columns
        for at, (error, note) in enumerate(zip(found.errors, found.notes, strict=True)):
            if error is not None:
                self.errors[start + int(where[at])] = error
            if note is not None:
                self.notes[start + int(where[at])] = note

    def _taken(self) -> frozenset[str]:
        return frozenset(self.columns)

    def _code(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def added(self, index: pd.Index) -> dict[str, Any]:
        """The columns that decoding adds to a table, in their order."""
        n = self.n
        order = sorted(range(len(self.names)), key=self.names.__getitem__)
        place = np.full(len(self.names) + 1, -1, np.int8)
        place[order] = np.arange(len(order), dtype=np.int8)
        codes = place[self._codes[:n]]
        categories = pd.Index(pd.array([self.names[each] for each in order], dtype="string"))
        value: Any
        if self._lazy and self._payloads is not None:
            kinds = None if self._judging is None else self._kinds
            value = ValueArray(self._payloads, self.codec, self._present[:n].copy(), kinds)
        else:
            value = self._objects[:n].copy()
        return {
            "codec": pd.Categorical.from_codes(codes, categories=categories, validate=False),
            "value": pd.Series(value, index=index, dtype=value.dtype, copy=False),
            "decode_error": _texts(n, self.errors),
            "decode_note": _texts(n, self.notes),
            **{
                name: pd.Series(made, index=index, dtype=made.dtype, copy=False)
                for name, made in ((name, self.columns[name].array(n)) for name in self._shown())
            },
        }

    def _shown(self) -> list[str]:
        """Names of the columns; none of nulls where other rows have a container with columns of its own."""
        nulls = [name for name, held in self.columns.items() if held.is_null]
        hidden = {
            name
            for name in nulls
            if any(other.startswith((f"{name}.", f"{name}[")) for other in self.columns)
        }
        return [name for name in self.columns if name not in hidden]

    @property
    def nbytes(self) -> int:
        """Memory of all of it, the payloads that the column of values is made of included."""
        payloads = 0 if self._payloads is None else self._payloads.nbytes
        rows = self._codes.nbytes + self._present.nbytes + self._objects.nbytes + self._times.nbytes
        rows += self._wanted.nbytes + self._kinds.nbytes
        return payloads + rows + sum(column.nbytes for column in self.columns.values())

    def counts(self) -> dict[str, int]:
        """How often each codec was used."""
        used = np.bincount(self._codes[: self.n].astype(np.int64) + 1, minlength=len(self.names) + 1)[1:]
        return {name: int(count) for name, count in zip(self.names, used, strict=True) if count}


def _texts(n: int, texts: dict[int, str]) -> Any:
    """A text column in which few rows have one."""
    if not texts:
        return pd.array([pd.NA], dtype="string").repeat(n)
    rows = np.fromiter(texts, np.int64, len(texts))
    return of_values(n, rows, list(texts.values()))
