"""How one clock can stand to another, from messages both ways: every line that lets no message arrive before it left.

A message from A to B shows their difference plus its delay, one from B to A their difference less its delay; no delay
is negative. So the difference lies below all points of the one kind and above all of the other, and with a steady
drift it is a straight line between them. The lines that fit are a convex set; what is stated is its middle and how far
it reaches, at every time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.gathering import at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

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
#: Sweeps over all points that look for corners; random points need about ten.
_SWEEPS: Final = 40
#: Clocks that are looked at together, and numbers that this may take.
_CLOCKS: Final = 512
_AT_ONCE: Final = 1 << 20


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


@dataclass(frozen=True, slots=True)
class ManyBounds:
    """The bounds of several clocks, in the order of their points; see `ClockBounds`.

    Attributes
    ----------
    level_us, drift_ppm, drift_error_ppm, late_us : (clocks,) float64.
    knots_s, errors_us : (clocks, `KNOTS`) float64; where all points are of one time, all knots are that time.
    fits : (clocks,) bool; the others' figures mean nothing but `late_us`.
    """

    level_us: Floats
    drift_ppm: Floats
    drift_error_ppm: Floats
    knots_s: Floats
    errors_us: Floats
    late_us: Floats
    fits: NDArray[np.bool_]

    def at(self, clock: Ints, x: Floats) -> Floats:
        """The differences of some clocks in microseconds at times in seconds."""
        return at(self.level_us, clock) + at(self.drift_ppm, clock) * x

    def error(self, clock: Ints, x: Floats) -> Floats:
        """How wrong `at` is at most; times beyond the knots count as the nearest of them."""
        knots, errors = self.knots_s.ravel(), self.errors_us.ravel()
        begin = clock * KNOTS
        first, last = at(knots, begin), at(knots, begin + (KNOTS - 1))
        # Knots stand evenly: which is to the left is known but for rounding.
        steps = np.where(last > first, last - first, 1.0) / (KNOTS - 1)
        left = np.clip((x - first) / steps, 0, KNOTS - 2).astype(np.int64) + begin
        left += (x >= at(knots, left + 1)) & (left < begin + KNOTS - 2)
        left -= (x < at(knots, left)) & (left > begin)
        x0, x1 = at(knots, left), at(knots, left + 1)
        y0, y1 = at(errors, left), at(errors, left + 1)
        # As `numpy.interp` has it, which takes one line at a time.
        inside = (y1 - y0) / np.where(x1 > x0, x1 - x0, 1.0) * (x - x0) + y0
        late, early = x >= last, x <= first
        if late.any():
            inside = np.where(late, errors[begin + KNOTS - 1], inside)
        return np.where(early, errors[begin], inside) if early.any() else inside


def bounds(above: tuple[Floats, Floats], below: tuple[Floats, Floats]) -> ClockBounds:
    """The lines that run below all points of the one kind and above all of the other.

    Parameters
    ----------
    above, below : times in seconds and differences in microseconds, (n,) each, none empty.

    Raises
    ------
    Contradiction : there is no such line, not even if timestamps of sending were a millisecond late.
    """
    start = np.zeros(1, np.int64)
    found = many_bounds((*above, start), (*below, start))
    if not found.fits[0]:
        raise Contradiction(2 * float(found.late_us[0]))
    knots, errors = found.knots_s[0], found.errors_us[0]
    kept = slice(None) if knots[-1] > knots[0] else slice(1)
    level, drift, wrong, late = (
        float(each[0]) for each in (found.level_us, found.drift_ppm, found.drift_error_ppm, found.late_us)
    )
    return ClockBounds(level, drift, wrong, knots[kept], errors[kept], late)


def many_bounds(above: tuple[Floats, Floats, Ints], below: tuple[Floats, Floats, Ints]) -> ManyBounds:
    """As `bounds`, of several clocks at once.

    Parameters
    ----------
    above, below : times in seconds and differences in microseconds of all clocks, one behind the other, and where the
        points of each clock begin; none is without points.
    """
    clocks = len(above[2])
    if not clocks:
        none = np.zeros(0)
        rows = np.zeros((0, KNOTS))
        return ManyBounds(none, none, none, rows, rows, none, np.zeros(0, dtype=np.bool_))
    first = np.minimum(*(np.minimum.reduceat(x, starts) for x, _, starts in (above, below)))
    last = np.maximum(*(np.maximum.reduceat(x, starts) for x, _, starts in (above, below)))
    tops = hulls(*_tightest(*above, (first, last), 1.0), 1.0)
    bottoms = hulls(*_tightest(*below, (first, last), -1.0), -1.0)
    parts = []
    corners = np.diff(tops[2], append=len(tops[0])) + np.diff(bottoms[2], append=len(bottoms[0]))
    # Clocks together as far as the work of all, each with as many corners as the one that has most, stays small.
    begin = 0
    while begin < clocks:
        most = np.maximum.accumulate(corners[begin : begin + _CLOCKS])
        fitting = most.astype(np.float64) ** 2 * np.arange(1, len(most) + 1) <= _AT_ONCE
        end = begin + max(1, int(fitting.sum()))
        chosen = slice(begin, end)
        parts.append(
            _between_hulls(_padded(tops, chosen), _padded(bottoms, chosen), first[chosen], last[chosen])
        )
        begin = end
    return ManyBounds(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(ManyBounds))
    )


def _between_hulls(
    above: tuple[Floats, Floats], below: tuple[Floats, Floats], first: Floats, last: Floats
) -> ManyBounds:
    """The lines between upper and lower hulls; all (clocks, corners), the last corner of each repeated."""
    (x_above, top), (x_below, bottom) = above, below
    top, bottom = top + ROUNDING_US, bottom - ROUNDING_US
    # All that follows is straight between the slopes of the hulls' edges: nothing else needs to be tried.
    ends = np.full((len(top), 1), MOST_PPM)
    drifts = np.concatenate([-ends, _slopes(x_above, top), _slopes(x_below, bottom), ends], axis=1)
    drifts = np.sort(np.clip(drifts, -MOST_PPM, MOST_PPM), axis=1)

    def highest(drift: Floats) -> Floats:
        room: Floats = (top[:, None, :] - drift[:, :, None] * x_above[:, None, :]).min(axis=2)
        return room

    def lowest(drift: Floats) -> Floats:
        room: Floats = (bottom[:, None, :] - drift[:, :, None] * x_below[:, None, :]).max(axis=2)
        return room

    room = highest(drifts) - lowest(drifts)
    most = room.max(axis=1)
    late = np.where(most < 0, -most / 2 + 1e-3, 0.0)
    fits = late <= LATE_STAMP_US
    slowest, fastest = _where_not_below(drifts, np.where(fits[:, None], room + 2 * late[:, None], 0.0))

    long = last > first
    steps = ((last - first) / (KNOTS - 1))[:, None]
    knots = np.arange(KNOTS) * steps + first[:, None]
    knots[:, -1] = last
    inside = (drifts > slowest[:, None]) & (drifts < fastest[:, None])
    tried = np.column_stack([slowest, np.where(inside, drifts, slowest[:, None]), fastest])
    lines = tried[:, :, None] * knots[:, None, :]
    up = (highest(tried)[:, :, None] + lines).max(axis=1) + late[:, None]
    down = (lowest(tried)[:, :, None] + lines).min(axis=1) - late[:, None]
    middle = (up + down) / 2
    best = drifts[np.arange(len(drifts)), room.argmax(axis=1)]
    drift = np.where(long, (middle[:, -1] - middle[:, 0]) / np.where(long, last - first, 1.0), best)
    level = middle[:, 0] - drift * knots[:, 0]
    line = level[:, None] + drift[:, None] * knots
    # If stamps are late, those that show it are not the latest there may be: twice over.
    errors = np.maximum(up - line, line - down) + 2 * late[:, None]
    wrong = np.maximum(fastest - drift, drift - slowest)
    return ManyBounds(level, drift, wrong, knots, errors, late, fits)


def _slopes(x: Floats, y: Floats) -> Floats:
    """Of the edges between corners; where a corner is repeated, one that is among the others anyway."""
    wide = np.diff(x, axis=1)
    return np.where(wide > 0, np.diff(y, axis=1) / np.where(wide > 0, wide, 1.0), MOST_PPM)


def _padded(hull: tuple[Floats, Floats, Ints], chosen: slice) -> tuple[Floats, Floats]:
    """Corners of some hulls as a rectangle, the last corner of each repeated."""
    x, y, starts = hull
    ends = np.append(starts[1:], len(x))[chosen]
    most = int((ends - starts[chosen]).max())
    at = np.minimum(starts[chosen][:, None] + np.arange(most), ends[:, None] - 1)
    return x[at], y[at]


def _tightest(
    x: Floats, y: Floats, starts: Ints, span: tuple[Floats, Floats], sign: float
) -> tuple[Floats, Floats, Ints]:
    """The lowest (`sign` 1) or highest (-1) point of each stretch of time, of clocks that have many."""
    sizes = np.diff(starts, append=len(x))
    kept: list[Ints] = []
    for clock in np.flatnonzero(sizes > STRETCHES).tolist():
        here = slice(int(starts[clock]), int(starts[clock] + sizes[clock]))
        width = max(span[1][clock] - span[0][clock], 1e-9)
        stretch = ((x[here] - span[0][clock]) / width * (STRETCHES - 1)).astype(np.int64)
        extreme = np.full(STRETCHES, np.inf)
        np.minimum.at(extreme, stretch, sign * y[here])
        tight = np.flatnonzero(sign * y[here] == extreme[stretch])
        _, first = np.unique(stretch[tight], return_index=True)
        kept.append(here.start + tight[first])
        sizes[clock] = len(first)
    if not kept:
        return x, y, starts
    whole = np.repeat(sizes == np.diff(starts, append=len(x)), np.diff(starts, append=len(x)))
    rows = np.sort(np.concatenate([np.flatnonzero(whole), *kept]))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return x[rows], y[rows], starts


def hulls(x: Floats, y: Floats, starts: Ints, sign: float) -> tuple[Floats, Floats, Ints]:
    """The corners of the lower hulls of several sets of points (`sign` 1), or of the upper ones (-1).

    Returns
    -------
    Corners of all sets, each in order of x, and where those of each set begin.
    """
    of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(x)))
    y = sign * y
    if not np.all((x[1:] > x[:-1]) | (of[1:] != of[:-1])):
        order = np.lexsort((y, x, of))
        x, y, of = x[order], y[order], of[order]
        lowest = np.append(True, (x[1:] != x[:-1]) | (of[1:] != of[:-1]))  # of points above each other
        x, y, of = x[lowest], y[lowest], of[lowest]
    # Whatever is not below the line from its neighbour to the other is no corner; what is left has new neighbours.
    for _ in range(_SWEEPS):
        first, second, third = slice(None, -2), slice(1, -1), slice(2, None)
        inner = of[first] == of[third]
        bent = (y[second] - y[first]) * (x[third] - x[first]) < (y[third] - y[first]) * (x[second] - x[first])
        kept = np.ones(len(x), dtype=np.bool_)
        kept[1:-1] = bent | ~inner
        if kept.all():
            break
        x, y, of = x[kept], y[kept], of[kept]
    else:
        x, y, of = _chained(x, y, of)
    return x, sign * y, np.searchsorted(of, np.arange(len(starts)))


def _chained(x: Floats, y: Floats, of: Ints) -> tuple[Floats, Floats, Ints]:
    """As `hulls`, one point after the other: for what many sweeps have not finished."""
    xs, ys, sets = x.tolist(), y.tolist(), of.tolist()
    kept: list[int] = []
    for point, (here, level) in enumerate(zip(xs, ys, strict=True)):
        while len(kept) > 1 and sets[kept[-2]] == sets[point]:
            first, second = kept[-2], kept[-1]
            if (ys[second] - ys[first]) * (here - xs[first]) < (level - ys[first]) * (xs[second] - xs[first]):
                break
            kept.pop()
        kept.append(point)
    return x[kept], y[kept], of[kept]


def _where_not_below(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """From where to where what is straight between some points, and rises only once, is not below zero; by row."""
    inside = y >= 0
    each = np.arange(len(x))
    low, high = inside.argmax(axis=1), x.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    before, after = np.maximum(low - 1, 0), np.minimum(high + 1, x.shape[1] - 1)

    def crossing(at: Ints, outer: Ints) -> Floats:
        fall = y[each, at] - y[each, outer]
        return np.where(
            fall > 0, np.abs(x[each, at] - x[each, outer]) * y[each, at] / np.where(fall > 0, fall, 1.0), 0.0
        )

    return x[each, low] - crossing(low, before), x[each, high] + crossing(high, after)
