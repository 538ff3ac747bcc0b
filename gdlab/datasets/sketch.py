"""Quantiles of more values than memory holds: counts in buckets whose limits grow by a constant factor.

What DDSketch (Masson, Rim, Lee, 2019) and HdrHistogram do. Buckets are added up, so the result does not depend on how
the values were divided, nor on the order in which the parts were put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.percentiles import QUANTILES, needed

#: A quantile is this wrong at most, as a share of its value.
ERROR: Final = 0.005
#: Values below are counted as one; in milliseconds a nanosecond, which no clock here resolves.
SMALLEST: Final = 1e-6
_GAMMA: Final = (1 + ERROR) / (1 - ERROR)
_LOG: Final = float(np.log(_GAMMA))
#: Buckets from the smallest value up to 1e12.
BUCKETS: Final = int(np.ceil(np.log(1e12 / SMALLEST) / _LOG)) + 2


class Sketch:
    """Counts of values of 0 and above.

    Attributes
    ----------
    counts : (BUCKETS,) int64; the first is of values up to `SMALLEST`, each other of those up to a limit that is 1 %
        above the one before.
    n : how many values.
    missing : values that are larger than all others, such as the round trips of lost pings.
    """

    __slots__ = ("counts", "missing")

    def __init__(self) -> None:
        self.counts: npt.NDArray[np.int64] = np.zeros(BUCKETS, np.int64)
        self.missing = 0

    @property
    def n(self) -> int:
        """How many values were counted, missing ones included."""
        return int(self.counts.sum()) + self.missing

    def add(self, values: npt.NDArray[np.float64], *, missing: int = 0) -> Sketch:
        """Count values; NaN are left out, negative ones (of clocks that differ) count as the smallest."""
        values = values[~np.isnan(values)]
        with np.errstate(divide="ignore"):
            bucket = np.ceil(np.log(np.maximum(values, SMALLEST) / SMALLEST) / _LOG)
        where = np.clip(bucket, 0, BUCKETS - 1).astype(np.int64)
        self.counts += np.bincount(where, minlength=BUCKETS)
        self.missing += missing
        return self

    def merge(self, other: Sketch) -> Sketch:
        """Count what another one has counted as well."""
        self.counts += other.counts
        self.missing += other.missing
        return self

    def quantiles(self, quantiles: Sequence[float] = QUANTILES) -> pd.DataFrame:
        """Quantiles with the bound of their error.

        Returns
        -------
        One row per quantile: `quantile`, `value` (float64; infinite where it lies among the missing, NaN where there
        are too few values), `low`, `high` (float64: the value of that rank lies between, certainly), `n`, `needed_n`
        (int64, as for `gdlab.analysis.percentiles`).

        Raises
        ------
        ValueError : a quantile is not between 0 and 1.
        """
        ends = np.cumsum(self.counts)
        rows = []
        for quantile in quantiles:
            if not 0 < quantile < 1:
                raise ValueError(f"a quantile lies between 0 and 1, {quantile!r} does not")
            value = low = high = float("nan")
            if self.n >= needed(quantile):
                rank = int(np.ceil(quantile * self.n))
                bucket = int(np.searchsorted(ends, rank))
                if bucket >= BUCKETS:
                    value = low = high = float("inf")
                else:
                    high = SMALLEST * _GAMMA**bucket
                    low = high / _GAMMA if bucket else 0.0
                    # Of all values in the bucket this one is wrong by the least share.
                    value = 2 * high / (1 + _GAMMA) if bucket else SMALLEST
            rows.append((quantile, value, low, high, self.n, needed(quantile)))
        frame = pd.DataFrame(rows, columns=["quantile", "value", "low", "high", "n", "needed_n"])
        return frame.astype({"quantile": "float64", "n": "int64", "needed_n": "int64"})
