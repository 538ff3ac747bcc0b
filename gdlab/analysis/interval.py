"""How far a share that was counted may be from the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def wilson(hits: Ints, n: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % confidence interval of a share by Wilson's score method (Journal of the ASA 22, 1927).

    Parameters
    ----------
    hits, n : (m,) int64, `hits` at most `n`.

    Returns
    -------
    (m,) float64 each, 0 to 1; 0 and 1 where `n` is 0.
    """
    z2 = 1.959964**2
    total = np.maximum(n, 1)
    share = hits / total
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = np.sqrt(z2 * share * (1 - share) / total + z2**2 / (4.0 * total**2)) / (1 + z2 / total)
    empty = n == 0
    low = np.where(hits == 0, 0.0, centre - half)
    high = np.where(hits == n, 1.0, centre + half)
    return np.where(empty, 0.0, low), np.where(empty, 1.0, high)
