"""Rules about a relay: what it did, and where its own limits show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Statement

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


def relay_findings(truth: pd.DataFrame) -> list[Finding]:
    """What a relay's truth table shows, as findings."""
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
    yield Finding.of(
        "relay-late",
        0.95,
        late_ms=float(f"{p99 / 1e3:.2g}"),
        median_us=p50,
        p99_us=p99,
        n=len(passed),
        bound_us=bound,
    )


def not_network(truth: pd.DataFrame) -> Iterator[Finding]:
    """What did not arrive because of the relay, and why."""
    lost = truth[(truth["fate"] != "passed") & (truth["copy"] == 0)]
    if not len(lost):
        return
    packets = int((truth["copy"] == 0).sum())
    counts = lost["fate"].value_counts()
    fates = {str(fate): int(n) for fate, n in counts.items() if n}
    yield Finding.of(
        "relay-not-network",
        1.0,
        lost=len(lost),
        packets=packets,
        told=tuple(Statement.of(f"relay-not-network/{fate}", n=n) for fate, n in fates.items()),
        counts=tuple(f"{fate}: {n}" for fate, n in fates.items()),
    )


def clamped(truth: pd.DataFrame) -> Iterator[Finding]:
    """Jitter drawn for each packet, with order kept, turns into delay."""
    for way, part in truth[truth["fate"] == "passed"].groupby("way", observed=True):
        waited, drawn = part["order_ms"], part["delay_drawn_ms"]
        if len(part) < 100 or drawn.std() == 0 or waited.mean() <= CLAMPED * drawn.mean():
            continue
        total = waited + drawn
        yield Finding.of(
            "jitter-clamped",
            0.95,
            way=str(way),
            total_ms=total.mean(),
            total_sd_ms=total.std(),
            drawn_ms=drawn.mean(),
            drawn_sd_ms=drawn.std(),
            waited_ms=waited.mean(),
            n=len(part),
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
        yield Finding.of(
            "queue-standing",
            0.95,
            way=str(way),
            seconds=longest_s,
            median_ms=part["queue_ms"].median(),
            largest=int(part["backlog_bytes"].max()),
            n=len(part),
        )
