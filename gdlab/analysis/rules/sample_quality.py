"""Rules about what the numbers cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.analysis.percentiles import needed
from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.evidence import Evidence

#: A pause of our own sending: so many times the median interval, and so many seconds at least.
PAUSE: Final = 20
PAUSE_S: Final = 0.25
#: Intervals needed for a median that is worth comparing with.
MANY: Final = 19
#: How fast pings usually go out: the pace at which the advice counts.
PER_SECOND: Final = 20


def few_samples(evidence: Evidence) -> Iterator[Finding]:
    """Round trips enough to look at, too few for what one would like to read off them."""
    # A ping without an answer is no round trip: where none is answered, `no_traffic.unanswered` applies.
    n = int(evidence.trips["rtt_ms"].notna().sum())
    if not 0 < n < needed(0.99):
        return
    usable = [q for q in (0.5, 0.9, 0.95) if n >= needed(q)]
    case = "quantile" if len(usable) > 1 else "median" if usable else "none"
    yield Finding.of(
        "few-samples",
        0.95,
        n=n,
        usable=Statement.of(f"few-samples/{case}", percent=usable[-1] * 100 if usable else 0.0),
        for_50=needed(0.5),
        for_95=needed(0.95),
        for_99=needed(0.99),
        seconds=needed(0.99) / PER_SECOND,
        per_second=PER_SECOND,
    )


def paused_sender(evidence: Evidence) -> Iterator[Finding]:
    """We stopped asking for a while, and what happened then is in no round trip."""
    trips = evidence.trips
    if len(trips) < needed(0.5):
        return
    paused_s = asked_s = 0.0
    pauses = 0
    for _, mine in trips.groupby("peer", observed=True):
        between = np.diff(np.sort(times_ns(mine))) / 1e9
        usual = float(np.median(between)) if len(between) else 0.0
        if len(between) < MANY or usual <= 0:
            continue
        # At random moments, gaps of three times the usual are common, and those of twenty times never happen.
        long = between[between > np.maximum(PAUSE * usual, PAUSE_S)]
        pauses += len(long)
        paused_s += float(long.sum())
        asked_s += float(between.sum())
    if not pauses:
        return
    yield Finding.of(
        "paused-sender",
        0.8,
        paused_s=paused_s,
        pauses=pauses,
        share=paused_s / asked_s,
        n=len(trips),
        times=PAUSE,
        least_s=PAUSE_S,
    )


def cut_off(evidence: Evidence) -> Iterator[Finding]:
    """The capture was not closed properly, so that its end may be missing."""
    if evidence.ended_in_order:
        return
    n = evidence.n
    yield Finding.of("cut-off", 1.0, case="" if n else "empty", written=n, seconds=evidence.lasted_s)


def foreign_clock(evidence: Evidence) -> Iterator[Finding]:
    """Messages that carry the game's own clock."""
    found = evidence.their_probes
    if found.n < 2:
        found = evidence.stamped
    if found.n < 2:
        return
    yield Finding.of("foreign-clock", 0.9, found.rows, messages=found.n)
    if found.n >= 20 and found.coarse:
        yield Finding.of("coarse-clock", 0.99, found.rows, messages=found.n)
