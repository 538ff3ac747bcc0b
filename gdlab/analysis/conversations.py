"""Who talked with whom: one row per peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gdlab.analysis.columns import PEER, equals, groups, names_of, require, time_index, times_ns
from gdlab.analysis.probes import messages_of
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
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
    named = (table["peer"].notna() & (table["peer"] != "")).to_numpy(dtype=np.bool_)
    subset = table.loc[named]
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
    heard = count(arrived)
    seconds = np.where(heard > 1, (last_in.astype(np.float64) - first_in) / 1e9, np.nan)
    largest = np.zeros(n, dtype=np.int64)
    np.maximum.at(largest, ids[said], size[said])
    result = labels.assign(
        first=time_index(first),
        last=time_index(last),
        lasted_s=(last - first) / 1e9,
        messages_in=heard,
        messages_out=count(sent),
        bytes_in=total(arrived, size),
        bytes_out=total(sent, size),
        wire_bytes=total(said, subset["wire_bytes"].to_numpy(dtype=np.int64)),
        opened=count(equals(subset, "event", "open")),
        closed=count(equals(subset, "event", "close")),
        errors=count(equals(subset, "event", "error")),
        mean_hz_in=(heard - 1) / np.where(seconds > 0, seconds, np.nan),
        largest_bytes=largest,
    )
    ranked = np.argsort(-(result["messages_in"] + result["messages_out"]).to_numpy(), kind="stable")
    return result.iloc[ranked].reset_index(drop=True)
