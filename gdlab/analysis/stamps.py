"""The number and the time that a game's messages carry as gdlab's own GDScript writes them: known without being told.

`cap.gdscript()` writes ``seq`` and ``t_us`` (microseconds of the game's clock) into each message: as fields of JSON or
of a Variant, as ``seq=7 t_us=1234`` in text, as ``<I seq, Q t_us`` in bytes. Messages of any other program that do the
same are known in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import firsts, groups, order, times_ns
from gdlab.analysis.probes import messages_of, probes
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.together import once
from gdlab.codecs import decode
from gdlab.codecs.table import remembered
from gdlab.payloads import PayloadArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Names of the two fields, decoded.
SEQ: Final = "v.seq"
T_US: Final = "v.t_us"

#: Columns of a table that decoding looks at.
_READ: Final = ("time", "endpoint", "event", "kind", "payload", "reason")

#: Messages looked at before all are, and how many of them must have both.
_SAMPLE: Final = 100
_HAVE: Final = 0.5
_TEXT: Final = re.compile(rb"\bseq=(\d{1,18}) t_us=(\d{1,18})\b")
#: Bytes laid out by hand, as the script writes them: the number, the time, and zeros.
_LAID_OUT: Final = np.dtype([("seq", "<u4"), ("t_us", "<u8")])
#: What proves that bytes are so: so many messages, numbers that mostly count by one, and a clock that runs as ours.
_ENOUGH: Final = 5
_BY_ONE: Final = 0.5
_PACES: Final = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Stamps:
    """Messages with a number and a time of their sender.

    Attributes
    ----------
    rows : (n,) int64, positions in the table, growing. seq, t_us : (n,) int64.
    """

    rows: Ints
    seq: Ints
    t_us: Ints

    def of(self, chosen: NDArray[np.bool_]) -> Stamps:
        """Some of them."""
        return Stamps(self.rows[chosen], self.seq[chosen], self.t_us[chosen])


@dataclass(frozen=True, slots=True)
class Writing:
    """How the messages of a table carry the two: as fields that decoding gives, else by direction what `_how` says."""

    fields: bool
    how: Mapping[str, str]

    def __bool__(self) -> bool:
        return self.fields or any(self.how.values())


#: What was found of all rows, while a measure looks at some of them.
_known: ContextVar[Writing | None] = ContextVar("known", default=None)


@contextmanager
def known(writing: Writing | None) -> Iterator[None]:
    """Take it as found that messages carry both in that way; None looks at each table anew."""
    token = _known.set(writing)
    try:
        yield
    finally:
        _known.reset(token)


def writing_of(table: pd.DataFrame) -> Writing:
    """How messages carry the two; of a table, or of its rows that `sampled` chose."""
    if _in_sample(table):
        return Writing(fields=True, how={})
    return Writing(fields=False, how={direction: _how(table, direction) for direction in ("in", "out")})


def sampled(table: pd.DataFrame) -> Ints:
    """The rows that `writing_of` looks at; those of a whole are among those of its parts."""
    sizes = _payloads(table).sizes
    chosen = [_messages(table)[:_SAMPLE]]
    for direction in ("in", "out"):
        rows = _messages(table, direction)
        chosen += [rows[sizes[rows] >= least][:_SAMPLE] for least in (0, _LAID_OUT.itemsize)]
    return np.unique(np.concatenate(chosen))


def with_stamps(source: Source) -> pd.DataFrame:
    """The table of a source, decoded where its messages carry both fields."""
    table = table_of(source)
    if {SEQ, T_US} <= set(table.columns) or "payload" not in table.columns or _known.get() is not None:
        return table
    return table_of(source, SEQ, T_US) if _in_sample(table) else table


def _in_sample(table: pd.DataFrame) -> bool:
    return once(table, "fields in the sample", _has_fields)


def _has_fields(table: pd.DataFrame) -> bool:
    rows = _messages(table)[:_SAMPLE]
    if not len(rows):
        return False
    # Without the other columns, which decoding would only carry along.
    found = decode(table[[name for name in _READ if name in table.columns]].iloc[rows])
    if not {SEQ, T_US} <= set(found.columns):
        return False
    return bool((found[SEQ].notna() & found[T_US].notna()).mean() >= _HAVE)


def carried(table: pd.DataFrame, direction: str = "in") -> Stamps:
    """The stamped messages of a table that `with_stamps` returned; none where there are none.

    Parameters
    ----------
    direction : ``in`` for what arrived.
    """
    rows = _messages(table, direction)
    if {SEQ, T_US} <= set(table.columns):
        return _in_fields(table, rows)
    found = _known.get()
    how = _how(table, direction) if found is None else found.how.get(direction, "")
    if not how:
        return _none()
    payloads = _payloads(table)
    rows = rows[payloads.sizes[rows] >= 0]  # a file may lack payloads
    return _in_text(payloads, rows) if how == "text" else _in_bytes(payloads, rows)


def _how(table: pd.DataFrame, direction: str) -> str:
    """How the first messages of a direction carry both: ``text``, ``bytes``, or not at all (empty)."""
    if "payload" not in table.columns or remembered(table) not in ("auto", "text", "bytes"):
        return ""
    rows, payloads = _messages(table, direction), _payloads(table)
    rows = rows[payloads.sizes[rows] >= 0]
    first = [_TEXT.search(payload) for payload in payloads[rows[:_SAMPLE]]]
    if sum(each is not None for each in first) > _HAVE * len(first):
        return "text"
    sample = rows[payloads.sizes[rows] >= _LAID_OUT.itemsize][:_SAMPLE]
    return "bytes" if len(sample) >= _ENOUGH and _is_laid_out(table, payloads, sample) else ""


def _payloads(table: pd.DataFrame) -> PayloadArray:
    column = table["payload"].array
    return column if isinstance(column, PayloadArray) else PayloadArray._from_sequence(list(column))


def _messages(table: pd.DataFrame, direction: str | None = None) -> Ints:
    """Rows of messages that are no probes, which carry a number and a time of their own."""
    chosen = messages_of(table, direction)
    if {"size_bytes", "payload"} <= set(table.columns):
        chosen[probes(table)["row"].to_numpy()] = False
    return np.flatnonzero(chosen)


def _none() -> Stamps:
    empty = np.zeros(0, np.int64)
    return Stamps(empty, empty, empty)


def _in_fields(table: pd.DataFrame, rows: Ints) -> Stamps:
    columns = [_numeric(table[name]) for name in (SEQ, T_US)]
    there = rows[np.logical_and(*(column.notna().to_numpy(np.bool_)[rows] for column in columns))]
    taken = [column.iloc[there] for column in columns]
    whole = np.ones(len(there), np.bool_)
    for column in taken:  # JSON of Godot may write whole numbers as 17.0
        if not pd.api.types.is_integer_dtype(column.dtype):
            values = column.to_numpy(np.float64)
            whole &= (np.abs(values) < 2.0**63) & (values == np.floor(values))
    seq, t_us = (column[whole].to_numpy(np.int64) for column in taken)
    return Stamps(there[whole], seq, t_us)


def _numeric(column: pd.Series) -> pd.Series:
    """The numbers of a column, whatever else stands in its other rows."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    numbers = [value if type(value) in (int, float) else None for value in column]
    return pd.Series(pd.to_numeric(pd.Series(numbers, index=column.index, dtype=object)))


def _in_text(payloads: PayloadArray, rows: Ints) -> Stamps:
    found = [(row, _TEXT.search(payloads[row] or b"")) for row in rows.tolist()]
    numbers = [(row, int(match[1]), int(match[2])) for row, match in found if match is not None]
    return Stamps(*np.array(numbers, np.int64).reshape(-1, 3).T)


def _in_bytes(payloads: PayloadArray, rows: Ints) -> Stamps:
    """As the script lays them out."""
    rows = rows[payloads.sizes[rows] >= _LAID_OUT.itemsize]
    each = [payloads[row] or b"" for row in rows.tolist()]
    zeros = np.array([not any(payload[_LAID_OUT.itemsize :]) for payload in each])
    taken = np.frombuffer(b"".join(payload[: _LAID_OUT.itemsize] for payload in each), _LAID_OUT)
    sane = zeros & (taken["t_us"] < 2**63)
    seq, t_us = taken["seq"][sane].astype(np.int64), taken["t_us"][sane].astype(np.int64)
    return Stamps(rows[sane], seq, t_us)


def _is_laid_out(table: pd.DataFrame, payloads: PayloadArray, rows: Ints) -> bool:
    """Believed only of streams whose numbers count and whose clock runs with ours."""
    each = [payloads[row] or b"" for row in rows.tolist()]
    if any(any(payload[_LAID_OUT.itemsize :]) for payload in each):
        return False
    taken = np.frombuffer(b"".join(payload[: _LAID_OUT.itemsize] for payload in each), _LAID_OUT)
    if (taken["t_us"] >= 2**62).any():
        return False
    subset = table.iloc[rows]
    ids, _ = groups(subset, ("endpoint", "peer"))
    stamps_ns = times_ns(subset)
    sequence = order(ids, stamps_ns)
    inside = ~firsts(ids[sequence])[1:]
    steps = np.diff(taken["seq"][sequence].astype(np.int64))[inside]
    theirs = np.diff(taken["t_us"][sequence].astype(np.int64))[inside]
    ours = np.diff(stamps_ns[sequence])[inside] / 1e3
    if len(steps) < _ENOUGH - 1 or np.mean(steps == 1) < _BY_ONE or theirs.sum() <= 0:
        return False
    # Not closer than that: a busy game sends a message well after it was stamped.
    return bool(_PACES[0] * ours.sum() < theirs.sum() < _PACES[1] * ours.sum())
