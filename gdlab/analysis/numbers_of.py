"""The numbers of messages, as a field or a probe carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import PEER, group_rows, messages, require
from gdlab.analysis.gathering import picked
from gdlab.analysis.probes import messages_of
from gdlab.analysis.probes import probes as probes_of
from gdlab.analysis.stamps import carried

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Of a probe's numbers at least this share must follow on each other: a game that counts all its messages but
#: probes only now and then would else seem to lose most. Loss over about 80 % cannot be told from that.
BY_ONE: Final = 0.2
#: Types that are converted each for itself.
_TYPES: Final = {int: 1, float: 2, str: 3}


def numbers_of(
    table: pd.DataFrame, seq: str | None, direction: str, *, with_probes: bool
) -> tuple[Ints, Ints, bool]:
    """Rows that have a number, the numbers modulo 2^64, and whether they are unsigned ones."""
    wanted = messages(table, direction) if seq is None else messages_of(table, direction, probes=with_probes)
    if seq is None:
        found = probes_of(table)
        rows = found["row"].to_numpy()
        theirs = found["ours"].to_numpy() == (direction == "out")
        kept = wanted[rows] & theirs & ~found["pong"].to_numpy()
        rows, number = rows[kept], found["seq"].to_numpy()[kept]
        ids, _ = group_rows(table, PEER, rows)
        counts = _counts_by_one(ids, number)[ids]
        return *_beside(table, rows[counts], number[counts], direction), False
    require(table, [seq])
    if table[seq].dtype == np.int64:  # none is missing
        there = np.flatnonzero(wanted)
        return there, picked(table[seq].to_numpy(), there), False
    # Without the missing ones first: with them, integers of an object column would become floats.
    there = np.flatnonzero(wanted & table[seq].notna().to_numpy(dtype=np.bool_))
    whole, number, unsigned = _integers(table[seq].iloc[there])
    return there[whole], number[whole], unsigned


def _integers(column: pd.Series) -> tuple[NDArray[np.bool_], Ints, bool]:
    """Which values are whole numbers, these modulo 2^64 (anything for the others), and whether as unsigned ones."""
    if column.dtype == object:
        return _of_each_type(column)
    column = pd.to_numeric(column, errors="coerce")
    if pd.api.types.is_integer_dtype(column.dtype):
        # Integers stay integers, also over 2^53.
        there = column.notna().to_numpy(dtype=np.bool_)
        if pd.api.types.is_unsigned_integer_dtype(column.dtype):
            big = column.to_numpy(dtype=np.uint64, na_value=0)
            return there, big.view(np.int64), bool((big > np.uint64(2**63 - 1)).any())
        return there, column.to_numpy(dtype=np.int64, na_value=0), False
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = np.isfinite(values) & (np.abs(values) < 2.0**63)
    whole[whole] &= values[whole] == np.floor(values[whole])
    return whole, np.where(whole, values, 0).astype(np.int64), False


def _of_each_type(column: pd.Series) -> tuple[NDArray[np.bool_], Ints, bool]:
    """As `_integers`, of a column of objects: no integer may become a float because another row has one."""
    whole, number, unsigned = np.zeros(len(column), np.bool_), np.zeros(len(column), np.int64), False
    values = column.to_numpy(dtype=object)
    types = np.array([_TYPES.get(type(value), 0) for value in values], np.int8)
    for each in np.unique(types).tolist():
        at = np.flatnonzero(types == each)
        some = pd.to_numeric(pd.Series(values[at].tolist(), dtype=object), errors="coerce")
        if some.dtype == object:  # integers of more than 64 bits
            some = some.astype(np.float64)
        whole[at], number[at], is_unsigned = _integers(some)
        unsigned |= is_unsigned
    return whole, number, unsigned


def _beside(table: pd.DataFrame, rows: Ints, number: Ints, direction: str) -> tuple[Ints, Ints]:
    """Numbers of probes, and those of the stamped messages of streams that have no such probes."""
    own = carried(table, direction)
    if not len(own.rows):
        return rows, number
    both = np.concatenate([rows, own.rows])
    ids, first = group_rows(table, PEER, both)
    probing = np.zeros(len(first), np.bool_)
    probing[ids[: len(rows)]] = True
    own = own.of(~probing[ids[len(rows) :]])
    rows, number = np.concatenate([rows, own.rows]), np.concatenate([number, own.seq])
    by_row = np.argsort(rows, kind="stable")
    return rows[by_row], number[by_row]


def _counts_by_one(ids: Ints, number: Ints) -> NDArray[np.bool_]:
    """Whether the numbers of each stream count these messages, and not others between them, too."""
    together = np.argsort(ids, kind="stable")
    inside = ids[together][1:] == ids[together][:-1]
    stream = ids[together][1:][inside]
    by_one = np.diff(number[together])[inside] == 1
    streams = int(ids.max(initial=-1)) + 1
    steps = np.bincount(stream, minlength=streams)
    return np.asarray(np.bincount(stream[by_one], minlength=streams) >= BY_ONE * steps)
