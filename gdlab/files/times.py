"""Times as text, `2023-11-14T22:13:20.000000000Z`, whole columns at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gdlab.payloads import Int64, UInt8

#: Characters of a time.
WIDTH = 30

_DIGITS = np.frombuffer(b"".join(b"%03d" % number for number in range(1000)), np.uint8).reshape(1000, 3)

_FORM = np.frombuffer(b"0000-00-00T00:00:00.000000000Z\0", np.uint8)
_IS_DIGIT = np.isin(_FORM, np.frombuffer(b"0", np.uint8))


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


def parse(texts: Sequence[str]) -> Int64:
    """Undo `render`.

    Returns
    -------
    (n,) int64, nanoseconds since 1970, UTC.

    Raises
    ------
    ValueError : a time is not of that form, or beyond the years 1677 to 2262.
    """
    # numpy's own reading of dates takes more forms than this one, and version 1.26 can crash on what is none.
    found: npt.NDArray[np.bytes_] = np.array(
        [text.encode("ascii", "replace") for text in texts], f"S{WIDTH + 1}"
    )
    characters = found.view(np.uint8).reshape(-1, WIDTH + 1)
    digits = characters - ord("0")  # wraps around for what stands before the digits

    def number(start: int, stop: int) -> Int64:
        value = np.zeros(len(texts), np.int64)
        for position in range(start, stop):
            value = value * 10 + digits[:, position]
        return value

    if bool(np.where(_IS_DIGIT, digits < 10, characters == _FORM).all()):
        months = (number(0, 4) - 1970) * 12 + number(5, 7) - 1
        days = months.view("datetime64[M]").astype("datetime64[D]").view(np.int64) + number(8, 10) - 1
        seconds = ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60 + number(17, 19)
        time_ns = seconds * 1_000_000_000 + number(20, 29)
        # Finds dates that the calendar does not have, and what wrapped around.
        if np.array_equal(render(time_ns), characters[:, :WIDTH]):
            return time_ns
    example = f": {texts[0][:60]!r}" if len(texts) == 1 else ""
    raise ValueError(f"not a time such as 2023-11-14T22:13:20.000000000Z{example}")
