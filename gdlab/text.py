"""How numbers are written where people read them: the same on every screen, picture and page.

Thousands are separated by a comma, as in the sentences around them; it cannot break a line inside a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(value: float, digits: int = 3) -> str:
    """A number with three significant digits and its thousands apart; an integer exactly.

    Infinite ones are ``∞``, unknown ones (NaN) ``unknown``.
    """
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "unknown" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def count(n: int, noun: str) -> str:
    """How many of what: ``1 message``, ``2,000 messages``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def size(n: int) -> str:
    """A number of bytes: exactly below 10 KiB, in KiB or MiB above."""
    for unit, unit_bytes in (("MiB", 2**20), ("KiB", 2**10)):
        if n >= 10 * unit_bytes:
            return f"{n / unit_bytes:,.1f} {unit}"
    return count(n, "byte")


def mean_size(n: float) -> str:
    """A mean of bytes in full, with a digit behind the point where it has one."""
    return f"{n:,.1f}".removesuffix(".0")


def age(seconds: float, units: Sequence[str] = ("s", "min", "h")) -> str:
    """How long ago, without the word: ``0.3 s``, ``45 s``, ``3 min``, ``5 h``."""
    second, minute, hour = units
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} {second}"
    if seconds < 120:
        return f"{seconds:.0f} {second}"
    if seconds < 7200:
        return f"{seconds / 60:.0f} {minute}"
    return f"{seconds / 3600:.0f} {hour}"


def percent(share: float) -> str:
    """A share as per cent: two significant digits, whole ones from 10 % on, never 0 or 100 unless it is."""
    if not math.isfinite(share):
        return "unknown"
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    if value < 10:
        return f"{value:.2g} %"
    return f"{value:.0f} %" if value < 99.5 else f"{math.floor(value * 10) / 10:.1f} %"
