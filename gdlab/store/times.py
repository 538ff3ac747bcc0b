"""Times as text, `2023-11-14T22:13:20.000000000Z`, whole columns at once."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gdlab.payloads import Int64, UInt8

#: Characters of a time.
WIDTH = 30

_DIGITS = np.frombuffer(b"".join(b"%03d" % number for number in range(1000)), np.uint8).reshape(1000, 3)

_FORM = np.frombuffer(b"0000-00-00T00:00:00.000000000Z\0", np.uint8)


def render(time_ns: Int64) -> UInt8:
    """(n, 30) uint8, the characters of each time.

    Parameters
    ----------
    time_ns : (n,) int64, nanoseconds since 1970, UTC.
    """
    seconds, nanoseconds = np.divmod(time_ns, 1_000_000_000)
    # A capture has far fewer seconds than rows: only those go through the calendar.
    distinct, which = np.unique(seconds, return_inverse=True)
    dates = np.datetime_as_string(distinct.astype("datetime64[s]")).astype("S19")
    out = np.empty((len(time_ns), WIDTH), np.uint8)
    out[:, :19] = dates.view(np.uint8).reshape(-1, 19)[which]
    out[:, 19] = ord(".")
    out[:, 20:23] = _DIGITS[nanoseconds // 1_000_000]
    out[:, 23:26] = _DIGITS[nanoseconds // 1000 % 1000]
    out[:, 26:29] = _DIGITS[nanoseconds % 1000]
    out[:, 29] = ord("Z")
    return out


def _has_form(characters: UInt8) -> bool:
    """Whether digits and marks stand where they should; numpy would understand, and warn of, other forms, too."""
    is_digit = (characters >= ord("0")) & (characters <= ord("9"))
    return bool(np.where(_FORM == ord("0"), is_digit, characters == _FORM).all())


def parse(texts: Sequence[str]) -> Int64:
    """Undo `render`.

    Returns
    -------
    (n,) int64, nanoseconds since 1970, UTC.

    Raises
    ------
    ValueError : a time is not of that form, or beyond the years 1677 to 2262.
    """
    found: npt.NDArray[np.bytes_] = np.array(
        [text.encode("ascii", "replace") for text in texts], f"S{WIDTH + 1}"
    )
    characters = found.view(np.uint8).reshape(-1, WIDTH + 1)
    if _has_form(characters):
        with contextlib.suppress(ValueError):
            without_zone: Any = np.ascontiguousarray(characters[:, :29]).view("S29").ravel()
            time_ns: Int64 = without_zone.astype("datetime64[ns]").view(np.int64)
            # Also finds what wrapped around.
            if np.array_equal(render(time_ns), characters[:, :WIDTH]):
                return time_ns
    example = f": {texts[0][:60]!r}" if len(texts) == 1 else ""
    raise ValueError(f"not a time such as 2023-11-14T22:13:20.000000000Z{example}")
