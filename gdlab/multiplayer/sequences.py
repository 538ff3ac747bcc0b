"""Numbers of 16 bits, continued beyond their wrap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def unwrapped(raw: Ints) -> Ints:
    """Numbers of 16 bits continued beyond their wrap, in order of time."""
    if not len(raw):
        return raw
    steps = (np.diff(raw) + 32_768) % 65_536 - 32_768
    return np.concatenate(([raw[0]], raw[0] + np.cumsum(steps))).astype(np.int64)
