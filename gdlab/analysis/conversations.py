"""Who talked with whom: one row per peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import PEER, equals, first_rows, groups, names_of, require, time_index, times_ns
from gdlab.analysis.probes import messages_of
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def conversations(table: Source, *, probes: bool = False, by: str | Sequence[str] = PEER) -> pd.DataFrame:
    """What passed between each endpoint and each peer.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`, `size_bytes`, `wire_bytes`; may be
        empty.
    probes : also our own pings and what answered them, which are gdlab's messages and not the game's.
    by : columns that tell the conversations apart, such as ``"v.id"``; rows without a value, as events have none in
        a field of the payload, make one of their own.

    Returns
    -------
    One row for each endpoint and peer, or what `by` names, most messages first: the columns `by`, `first`, `last`
    (times of its first and last row of any event), `lasted_s` (float64), `messages_in`, `messages_out`, `bytes_in`,
    `bytes_out` (payload), `wire_bytes` (both ways), `opened`, `closed`, `errors` (all int64: rows of those
    events), `mean_hz_in` (float64: arrivals less one over the time from the first to the last of them; NaN
    for less than two), `largest_bytes` (int64; 0 without messages).

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
    rows = np.flatnonzero((table["peer"].notna() & (table["peer"] != "")).to_numpy(dtype=np.bool_))
    subset = table if len(rows) == len(table) else table.iloc[rows]
    stamps = times_ns(subset)
    ids, labels = groups(subset, by)
    n = len(labels)
    said = messages_of(subset, probes=probes)
    arrived, sent = said & equals(subset, "direction", "in"), said & equals(subset, "direction", "out")
    size = subset["size_bytes"].to_numpy(dtype=np.int64)

    def count(which: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(ids[which], minlength=n).astype(np.int64)

    def total(which: NDArray[Any], what: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(ids[which], weights=what[which], minlength=n).astype(np.int64)

    def extent(which: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
        np.minimum.at(low, ids[which], stamps[which])
        np.maximum.at(high, ids[which], stamps[which])
        return low, high

    first, last = extent(np.ones(len(subset), dtype=np.bool_))
    first_in, last_in = extent(arrived)
    largest = np.zeros(n, dtype=np.int64)
    np.maximum.at(largest, ids[said], size[said])
    return labels.set_axis(pd.Index(rows[first_rows(ids, n)]), axis=0).assign(
        first=first,
        last=last,
        first_in=first_in,
        last_in=last_in,
        messages_in=count(arrived),
        messages_out=count(sent),
        bytes_in=total(arrived, size),
        bytes_out=total(sent, size),
        wire_bytes=total(said, subset["wire_bytes"].to_numpy(dtype=np.int64)),
        opened=count(equals(subset, "event", "open")),
        closed=count(equals(subset, "event", "close")),
        errors=count(equals(subset, "event", "error")),
        largest_bytes=largest,
    )


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
