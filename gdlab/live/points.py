"""Moments with their values, kept within bounds and given at the width of a screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

#: Points that are kept of one lane; beyond, every second one of the older half goes, the extremes stay.
MAX_POINTS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """One line or cloud of a lane, in the window that was asked for.

    Attributes
    ----------
    x : (n,) float64, seconds since the window's start. low, high : (n,) float64, the least and the largest value there;
        the same array where each x is one value.
    """

    name: str
    x: Floats
    low: Floats
    high: Floats


@dataclass
class Points:
    """Moments and values in the order in which they came."""

    times: Times = field(default_factory=lambda: np.empty(1024, np.int64))
    values: Floats = field(default_factory=lambda: np.empty(1024, np.float64))
    count: int = 0
    last_ns: int = -(2**63)
    sorted: bool = True

    def add(self, times: Times, values: Floats) -> None:
        """Take further ones."""
        if not len(times):
            return
        needed = self.count + len(times)
        if needed > len(self.times):
            room = max(needed, 2 * len(self.times))
            self.times = np.resize(self.times, room)
            self.values = np.resize(self.values, room)
        self.times[self.count : needed] = times
        self.values[self.count : needed] = values
        self.count = needed
        self.sorted = self.sorted and bool(times[0] >= self.last_ns) and bool(np.all(times[1:] >= times[:-1]))
        self.last_ns = int(times[-1])
        if self.count > MAX_POINTS:
            self._thin()

    def _thin(self) -> None:
        """Keep of each four neighbours of the older half the least and the largest."""
        times, values = self._in_order()
        half = len(times) // 8 * 4
        groups = values[:half].reshape(-1, 4)
        rows = np.arange(len(groups)) * 4
        keep = np.unique(np.concatenate([rows + groups.argmin(1), rows + groups.argmax(1)]))
        kept = np.concatenate([keep, np.arange(half, len(times))])
        self.times[: len(kept)], self.values[: len(kept)] = times[kept], values[kept]
        self.count = len(kept)

    def _in_order(self) -> tuple[Times, Floats]:
        times, values = self.times[: self.count], self.values[: self.count]
        if not self.sorted:
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
            self.times[: self.count], self.values[: self.count] = times, values
            self.sorted = True
        return times, values

    def window(self, start_ns: int, stop_ns: int, columns: int, name: str) -> Series:
        """Those of a window, at most two values per column."""
        times, values = self._in_order()
        first, last = np.searchsorted(times, (start_ns, stop_ns))
        # One point beyond each edge, so that lines reach it.
        first, last = max(0, first - 1), min(len(times), last + 1)
        times, values = times[first:last], values[first:last]
        seconds = (times - start_ns) / 1e9
        if len(times) <= 3 * columns:
            return Series(name, seconds, values, values)
        return reduced(name, seconds, values, (stop_ns - start_ns) / 1e9, columns)


def reduced(name: str, x: Floats, values: Floats, width_s: float, columns: int) -> Series:
    """Reduce many values in the order of x to the least and the largest of each pixel column.

    Parameters
    ----------
    x : (n,) seconds since the window's start, growing. values : (n,).
    width_s : of the window. columns : at most so many.
    """
    known = ~np.isnan(values)
    x, values = x[known], values[known]
    column = np.clip((x / width_s * columns).astype(np.int64), -1, columns)
    starts = np.flatnonzero(np.diff(column, prepend=-2))
    if not len(starts):
        return Series(name, x, values, values)
    middle = (column[starts] + 0.5) * width_s / columns
    return Series(name, middle, np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts))
