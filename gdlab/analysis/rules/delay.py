"""Rules about where delay comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import equals, messages
from gdlab.analysis.frame_rates import frame_rate
from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.facts import Facts

#: Peers looked at for a frame rate: those with most answers.
PEERS: Final = 8
#: Where delayed acknowledgements put round trips: Linux waits 40 ms at least, Windows and macOS up to 200
#: (RFC 1122 section 4.2.3.2 allows 500).
PLATEAUS_MS: Final = ((40, 37.0, 49.0), (200, 190.0, 225.0))
#: Parts of the time in which a climb must go on from each to the next, and the answers needed in each.
PARTS: Final = 5
IN_PART: Final = 8
#: A climb ends at a second at least, and at so many times where it began; a part may fall short of the one before by
#: so much, as a full queue stays where it is.
CLIMBED_MS: Final = 1000.0
CLIMBED: Final = 5.0
SLACK: Final = 0.9


def frame_quantisation(facts: Facts) -> Iterator[Finding]:
    """Answers come at the beat of the game's frames."""
    trips = facts.trips
    answered = trips[trips["rtt_ms"].notna()]
    for peer in answered["peer"].value_counts().index[:PEERS].tolist():
        found = frame_rate(facts.table, peer=str(peer), trips=trips)
        if found is None:
            continue
        yield Finding(
            "frame-rate",
            0.99,
            f"This is not your network, it is the frame rate: {found.peer} answers once per frame, at "
            f"{found.hz:.1f} Hz.",
            f"answers lie on a {found.hz:.1f} Hz grid (concentration {found.concentration:.2f}, "
            f"n={found.n}); "
            f"{found.wait_ms:.1f} ms of the mean round trip of {found.rtt_ms:.1f} ms is waiting for the next "
            f"frame, {found.path_ms:.2f} ms the rest; waiting explains {found.explained:.0%} of the variance",
            "To measure the network, answer probes from a thread or as soon as they come; to be faster, "
            "raise "
            "the frame rate (Engine.max_fps) or poll in _physics_process at a higher tick rate.",
            "A program that looks at its socket once per frame adds half a frame to every message, on average.",
        )


def nagle(facts: Facts) -> Iterator[Finding]:
    """Round trips of a stream pile up where delayed acknowledgements would put them."""
    trips = facts.trips
    stream = trips["endpoint"].astype(str).str.startswith(("tcp:", "ws:", "wss:")).to_numpy(dtype=np.bool_)
    rtt = trips["rtt_ms"].to_numpy(dtype=np.float64)[stream]
    rtt = rtt[~np.isnan(rtt)]
    if len(rtt) < 30:
        return
    for name, low, high in PLATEAUS_MS:
        inside = int(((rtt >= low) & (rtt < high)).sum())
        width = high - low
        beside = int(
            ((rtt >= low - width) & (rtt < low)).sum() + ((rtt >= high) & (rtt < high + width)).sum()
        )
        # A plateau: a tenth of all, and ten times as dense as its surroundings.
        if inside >= max(10, 0.1 * len(rtt)) and inside > 5 * beside:
            yield Finding(
                "nagle",
                0.8,
                f"Round trips pile up at {name} ms, as Nagle's algorithm and delayed acknowledgements make "
                f"them.",
                f"{inside} of {len(rtt)} round trips lie between {low:g} and {high:g} ms, {beside} in the "
                f"{2 * width:g} ms beside; median {np.median(rtt):.1f} ms",
                "Call set_no_delay(true) on the game's StreamPeerTCP after it has connected (WebSocketPeer "
                "does so itself), or write each message with one call.",
                "Nagle holds back a small segment until the last one is acknowledged (RFC 896); the receiver "
                "holds back the acknowledgement (RFC 1122): together they wait for a timer.",
            )


def climbing(facts: Facts) -> Iterator[Finding]:
    """Round trips grow and grow: messages come faster than they are read."""
    trips = facts.trips
    answered = trips[trips["rtt_ms"].notna()]
    for peer in answered["peer"].value_counts().index[:PEERS].tolist():
        mine = answered[answered["peer"] == peer]
        if len(mine) < PARTS * IN_PART:
            break
        rtt = mine["rtt_ms"].to_numpy(dtype=np.float64)
        # A single stall is no climb: after it the round trips fall.
        parts = np.array([np.median(part) for part in np.array_split(rtt, PARTS)])
        first, last = parts[0], parts[-1]
        if last < CLIMBED_MS or last < CLIMBED * first or (parts[1:] < SLACK * parts[:-1]).any():
            continue
        when = mine["time"]
        took_s = (when.iloc[-1] - when.iloc[0]).total_seconds()
        end = when.iloc[-1] + pd.Timedelta(milliseconds=float(rtt[-1]))
        during = (facts.table["peer"] == peer) & facts.table["time"].between(when.iloc[0], end)
        said = messages(facts.table) & during.to_numpy(dtype=np.bool_)
        out = equals(facts.table, "direction", "out")
        asked, heard = int((said & out).sum()), int((said & ~out).sum())
        yield Finding(
            "overload",
            0.9,
            f"Round trips to {peer} climbed to {last / 1e3:.1f} s: messages wait in a queue that only grows.",
            f"median {' -> '.join(f'{part:.0f}' for part in parts)} ms in fifths of {took_s:.1f} s, n={len(mine)}; "
            f"{asked:,} messages went there and {heard:,} came back in that time",
            "In the game read all that waits in each frame: `while peer.get_available_packet_count() > 0:`, not `if`. "
            "Where it does, send less: the game, or the link to it, does not carry that much.",
            "Who reads one message per frame reads 60 per second: of 61, each waits longer than the one before.",
            facts.rows_at(when.iloc[-1:]),
        )
