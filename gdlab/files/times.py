"""Times as text, `2023-11-14T22:13:20.000000000Z`, whole columns at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gdlab.payloads import Int64, UInt8

#: Characters of a time.
WIDTH = 30

_DIGITS = np.frombuffer(b"".join(b"%03d" % number for number in range(1000)), np.uint8).reshape(1000, 3)

_FORM = np.frombuffer(b"0000-00-00T00:00:00.000000000Z", np.uint8)
#: Times as far as this fit into 64 bits of nanoseconds, whatever their seconds.
_MOST_SECONDS = 9_223_372_000
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
    if not characters[:, WIDTH].any():
        time_ns = parse_characters(characters[:, :WIDTH])
        if time_ns is not None:
            return time_ns
    example = f": {texts[0][:60]!r}" if len(texts) == 1 else ""
    raise ValueError(f"not a time such as 2023-11-14T22:13:20.000000000Z{example}")


def parse_characters(characters: UInt8) -> Int64 | None:
    """Undo `render` from its own form, (n, 30) uint8; None where one of them is not of that form."""
    digits = characters - ord("0")  # wraps around for what stands before the digits

    def number(start: int, stop: int) -> Int64:
        return _number(digits, start, stop)

    if not bool(np.where(_IS_DIGIT, digits < 10, characters == _FORM).all()):
        return None
    # A capture has far fewer seconds than rows: only those go through the calendar.
    minutes = (
        ((number(0, 4) * 100 + number(5, 7)) * 100 + number(8, 10)) * 10000
        + number(11, 13) * 100
        + number(14, 16)
    )
    _, first, which = np.unique(minutes, return_index=True, return_inverse=True)
    chosen = digits[first]
    year, month, day, hour, minute = (
        _number(chosen, start, stop) for start, stop in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16))
    )
    months = (year - 1970) * 12 + month - 1
    days = months.view("datetime64[M]").astype("datetime64[D]").view(np.int64) + day - 1
    begin = ((days * 24 + hour) * 60 + minute) * 60
    time_ns: Int64 = (begin[which] + number(17, 19)) * 1_000_000_000 + number(20, 29)
    # Finds dates that the calendar does not have, and what wrapped around.
    if bool((np.abs(begin) > _MOST_SECONDS).any()):
        good = np.array_equal(render(time_ns), characters)
    else:
        good = np.array_equal(render(begin * 1_000_000_000)[:, :16], characters[first][:, :16])
        good = good and not bool((number(17, 19) > 59).any())
    return time_ns if good else None


def _number(digits: UInt8, start: int, stop: int) -> Int64:
    value = np.zeros(len(digits), np.int64)
    for position in range(start, stop):
        value = value * 10 + digits[:, position]
    return value
