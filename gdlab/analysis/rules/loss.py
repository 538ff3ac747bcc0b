"""Rules about what was lost, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import equals, messages, times_ns
from gdlab.analysis.rules.facts import pointed
from gdlab.analysis.rules.finding import Finding
from gdlab.analysis.rules.relayed import BY_FATE
from gdlab.analysis.sequence import wilson
from gdlab.facts import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gdlab.analysis.rules.facts import Facts

#: A ping this soon after another is in the same frame for any usual frame rate; this late, it is alone.
TOGETHER_S: Final = 0.002
ALONE_S: Final = 0.1
#: Where so much is sent that hardly a ping is alone: half a frame of the usual 60 per second.
APART_S: Final = 0.008


def own_buffer(facts: Facts) -> Iterator[Finding]:
    """The kernel dropped messages because this capture's receive buffer was full."""
    told = facts.reason(Reason.KERNEL_DROP)
    dropped = max(int(facts.table["count"][told].sum()), facts.counter("kernel_drops") or 0)
    if not dropped:
        return
    n = int(facts.arrived.sum())
    yield Finding(
        "own-buffer",
        1.0,
        f"{dropped:,} messages were lost in this capture's own receive buffer, not on the network.",
        f"the kernel's counter says {dropped:,} dropped, {n:,} received",
        "Nothing is wrong with the path. Send in smaller bursts, or give the listener a larger buffer "
        "(on Linux net.core.rmem_max limits it).",
        "A datagram that arrives is lost all the same when nobody fetches it in time.",
        pointed(told),
    )


def located(facts: Facts) -> Iterator[Finding]:
    """With captures of other places, where the messages that are missing went."""
    parts = facts.where_lost
    if parts is None or not parts["lost"].any():
        return
    named = {
        "sender to receiver": "on the path",
        "sender to relay": "on the path to the relay",
        "relay": "in the relay",
        "relay to receiver": "on the path from the relay",
        **{f"relay: {fate}": f"in the relay, {why}" for fate, why in BY_FATE.items()},
        "receiver's buffer": "in this capture's own receive buffer",
    }
    rows = parts[parts["lost"] > 0].to_dict("records")
    yield Finding(
        "lost-where",
        0.95,
        "Messages were lost "
        + " and ".join(f"{named[row['place']]} ({row['lost']:,} of {row['entered']:,})" for row in rows)
        + ".",
        "; ".join(
            f"{row['place']}: {row['loss']:.1%} lost (95 % interval {row['loss_low']:.1%} to {row['loss_high']:.1%}, "
            f"n={row['entered']})"
            for row in parts.to_dict("records")
        ),
        "Look at the part that lost most. A path ends where the other side's program reads: what its kernel dropped "
        "counts to the path.",
        "A loss is located by counting on both sides of each place, not by looking at one end.",
    )


def missing_numbers(facts: Facts) -> Iterator[Finding]:
    """Numbers of a stream are missing; as far as possible, where they went."""
    if facts.where_lost is not None:
        return
    streams = facts.streams
    lossy = streams[streams["lost"] > 0]
    if not len(lossy):
        return
    lost, expected = int(lossy["lost"].sum()), int(lossy["expected"].sum())
    drops = facts.counter("kernel_drops")
    gaps = facts.event("gap").any()
    if drops is None and not gaps:
        where, certainty = (
            "before or in this capture; without the counter of its socket nobody can tell which",
            0.8,
        )
    elif drops and drops >= lost:
        where, certainty = "as many as this capture's own receive buffer dropped", 0.95
    elif drops or gaps:
        where, certainty = (
            "partly in this capture (see the gaps), the rest before it: on the path or at the sender",
            0.8,
        )
    else:
        where, certainty = (
            "before it reached this capture, whose socket dropped none: on the path or at the sender",
            0.9,
        )
    worst = lossy.iloc[int(np.argmax(lossy["loss"].fillna(0).to_numpy()))]
    yield Finding(
        "missing-numbers",
        certainty,
        f"{lost:,} of {expected:,} numbered messages never arrived: {where}.",
        f"{len(lossy)} of {len(streams)} streams lost some; worst {worst['peer']} with {worst['loss']:.1%} "
        f"(95 % interval {worst['loss_low']:.1%} to {worst['loss_high']:.1%}, n={int(worst['expected'])})",
        "Count what the sender really sent (put_packet returns an error when its buffer is full), and look "
        "whether "
        "losses come in bursts: those are buffers; single ones are the path.",
        "A number in each message is what makes loss visible; from arrivals alone it is not.",
    )


def leaping_numbers(facts: Facts) -> Iterator[Finding]:
    """Numbers of a stream leap ahead by more than anybody loses at once."""
    streams = facts.streams
    leaping = streams[streams["jumps"] > 0]
    if not len(leaping):
        return
    jumps, jumped = int(leaping["jumps"].sum()), int(leaping["jumped"].sum())
    worst = leaping.iloc[int(np.argmax(leaping["jumped"].to_numpy()))]
    yield Finding(
        "leaping-numbers",
        0.9,
        f"The numbers leap ahead {jumps:,} times, over {jumped:,} numbers: lost in one piece, or never given.",
        f"{len(leaping)} of {len(streams)} streams; most of {worst['peer']}, {int(worst['jumped']):,} numbers in "
        f"{int(worst['jumps']):,} leaps, among n={int(worst['messages']):,} messages; they count neither as lost nor "
        "as expected",
        "Compare with how long nothing arrived: at the usual rate, are so many messages missing in that time? If not, "
        "look where the game sets its number (a new level, another counter, a message read at the wrong offset).",
        "A hole in the numbers is a loss only if the numbers between were given.",
    )


def one_a_frame(facts: Facts) -> Iterator[Finding]:
    """Of pings sent close together only the first is answered: the game reads one message a frame."""
    trips = facts.trips
    if (trips["outcome"] == "lost").sum() < 10:
        return
    for peer in trips["peer"].value_counts().index[:8].tolist():
        mine = trips[(trips["peer"] == peer) & (trips["outcome"] != "pending")]
        if len(mine) < 20 or not str(mine["endpoint"].iloc[0]).startswith("udp:"):
            continue
        since = _since_sent(facts, str(peer), times_ns(mine))
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
            yield Finding(
                "one-a-frame",
                0.85 if alone else 0.75,
                f"{peer} answers single messages and loses those that come together: it seems to read one a "
                f"frame.",
                f"{share_first:.0%} of {n[1]} pings answered that came {(ALONE_S if alone else APART_S) * 1e3:g} ms "
                f"or more after another message, {share_together:.0%} of {n[0]} within {TOGETHER_S * 1e3:g} ms",
                "In the game read with `while peer.get_available_packet_count() > 0:` instead of `if`, and "
                "keep the "
                "peers that UDPServer.take_connection() returns: a peer that is let go takes its unread "
                "packets along.",
                "A queue that is emptied more slowly than it is filled loses messages, wherever it is.",
            )


def _since_sent(facts: Facts, peer: str, pings_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Seconds from the message of ours before each ping to that peer, whatever it was; infinite for the first."""
    out = messages(facts.table, "out") & equals(facts.table, "peer", peer)
    sent = np.sort(facts.stamps[out])
    before = np.searchsorted(sent, pings_ns, side="left") - 1
    return np.where(before >= 0, (pings_ns - sent[np.maximum(before, 0)]) / 1e9, np.inf)


def gaps(facts: Facts) -> Iterator[Finding]:
    """The capture itself has holes."""
    holes = facts.event("gap") & ~facts.reason(Reason.KERNEL_DROP)
    if holes.any():
        _rows, told = facts.details(holes)
        yield Finding(
            "gap",
            1.0,
            f"The capture has {int(holes.sum()):,} gaps; rates and losses around them are lower bounds.",
            "; ".join(told[:3]),
            "Look at the rows named, and give the capture a larger limit if rows were evicted.",
            "A measurement should know what it did not see.",
            pointed(holes),
        )
