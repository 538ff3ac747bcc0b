"""How many things happened in each small bin of time, for as long as one likes, in bounded memory."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

#: Width of a bin at first. Half of a bin of a picture over 3 s; a game's frame has 16.7 ms.
BASE_NS: Final = 10_000_000
#: Bins that are kept: 11 hours of 10 ms, 16 MB. Beyond, two become one.
MAX_BINS: Final = 4_000_000
#: Bins of one answer.
MAX_WINDOW_BINS: Final = 20_000


class Counts:
    """Counts per bin of time; all additions are whole arrays.

    Attributes
    ----------
    total : everything that was added.
    bin_ns : width of a bin at present.
    """

    def __init__(self, bin_ns: int = BASE_NS) -> None:
        self.bin_ns = bin_ns
        self.total = 0
        self._first = 0  # number of the first bin, counted from 1970
        self._bins: npt.NDArray[np.uint32] = np.zeros(0, np.uint32)

    def add(self, times_ns: npt.NDArray[np.int64]) -> None:
        """Count moments, in any order."""
        if not len(times_ns):
            return
        numbers = times_ns // self.bin_ns
        low, high = int(numbers.min()), int(numbers.max())
        if not len(self._bins):
            self._first = low
        while max(high, self._first + len(self._bins) - 1) - min(low, self._first) >= MAX_BINS:
            self._coarsen()
            numbers = times_ns // self.bin_ns
            low, high = int(numbers.min()), int(numbers.max())
        self._reach(low, high)
        self._bins[low - self._first : high - self._first + 1] += np.bincount(
            numbers - low, minlength=high - low + 1
        ).astype(np.uint32)
        self.total += len(times_ns)

    def _reach(self, low: int, high: int) -> None:
        if low < self._first:
            self._bins = np.concatenate([np.zeros(self._first - low, np.uint32), self._bins])
            self._first = low
        missing = high - self._first + 1 - len(self._bins)
        if missing > 0:  # with room to grow: a running capture adds a bin every 10 ms
            before = self._bins
            room = max(missing, min(len(before), MAX_BINS - len(before) - 1), 256)
            # Memory that was never written to is not taken from the system, so the room costs none.
            self._bins = np.zeros(len(before) + room, np.uint32)
            self._bins[: len(before)] = before

    def _coarsen(self) -> None:
        """Make each two bins one."""
        lead = self._first % 2
        tail = (lead + len(self._bins)) % 2
        padded = np.pad(self._bins, (lead, tail))
        self._bins = padded.reshape(-1, 2).sum(1, dtype=np.uint32)
        self._first //= 2
        self.bin_ns *= 2

    def window(
        self, start_ns: int, stop_ns: int, step_ns: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
        """Return starts (ns) and counts of the wider bins that overlap a window, and their real width (ns).

        Parameters
        ----------
        step_ns : wanted width; taken to the next multiple of `bin_ns`. Bins begin at its multiples, whatever the
            window, so that nothing jumps while a picture moves.
        """
        each = max(1, -(-step_ns // self.bin_ns), -(-(stop_ns - start_ns) // (self.bin_ns * MAX_WINDOW_BINS)))
        first, last = start_ns // (each * self.bin_ns), -(-stop_ns // (each * self.bin_ns))
        last = max(last, first)
        low, high = first * each - self._first, last * each - self._first
        inside = self._bins[max(0, low) : max(0, min(high, len(self._bins)))]
        found = np.zeros(last - first, np.int64)
        if len(inside):
            # Whole bins of the answer, from the first that has anything: a window may be far wider than what is there.
            lead = max(0, low) - low
            at = (lead % each, lead // each)
            padded = np.pad(inside, (at[0], -(at[0] + len(inside)) % each)).reshape(-1, each).sum(1, np.int64)
            found[at[1] : at[1] + len(padded)] = padded
        starts = (first + np.arange(len(found), dtype=np.int64)) * (each * self.bin_ns)
        return starts, found, each * self.bin_ns
