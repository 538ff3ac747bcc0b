"""What students type, understood: numbers with and without units, words, yes and no."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from gdlab.words import worded

#: Factors from a unit to the one asked for, by the unit asked for.
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "ms": {"ms": 1, "millisecond": 1, "milliseconds": 1, "s": 1e3, "us": 1e-3, "µs": 1e-3},
    "s": {"s": 1, "second": 1, "seconds": 1, "ms": 1e-3, "min": 60, "minute": 60, "minutes": 60},
    "bytes": {"bytes": 1, "byte": 1, "b": 1, "kb": 1e3, "kib": 1024, "mb": 1e6, "mib": 2**20},
    "%": {"%": 1, "percent": 1},
    "hz": {"hz": 1, "fps": 1, "/s": 1, "per second": 1, "frames per second": 1},
}

_NUMBER = re.compile(
    r"\s*(?:[^\W\d_]+[.:]?\s+){0,3}[~≈]?\s*([-+]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(.*?)\s*",
    re.IGNORECASE,
)
#: A comma that is no separator of thousands, as in 16,7.
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,(?!\d{3}$)\d+")
_WORD = re.compile(r"[^\W_]+")


class NotUnderstood(Exception):
    """An answer of another kind than was asked for; the message says what is expected."""


def number(answer: object, unit: str = "") -> float:
    """The number that an answer is.

    Parameters
    ----------
    answer : a number of any library, one in a list or column of length one, or text such as ``"16.7 ms"``.
    unit : the one asked for; text may say another one of the same quantity.

    Raises
    ------
    NotUnderstood : it is no number, or has another unit.
    """
    asked = worded("a number ({unit})", unit=unit) if unit else worded("a number")
    if isinstance(answer, bool):
        raise NotUnderstood(worded("this asks for {asked}, not for yes or no", asked=asked))
    if isinstance(answer, (str, bytes)):
        return _number_of_text(
            answer if isinstance(answer, str) else answer.decode(errors="replace"), unit, asked
        )
    if hasattr(answer, "total_seconds") and unit == "ms":
        answer = answer.total_seconds() * 1e3
    if hasattr(answer, "item") and getattr(answer, "size", 1) == 1:
        answer = answer.item()
    if isinstance(answer, (list, tuple)) and len(answer) == 1:
        return number(answer[0], unit)
    if hasattr(answer, "__len__"):
        raise NotUnderstood(
            worded("this asks for {asked}, and that is {v1} values; give one", asked=asked, v1=len(answer))
        )
    if callable(answer):
        raise NotUnderstood(
            worded("this asks for {asked}, and that is a function; call it with ()", asked=asked)
        )
    try:
        value = float(answer)  # type: ignore[arg-type]  # whatever it is: what cannot be one is told so
    except (TypeError, ValueError, OverflowError):
        raise NotUnderstood(
            worded("this asks for {asked}, not for a {v1}", asked=asked, v1=type(answer).__name__)
        ) from None
    if not math.isfinite(value):
        raise NotUnderstood(worded("this asks for {asked}, and that is {value}", asked=asked, value=value))
    return value


def _number_of_text(text: str, unit: str, asked: str) -> float:
    found = _NUMBER.fullmatch(text[:200])
    if found is None:
        raise NotUnderstood(
            worded(
                "this asks for {asked}, such as 12.5, and not for the text {v1!r}", asked=asked, v1=text[:60]
            )
        )
    digits = found[1].replace(",", "." if _DECIMAL_COMMA.fullmatch(found[1]) else "").replace("_", "")
    value, told = float(digits), found[2].lower()
    if not told or told == unit:
        return value
    factors = _UNITS.get(unit, {})
    if told not in factors:
        raise NotUnderstood(
            worded(
                "this asks for {asked}, and not for {v1!r}; give the number alone", asked=asked, v1=told[:30]
            )
        )
    return value * factors[told]


def words(answer: object) -> str:
    """An answer in words, in small letters, single spaces between; True and False are ``yes`` and ``no``.

    Raises
    ------
    NotUnderstood : it is no text.
    """
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, bytes):
        answer = answer.decode(errors="replace")
    if isinstance(answer, int):
        return str(answer)
    if not isinstance(answer, str):
        raise NotUnderstood(
            worded("this asks for a word in quotes, not for a {v1}", v1=type(answer).__name__)
        )
    return " ".join(_WORD.findall(answer[:500].lower()))
