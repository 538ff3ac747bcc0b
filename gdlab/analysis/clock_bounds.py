"""How one clock can stand to another, from messages both ways: every line that lets no message arrive before it left.

A message from A to B shows their difference plus its delay, one from B to A their difference less its delay; no delay
is negative. So the difference lies below all points of the one kind and above all of the other, and with a steady
drift it is a straight line between them. The lines that fit are a convex set; what is stated is its middle and how far
it reaches, at every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: No two clocks drift faster apart, in microseconds per second: the fastest that NTP turns one.
MOST_PPM: Final = 500.0
#: Two times of a microsecond's resolution are this wrong together.
ROUNDING_US: Final = 1.0
#: A program takes the time of what it sends after the call, so that loopback can seem faster than nothing.
LATE_STAMP_US: Final = 1000.0
#: Of so many stretches of time, the tightest point each; leaving others out can only widen the result.
STRETCHES: Final = 4096
#: Times at which the reach of the lines is taken; between them it is below the straight connection.
KNOTS: Final = 9


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """The other clock minus this one: a line, and how far the truth may be from it.

    Attributes
    ----------
    level_us, drift_ppm : the line ``level_us + drift_ppm * x`` with `x` in seconds.
    drift_error_ppm : the drift is this wrong at most.
    knots_s, errors_us : (k,) times, and how wrong the line is at most there.
    late_us : by how much the points contradict each other, which late timestamps explain; in the errors already.
    """

    level_us: float
    drift_ppm: float
    drift_error_ppm: float
    knots_s: Floats
    errors_us: Floats
    late_us: float

    def at(self, x: Floats) -> Floats:
        """The difference in microseconds at times in seconds."""
        return self.level_us + self.drift_ppm * x

    def error(self, x: Floats) -> Floats:
        """How wrong `at` is at most; times beyond the knots count as the nearest of them."""
        return np.asarray(np.interp(x, self.knots_s, self.errors_us), np.float64)


class Contradiction(ValueError):
    """No line fits: `by_us` microseconds at the least are missing."""

    def __init__(self, by_us: float) -> None:
        super().__init__(f"no steady clock fits, by {by_us:.0f} us")
        self.by_us = by_us


def bounds(above: tuple[Floats, Floats], below: tuple[Floats, Floats]) -> ClockBounds:
    """The lines that run below all points of the one kind and above all of the other.

    Parameters
    ----------
    above, below : times in seconds and differences in microseconds, (n,) each, none empty.

    Raises
    ------
    Contradiction : there is no such line, not even if timestamps of sending were a millisecond late.
    """
    span = np.array([min(above[0].min(), below[0].min()), max(above[0].max(), below[0].max())])
    x_above, top = _hull(*_tightest(*above, span, np.minimum), 1.0)
    x_below, bottom = _hull(*_tightest(*below, span, np.maximum), -1.0)
    top, bottom = top + ROUNDING_US, bottom - ROUNDING_US
    # All that follows is straight between the slopes of the hulls' edges: nothing else needs to be tried.
    drifts = np.concatenate([np.diff(top) / np.diff(x_above), np.diff(bottom) / np.diff(x_below)])
    drifts = np.unique(np.clip([-MOST_PPM, *drifts, MOST_PPM], -MOST_PPM, MOST_PPM))

    def highest(drift: Floats) -> Floats:
        return np.asarray((top - drift[:, None] * x_above).min(axis=1), np.float64)

    def lowest(drift: Floats) -> Floats:
        return np.asarray((bottom - drift[:, None] * x_below).max(axis=1), np.float64)

    room = highest(drifts) - lowest(drifts)
    best = float(drifts[np.argmax(room)])
    late = 0.0
    if room.max() < 0:
        late = -float(room.max()) / 2 + 1e-3
        if late > LATE_STAMP_US:
            raise Contradiction(2 * late)
    slowest, fastest = _between(drifts, room + 2 * late)

    knots = np.linspace(span[0], span[1], KNOTS) if span[1] > span[0] else span[:1]
    tried = np.unique([slowest, *drifts[(drifts > slowest) & (drifts < fastest)], fastest])
    up = (highest(tried)[:, None] + tried[:, None] * knots).max(axis=0) + late
    down = (lowest(tried)[:, None] + tried[:, None] * knots).min(axis=0) - late
    middle = (up + down) / 2
    drift = float((middle[-1] - middle[0]) / (span[1] - span[0])) if len(knots) > 1 else best
    level = float(middle[0] - drift * knots[0])
    line = level + drift * knots
    # If stamps are late, those that show it are not the latest there may be: twice over.
    errors = np.maximum(up - line, line - down) + 2 * late
    return ClockBounds(level, drift, max(fastest - drift, drift - slowest), knots, errors, late)


def _tightest(x: Floats, y: Floats, span: Floats, least: np.ufunc) -> tuple[Floats, Floats]:
    """The lowest (or highest) point of each stretch of time."""
    if len(x) <= STRETCHES:
        return x, y
    stretch = ((x - span[0]) / max(span[1] - span[0], 1e-9) * (STRETCHES - 1)).astype(np.int64)
    extreme = np.full(STRETCHES, np.inf if least is np.minimum else -np.inf)
    least.at(extreme, stretch, y)
    kept = np.flatnonzero(y == extreme[stretch])
    _, first = np.unique(stretch[kept], return_index=True)
    return x[kept[first]], y[kept[first]]


def _hull(x: Floats, y: Floats, sign: float) -> tuple[Floats, Floats]:
    """The corners of the lower hull of some points (`sign` 1), or of the upper one (-1), in order of x."""
    order = np.lexsort((sign * y, x))
    xs, ys = x[order].tolist(), (sign * y[order]).tolist()
    kept: list[int] = []
    for at, (here, level) in enumerate(zip(xs, ys, strict=True)):
        if kept and here == xs[kept[-1]]:
            continue  # of points above each other the first is the lowest
        while len(kept) > 1:
            first, second = kept[-2], kept[-1]
            if (ys[second] - ys[first]) * (here - xs[first]) < (level - ys[first]) * (xs[second] - xs[first]):
                break
            kept.pop()
        kept.append(at)
    return x[order][kept], y[order][kept]


def _between(x: Floats, y: Floats) -> tuple[float, float]:
    """From where to where what is straight between some points, and rises only once, is not below zero."""
    inside = np.flatnonzero(y >= 0)
    low, high = int(inside[0]), int(inside[-1])
    ends = [float(x[low]), float(x[high])]
    if low > 0:
        ends[0] -= float((x[low] - x[low - 1]) * y[low] / (y[low] - y[low - 1]))
    if high < len(x) - 1:
        ends[1] += float((x[high + 1] - x[high]) * y[high] / (y[high] - y[high + 1]))
    return ends[0], ends[1]
