"""Rules about bytes: which call takes them, how often it goes out, what the headers take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gdlab.analysis.multiplayer.evidence import Evidence, rows_of
from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Statement

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
    yield Finding.of(
        "bandwidth-hog",
        0.9,
        tuple(int(row) for row in evidence.packets["row"].reindex(mine.index[:20])),
        node=node,
        method=str(method),
        share=size / total,
        size=size,
        total=total,
        per_second=len(mine) / span,
        wire=wire,
        calls=len(mine),
        mean=size / len(mine),
        path=str(path),
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
        yield Finding.of(
            "broadcast",
            0.8,
            method=str(method),
            peers=row["calls"] / row["editor_calls"],
            shown=int(row["editor_bytes"]),
            sent=int(row["bytes"]),
            packets=int(row["calls"]),
            calls=int(row["editor_calls"]),
            path=str(path),
        )


def relayed_broadcast(evidence: Evidence) -> Iterator[Finding]:
    """A client's rpc() goes up once for each other client, and the server sends each on."""
    calls = evidence.calls
    up = calls[(calls["hop"] == "up").to_numpy()]
    if len(up) < 3:
        return
    down = calls[(calls["hop"] == "down").to_numpy()]
    yield Finding.of(
        "relayed-by-server",
        0.9,
        rows_of(up),
        calls=len(up),
        clients=up["sender"].nunique(),
        up=int(up["packet_bytes"].sum()),
        down=int(down["packet_bytes"].sum()),
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
        yield Finding.of(
            "small-calls",
            0.85,
            rows_of(part),
            who=who,
            per_frame=np.median(many),
            headers=whole - size,
            whole=whole,
            calls=len(part),
            size=size,
            frames=len(many),
            many=MANY_CALLS,
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
    told = "measured" if measured >= 0.005 else "assumed"
    yield Finding.of(
        "unreliable-fragments",
        0.9,
        rows_of(mine),
        size=int(largest["size"]),
        pieces=pieces,
        at=Statement.of(f"unreliable-fragments/{told}", percent=100 * loss),
        failing=failing,
        calls=len(mine),
        path=str(largest["path"]),
        method=str(largest["method"]),
    )
