"""Which call or object takes how much: totals beside what the editor's profiler would show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from gdlab.multiplayer.record import UNIT_NAMES
from gdlab.multiplayer.tables import call_bytes, ids
from gdlab.multiplayer.view import View

#: Copies of one rpc() to several peers leave the sender together.
BROADCAST_NS: Final = 5_000_000
_GROUPS: Final = (
    "kind",
    "path",
    "method",
    "sender",
    "receiver",
    "hop",
    "direction",
    "mode",
    "channel",
    "connection",
)


def items(view: View, packets: pd.DataFrame) -> pd.DataFrame:
    """What is counted: a row per call, a row per object of a sync or delta, a row for every other packet.

    Returns
    -------
    The columns of `packets` that tell who and what, `bytes` (of a call as the engine counts it: without path and
    relay header; of an object's state with its header; else of the packet), `packet_bytes` and `wire_bytes` (shares
    that sum to the packets'), `editor_calls`, `editor_bytes` (what the sender's profiler in the editor adds up).
    """
    found, payloads = view.packets.packet, view.packets.payload
    order = packets.index.tolist()
    picks: list[int] = []
    paths: list[str] = []
    own: list[int] = []
    parts: list[int] = []
    wires: list[int] = []
    shown: list[int] = []
    for place, (index, path, wire) in enumerate(
        zip(order, packets["path"].astype(object), packets["wire_bytes"].tolist(), strict=True)
    ):
        packet, size = found[index], len(payloads[index])
        if packet.kind in {"sync", "delta"} and packet.objects:
            header = 16 if packet.kind == "delta" else 8
            weights = [header + state.stop - state.start for state in packet.objects]
            total = sum(weights)
            given = given_wire = run = 0
            for state, weight in zip(packet.objects, weights, strict=True):
                run += weight
                part, wired = size * run // total, wire * run // total
                picks.append(place)
                paths.append(view.resolver.object(view.said[index], state.net_id)[0])
                own.append(weight)
                parts.append(part - given)
                wires.append(wired - given_wire)
                shown.append(state.stop - state.start if packet.kind == "sync" else 0)
                given, given_wire = part, wired
            continue
        picks.append(place)
        paths.append(str(path))
        counted = call_bytes(packet, size) if packet.kind == "rpc" else size
        own.append(counted)
        parts.append(size)
        wires.append(wire)
        shown.append(counted if packet.kind == "rpc" else 0)
    chosen = packets.iloc[picks]
    table = chosen[
        ["time", "connection", "direction", "sender", "receiver", "hop", "kind", "method", "mode", "channel"]
    ].copy()
    table.insert(7, "path", pd.Series(pd.Categorical(paths), index=table.index))
    table["bytes"] = np.array(own, np.int64)
    table["packet_bytes"] = np.array(parts, np.int64)
    table["wire_bytes"] = np.array(wires, np.int64)
    counts = _counted_by_the_editor(view, table)
    table["editor_calls"] = counts
    table["editor_bytes"] = np.array(shown, np.int64) * counts
    return table


def _counted_by_the_editor(view: View, table: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """1 for what the sender's profiler counts: one of the copies of a broadcast, no relayed call, no delta."""
    kinds = table["kind"].astype(object).to_numpy()
    hops = table["hop"].astype(object).to_numpy()
    counts = np.zeros(len(table), np.int64)
    counts[kinds == "sync"] = 1
    calls = np.flatnonzero((kinds == "rpc") & (hops != "down"))
    stamps = table["time"].astype("int64").to_numpy()
    paths, methods = table["path"].astype(object).to_numpy(), table["method"].astype(object).to_numpy()
    found, payloads, said = view.packets.packet, view.packets.payload, view.said
    numbers = table.index.to_numpy()
    open_: dict[tuple[object, ...], tuple[int, set[int]]] = {}
    for place in calls[np.argsort(stamps[calls], kind="stable")].tolist():
        index = int(numbers[place])
        packet, who = found[index], said[index]
        arguments = payloads[index][packet.start : packet.stop]
        key = (who.sender, paths[place], methods[place], packet.raw, arguments)
        since, reached = open_.get(key, (0, set()))
        if who.receiver in reached or stamps[place] - since > BROADCAST_NS or key not in open_:
            counts[place] = 1
            open_[key] = (int(stamps[place]), {who.receiver})
            if len(open_) > 4096:
                del open_[next(iter(open_))]
        else:
            reached.add(who.receiver)
    return counts


def overhead(view: View) -> pd.DataFrame:
    """What the transport sends beside packets, on the leg nearest the sender: columns as those of `items`."""
    units = view.units
    mine = np.flatnonzero((units["packet"] < 0) & view.near)
    clients = [connection.client for connection in view.connections]
    owner, up = view.connection[mine], view.from_client[mine]
    client = np.array(clients, np.int64)[owner] if len(mine) else owner
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(view.time_ns[mine].view("datetime64[ns]")).tz_localize("UTC"),
            "connection": owner,
            "direction": np.where(units["out"][mine] == 1, "out", "in"),
            "sender": ids(view, np.where(up, client, 1).tolist()),
            "receiver": ids(view, np.where(up, 1, client).tolist()),
            "hop": "direct",
            "kind": "transport",
            "path": "",
            "method": [UNIT_NAMES[kind] for kind in units["kind"][mine].tolist()],
            "mode": "",
            "channel": units["channel"][mine],
            "bytes": units["size"][mine],
            "packet_bytes": 0,
            "wire_bytes": units["wire"][mine],
            "editor_calls": 0,
            "editor_bytes": 0,
        }
    )


def summary(
    counted: pd.DataFrame, seconds: float, by: Sequence[str] = ("kind", "path", "method")
) -> pd.DataFrame:
    """Totals of `items` and `overhead`, the largest on the wire first.

    Parameters
    ----------
    by : columns to group by: kind, path, method, sender, receiver, hop, direction, mode, channel, connection.
    seconds : what rates refer to: from the first row to the last.

    Returns
    -------
    The columns of `by`, `calls`, `bytes`, `packet_bytes`, `wire_bytes`, `share` (of all wire bytes, 0 to 1), `rate_hz`
    (calls per second), `wire_bytes_s`, `p50_bytes`, `max_bytes`, `editor_calls`, `editor_bytes`.

    Raises
    ------
    ValueError : `by` names something else.
    """
    wrong = [name for name in by if name not in _GROUPS]
    if wrong or not by:
        raise ValueError(
            f"summary can be made by {', '.join(_GROUPS)}; not by {', '.join(wrong) or 'nothing'}"
        )
    plain = counted.astype(dict.fromkeys(by, object))
    groups = plain.groupby(list(by), sort=False, dropna=False)
    table = groups.agg(
        calls=("bytes", "size"),
        bytes=("bytes", "sum"),
        packet_bytes=("packet_bytes", "sum"),
        wire_bytes=("wire_bytes", "sum"),
        p50_bytes=("bytes", "median"),
        max_bytes=("bytes", "max"),
        editor_calls=("editor_calls", "sum"),
        editor_bytes=("editor_bytes", "sum"),
    ).reset_index()
    total = int(table["wire_bytes"].sum())
    table.insert(len(by) + 4, "share", table["wire_bytes"] / total if total else 0.0)
    per = np.nan if seconds <= 0 else 1 / seconds
    table.insert(len(by) + 5, "rate_hz", table["calls"] * per)
    table.insert(len(by) + 6, "wire_bytes_s", table["wire_bytes"] * per)
    return table.sort_values("wire_bytes", ascending=False, kind="stable").reset_index(drop=True)
