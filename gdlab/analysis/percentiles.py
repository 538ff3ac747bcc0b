"""Percentiles that their sample can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

QUANTILES: Final = (0.5, 0.9, 0.95, 0.99, 0.999)
#: A quantile is shown when at least this many samples are expected on its thin side. With ten, the number of
#: samples beyond it has a relative standard error of about 1/sqrt(10), a third; with fewer it is mostly
#: chance.
TAIL_SAMPLES: Final = 10
#: Standard normal quantile of a two-sided 95 % interval.
_Z: Final = 1.959964


def needed(quantile: float) -> int:
    """Sample size below which a quantile is not shown: 20 for the median, 200 for 95 %, 1000 for 99 %."""
    return int(np.ceil(round(TAIL_SAMPLES / min(quantile, 1 - quantile), 6)))


def percentiles(
    values: ArrayLike,
    quantiles: Sequence[float] = QUANTILES,
    *,
    missing: int = 0,
    expected_ms: float | None = None,
) -> pd.DataFrame:
    """Quantiles with their 95 % confidence intervals.

    Parameters
    ----------
    values : (n,) numbers; NaN are left out (count lost messages with `missing`). Infinite ones count as what they are:
        larger, or smaller, than all others.
    quantiles : between 0 and 1, both excluded.
    missing : how many values are missing because they were too large to see, such as lost pings. They count
        as larger than all others: with 2 % lost, the 99 % quantile is infinite.
    expected_ms : the interval at which the sender meant to send, where it waited for each answer. Each value
        above it stands for the requests that were not sent meanwhile; they are put back with the times
        they would have seen (value - expected, value - 2 expected, ...), as HdrHistogram corrects for
        coordinated omission. The unit is that of the values.

    Returns
    -------
    One row per quantile: `quantile`, `value`, `low`, `high` (float64; NaN where the sample is too small),
    `n` (int64: samples, missing ones included), `needed_n` (int64: the rule is at least 10 samples on the
    thin side of the quantile).

    Raises
    ------
    ValueError
        If a quantile is not between 0 and 1, or `missing` or `expected_ms` negative.

    Notes
    -----
    Exact: the sample itself is sorted, there are no bins; between two samples the value is interpolated (the
    definition of NumPy and pandas). The interval is the distribution-free one from order statistics, the
    binomial rank by its normal approximation; it supposes independent samples, which frames and bursts are
    not quite, so read it as the least uncertainty.
    """
    sample = np.asarray(values, dtype=np.float64).ravel()
    sample = sample[~np.isnan(sample)]
    if missing < 0:
        raise ValueError(f"missing counts values and cannot be {missing}")
    if expected_ms is not None:
        sample = _uncoordinated(sample, expected_ms)
    sample = np.sort(sample)
    n = len(sample) + missing
    rows = []
    for quantile in quantiles:
        if not 0 < quantile < 1:
            raise ValueError(f"a quantile lies between 0 and 1, {quantile!r} does not")
        value = low = high = float("nan")
        if n >= needed(quantile):
            spread = _Z * np.sqrt(n * quantile * (1 - quantile))
            value = _at(sample, quantile * (n - 1))
            low, high = (
                _at(sample, np.clip(rank, 0, n - 1))
                for rank in (np.floor(n * quantile - spread) - 1, np.ceil(n * quantile + spread))
            )
        rows.append((quantile, value, low, high, n, needed(quantile)))
    frame = pd.DataFrame(rows, columns=["quantile", "value", "low", "high", "n", "needed_n"])
    return frame.astype({"quantile": "float64", "n": "int64", "needed_n": "int64"})


def _at(ordered: NDArray[np.float64], rank: float) -> float:
    """The value at a rank from 0; between two ranks interpolated, beyond the sample infinite."""
    below = int(np.floor(rank))
    above = int(np.ceil(rank))
    if above >= len(ordered):
        return float("inf")
    low, high = float(ordered[below]), float(ordered[above])
    # Between two infinities of one sign, or exactly on a sample, there is nothing to interpolate.
    return low if low == high or rank == below else low + (high - low) * (rank - below)


def _uncoordinated(sample: NDArray[np.float64], expected: float) -> NDArray[np.float64]:
    """The sample with the values that a sender could not see while it waited."""
    if not expected > 0:
        raise ValueError(f"expected_ms is an interval above 0, not {expected!r}")
    # A wait without an end hides no countable number of requests, only itself.
    finite = np.where(np.isfinite(sample), sample, 0.0)
    many = np.maximum(np.ceil(finite / expected) - 1, 0)
    total = int(min(many.sum(), 2.0**62))
    if total > 10_000_000:
        raise ValueError(
            f"an interval of {expected} would add {total} values; is it in the unit of the values?"
        )
    extra = many.astype(np.int64)
    steps = np.arange(total) - np.repeat(np.cumsum(extra) - extra, extra) + 1
    return np.concatenate([sample, np.repeat(sample, extra) - steps * expected])
