"""Rules about synchronizers and spawners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from gdlab.analysis.multiplayer.evidence import Evidence, rows_of
from gdlab.analysis.rules.finding import Finding
from gdlab.multiplayer.sequences import unwrapped
from gdlab.variant import dumps

_TOO_BIG: Final = re.compile(r"Node states bigger than MTU will not be sent \((\d+) > (\d+)\): /root/(\S+)")
#: Share of the sync traffic that the editor shows, below which it misleads; and bytes from which it matters.
SHOWN_SHARE: Final = 0.8
SHOWN_BYTES: Final = 1000
#: A delta so soon behind a spawn belongs to it.
AT_ONCE_NS: Final = 500_000_000
#: Frames per second below which a sender is told to be slow, and how long it must be seen.
SLOW_FPS: Final = 50.0
SEEN_S: Final = 1.0


def too_big(evidence: Evidence) -> Iterator[Finding]:
    """The sender's error: a state above the limit is not sent at all."""
    if evidence.log is None or "text" not in evidence.log.columns:
        return
    found = {
        (match[3], match[1], match[2]): None
        for text in evidence.log["text"].astype(str)
        if (match := _TOO_BIG.search(text)) is not None
    }
    for path, size, limit in found:
        yield Finding.of("state-too-big", 1.0, path=path, size=size, most=limit)


def empty_syncs(evidence: Evidence) -> Iterator[Finding]:
    """An empty sync stands before each state that just fits the limit."""
    packets = evidence.packets
    empty = packets[(packets["kind"] == "sync").to_numpy() & (packets["size"] == 3).to_numpy()]
    if len(empty) < 2:
        return
    full = packets[(packets["kind"] == "sync").to_numpy() & (packets["size"] >= 1340).to_numpy()]
    largest = int(full["size"].max()) if len(full) else 0
    yield Finding.of("empty-sync", 0.95, rows_of(empty), empty=len(empty), full=len(full), largest=largest)


def unseen_by_the_editor(evidence: Evidence) -> Iterator[Finding]:
    """On-change properties are not counted by the editor's profiler."""
    states = evidence.states
    sent = states[states["kind"].isin(["sync", "delta"]).to_numpy()]
    total = int(sent["size"].sum())
    shown = int(sent["size"][(sent["kind"] == "sync").to_numpy()].sum())
    if total < SHOWN_BYTES or shown >= SHOWN_SHARE * total:
        return
    changed = sent[(sent["kind"] == "delta").to_numpy()]
    most = str(changed.groupby("path", observed=True)["size"].sum().idxmax())
    yield Finding.of(
        "sync-not-counted",
        1.0,
        tuple(int(row) for row in evidence.packets["row"].reindex(changed.index[:20])),
        share=shown / total,
        shown=shown,
        total=total,
        most=most,
    )


def sent_twice(evidence: Evidence) -> Iterator[Finding]:
    """A spawn carries values, and a delta right behind it carries them again."""
    view, packets = evidence.view, evidence.packets
    stamps, rows = packets["time"].astype("int64"), packets["row"]
    spawned: dict[tuple[int, int, int], tuple[int, set[bytes]]] = {}
    twice, size = [], 0
    states = evidence.states
    for index, kind, net_id, values, bytes_ in zip(
        states.index,
        states["kind"].astype(str),
        states["net_id"],
        states["values"],
        states["size"],
        strict=True,
    ):
        who = view.said[index]
        if kind == "spawn":
            told = {dumps(value) for value in values}
            for synchronizer in view.packets.packet[index].ids[1:]:
                spawned[who.connection, who.sender, synchronizer] = int(stamps[index]), told
        elif kind == "delta":
            since, told = spawned.pop((who.connection, who.sender, int(net_id)), (0, set()))
            if (
                stamps[index] - since < AT_ONCE_NS
                and values
                and all(dumps(value) in told for value in values)
            ):
                twice.append(int(rows[index]))
                size += int(bytes_) + 16
    if len(twice) < 2:
        return
    yield Finding.of("spawn-sent-twice", 0.9, tuple(twice[:20]), spawns=len(twice), size=size)


def sender_frames(evidence: Evidence) -> Iterator[Finding]:
    """The counter of sync packets steps once per frame of their sender."""
    states = evidence.states
    sent = states[(states["kind"] == "sync").to_numpy()]
    for key, part in sent.groupby(["connection", "sender"], dropna=False, observed=True):
        counters = part["counter"].to_numpy(dtype=np.int64)
        stamps = part["time"].astype("int64").to_numpy()
        span = float(np.ptp(stamps)) / 1e9
        if span < SEEN_S or len(part) < 5:
            continue
        frames = int(np.ptp(unwrapped(counters)))
        if frames / span >= SLOW_FPS:
            continue
        yield Finding.of(
            "sender-frame-rate",
            0.9,
            tuple(int(row) for row in evidence.packets["row"].reindex(part.index[:1])),
            who=evidence.who(int(part["connection"].iloc[0]), "server" if key[1] == 1 else "client"),
            fps=frames / span,
            frames=frames,
            seconds=span,
        )
