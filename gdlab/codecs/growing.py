"""Decoded columns of a table that grows: each payload is decoded once, whoever looks, however often."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.codecs import flatten
from gdlab.codecs.codec import ANY, Codec, Decoded, Fast, Judging, Kinds, decodes_parts
from gdlab.codecs.doubt import Tally, added
from gdlab.codecs.grown import Column, read_only
from gdlab.codecs.looked import Looked
from gdlab.codecs.parts import Part, Rows
from gdlab.codecs.values import ValueArray
from gdlab.payloads import PayloadArray

Mask = npt.NDArray[np.bool_]


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
        self._errors, self._notes = Column("s"), Column("s")
        self.omitted_columns = 0
        self.names: list[str] = []  # in their order
        self.counts: dict[str, int] = {}
        self._codes: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self._present: Mask = np.empty(0, np.bool_)
        self._kinds: Kinds = np.empty(0, np.int8)
        self._objects: npt.NDArray[np.object_] = np.empty(0, object)
        self._rows: Looked | None = None
        self._payload_bytes = 0
        self._tally: Tally = {}

    def follow(self, rows: Looked) -> None:
        """Decode what is new; all of it, where the rows before are not those of the last time."""
        n = len(rows)
        if self._rows is not None and not (
            rows.continues(self._rows)
            # Which columns are the most used is asked of all rows.
            and (n == self.n or len(self.columns) < flatten.MAX_COLUMNS)
        ):
            self._begin()
        if self._judging is not None:
            self._judge(self._judging, rows)
        start, self._rows = self.n, rows
        if start < n:
            self._room(n)
            self._kinds[start:n] = rows.kinds(start)
            self._payload_bytes += rows.payloads[start:].nbytes
            self._add(start, rows.payloads[start:], rows.wanted(start))
            self.n = n

    def _judge(self, codec: Judging, rows: Looked) -> None:
        """Judge the stream anew by what has come; where that changes the judgement, begin again."""
        new = np.flatnonzero(rows.wanted(self.n))
        counts = added(self._tally, codec.tally(rows.payloads[self.n + new], rows.kinds(self.n)[new]))
        judged = codec.judging(counts)
        if judged is not codec:
            self._begin()
            self.codec = self._judging = judged
        self._tally = counts

    def _reader(self, rows: Rows) -> Codec:
        """The codec of these rows of the whole column."""
        return self.codec if self._judging is None else self._judging.knowing(self._kinds[rows])

    def _room(self, n: int) -> None:
        """Have room for n rows, in other memory where there is none: what is handed out does not change."""
        if n <= len(self._codes):
            return
        have, room = self.n, n + n // 2

        def larger(array: Any, fill: Any) -> Any:
            made = np.full(room, fill, array.dtype)
            made[:have] = array[:have]
            return made

        self._codes, self._present = larger(self._codes, -1), larger(self._present, False)
        self._kinds = larger(self._kinds, ANY)
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
            self._name(name, start + rows[which])
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
            self._name(name, start + where[found.names == name])
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
        for texts, held in ((self._errors, found.errors), (self._notes, found.notes)):
            has = np.flatnonzero([text is not None for text in held])
            texts.add(start, start + n, [Part(where[has], held[has])])

    @property
    def nbytes(self) -> int:
        """Memory of all of it, and of the payloads that the column of values is made of."""
        own = self._codes.nbytes + self._present.nbytes + self._kinds.nbytes + self._objects.nbytes
        columns = (*self.columns.values(), self._errors, self._notes)
        return self._payload_bytes + own + sum(column.nbytes for column in columns)

    def _taken(self) -> frozenset[str]:
        return frozenset(self.columns)

    def _name(self, name: str, rows: Rows) -> None:
        """Note the codec of some rows."""
        if not len(rows):
            return
        if name not in self.counts:
            before, self.names = self.names, sorted([*self.names, name])
            if before and self.names[-1] != name:  # the numbers of others move on
                place = np.array([*map(self.names.index, before), -1], np.int8)
                self._codes = place[self._codes]
        self._codes[rows] = self.names.index(name)
        self.counts[name] = self.counts.get(name, 0) + len(rows)

    def added(self, index: pd.Index) -> dict[str, Any]:
        """The columns that decoding adds to a table, in their order; read-only."""
        n = self.n
        categories = pd.Index(pd.array(self.names, dtype="string"))
        value: Any = read_only(self._objects[:n])
        if self._lazy and self._rows is not None:
            kinds = None if self._judging is None else read_only(self._kinds[:n])
            value = ValueArray(self._rows.payloads, self.codec, read_only(self._present[:n]), kinds)
        return {
            "codec": pd.Categorical.from_codes(
                read_only(self._codes[:n]), categories=categories, validate=False
            ),
            "value": pd.Series(value, index=index, dtype=value.dtype, copy=False),
            "decode_error": self._errors.array(n),
            "decode_note": self._notes.array(n),
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
