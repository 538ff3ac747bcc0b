"""Rules about where delay comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

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
