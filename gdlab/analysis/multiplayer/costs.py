"""Rules about bytes: which call takes them, how often it goes out, what the headers take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gdlab.analysis.multiplayer.evidence import Evidence, amount, number, rows_of
from gdlab.analysis.rules.finding import Finding

#: A call that has more than this share of the RPCs' bytes, and sends faster than that, is worth a look.
HOG_SHARE: Final = 0.5
HOG_BYTES_S: Final = 1000.0
#: Calls that leave a sender within this belong to one of its frames.
FRAME_NS: Final = 3_000_000
#: Calls in a frame to one receiver, share of headers, and frames, from which an array would be better.
MANY_CALLS: Final = 5
HEADER_SHARE: Final = 0.6
MANY_FRAMES: Final = 5


def hog(evidence: Evidence) -> Iterator[Finding]:
    """One method has most of the bytes."""
    counted = evidence.items[(evidence.items["kind"] == "rpc").to_numpy()]
    total = int(counted["bytes"].sum())
    if not total:
        return
    groups = counted.groupby(["path", "method"], observed=True)
    sums = groups["bytes"].sum().sort_values(ascending=False)
    (path, method), size = sums.index[0], int(sums.iloc[0])
    mine = counted[(counted["path"] == path) & (counted["method"] == method)]
    if len(sums) < 2 or size <= HOG_SHARE * total or len(mine) < 10:
        return
    span = float(mine["time"].astype("int64").max() - mine["time"].astype("int64").min()) / 1e9
    if span <= 0 or size / span < HOG_BYTES_S:
        return
    node = str(path).rpartition("/")[2]
    wire = int(mine["wire_bytes"].sum())
    yield Finding(
        "bandwidth-hog",
        0.9,
        f"{node}.{method} is {size / total:.0%} of the RPC bytes ({amount(size)} of {amount(total)}, "
        f"{len(mine) / span:.0f} calls per second); on the wire it takes {amount(wire)}.",
        f"n = {len(mine):,} calls of {size / len(mine):.0f} bytes on {path}",
        "Send only what changed, less often, or as packed arrays; gd.sizes(value, as_rpc=...) shows what a call costs.",
        "Few methods make most of the traffic: measure before making any of them smaller.",
        tuple(int(row) for row in evidence.packets["row"].reindex(mine.index[:20])),
    )


def broadcast(evidence: Evidence) -> Iterator[Finding]:
    """rpc() to several peers is as many packets, which the editor counts as one."""
    counted = evidence.items
    mine = counted[(counted["kind"] == "rpc").to_numpy() & (counted["hop"] == "direct").to_numpy()]
    mine = mine[(mine["sender"] == 1).fillna(value=False).to_numpy(dtype=np.bool_)]
    if mine.empty:
        return
    groups = mine.groupby(["path", "method"], observed=True)
    sums = groups[["bytes", "editor_bytes", "editor_calls"]].sum()
    sums["calls"] = groups.size()
    for row in sums.sort_values("bytes", ascending=False).reset_index().to_dict("records"):
        path, method = row["path"], row["method"]
        if row["editor_calls"] < 5 or row["calls"] < 1.5 * row["editor_calls"] or row["bytes"] < 500:
            continue
        factor = row["calls"] / row["editor_calls"]
        yield Finding(
            "broadcast",
            0.8,
            f"{method} goes to {factor:.0f} peers at a time: the editor shows {amount(row['editor_bytes'])}, "
            f"{amount(row['bytes'])} were sent.",
            f"{int(row['calls']):,} packets for {int(row['editor_calls']):,} calls on {path}",
            "Count with the number of players: what is fine with two costs four times as much with eight.",
            "There is no broadcast on the internet: rpc() to n peers is n packets, and the profiler counts one.",
        )


def relayed_broadcast(evidence: Evidence) -> Iterator[Finding]:
    """A client's rpc() goes up once for each other client, and the server sends each on."""
    calls = evidence.calls
    up = calls[(calls["hop"] == "up").to_numpy()]
    if len(up) < 3:
        return
    down = calls[(calls["hop"] == "down").to_numpy()]
    sizes = amount(int(up["packet_bytes"].sum())), amount(int(down["packet_bytes"].sum()))
    yield Finding(
        "relayed-by-server",
        0.9,
        f"{len(up):,} calls of {number(up['sender'].nunique(), 'client')} were meant for other clients: each goes up "
        "to the server and down again, one packet a receiver, and no profiler counts the way down.",
        f"{sizes[0]} up in relay packets, {sizes[1]} down",
        "Call the server only (rpc_id(1, ...)) and let it tell the others once.",
        "Clients do not reach each other: what one sends to n others is n packets up and n down.",
        rows_of(up),
    )


def small_calls(evidence: Evidence) -> Iterator[Finding]:
    """Many small calls in a frame, each a datagram with headers of its own."""
    calls = evidence.calls
    mine = calls[(calls["hop"] == "direct").to_numpy() & (calls["mode"] != "stream").to_numpy()]
    for key, part in mine.groupby(["connection", "sender"], dropna=False, observed=True):
        stamps = np.sort(part["time"].astype("int64").to_numpy())
        starts = np.flatnonzero(np.diff(stamps, prepend=stamps[0] - 2 * FRAME_NS) > FRAME_NS)
        sizes = np.diff(np.append(starts, len(stamps)))
        many = sizes[sizes >= MANY_CALLS]
        wire, own = int(part["wire_bytes"].sum()), int(part["size"].sum())
        if len(many) < MANY_FRAMES or many.sum() < len(part) / 2 or 1 - own / wire < HEADER_SHARE:
            continue
        size, whole = own / len(part), wire / len(part)
        who = evidence.who(int(part["connection"].iloc[0]), "server" if key[1] == 1 else "client")
        yield Finding(
            "small-calls",
            0.85,
            f"{who[0].upper()}{who[1:]} makes about {np.median(many):.0f} calls a frame in as many datagrams: "
            f"{whole - size:.0f} of {whole:.0f} bytes of each are headers.",
            f"n = {len(part):,} calls of {size:.1f} bytes, {len(many):,} frames with {MANY_CALLS} or more",
            "Gather what a frame has to say and send it as one call with an array.",
            "Every RPC is a datagram of its own: 38 bytes of headers, however short it is.",
            rows_of(part),
        )


def unreliable_fragments(evidence: Evidence) -> Iterator[Finding]:
    """A large unreliable call needs all its fragments to arrive."""
    packets = evidence.packets
    mine = packets[(packets["mode"] == "unreliable").to_numpy() & (packets["fragments"] > 1).to_numpy()]
    if mine.empty:
        return
    table = evidence.losses
    seen = table[(table["mode"] == "datagram") & table["lost_behind"].notna()]
    measured = float(seen["lost_behind"].sum()) / float(seen["seen"].sum()) if len(seen) else 0.0
    loss = measured if measured >= 0.005 else 0.05
    largest = mine.iloc[int(mine["size"].to_numpy().argmax())]
    pieces = int(largest["fragments"])
    failing = 1 - (1 - loss) ** pieces
    told = "the loss measured here" if measured >= 0.005 else "5 % loss"
    yield Finding(
        "unreliable-fragments",
        0.9,
        f"A call of {amount(int(largest['size']))} travels unreliably in {pieces} fragments: at {told} "
        f"{failing:.0%} of such calls fail.",
        f"{len(mine):,} unreliable calls above 1364 bytes, the largest {largest['path']}.{largest['method']}",
        "Send it reliably, or in parts that are of use alone.",
        "One lost fragment loses the whole packet: n fragments fail n times as often.",
        rows_of(mine),
    )
