"""What findings report about the path and a relay on it, in English."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "relay-late": Advice(
        "The relay was late by up to {late_ms:g} ms: do not read jitter or delay below that.",
        "own lateness: median {median_us:.0f} us, 99 % {p99_us:.0f} us, n={n}; it matters above {bound_us:.0f} us "
        "(1 ms, or a tenth of the smallest delay set)",
        "Close what keeps this machine's cores busy, send fewer packets per second, or set delays that are much "
        "larger.",
        "A tool that delays on purpose should report how well it does.",
    ),
    "relay-not-network": Advice(
        "The relay took {lost:,} of {packets:packet} away: {told:, }.",
        "{counts:; }; n={packets} packets",
        "That is what was set. What is missing beyond it was lost elsewhere: compare px.truth with the receiver.",
        "Where it is known what was done to each packet, every measure can be checked against it.",
    ),
    "jitter-clamped": Advice(
        "Keeping the order turns the jitter of the way {way} into delay: {total_ms:.1f}±{total_sd_ms:.1f} ms instead "
        "of {drawn_ms:.1f}±{drawn_sd_ms:.1f} ms.",
        "mean wait for earlier packets {waited_ms:.1f} ms, n={n}",
        "Set jitter_over_ms=20 or so, which makes the delay drift as a real one does, or order='free', which lets "
        "packets overtake.",
        "A delay drawn anew for each packet means nothing at high packet rates: real delays last.",
    ),
    "queue-standing": Advice(
        "The queue of the way {way} was never empty for {seconds:.1f} s: more is sent than the link carries.",
        "median wait {median_ms:.0f} ms, largest backlog {largest:byte}, n={n}",
        "Send less, or raise rate_kbps. A longer queue only makes everything later (bufferbloat).",
        "A queue absorbs bursts; what comes faster all the time fills any queue.",
    ),
    "lost-where": Advice(
        "Messages were lost {places: and }.",
        "{shares:; }",
        "Look at the part that lost most. A path ends where the other side's program reads: what its kernel dropped "
        "counts towards the path.",
        "A loss is located by counting on both sides of each place, not by looking at one end.",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "place/sender to receiver": "sender to receiver",
    "place/sender to relay": "sender to relay",
    "place/relay": "relay",
    "place/relay: loss": "relay, loss",
    "place/relay: queue": "relay, queue",
    "place/relay: cut": "relay, cut",
    "place/relay: mtu": "relay, mtu",
    "place/relay: limit": "relay, limit",
    "place/relay: stopped": "relay, stopped",
    "place/relay: unsent": "relay, unsent",
    "place/relay to receiver": "relay to receiver",
    "place/receiver's buffer": "receiver's buffer",
    "lost-where/place": "{place} ({lost:,} of {entered:,})",
    "lost-where/share": "{place}: {loss:.1%} lost (95 % interval {low:.1%} to {high:.1%}, n={n})",
    "lost-at/sender to receiver": "on the path",
    "lost-at/sender to relay": "on the path to the relay",
    "lost-at/relay": "in the relay",
    "lost-at/relay: loss": "in the relay, by its link's loss",
    "lost-at/relay: queue": "in the relay, because the queue before its bottleneck was full",
    "lost-at/relay: cut": "in the relay, while its line was down",
    "lost-at/relay: mtu": "in the relay, being larger than its link takes",
    "lost-at/relay: limit": "in the relay, because it held too much itself",
    "lost-at/relay: stopped": "in the relay, because it was stopped",
    "lost-at/relay: unsent": "in the relay, because its system would not send them",
    "lost-at/relay to receiver": "on the path from the relay",
    "lost-at/receiver's buffer": "in this capture's own receive buffer",
    "relay-not-network/loss": "{n:,} by the link's loss",
    "relay-not-network/queue": "{n:,} because the queue before the bottleneck was full",
    "relay-not-network/cut": "{n:,} while the line was down",
    "relay-not-network/mtu": "{n:,} larger than the link takes",
    "relay-not-network/limit": "{n:,} because the relay itself held too much",
    "relay-not-network/stopped": "{n:,} because the relay was stopped",
    "relay-not-network/unsent": "{n:,} because this system would not send them",
}
