"""Rules about a relay: what it did, and where its own limits show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

#: Own lateness that matters: so much, or such a share of the smallest delay that was set.
LATE_US: Final = 1000.0
SHARE: Final = 0.1
#: Jitter with order kept moves the mean by more than this share of the delay.
CLAMPED: Final = 0.05
#: A queue that is never empty for so long.
STANDING_S: Final = 5.0
#: Why a relay did not pass a packet on.
BY_FATE: Final = {
    "loss": "by the link's loss",
    "queue": "as the queue before the bottleneck was full",
    "cut": "while the line was down",
    "mtu": "as they were larger than the link takes",
    "limit": "as the relay itself held too much",
    "stopped": "as the relay was stopped",
    "unsent": "as this system would not send them",
}


def relay_findings(truth: pd.DataFrame) -> list[Finding]:
    """What a relay's truth table says, as findings."""
    rules = (late, not_network, clamped, standing)
    return [finding for rule in rules for finding in rule(truth)] if len(truth) else []


def late(truth: pd.DataFrame) -> Iterator[Finding]:
    """The relay handed packets on later than it meant to."""
    passed = truth[truth["late_us"].notna()]
    if len(passed) < 100:
        return
    p50, p99 = np.percentile(passed["late_us"], [50, 99])
    drawn = passed["delay_drawn_ms"]
    smallest_us = float(drawn[drawn > 0].min()) * 1e3 if (drawn > 0).any() else np.inf
    bound = min(LATE_US, SHARE * smallest_us)
    if p99 <= bound:
        return
    yield Finding(
        "relay-late",
        0.95,
        f"The relay was late by up to {p99 / 1e3:.2g} ms: do not read jitter or delay below that.",
        f"own lateness: median {p50:.0f} us, 99 % {p99:.0f} us, n={len(passed)}; it matters above {bound:.0f} us "
        "(1 ms, or a tenth of the smallest delay set)",
        "Close what keeps this machine's cores busy, send fewer packets per second, or set delays that are much "
        "larger.",
        "A tool that delays on purpose should say how well it does.",
    )


def not_network(truth: pd.DataFrame) -> Iterator[Finding]:
    """What did not arrive because of the relay, and why."""
    lost = truth[(truth["fate"] != "passed") & (truth["copy"] == 0)]
    if not len(lost):
        return
    packets = int((truth["copy"] == 0).sum())
    counts = lost["fate"].value_counts()
    told = [f"{int(n):,} {BY_FATE[str(fate)]}" for fate, n in counts.items() if n]
    yield Finding(
        "relay-not-network",
        1.0,
        f"The relay took {len(lost):,} of {packets:,} packets away: {', '.join(told)}.",
        "; ".join(f"{fate}: {int(n)}" for fate, n in counts.items() if n) + f"; n={packets} packets",
        "That is what was set. What is missing beyond it was lost elsewhere: compare px.truth with the receiver.",
        "Who knows what was done to each packet can check every measure against it.",
    )


def clamped(truth: pd.DataFrame) -> Iterator[Finding]:
    """Jitter drawn for each packet, with order kept, turns into delay."""
    for way, part in truth[truth["fate"] == "passed"].groupby("way", observed=True):
        waited, drawn = part["order_ms"], part["delay_drawn_ms"]
        if len(part) < 100 or drawn.std() == 0 or waited.mean() <= CLAMPED * drawn.mean():
            continue
        total = waited + drawn
        yield Finding(
            "jitter-clamped",
            0.95,
            f"Keeping the order turns the jitter of the way {way} into delay: {total.mean():.1f}±{total.std():.1f} ms "
            f"and not {drawn.mean():.1f}±{drawn.std():.1f} ms.",
            f"mean wait for earlier packets {waited.mean():.1f} ms, n={len(part)}",
            "Set jitter_over_ms=20 or so, which makes the delay drift as a real one does, or order='free', which lets "
            "packets overtake.",
            "A delay drawn anew for each packet means nothing at high packet rates: real delays last.",
        )


def standing(truth: pd.DataFrame) -> Iterator[Finding]:
    """The bottleneck's queue never empties."""
    for way, part in truth.groupby("way", observed=True):
        queued = part["backlog_bytes"].to_numpy() > 0
        if not queued.any():
            continue
        times = times_ns(part)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], queued.astype(np.int8), [0]))))
        begins, ends = edges[::2], edges[1::2] - 1
        longest_s = float((times[ends] - times[begins]).max()) / 1e9
        if longest_s < STANDING_S:
            continue
        yield Finding(
            "queue-standing",
            0.95,
            f"The queue of the way {way} was never empty for {longest_s:.1f} s: more is sent than the link carries.",
            f"median wait {part['queue_ms'].median():.0f} ms, largest backlog {part['backlog_bytes'].max():,} bytes, "
            f"n={len(part)}",
            "Send less, or raise rate_kbps. A longer queue only makes everything later (bufferbloat).",
            "A queue absorbs bursts; what comes faster all the time fills any queue.",
        )
