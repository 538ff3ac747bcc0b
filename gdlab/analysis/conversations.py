"""Who talked with whom: one row per peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import (
    PEER,
    codes,
    equals,
    group_rows,
    groups,
    in_time,
    labels_of,
    messages,
    names_of,
    require,
    time_index,
    times_ns,
)
from gdlab.analysis.probes import messages_of
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: What a row is to a conversation.
_IN, _OUT, _NEITHER, _WAYS = range(4)


def conversations(table: Source, *, probes: bool = False, by: str | Sequence[str] = PEER) -> pd.DataFrame:
    """What passed between each endpoint and each peer.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`, `size_bytes`, `wire_bytes`; may be
        empty.
    probes : include our own pings and their answers, which are gdlab's messages and not the game's.
    by : columns that tell the conversations apart, such as ``"v.id"``; rows without a value (events have no fields
        of a payload) form one of their own.

    Returns
    -------
    One row for each endpoint and peer, or what `by` names, most messages first: the columns `by`, `first`, `last`
    (times of its first and last row of any event), `lasted_s` (float64), `messages_in`, `messages_out`, `bytes_in`,
    `bytes_out` (payload), `wire_bytes` (both ways), `opened`, `closed`, `errors` (all int64: rows of those
    events), `mean_hz_in` (float64: arrivals minus one, divided by the time from the first to the last of them; NaN
    for fewer than two), `largest_bytes` (int64; 0 without messages).

    Notes
    -----
    Rows without a peer, such as gaps, belong to no conversation and are left out.
    """
    by = names_of(by)
    table = table_of(table, *by)
    require(table, ("time", "endpoint", "peer", "direction", "event", "size_bytes", "wire_bytes", *by))
    return finished(tallied(table, by=by, probes=probes))


def tallied(table: pd.DataFrame, *, by: Sequence[str], probes: bool) -> pd.DataFrame:
    """The columns of `conversations` that can be added up, and what the others are made of; the index is the first row.

    `first`, `last`, `first_in` and `last_in` are int64, nanoseconds.
    """
    rows = _with_peer(table)
    ids, first_row = group_rows(table, by, rows)
    n = len(first_row)
    # As a rule all rows have a peer, and nothing is copied.
    chosen: slice | NDArray[np.int64] = slice(None) if len(rows) == len(table) else rows
    stamps = times_ns(table)[chosen]
    said = messages_of(table, probes=probes)[chosen]
    # One cell for what came in, what went out and what is no message of each group.
    way = np.full(len(rows), _NEITHER)
    for code, direction in ((_IN, "in"), (_OUT, "out")):
        way[said & equals(table, "direction", direction)[chosen]] = code
    cells = ids * _WAYS + way
    size, wire = (table[name].to_numpy(dtype=np.int64)[chosen] for name in ("size_bytes", "wire_bytes"))
    others = np.flatnonzero(~messages(table)[chosen])

    def total(weights: NDArray[Any] | None = None) -> NDArray[Any]:
        return np.bincount(cells, weights, minlength=n * _WAYS).astype(np.int64).reshape(n, _WAYS)

    def events(name: str) -> NDArray[Any]:
        mine = others[equals(table, "event", name)[rows[others]]]
        return np.bincount(ids[mine], minlength=n).astype(np.int64)

    first, last = _extent(cells, stamps, n * _WAYS)
    first, last = first.reshape(n, _WAYS), last.reshape(n, _WAYS)
    largest = np.zeros(n, dtype=np.int64)
    np.maximum.at(largest, ids, np.where(said, size, 0))
    number, payload = total(), total(size)
    neither = np.flatnonzero(said & (way == _NEITHER))
    unsaid = np.bincount(ids[neither], wire[neither], minlength=n)
    at = rows[first_row]
    return (
        labels_of(table, by, at)
        .set_axis(pd.Index(at), axis=0)
        .assign(
            first=first.min(axis=1),
            last=last.max(axis=1),
            first_in=first[:, _IN],
            last_in=last[:, _IN],
            messages_in=number[:, _IN],
            messages_out=number[:, _OUT],
            bytes_in=payload[:, _IN],
            bytes_out=payload[:, _OUT],
            wire_bytes=total(wire)[:, [_IN, _OUT]].sum(axis=1) + unsaid.astype(np.int64),
            opened=events("open"),
            closed=events("close"),
            errors=events("error"),
            largest_bytes=largest,
        )
    )


def _with_peer(table: pd.DataFrame) -> NDArray[np.int64]:
    numbers, values = codes(table, "peer")
    named = np.array([*(value != "" for value in values), False], dtype=np.bool_)
    return np.flatnonzero(named[numbers])


def _extent(
    cells: NDArray[np.int64], stamps: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The earliest and the latest of each cell; the greatest and the least integer where it has none."""
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    if in_time(stamps):  # what is written last stays
        low[cells[::-1]] = stamps[::-1]
        high[cells] = stamps
    else:
        np.minimum.at(low, cells, stamps)
        np.maximum.at(high, cells, stamps)
    return low, high


#: How columns of `tallied` are put together, where not by adding them up.
_TOGETHER: Final[dict[str, str]] = {
    "first": "min",
    "first_in": "min",
    "last": "max",
    "last_in": "max",
    "largest_bytes": "max",
}


def added(tallies: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Tallies of several parts below each other, those of the same group put together."""
    ids, labels = groups(tallies, by)
    names = [name for name in tallies.columns if name not in by]
    grouped = tallies[names].groupby(ids, sort=True)
    return labels.assign(**grouped.agg({name: _TOGETHER.get(name, "sum") for name in names}))


def finished(tallies: pd.DataFrame) -> pd.DataFrame:
    """The table of `conversations` of its tallies."""
    told = tallies.reset_index(drop=True)
    first, last = (told[name].to_numpy(dtype=np.int64) for name in ("first", "last"))
    heard = told["messages_in"].to_numpy(dtype=np.int64)
    first_in = told["first_in"].to_numpy(dtype=np.float64)
    seconds = np.where(heard > 1, (told["last_in"].to_numpy(dtype=np.float64) - first_in) / 1e9, np.nan)
    place = told.columns.get_indexer(pd.Index(["first"]))[0]
    result = told.drop(columns=["first", "last", "first_in", "last_in", "largest_bytes"])
    result.insert(place, "first", time_index(first))
    result.insert(place + 1, "last", time_index(last))
    result.insert(place + 2, "lasted_s", (last - first) / 1e9)
    result["mean_hz_in"] = (heard - 1) / np.where(seconds > 0, seconds, np.nan)
    result["largest_bytes"] = told["largest_bytes"]
    ranked = np.argsort(-(result["messages_in"] + result["messages_out"]).to_numpy(), kind="stable")
    return result.iloc[ranked].reset_index(drop=True)
