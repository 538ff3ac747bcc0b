"""Rules about what did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.rules.facts import POINTED, pointed
from gdlab.analysis.rules.finding import Finding
from gdlab.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.facts import Facts

#: A client that has sent nothing for this long after it connected is remarkable.
PATIENCE_S: Final = 3.0
#: Pings lost by a peer that has answered none: fewer may be the moment in which it came or went.
UNANSWERED: Final = 5


def nothing_arrived(facts: Facts) -> Iterator[Finding]:
    """Not one message came in, and nobody even connected."""
    if facts.heard.any() or facts.event("open").any():
        return
    refused = int(facts.event("error").sum())
    sent = int(facts.sent.sum())
    yield Finding(
        "nothing-arrived",
        1.0,
        "Nothing has arrived.",
        f"0 messages in, {sent} out, {refused} errors, in {facts.lasted_s:.1f} s of rows",
        "Is the game running, and does it send to this address and port? From another machine listen with "
        "host='lan'. A game exported for the web can only speak WebSocket. Godot does not tell a UDP sender "
        "that "
        "nobody listens.",
        "UDP reports no failed delivery: silence is all that both sides see of a wrong port.",
    )


def connected_and_silent(facts: Facts) -> Iterator[Finding]:
    """A client connected, and sent nothing for seconds."""
    opened = facts.event("open") & facts.transport("tcp", "ws", "wss")
    if not opened.any():
        return
    talks = facts.conversations
    end = facts.stamps.max()
    silent = talks[(talks["opened"] > 0) & (talks["messages_in"] == 0) & (talks["closed"] == 0)]
    waited = (end - silent["first"].to_numpy(dtype="datetime64[ns]").view(np.int64)) / 1e9
    silent = silent[waited >= PATIENCE_S]
    if len(silent):
        peers = ", ".join(map(str, silent["peer"].tolist()[:5]))
        yield Finding(
            "connected-and-silent",
            0.7,
            f"{len(silent)} of {len(talks)} peers connected and have sent nothing: {peers}.",
            f"longest silence {waited.max():.1f} s since the connection; 0 messages in",
            "In Godot 4 StreamPeerTCP and WebSocketPeer do nothing without poll(): call it in _process "
            "before "
            "get_status() or get_ready_state().",
            "A connection is made by the operating system; that a program uses it is another matter.",
            pointed(opened & facts.table["peer"].isin(silent["peer"].tolist()).to_numpy(dtype=np.bool_)),
        )


def unanswered(facts: Facts) -> Iterator[Finding]:
    """Peers that have answered none of our pings."""
    trips = facts.trips
    peers = trips.groupby(["endpoint", "peer"], observed=True, sort=False)
    asked = (
        peers["rtt_ms"]
        .agg(sent="size", answered="count")
        .assign(
            lost=trips["outcome"]
            .eq("lost")
            .groupby([trips["endpoint"], trips["peer"]], observed=True, sort=False)
            .sum()
        )
    )
    mute = asked[(asked["answered"] == 0) & (asked["lost"] >= UNANSWERED)]
    if not len(mute):
        return
    sent, names = int(mute["sent"].sum()), [str(peer) for _, peer in mute.index]
    alone = len(mute) == len(asked)
    mine = facts.probes[facts.probes["ours"]]["row"].to_numpy()
    where = mine[facts.table["peer"].iloc[mine].isin(names).to_numpy(dtype=np.bool_)]
    yield Finding(
        "unanswered-pings",
        0.95,
        "Nothing answers the pings: there are no round trips."
        if alone
        else f"{count(len(mute), 'peer')} of {len(asked)} answered no ping: {', '.join(names[:5])}.",
        f"{sent:,} pings sent to {count(len(mute), 'peer')}, 0 answered, {int(mute['lost'].sum()):,} given up",
        'Paste into the game what cap.gdscript("echo") writes: it sends each ping back. '
        "Or switch the pings off with cap.set_ping(None).",
        "A ping is a message like any other: only a program that answers it makes a round trip.",
        tuple(where[:POINTED].tolist()),
    )
