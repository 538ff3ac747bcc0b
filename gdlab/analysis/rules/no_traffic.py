"""Rules about what did not arrive."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import equals
from gdlab.analysis.rules.finding import Finding
from gdlab.analysis.rules.masks import arrived, heard, sent
from gdlab.analysis.rules.refused import any_refused
from gdlab.facts import PEER, US, Reason
from gdlab.framing.signatures import asks_for_enet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gdlab.analysis.rules.evidence import Evidence

#: A client that has sent nothing for this long after it connected is remarkable.
PATIENCE_S: Final = 3.0
#: Pings lost by a peer that has answered none: fewer may be the moment in which it came or went.
UNANSWERED: Final = 5


def nothing_arrived(evidence: Evidence) -> Iterator[Finding]:
    """Not one message came in, and nobody even connected."""
    if evidence.selected(heard).n or evidence.event("open").any() or any_refused(evidence):
        return
    if not evidence.ended_in_order:  # what had arrived may not have been written
        return
    refused = int(evidence.event("error").sum())
    yield Finding.of(
        "nothing-arrived", 1.0, sent=evidence.selected(sent).n, errors=refused, seconds=evidence.lasted_s
    )


def connected_and_silent(evidence: Evidence) -> Iterator[Finding]:
    """A client connected, and sent nothing for seconds; or the server that we connected to did."""
    opened = evidence.event("open") & evidence.transport("tcp", "ws", "wss")
    if not opened.any():
        return
    talks = evidence.conversations
    ours = opened & equals(evidence.table, "by", US)
    asked = _which(talks, evidence.table, ours)
    # A relay connects onward for each client: that is no other silence than the client's.
    alone = bool(asked.all())
    if not alone:
        talks, opened = talks[~asked], opened & ~ours
    # Those that the end of the capture closed were silent to the end.
    ended = _which(talks, evidence.table, evidence.event("close") & ~equals(evidence.table, "by", US))
    silent = talks[(talks["opened"] > 0) & (talks["messages_in"] == 0) & ~ended]
    waited = (evidence.until_ns - silent["first"].to_numpy(dtype="datetime64[ns]").view(np.int64)) / 1e9
    silent = silent[waited >= PATIENCE_S]
    if len(silent):
        yield Finding.of(
            "connected-and-silent",
            0.5 if alone else 0.7,
            evidence.pointed(opened & _of(evidence.table, opened, silent)),
            case="server" if alone else "",
            silent=len(silent),
            peers=len(talks),
            names=tuple(map(str, silent["peer"].tolist()[:5])),
            seconds=waited.max(),
            sent=int(silent["messages_out"].sum()),
        )


def _which(talks: pd.DataFrame, table: pd.DataFrame, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which conversations have one of these rows of the table."""
    return _among(talks, set(_pairs(table, np.flatnonzero(rows))))


def _of(table: pd.DataFrame, rows: NDArray[np.bool_], talks: pd.DataFrame) -> NDArray[np.bool_]:
    """Which of these rows of the table are of one of the conversations."""
    found = rows.copy()
    found[rows] = _among(table, set(_pairs(talks)), np.flatnonzero(rows))
    return found


def _among(
    table: pd.DataFrame, wanted: set[tuple[str, str]], rows: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.bool_]:
    """Which rows are of one of these pairs of endpoint and peer; of some rows of the table, or of all."""
    return np.array([pair in wanted for pair in _pairs(table, rows)], dtype=np.bool_)


def _pairs(table: pd.DataFrame, rows: NDArray[np.integer[Any]] | None = None) -> list[tuple[str, str]]:
    endpoint, peer = (
        map(str, (column if rows is None else column.take(rows)).tolist())
        for column in (table["endpoint"].array, table["peer"].array)
    )
    return list(zip(endpoint, peer, strict=True))


def left(evidence: Evidence) -> Iterator[Finding]:
    """Clients of TCP that came, sent nothing and left; a WebSocket has its close code for that."""
    ended = evidence.event("close") & evidence.transport("tcp")
    if not ended.any():
        return
    talks = evidence.conversations
    is_tcp = talks["endpoint"].astype(str).str.startswith("tcp:")
    gone = talks[is_tcp & (talks["opened"] > 0) & (talks["messages_in"] == 0) & (talks["closed"] > 0)]
    peers = set(gone["peer"].tolist()) - set(evidence.table["peer"][evidence.event("error")].tolist())
    mine = evidence.event("close") & evidence.table["peer"].isin(list(peers)).to_numpy(dtype=np.bool_)
    theirs = mine & (evidence.table["by"] == PEER).to_numpy(dtype=np.bool_)
    if theirs.any():
        yield Finding.of("left", 0.5, evidence.pointed(theirs), gone=int(theirs.sum()), peers=len(talks))


def enet_unanswered(evidence: Evidence) -> Iterator[Finding]:
    """Clients of ENet that ask for a connection again and again: what they speak to is no server of theirs."""
    rows, payloads = evidence.payloads(arrived(evidence))
    asking = [row for row, payload in zip(rows, payloads, strict=True) if asks_for_enet(payload)]
    if not asking:
        return
    talks = evidence.conversations
    heard_of = dict(zip(_pairs(talks), talks["messages_in"].tolist(), strict=True))
    pairs = _pairs(evidence.table, np.asarray(asking))
    # Whom a server answers says something else next; a first request may still be answered.
    left = {pair: n for pair, n in Counter(pairs).items() if n > 1 and heard_of[pair] == n}
    if left:
        yield Finding.of(
            "enet-unanswered",
            0.9,
            evidence.at([row for row, pair in zip(asking, pairs, strict=True) if pair in left]),
            peers=len(left),
            names=tuple(peer for _, peer in list(left)[:5]),
            times=sum(left.values()),
        )


def waiting_bytes(evidence: Evidence) -> Iterator[Finding]:
    """Bytes of messages that are not complete, while the capture runs or when it ended."""
    held, whole = evidence.counter("waiting_bytes") or 0, evidence.counter("awaited_bytes") or 0
    cut = evidence.reason(Reason.INCOMPLETE)
    if not held:  # where the connection has ended, its rest is a row
        held, whole = int(evidence.size[cut].sum()), 0
    if held:
        yield Finding.of(
            "bytes-waiting", 0.6, evidence.pointed(cut), case="of" if whole else "", held=held, whole=whole
        )


def unanswered(evidence: Evidence) -> Iterator[Finding]:
    """Peers that have answered none of our pings."""
    trips = evidence.trips
    if np.count_nonzero(trips["outcome"] == "lost") < UNANSWERED:
        return
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
    names = [str(peer) for _, peer in mute.index]
    alone = len(mute) == len(asked)
    yield Finding.of(
        "unanswered-pings",
        0.95,
        evidence.asked(names),
        case="" if alone else "some",
        mute=len(mute),
        asked=len(asked),
        names=tuple(names[:5]),
        sent=int(mute["sent"].sum()),
        lost=int(mute["lost"].sum()),
    )
