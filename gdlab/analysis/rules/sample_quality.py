"""Rules about what the numbers cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.analysis.percentiles import needed
from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.facts import Facts

#: A pause of our own sending: so many times the median interval, and so many seconds at least.
PAUSE: Final = 20
PAUSE_S: Final = 0.25
#: Intervals needed for a median that is worth comparing with.
MANY: Final = 19


def few_samples(facts: Facts) -> Iterator[Finding]:
    """Round trips enough to look at, too few for what one would like to read off them."""
    # A ping without an answer is no round trip: where none is answered, `no_traffic.unanswered` tells.
    n = int(facts.trips["rtt_ms"].notna().sum())
    if not 0 < n < needed(0.99):
        return
    usable = [q for q in (0.5, 0.9, 0.95) if n >= needed(q)]
    told = f"the {usable[-1] * 100:g} % quantile is usable" if len(usable) > 1 else "the median is usable"
    yield Finding(
        "few-samples",
        0.95,
        f"{n} round trips are few: {told if usable else 'not even the median is usable'}, 99 % is not.",
        f"n={n}; needed: {needed(0.5)} for the median, {needed(0.95)} for 95 %, {needed(0.99)} for 99 % (at "
        f"least ten "
        "samples beyond)",
        f"Capture longer: {needed(0.99)} probes take {needed(0.99) / 20:.0f} s at 20 per second.",
        "A percentile is as good as the number of samples beyond it.",
    )


def paused_sender(facts: Facts) -> Iterator[Finding]:
    """We stopped asking for a while, and what happened then is in no round trip."""
    trips = facts.trips
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
    yield Finding(
        "paused-sender",
        0.8,
        f"This side sent no probes for {paused_s:.1f} s in {pauses} pauses: delays of that time are in no percentile.",
        f"{paused_s / asked_s:.1%} of the time between the first and last of n={len(trips)} probes; a pause is "
        f"{PAUSE} times the median interval and {PAUSE_S:g} s at least",
        "Was this program busy, the computer asleep, or does it wait for each answer before it asks again? In that "
        "case correct the percentiles: percentiles(values, expected_ms=the interval meant).",
        "Who stops measuring while it is slow measures only the fast part (coordinated omission).",
    )


def cut_off(facts: Facts) -> Iterator[Finding]:
    """The capture did not end in order, so that its end may be missing."""
    if facts.ended_in_order:
        return
    n = len(facts.table)
    yield Finding(
        "cut-off",
        1.0,
        "This capture did not end in order: its last rows may be missing."
        if n
        else "This capture was cut off before anything was written: whether something had arrived cannot be told.",
        f"{n:,} rows over {facts.lasted_s:.1f} s were written; nothing tells how many there should be",
        "See the notes of the file for how much may be missing, and take the last seconds for a lower bound. End a "
        "capture with stop(), or with a with block.",
        "A file that was cut off looks like one in which nothing more happened.",
    )


def foreign_clock(facts: Facts) -> Iterator[Finding]:
    """Messages that carry the game's own clock."""
    probes = facts.probes
    theirs = probes[~probes["ours"] & ~probes["pong"]]
    at, clock = theirs["row"].to_numpy(), theirs["t_us"].to_numpy()
    if len(theirs) < 2:
        at, clock = facts.carried.rows, facts.carried.t_us
    if len(at) < 2:
        return
    rows = tuple(at.tolist()[:20])
    yield Finding(
        "foreign-clock",
        0.9,
        "The game's messages carry its own clock, which cannot be subtracted from this one.",
        f"{len(at)} messages with t_us of the other side",
        "Use it for jitter, which needs only its differences; for delay measure round trips, or estimate "
        "the offset "
        "and say its error.",
        "Two clocks differ by an unknown offset that drifts: their difference is no delay.",
        rows,
    )
    if len(at) >= 20 and bool((clock % 1000 == 0).all()):
        yield Finding(
            "coarse-clock",
            0.99,
            "The game's clock counts whole milliseconds: jitter below one cannot be seen.",
            f"all {len(at)} times are multiples of 1000 us",
            "Use Time.get_ticks_usec() instead of get_ticks_msec() * 1000.",
            "A measurement is no finer than the clock it was taken with.",
            rows,
        )
