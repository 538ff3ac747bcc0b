"""Fewer points for the same pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def line(x: Floats, y: Floats, *, columns: int = 1000) -> tuple[Floats, Floats]:
    """The lowest and highest point of each column of pixels, so that no peak is lost.

    Parameters
    ----------
    x, y : (n,) float64; x ascending and finite; y may hold NaN, which stays where a column has nothing else.
    columns : of pixels.

    Returns
    -------
    At most ``2 * columns`` points of those given, in order; all of them where they are no more than that.
    """
    n = len(x)
    if n <= 2 * columns:
        return x, y
    # Equal numbers of points instead of equal widths: no search, and gaps in x stay gaps.
    edges = np.linspace(0, n, columns + 1).astype(np.int64)[:-1]
    low = np.minimum.reduceat(np.where(np.isnan(y), np.inf, y), edges)
    high = np.maximum.reduceat(np.where(np.isnan(y), -np.inf, y), edges)
    empty = low > high
    both_y = np.column_stack([np.where(empty, np.nan, low), np.where(empty, np.nan, high)]).ravel()
    both_x = np.repeat(x[edges], 2)
    return both_x, both_y


def dots(x: Floats, y: Floats, *, columns: int = 600, rows: int = 240) -> tuple[Floats, Floats]:
    """One point for each pixel that has any.

    Parameters
    ----------
    x, y : (n,) float64, finite, any order.
    columns, rows : pixels.

    Returns
    -------
    At most ``columns * rows`` of the points, the first of each pixel; all where there are few.
    """
    n = len(x)
    if n <= 4 * columns:
        return x, y
    column = _cells(x, columns)
    cell = column * rows + _cells(y, rows)
    taken = np.full(columns * rows, -1, dtype=np.int64)
    taken[cell[::-1]] = np.arange(n - 1, -1, -1)
    kept = np.sort(taken[taken >= 0])
    return x[kept], y[kept]


def _cells(values: Floats, cells: int) -> NDArray[np.int64]:
    """Which of the equal parts of the values' range each value lies in."""
    low, high = values.min(), values.max()
    scale = (cells - 1e-6) / (high - low) if high > low else 0.0
    return np.asarray((values - low) * scale, dtype=np.int64)
