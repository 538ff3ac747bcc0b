"""Message counts of the last seconds, followed piece by piece as rows arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.messages import CATEGORIES, Direction, Event
from gdlab.store import Cursor, Snapshot

_MESSAGE: Final = CATEGORIES["event"].index(Event.MESSAGE)
_DIRECTIONS: Final = (Direction.IN, Direction.OUT)


class RateHistory:
    """Rates of the last seconds; each row of the stores is looked at once.

    Parameters
    ----------
    seconds : how far back. bin_s : width of a bin.
    """

    def __init__(self, seconds: float = 30.0, bin_s: float = 0.5) -> None:
        self._bin_ns = int(bin_s * 1e9)
        self._bins = int(seconds / bin_s) + 1
        self._counts: npt.NDArray[np.int64] = np.zeros((len(_DIRECTIONS), self._bins), np.int64)
        self._first_bin = 0  # number of the oldest bin, counted from 1970
        self._cursor = Cursor()

    def follow(self, snapshots: Sequence[Snapshot], now_ns: int) -> None:
        """Count the rows that are new since the last call."""
        self._advance(now_ns // self._bin_ns)
        for _, _, block in self._cursor.new(snapshots):
            columns = block.columns
            bins = columns.time_ns // self._bin_ns - self._first_bin
            wanted = (columns.event == _MESSAGE) & (bins >= 0) & (bins < self._bins)
            probes = block.own_probes()
            if probes is not None:  # ours, not the game's
                wanted &= ~probes
            for row, direction in enumerate(_DIRECTIONS):
                chosen = wanted & (columns.direction == CATEGORIES["direction"].index(direction))
                self._counts[row] += np.bincount(bins[chosen], minlength=self._bins)

    def _advance(self, newest_bin: int) -> None:
        shift = newest_bin - self._bins + 1 - self._first_bin
        if shift <= 0:
            return
        self._counts = np.roll(self._counts, -shift, axis=1) if shift < self._bins else self._counts * 0
        if shift < self._bins:
            self._counts[:, -shift:] = 0
        self._first_bin += shift

    def table(self, began_ns: int) -> pd.DataFrame:
        """Return the finished bins since a moment, in the form that `plots.LiveRates` takes.

        Columns `time`, `direction`, `covered_s`, `messages_hz`; directions without a message are left out.
        """
        bins = np.arange(self._bins - 1)  # the newest is not over
        starts = (self._first_bin + bins) * self._bin_ns
        shown = starts + self._bin_ns > began_ns
        bin_s = self._bin_ns / 1e9
        parts = [
            pd.DataFrame(
                {
                    "time": pd.DatetimeIndex(starts[shown].view("datetime64[ns]"), tz="UTC"),
                    "direction": direction.value,
                    "covered_s": bin_s,
                    "messages_hz": self._counts[row, :-1][shown] / bin_s,
                }
            )
            for row, direction in enumerate(_DIRECTIONS)
            if direction is Direction.IN or self._counts[row].any()
        ]
        return pd.concat(parts, ignore_index=True)
