"""Whether payloads are text, a whole column at once; the same answers as `messages.guess_kind`."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gdlab.payloads import Int64, UInt8

_CONTROL = np.zeros(256, np.bool_)
_CONTROL[[*({*range(32), 127} - {9, 10, 13})]] = True
_AT_ONCE: Final = 65_536
_SPARSE: Final = 8


def are_text(data: UInt8, start: Int64, size: Int64) -> npt.NDArray[np.bool_]:
    """(n,) bool: which of ``data[start : start + size]`` are UTF-8 without control characters; empty is text, too."""
    text = np.ones(len(start), np.bool_)
    filled = np.flatnonzero(size > 0)
    filled = filled[np.argsort(start[filled], kind="stable")]
    for first in range(0, len(filled), _AT_ONCE):
        rows = filled[first : first + _AT_ONCE]
        text[rows] = _are_text(data, start[rows], size[rows])
    return text


def _are_text(data: UInt8, start: Int64, size: Int64) -> npt.NDArray[np.bool_]:
    """Of some that are not empty, in the order of where they begin."""
    low, high = int(start[0]), int((start + size).max())
    overlap = bool((start[1:] < (start + size)[:-1]).any())
    if overlap or high - low > _SPARSE * int(size.sum()) + _AT_ONCE:
        return np.array([_is_text(data[at : at + of].tobytes()) for at, of in zip(start, size, strict=True)])
    # Every second span is a payload; what stands between two of them is looked at, too, and forgotten.
    part = data[low:high]
    spans = np.stack([start - low, start - low + size], axis=1).ravel()[:-1]
    controls = np.logical_or.reduceat(_CONTROL[part], spans)[::2]
    text: npt.NDArray[np.bool_] = ~controls
    wide = np.logical_or.reduceat(part >= 0x80, spans)[::2]
    for row in np.flatnonzero(text & wide).tolist():
        text[row] = _is_text(data[start[row] : start[row] + size[row]].tobytes())
    return text


def _is_text(payload: bytes) -> bool:
    if _CONTROL[np.frombuffer(payload, np.uint8)].any():
        return False
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
