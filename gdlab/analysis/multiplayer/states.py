"""Rules about synchronizers and spawners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from gdlab.analysis.multiplayer.evidence import Evidence, amount, rows_of
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
        yield Finding(
            "state-too-big",
            1.0,
            f"The state of {path} is {size} bytes, and the limit {limit}: it is not sent at all.",
            "the sender's own error; nothing of it is in the packets",
            "Send less always, more on change, or raise SceneMultiplayer.max_sync_packet_size (above the MTU packets "
            "are fragmented).",
            "What does not fit one sync packet is left out, and only the sender's log tells.",
        )


def empty_syncs(evidence: Evidence) -> Iterator[Finding]:
    """An empty sync stands before each state that just fits the limit."""
    packets = evidence.packets
    empty = packets[(packets["kind"] == "sync").to_numpy() & (packets["size"] == 3).to_numpy()]
    if len(empty) < 2:
        return
    full = packets[(packets["kind"] == "sync").to_numpy() & (packets["size"] >= 1340).to_numpy()]
    largest = int(full["size"].max()) if len(full) else 0
    yield Finding(
        "empty-sync",
        0.95,
        f"{len(empty):,} sync packets were empty: a state that nearly fills the limit of 1350 bytes sends one in front "
        'of itself each time, and the receiver reports "Invalid sync packet received".',
        f"3 bytes each; {len(full):,} sync packets of up to {largest} bytes beside them",
        "Make the state smaller than 1340 bytes. It is an error of the engine and does no other harm.",
        "Limits include headers that nobody sees.",
        rows_of(empty),
    )


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
    yield Finding(
        "sync-not-counted",
        1.0,
        f"The editor shows {shown / total:.0%} of the bytes of your synchronizers: what is sent on change is never "
        "counted.",
        f"{shown:,} of {total:,} bytes of values; most of the rest is {most}",
        "Take the numbers of summary() in place of the network profiler's.",
        "Deltas go reliably and outside of what the profiler looks at.",
        tuple(int(row) for row in evidence.packets["row"].reindex(changed.index[:20])),
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
    yield Finding(
        "spawn-sent-twice",
        0.9,
        f"{len(twice):,} spawns were followed by a delta with the same values ({amount(size)}).",
        "each first delta of a spawned synchronizer, equal to values of its spawn",
        "It is the engine's way with on-change properties; take them out of the spawn (spawn = off) where it matters.",
        "A synchronizer sends all its on-change properties once, also what the spawn has carried already.",
        tuple(twice[:20]),
    )


def sender_frames(evidence: Evidence) -> Iterator[Finding]:
    """The counter of sync packets steps once a frame of their sender."""
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
        who = evidence.who(int(part["connection"].iloc[0]), "server" if key[1] == 1 else "client")
        yield Finding(
            "sender-frame-rate",
            0.9,
            f"{who[0].upper()}{who[1:]} runs at {frames / span:.0f} frames per second.",
            f"the counter of its sync packets made {frames:,} steps in {span:.1f} s",
            "Nothing leaves between frames: a slow sender updates the others no faster than it draws.",
            "The frame rate of the other side is on the wire.",
            tuple(int(row) for row in evidence.packets["row"].reindex(part.index[:1])),
        )
