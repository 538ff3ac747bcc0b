"""Runs of numbers: where they start anew, and what in them is out of order or was there before.

All streams are looked at in one array, one behind the other and each in order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: A number this far from the one before begins a new run: a jump of a game's own, or garbage, not 10,000
#: losses.
JUMP: Final = 10_000
#: A run starts anew where the numbers drop and stay down for so many messages more.
STAYS: Final = 3
#: A step other than one is believed from so many on.
STEPS: Final = 20
#: All runs' numbers are put above each other, as long as there are fewer.
_MOST_NUMBERS: Final = 2.0**62
#: Differences of numbers that are no further from 0 fit 64 bits.
_PLAIN: Final = 2**61


def unwrapped(number: Ints, starts: Ints, bits: int) -> Ints:
    """Numbers of a counter that wraps, made to count on: each step is the shortest way around.

    Parameters
    ----------
    number : (n,) int64. starts : positions at which the streams begin. bits : width of the counter.
    """
    unused = 64 - bits
    step = np.zeros_like(number)
    # Shifted up and down again, the sign is that of the counter's highest bit; all is modulo 2^64.
    step[1:] = (np.diff(number) << unused) >> unused
    first = number[starts].view(np.uint64)
    step[starts] = ((first << np.uint64(unused)) >> np.uint64(unused)).view(np.int64)
    total = np.cumsum(step)
    return total - _repeated((total - step)[starts], starts, len(number))


def in_steps(number: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """Numbers counted in the constant step of their stream, from its first; and that step of each stream."""
    size = np.ones_like(starts)
    if not len(starts) or _soon_by_one(number, starts):
        return number, size
    moves = np.zeros_like(number)
    np.subtract(number[1:], number[:-1], out=moves[1:])
    moves[starts] = 0
    by_one = np.logical_or.reduceat(moves == 1, starts)
    moved = np.add.reduceat(moves != 0, starts, dtype=np.int64)
    others = np.flatnonzero(~by_one & (moved >= STEPS))
    if not len(others):
        return number, size
    number = number.copy()
    edges = np.append(starts, len(number))
    for each in others.tolist():
        here = slice(edges[each], edges[each + 1])
        steps = moves[here][moves[here] != 0]
        values, often = np.unique(steps, return_counts=True)
        usual = int(values[np.argmax(often)])
        # A step so large that ten thousand of them leave 64 bits is garbage and no counter.
        if 2 * often.max() < len(steps) or abs(usual) > 2**48:
            continue
        near = steps[np.abs(steps) <= JUMP * abs(usual)]
        if not (near % usual).any():
            number[here] = (number[here] - number[here][0]) // usual
            size[each] = usual
    return number, size


def _soon_by_one(number: Ints, starts: Ints) -> bool:
    """Whether each stream counts by one somewhere at its beginning, or is too short to show its step."""
    lengths = np.diff(starts, append=len(number))
    long, last = starts[lengths > STEPS], STEPS // 2
    steps = number[long[:, None] + np.arange(1, last)] - number[long[:, None] + np.arange(last - 1)]
    return bool((steps == 1).any(axis=1).all())


@dataclass(frozen=True, slots=True)
class Runs:
    """Numbers in runs, of which each starts anew.

    Attributes
    ----------
    n : how many numbers.
    begins : (runs,) int64, where each run begins.
    leaps : (k,) int64, where runs begin that leap ahead of the one before in their stream, and by how much.
    spans : (runs,) float64, numbers from the lowest to the highest of each.
    below : (m,) int64, positions of those that are not above all before them in their run.
    behind : (m,) int64, by how much. again : (m,) bool, whether the same number came before.
    """

    n: int
    begins: Ints
    leaps: tuple[Ints, Ints]
    spans: NDArray[np.float64]
    below: Ints
    behind: Ints
    again: NDArray[np.bool_]
    _number: Ints

    def status(self, window: int) -> NDArray[np.int8]:
        """What those `below` are: 1 duplicate, 2 reordered, 3 more than `window` behind; (m,) int8."""
        found = np.where(self.behind > window, 3, 2).astype(np.int8)
        found[self.again] = 1
        return found

    def within(self, starts: Ints) -> Ints:
        """The number of each one's run in its stream, of which `starts` are the beginnings; (n,) int64."""
        run = np.arange(len(self.begins))
        first = np.searchsorted(self.begins, starts)
        stream = np.searchsorted(starts, self.begins, side="right") - 1
        return _repeated(run - first[stream], self.begins, self.n)

    def skipped(self) -> Ints:
        """How many numbers were left out just before each that is above all before it in its run; (n,) int64."""
        left_out = np.zeros(self.n, dtype=np.int64)
        above = np.ones(self.n, dtype=np.bool_)
        above[self.below] = False
        at = np.flatnonzero(above)
        left_out[at[1:]] = self._number[at[1:]] - self._number[at[:-1]] - 1
        left_out[self.begins] = 0
        return left_out


def runs_of(number: Ints, starts: Ints, window: int) -> Runs:
    """Find the runs of some streams.

    Parameters
    ----------
    number : (n,) int64, the numbers of all streams, each in order of arrival. starts : where the streams begin.
    window : a drop by more may start a run.
    """
    n = len(number)
    step = np.zeros_like(number)
    np.subtract(number[1:], number[:-1], out=step[1:])
    step[starts] = 0
    far = _beyond(step, -JUMP, JUMP)
    leaps = far[step[far] > 0]
    leapt = (leaps, step[leaps])
    begins = starts
    anew = np.concatenate([far, _drops(number, step, starts, window)])
    if len(anew):
        begins = np.unique(np.concatenate([starts, anew]))
    if not n:
        none = np.zeros(0, dtype=np.int64)
        return Runs(0, begins, leapt, np.zeros(0), none, none, np.zeros(0, dtype=np.bool_), number)
    low, high = np.minimum.reduceat(number, begins), np.maximum.reduceat(number, begins)
    if low.min() < -_PLAIN or high.max() > _PLAIN:
        # From the beginning of its run: no run spans 64 bits, whatever a hostile sender writes between two.
        number = number - _repeated(number[begins], begins, n)
        low, high = np.minimum.reduceat(number, begins), np.maximum.reduceat(number, begins)
    spans = (high - low + 1).astype(np.float64)
    if spans.min() > 0 and spans.sum() < _MOST_NUMBERS:
        above_each_other = _stacked(number, begins, low, high)
    else:  # their order is all that is asked for
        _, ranks = np.unique(number, return_inverse=True)
        ranks = ranks.astype(np.int64)
        ends = (np.minimum.reduceat(ranks, begins), np.maximum.reduceat(ranks, begins))
        above_each_other = _stacked(ranks, begins, *ends)
    # A run's numbers are above those of all runs before it: the highest so far never reaches across.
    top = np.maximum.accumulate(above_each_other)
    below = np.flatnonzero(above_each_other[1:] <= top[:-1]) + 1
    mine = above_each_other[below]
    # Where the highest so far first was at least as high, this very number came, or it has not come yet.
    at_top = np.searchsorted(top, mine)
    again = (above_each_other[at_top] == mine) | pd.Series(mine).duplicated().to_numpy()
    highest = number[np.searchsorted(top, top[below - 1])]
    return Runs(n, begins, leapt, spans, below, np.maximum(highest - number[below], 0), again, number)


def _stacked(number: Ints, begins: Ints, low: Ints, high: Ints) -> Ints:
    """Numbers moved so that those of each run are above all of the runs before."""
    floor = np.zeros_like(low)
    np.cumsum((high - low + 1)[:-1], out=floor[1:])
    return number + _repeated(floor - low, begins, len(number))


def _repeated(values: Ints, starts: Ints, n: int) -> Ints:
    """Each value for all positions from its start to the next."""
    if len(starts) == 1:
        return np.full(n, values[0])
    return np.repeat(values, np.diff(starts, append=n))


def _beyond(step: Ints, least: int, most: int | None) -> Ints:
    """Where steps are less or more than that."""
    below = np.flatnonzero(step < least) if step.min(initial=0) < least else np.zeros(0, np.int64)
    if most is None or step.max(initial=0) <= most:
        return below
    return np.union1d(below, np.flatnonzero(step > most))


def _drops(number: Ints, step: Ints, starts: Ints, window: int) -> Ints:
    """Where the numbers of a stream drop and stay down."""
    at = _beyond(step, -window, None)
    if not len(at):
        return at
    stream = np.searchsorted(starts, at, side="right") - 1
    end = np.append(starts[1:], len(number))[stream]
    stays = np.ones(len(at), dtype=np.bool_)
    for ahead in range(1, STAYS + 1):
        near = number[np.minimum(at + ahead, len(number) - 1)] - number[at] <= window
        stays &= (at + ahead < end) & near
    # One message far ahead of its time, after which the numbers go on, is no restart.
    before = np.maximum(at - 2, 0)
    passed = (at - 2 < starts[stream]) | (number[at] <= number[before])
    return at[stays & passed]
