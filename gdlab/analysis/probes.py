"""Probe messages of a table as columns: who asked, with which number, at what time.

What a probe is, `gdlab.probe` says, and `layouts` reads it from a million messages in a few passes; here each is
given its exchange and the side that began it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab import probe
from gdlab.analysis import probe_layouts as layouts
from gdlab.analysis.columns import (
    PEER,
    equals,
    firsts,
    group_rows,
    in_time,
    messages,
    order,
    require,
    times_ns,
)
from gdlab.analysis.gathering import are_all, at, picked
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.together import once
from gdlab.facts import Reason
from gdlab.payloads import PayloadArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Attempts to find each exchange a place of its own before all that are left are sorted out together.
_TURNS: Final = 6
#: The shortest probe; shorter payloads are not looked at.
MIN_BYTES: Final = len(b'{"probe":"ping","seq":0,"t_us":0}')


def probes(table: Source) -> pd.DataFrame:
    """The probe messages among the rows.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`, `size_bytes`, `payload`; may be empty.

    Returns
    -------
    One row per probe: `row` (int64, position in `table`), `pong` (bool), `seq`, `t_us`, `r_us`, `s_us`
    (int64; the last two 0 where `held` is False), `held` (bool: the answerer stated when it received and sent),
    `exchange` (int64: ping and answers have the same endpoint, peer, `seq` and `t_us`), `ours` (bool: the
    capture sent the first message of the exchange; the others are the game's own measurement).
    """
    table = table_of(table)
    require(table, ("time", "endpoint", "peer", "direction", "event", "size_bytes", "payload"))
    return once(table, "probes", _probes)


def _probes(table: pd.DataFrame) -> pd.DataFrame:
    rows, payloads = _candidates(table)
    fields = layouts.read(payloads)
    whole = slice(None) if fields.whole.all() else fields.whole
    rows, pong, held = rows[whole].astype(np.int64), fields.pong[whole], fields.held[whole]
    numbers = dict(zip(layouts.FIELDS, fields.numbers[whole].T, strict=True))
    exchange, ours = _exchanges(table, rows, pong, numbers["seq"], numbers["t_us"])
    columns = {"row": rows, "pong": pong, **numbers, "held": held, "exchange": exchange, "ours": ours}
    return pd.DataFrame(columns, copy=False)


def candidates(table: pd.DataFrame) -> NDArray[np.intp]:
    """Rows that may be probes, by how long they are and how they begin; all probes are among them."""
    return _candidates(table)[0]


def _candidates(table: pd.DataFrame) -> tuple[NDArray[np.intp], PayloadArray]:
    size = table["size_bytes"].to_numpy()
    return _with_prefix(
        table, np.flatnonzero(messages(table) & (size >= MIN_BYTES) & (size <= probe.MAX_PROBE_BYTES))
    )


def messages_of(
    table: pd.DataFrame, direction: str | None = None, *, probes: bool = False
) -> NDArray[np.bool_]:
    """True for the rows that are messages, without our own pings and their answers unless `probes`; (n,) bool."""
    chosen = messages(table, direction)
    return chosen if probes else chosen & ~own_probes(table)


def own_probes(table: pd.DataFrame) -> NDArray[np.bool_]:
    """True for our pings and what answered them: as the rows are marked, else as their payloads show; (n,) bool."""
    if "reason" in table.columns:
        return equals(table, "reason", Reason.PROBE)
    ours = np.zeros(len(table), dtype=np.bool_)
    if {"size_bytes", "payload"} <= set(
        table.columns
    ):  # made by hand, or by a version that did not mark them
        found = probes(table)
        ours[found["row"].to_numpy()[found["ours"].to_numpy()]] = True
    return ours


def mark(table: pd.DataFrame) -> None:
    """Mark our pings and their answers in a table of a file that does not: of version 1, or of another program."""
    found = probes(table)
    ours = found["row"].to_numpy()[found["ours"].to_numpy()]
    if len(ours) and "reason" in table.columns and not equals(table, "reason", Reason.PROBE).any():
        codes = table["reason"].cat.codes.to_numpy().copy()
        reasons: Any = table["reason"].cat.categories
        codes[ours] = list(reasons).index(Reason.PROBE)
        table["reason"] = pd.Categorical.from_codes(codes, categories=reasons)


def _exchanges(
    table: pd.DataFrame, rows: Ints, pong: NDArray[np.bool_], seq: Ints, t_us: Ints
) -> tuple[Ints, NDArray[np.bool_]]:
    """Which exchange each probe is of, and whether we began it."""
    sides, _ = group_rows(table, PEER, rows)
    leader = _leaders(sides, seq, t_us)
    leads = leader == np.arange(len(rows))
    exchange = at(np.cumsum(leads) - 1, leader)
    stamps = picked(times_ns(table), rows)
    if in_time(stamps):
        begins = np.flatnonzero(leads)
    else:
        sequence = order(exchange, stamps)
        begins = sequence[firsts(exchange[sequence])]
    asked = equals(table, "direction", "out")[rows[begins]] & ~pong[begins]
    return exchange, at(asked.astype(np.uint8), exchange) != 0


def _leaders(*keys: Ints) -> Ints:
    """The first position with the same keys as each; (n,) int64."""
    n = len(keys[0])
    # Of few bytes: what is looked for at random is in the processor's caches more often.
    number = np.int32 if n < np.iinfo(np.int32).max else np.int64
    places = 1 << max(2 * n - 1, 1).bit_length()
    leader = left = np.arange(n)
    # Each key has a place in an array. Who finds another one's key in it, tries again with another place.
    for turn in range(_TURNS):
        if not len(left):
            return leader
        side, seq, t_us = (key[left] if len(left) < n else key for key in keys)
        place = seq
        if turn:  # at first by the number alone: numbers that follow on each other have places that do
            place = seq + (side * 0x9E3779B1 + t_us * 0x85EBCA6B >> 7) * turn
        place = place & places - 1
        first: NDArray[np.integer[Any]] = np.empty(places, number)
        first[place[::-1]] = np.arange(len(left) - 1, -1, -1, dtype=number)
        first = at(first, place)
        same = np.ones(len(left), np.bool_)
        for key in (side, seq, t_us):
            same &= key == at(key, first)
        if turn:
            leader[left] = left[first]
            left = left[~same]
        else:  # all of them are left
            leader, left = first.astype(np.int64), np.flatnonzero(~same)
    frame = pd.DataFrame({str(number): key[left] for number, key in enumerate(keys)})
    ids, begins = group_rows(frame, list(frame.columns))
    leader[left] = left[begins[ids]]
    return leader


def _with_prefix(table: pd.DataFrame, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], PayloadArray]:
    """Those of the rows whose payload begins as a probe does, and the payloads."""
    column = table["payload"].array
    if not are_all(rows, len(column)):
        column = column[rows]
    if not isinstance(column, PayloadArray):  # a table that was made by hand
        column = PayloadArray._from_sequence([p if isinstance(p, bytes) else None for p in column])
    begins = column.startswith(probe.JSON_PREFIX)
    others = np.flatnonzero(~begins)
    others = others[column[others].startswith(probe.VARIANT_PREFIX)]
    begins[others] = column[others].startswith(probe.VARIANT_KEY, probe.VARIANT_KEY_AT)
    return (rows, column) if begins.all() else (rows[begins], column[begins])
