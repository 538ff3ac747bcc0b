"""Rules about what was lost, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.analysis.interval import wilson
from gdlab.analysis.rules.finding import Finding
from gdlab.analysis.rules.masks import arrived
from gdlab.facts import Reason, Statement

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from numpy.typing import NDArray

    from gdlab.analysis.rules.evidence import Evidence

#: A ping this soon after another is in the same frame for any usual frame rate; this late, it is alone.
TOGETHER_S: Final = 0.002
ALONE_S: Final = 0.1
#: Where so much is sent that hardly a ping is alone: half a frame of the usual 60 per second.
APART_S: Final = 0.008


def own_buffer(evidence: Evidence) -> Iterator[Finding]:
    """The kernel dropped messages because this capture's receive buffer was full."""
    told = evidence.reason(Reason.KERNEL_DROP)
    dropped = max(int(evidence.table["count"][told].sum()), evidence.counter("kernel_drops") or 0)
    if not dropped:
        return
    n = evidence.selected(arrived).n
    yield Finding.of("own-buffer", 1.0, evidence.pointed(told), dropped=dropped, n=n)


def located(evidence: Evidence) -> Iterator[Finding]:
    """With captures of other places, where the messages that are missing went."""
    parts = evidence.where_lost
    if parts is None or not parts["lost"].any():
        return
    rows = parts.to_dict("records")
    places = tuple(
        Statement.of(
            "lost-where/place", place=_place(row), lost=int(row["lost"]), entered=int(row["entered"])
        )
        for row in rows
        if row["lost"] > 0
    )
    shares = tuple(
        Statement.of(
            "lost-where/share",
            place=Statement.of(f"place/{row['place']}"),
            loss=float(row["loss"]),
            low=float(row["loss_low"]),
            high=float(row["loss_high"]),
            n=int(row["entered"]),
        )
        for row in rows
    )
    yield Finding.of("lost-where", 0.95, places=places, shares=shares)


def _place(row: dict[Hashable, Any]) -> Statement:
    return Statement.of(f"lost-at/{row['place']}")


def missing_numbers(evidence: Evidence) -> Iterator[Finding]:
    """Numbers of a stream are missing; as far as possible, where they went."""
    if evidence.where_lost is not None:
        return
    streams = evidence.streams
    lossy = streams[streams["lost"] > 0]
    if not len(lossy):
        return
    lost, expected = int(lossy["lost"].sum()), int(lossy["expected"].sum())
    drops = evidence.counter("kernel_drops")
    gaps = evidence.event("gap").any()
    if drops is None and not gaps:
        where, certainty = "unknown", 0.8
    elif drops and drops >= lost:
        where, certainty = "here", 0.95
    elif drops or gaps:
        where, certainty = "partly", 0.8
    else:
        where, certainty = "before", 0.9
    worst = lossy.iloc[int(np.argmax(lossy["loss"].fillna(0).to_numpy()))]
    yield Finding.of(
        "missing-numbers",
        certainty,
        lost=lost,
        expected=expected,
        where=Statement.of(f"missing-numbers/{where}"),
        lossy=len(lossy),
        streams=len(streams),
        peer=str(worst["peer"]),
        loss=worst["loss"],
        low=worst["loss_low"],
        high=worst["loss_high"],
        n=int(worst["expected"]),
    )


def leaping_numbers(evidence: Evidence) -> Iterator[Finding]:
    """Numbers of a stream leap ahead by more than anybody loses at once."""
    streams = evidence.streams
    leaping = streams[streams["jumps"] > 0]
    if not len(leaping):
        return
    jumps, jumped = int(leaping["jumps"].sum()), int(leaping["jumped"].sum())
    worst = leaping.iloc[int(np.argmax(leaping["jumped"].to_numpy()))]
    yield Finding.of(
        "leaping-numbers",
        0.9,
        leaps=jumps,
        leapt=jumped,
        leaping=len(leaping),
        streams=len(streams),
        peer=str(worst["peer"]),
        most_leapt=int(worst["jumped"]),
        most_leaps=int(worst["jumps"]),
        n=int(worst["messages"]),
    )


def one_a_frame(evidence: Evidence) -> Iterator[Finding]:
    """Of pings sent close together only the first is answered: the game reads one message a frame."""
    trips = evidence.trips
    if (trips["outcome"] == "lost").sum() < 10:
        return
    asked = {}
    for peer in trips["peer"].value_counts().index[:8].tolist():
        mine = trips[(trips["peer"] == peer) & (trips["outcome"] != "pending")]
        if len(mine) >= 20 and str(mine["endpoint"].iloc[0]).startswith("udp:"):
            asked[str(peer)] = mine
    sent = evidence.sent_before({peer: times_ns(mine) for peer, mine in asked.items()})
    for peer, mine in asked.items():
        since = _since(times_ns(mine), sent[peer])
        answered = mine["rtt_ms"].notna().to_numpy()
        together, first = since <= TOGETHER_S, since >= ALONE_S
        alone = int(first.sum()) >= 10
        if not alone:
            first = since >= APART_S
        n = np.array([together.sum(), first.sum()])
        if n.min() < 10:
            continue
        hits = np.array([answered[together].sum(), answered[first].sum()])
        share_together, share_first = hits / n
        low, high = wilson(hits, n)
        if (
            (share_first >= 0.9 and share_together <= 0.6)
            if alone
            else (high[0] < low[1] and share_together <= 0.3)
        ):
            yield Finding.of(
                "one-a-frame",
                0.85 if alone else 0.75,
                peer=peer,
                share_first=share_first,
                first=n[1],
                apart_ms=(ALONE_S if alone else APART_S) * 1e3,
                share_together=share_together,
                together=n[0],
                together_ms=TOGETHER_S * 1e3,
            )


def _since(pings_ns: NDArray[np.int64], before: NDArray[np.int64]) -> NDArray[np.float64]:
    """Seconds from the message of ours before each ping to its peer, whatever it was; infinite for the first."""
    never = before == np.iinfo(np.int64).min
    return np.where(never, np.inf, (pings_ns - np.where(never, pings_ns, before)) / 1e9)


def gaps(evidence: Evidence) -> Iterator[Finding]:
    """The capture itself has holes."""
    holes = evidence.event("gap") & ~evidence.reason(Reason.KERNEL_DROP)
    if holes.any():
        _rows, told = evidence.details(holes)
        yield Finding.of("gap", 1.0, evidence.pointed(holes), gaps=holes.sum(), told=tuple(told[:3]))
