"""Rules about nodes and methods the two sides do not agree on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from gdlab.analysis.multiplayer.evidence import Evidence
from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Statement
from gdlab.multiplayer.resolve import Said

#: A path is unconfirmed if nothing came back for so long while the other side was there.
PATIENCE_NS: Final = 300_000_000
#: Unconfirmed paths that are told: beyond, one cause makes them all.
MOST_PATHS: Final = 20
_NOT_ALLOWED: Final = re.compile(
    r"RPC '(\w+)' is not allowed on node /root/(\S+) from: (-?\d+)\. "
    r"Mode is [\"']?(\w+)[\"']?, authority is (-?\d+)"
)


def _told(evidence: Evidence) -> Iterator[tuple[int, Said, str, int]]:
    """Packet, who says it, path and id of each path that was told, by its number."""
    view = evidence.view
    for index in evidence.packets.index[(evidence.packets["kind"] == "simplify_path").to_numpy()].tolist():
        packet = view.packets.packet[index]
        yield index, view.said[index], packet.path, packet.node


def _confirmed(evidence: Evidence) -> dict[tuple[int, int, int], list[tuple[int, bool]]]:
    """By connection, sender of the path and id: confirmations and what they say."""
    view = evidence.view
    found: dict[tuple[int, int, int], list[tuple[int, bool]]] = {}
    for index in evidence.packets.index[(evidence.packets["kind"] == "confirm_path").to_numpy()].tolist():
        packet, who = view.packets.packet[index], view.said[index]
        found.setdefault((who.connection, who.receiver, packet.node), []).append((index, packet.valid))
    return found


def unconfirmed(evidence: Evidence) -> Iterator[Finding]:
    """A path that the other side never confirmed, though it went on talking."""
    view = evidence.view
    confirmed, told = _confirmed(evidence), 0
    stamps = evidence.packets["time"].astype("int64")
    rows = evidence.packets["row"]
    for index, who, path, node in _told(evidence):
        if (who.connection, who.sender, node) in confirmed:
            continue
        since = int(stamps[index])
        theirs = (view.connection == who.connection) & (view.from_client != who.from_client)
        later = view.time_ns[theirs & (view.units["kind"] < 20)]
        if not len(later) or later.max() - since < PATIENCE_NS:
            continue
        calls = evidence.calls
        mine = calls[
            (calls["connection"] == who.connection).to_numpy()
            & (calls["path"] == path).to_numpy()
            & (calls["path_bytes"] > 0).to_numpy()
        ]
        told += 1
        if told > MOST_PATHS:
            return
        side = "server" if who.from_client else "client"
        missing = evidence.who(who.connection, side)
        extra = (
            Statement.of(
                "path-unconfirmed/calls", calls=len(mine), path_bytes=int(mine["path_bytes"].iloc[0])
            )
            if len(mine)
            else Statement("path-unconfirmed/syncs")
        )
        yield Finding.of(
            "path-unconfirmed",
            0.9,
            (int(rows[index]), *(int(row) for row in mine["row"].head(19))),
            path=path,
            missing=missing,
            extra=extra,
            seconds=(later.max() - since) / 1e9,
        )


def automatic_names(evidence: Evidence) -> Iterator[Finding]:
    """A path with a name the engine made up, which no other side has."""
    seen: dict[str, int] = {}
    for index, _, path, _ in _told(evidence):
        if any(part.startswith("@") for part in path.split("/")):
            seen.setdefault(path, index)
    for path, index in seen.items():
        name = next(part for part in path.split("/") if part.startswith("@"))
        yield Finding.of("automatic-name", 1.0, (int(evidence.packets["row"][index]),), name=name, path=path)


def different_lists(evidence: Evidence) -> Iterator[Finding]:
    """The two sides number the methods of a node differently, so calls run another method."""
    view = evidence.view
    refused: dict[str, int] = {}
    for (connection, sender, node), said in _confirmed(evidence).items():
        for index, valid in said:
            if not valid:
                who = view.said[index]
                path = view.resolver.path(
                    who._replace(sender=sender, receiver=who.sender, connection=connection), node
                )
                refused.setdefault(path, index)
    for path, sums in view.resolver.md5s.items():
        if len(set(sums.values())) > 1 and path not in refused:
            refused[path] = next(index for index, _, other, _ in _told(evidence) if other == path)
    for path, index in refused.items():
        lists = [
            view.names.by_md5.get(md5) for md5 in dict.fromkeys(view.resolver.md5s.get(path, {}).values())
        ]
        known = [script for script in lists if script is not None]
        told: Statement | str = ""
        if len(known) > 1:
            first, second = known[0].methods, known[1].methods
            wrong = tuple(
                Statement.of("rpc-lists-differ/runs", method=a, other=second[place])
                if place < len(second)
                else Statement.of("rpc-lists-differ/nothing", method=a)
                for place, a in enumerate(first)
                if place >= len(second) or second[place] != a
            )
            told = Statement.of(
                "rpc-lists-differ/lists",
                one=known[0].path or Statement("rpc-lists-differ/one"),
                first=tuple(first),
                other=known[1].path or Statement("rpc-lists-differ/other"),
                second=tuple(second),
                wrong=wrong,
            )
        yield Finding.of(
            "rpc-lists-differ",
            1.0,
            (int(evidence.packets["row"][index]),),
            node=path.rpartition("/")[2],
            told=told,
            path=path,
        )


def not_allowed(evidence: Evidence) -> Iterator[Finding]:
    """The receiver's error names a call it refused; the call that it was is in the packets."""
    if evidence.log is None or "text" not in evidence.log.columns:
        return
    calls = evidence.calls
    stamps = calls["time"].astype("int64").to_numpy()
    gathered: dict[tuple[str, str, str, str], list[int]] = {}
    for when, text in zip(
        pd.to_datetime(evidence.log["time"], utc=True), evidence.log["text"].astype(str), strict=True
    ):
        found = _NOT_ALLOWED.search(text)
        if found is None:
            continue
        method, path, sender, _, authority = found.groups()
        near = (
            (calls["method"] == method).to_numpy()
            & (calls["path"] == path).to_numpy()
            & (calls["sender"] == int(sender)).fillna(value=False).to_numpy(dtype=np.bool_)
            & (stamps <= when.value + 50_000_000)
            & (stamps >= when.value - 2_000_000_000)
        )
        rows = gathered.setdefault((method, path, sender, authority), [])
        rows += [int(row) for row in calls["row"][near].tail(1)]
    for (method, path, sender, authority), rows in gathered.items():
        yield Finding.of(
            "not-allowed",
            1.0,
            tuple(rows[:20]),
            node=path.rpartition("/")[2],
            method=method,
            sender=sender,
            authority=authority,
            calls=len(rows),
        )
