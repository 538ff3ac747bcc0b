"""The other side's clock, and delays of one way: only with an estimated offset, and with its error.

Subtracting a time of one clock from a time of another gives a delay plus the clocks' offset, and no delay.
Probes whose answers say when they were received and sent (`r_us`, `s_us`) bound the offset: it lies between
the two one-way differences. Without them there are round trips, jitter and inter-arrival times, which need
no second clock, and this module refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.arrivals import UNIT_US
from gdlab.analysis.columns import equals, firsts, groups, order, require, time_index, times_ns
from gdlab.analysis.probes import messages_of, probes
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.stamps import carried, with_stamps

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The capture is cut into at most so many parts; the fastest exchange of each is used ("lower envelope").
PARTS: Final = 20
#: Exchanges in a part at least, so that one of them was fast.
PART_SAMPLES: Final = 5
#: Below this, drift cannot be told from the error of the offset.
DRIFT_SPAN_S: Final = 5.0
#: How far two computers' clocks may drift apart where that could not be told: 50 ppm each, as crystals are sold.
UNKNOWN_PPM: Final = 100.0


def clock_offsets(table: Source) -> pd.DataFrame:
    """Offset and drift of each peer's clock against the capture's.

    Parameters
    ----------
    table : columns of the schema, with probes of ours and answers that have `r_us` and `s_us`; may be empty.

    Returns
    -------
    One row per peer that can be told: `endpoint`, `peer`, `time` (for which the offset holds), `offset_us`
    (int64: their clock minus ours, both in microseconds, ours since 1970 UTC), `drift_ppm` (float64:
    microseconds that the offset grows each second; 0 where the capture is too short to tell),
    `drift_error_ppm` (float64: the drift is this wrong at most; where it cannot be told, 100), `error_us`
    (float64: the offset, moved on by the drift, is this wrong at most between `first` and `last`; before and
    after, the drift's error for each second adds to it), `first`, `last` (times), `n` (int64: exchanges).
    All of this while the drift is steady.

    Notes
    -----
    For each exchange the offset is estimated as NTP does, ``((r - t1) + (s - t4)) / 2`` (RFC 5905 section 8);
    its error is at most half of the time that ping and answer were on the way. Of each part of the capture
    the fastest exchange counts, as waiting, not the path, makes the others slow and lopsided; a line through
    those gives offset and drift. The error is half of the slowest of them plus how far the line misses them;
    that of the drift, how much it would turn if each of them were wrong as far as it can be.
    """
    table = table_of(table)
    found = probes(table)
    subset = table.iloc[found["row"].to_numpy()]
    stamps = times_ns(subset)
    out = equals(subset, "direction", "out")
    exchange = found["exchange"].to_numpy()
    sequence = order(exchange, stamps)
    pong, held = found["pong"].to_numpy(), found["held"].to_numpy()
    ours = found["ours"].to_numpy()
    # A ping directly followed by its answer; repeated pings and answers are left out, they prove nothing new.
    ping, answer = sequence[:-1], sequence[1:]
    good = (exchange[ping] == exchange[answer]) & ours[ping] & out[ping] & ~out[answer]
    good &= ~pong[ping] & held[answer]
    ping, answer = ping[good], answer[good]
    sides, labels = groups(subset.iloc[ping], ("endpoint", "peer"))
    times = np.array(
        [
            stamps[ping] // 1000,
            found["r_us"].to_numpy()[answer],
            found["s_us"].to_numpy()[answer],
            stamps[answer] // 1000,
        ]
    )
    together = np.argsort(sides, kind="stable")
    edges = np.flatnonzero(firsts(sides[together]))[1:]
    fits = [_fit(*part) for part in np.split(times[:, together], edges, axis=1)] if len(labels) else []
    told = [side for side, fit in enumerate(fits) if fit is not None]
    frame = pd.DataFrame([fit for fit in fits if fit is not None], columns=[f.name for f in fields(_Fit)])
    frame = frame.astype(dict.fromkeys(("time", "offset_us", "first", "last", "n"), "int64"))
    frame = frame.astype(dict.fromkeys(("drift_ppm", "drift_error_ppm", "error_us"), "float64"))
    for name in ("time", "first", "last"):
        frame[name] = time_index(frame[name].to_numpy(dtype=np.int64) * 1000)
    return pd.concat([labels.iloc[told].reset_index(drop=True), frame], axis=1)


@dataclass(frozen=True, slots=True)
class _Fit:
    """The columns of `clock_offsets` that are estimated; times in microseconds since 1970."""

    time: int
    offset_us: int
    drift_ppm: float
    drift_error_ppm: float
    error_us: float
    first: int
    last: int
    n: int


def _fit(
    sent: NDArray[np.int64], received: NDArray[np.int64], returned: NDArray[np.int64], back: NDArray[np.int64]
) -> _Fit | None:
    """The offset of a peer, from the four times of each exchange in microseconds."""
    path = (back - sent) - (returned - received)
    sane = (path >= -1) & (returned >= received)
    sent, received, returned, back, path = (a[sane] for a in (sent, received, returned, back, path))
    n = len(sent)
    if n < PART_SAMPLES:
        return None
    # Integers until only small differences are left: microseconds since 1970 twice over exceed a float's 53
    # bits.
    twice = (received - sent) + (returned - back)
    base = int(twice[0]) // 2
    offset = (twice - 2 * base) / 2.0
    start = int(sent.min())
    when = (sent - start) / 1e6
    parts = max(1, min(PARTS, n // PART_SAMPLES))
    ordered = np.argsort(when, kind="stable")
    best = np.array([part[np.argmin(path[part])] for part in np.array_split(ordered, parts)])
    x, y = when[best], offset[best]
    middle, level = float(x.mean()), float(y.mean())
    # A microsecond for the rounding of the four times.
    wrong = path[best] / 2 + 1.0
    away = x - middle
    drift, unsure, first, last = 0.0, UNKNOWN_PPM, middle, middle
    if len(best) >= 3 and np.ptp(x) >= DRIFT_SPAN_S:
        drift = float((away * (y - level)).sum() / (away**2).sum())
        unsure = float((np.abs(away) * wrong).sum() / (away**2).sum())
        first, last = float(x.min()), float(x.max())
    misses = np.abs(y - level - drift * away)
    error = float((path[best].max() / 2) + misses.max()) + 1.0
    return _Fit(
        start + round(middle * 1e6),
        base + round(level),
        drift,
        unsure,
        error,
        start + round(first * 1e6),
        start + round(last * 1e6),
        n,
    )


def one_way_delay(table: Source, *, sent: str | None = None, unit: str = "us") -> pd.DataFrame:
    """Delay of each message that carries its sender's time, by the estimated offset of that clock.

    Parameters
    ----------
    table : columns of the schema, with the exchanges that `clock_offsets` needs.
    sent : column with the sender's clock when it sent, the same clock as its `r_us` and `s_us`. By
        default the `t_us` of its own pings, or else that of messages that carry `seq` and `t_us`, as those of
        `Capture.gdscript` do.
    unit : what `sent` counts in: ``s``, ``ms``, ``us`` or ``ns``.

    Returns
    -------
    One row per message of a peer whose offset is known, in order of time: `time`, `endpoint`, `peer`,
    `delay_ms`, `error_ms` (float64: the delay is this wrong at most, while the drift is steady; a delay
    smaller than it may even come out negative).

    Raises
    ------
    ValueError
        If no offset can be estimated: the difference of two clocks is no delay. The message says what is
        valid.

    Notes
    -----
    One-way delay as in RFC 7679, with its section 3.7 on the errors of clocks in mind.
    """
    table = with_stamps(table) if sent is None else table_of(table, sent)
    if unit not in UNIT_US:
        raise ValueError(f"unit is one of {', '.join(UNIT_US)}, not {unit!r}")
    offsets = clock_offsets(table)
    if not len(offsets):
        raise ValueError(
            "no one-way delay: nothing tells how the other clock differs from this one, and a difference of "
            "two clocks is no delay. Needed are at least 5 answers to probes that carry r_us and s_us. Valid "
            "without: round_trips (both ways together), jitter (changes of the delay), inter_arrival."
        )
    arrived = messages_of(table, "in")
    if sent is None:
        found = probes(table)
        rows = found["row"].to_numpy()
        kept = arrived[rows] & ~found["ours"].to_numpy() & ~found["pong"].to_numpy()
        rows, theirs = rows[kept], found["t_us"].to_numpy()[kept].astype(np.float64)
        if not len(rows):
            own = carried(table)
            rows, theirs = own.rows, own.t_us.astype(np.float64)
    else:
        require(table, [sent])
        column = pd.to_numeric(table[sent], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        rows = np.flatnonzero(arrived & np.isfinite(column))
        theirs = column[rows] * UNIT_US[unit]
    subset = table.iloc[rows]
    stamps = times_ns(subset)
    # Which row of `offsets` each message's peer has; -1 where it has none.
    of_messages, labels = groups(subset, ("endpoint", "peer"))
    key = ["endpoint", "peer"]
    numbers = offsets[key].astype(object).assign(side=np.arange(len(offsets)))
    matched = labels.astype(object).merge(numbers, on=key, how="left")["side"]
    side = matched.fillna(-1).to_numpy(dtype=np.int64)[of_messages]
    known = np.flatnonzero(side >= 0)
    side, ours = side[known], stamps[known] // 1000

    def of(name: str) -> NDArray[Any]:
        return np.asarray(offsets[name].to_numpy()[side])

    def at(name: str) -> NDArray[np.int64]:
        return np.asarray(times_ns(offsets.assign(time=offsets[name]))[side] // 1000)

    # Their time as it would read on our clock.
    moved = theirs[known] - of("offset_us") - of("drift_ppm") * (ours - at("time")) / 1e6
    outside = np.maximum(np.maximum(at("first") - ours, ours - at("last")), 0) / 1e6
    result = pd.DataFrame(
        {
            "time": time_index(stamps[known]),
            "endpoint": subset["endpoint"].array.take(known),
            "peer": subset["peer"].array.take(known),
            "delay_ms": (ours - moved) / 1e3,
            "error_ms": (of("error_us") + outside * of("drift_error_ppm")) / 1e3,
        }
    )
    return result.sort_values("time", kind="stable", ignore_index=True)
