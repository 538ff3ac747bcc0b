"""Sentences with places for values, filled in.

A place is written as in `str.format`, ``{loss:.1%}``, and knows a little more, so that each language can put a number
into its own grammar:

``{count:byte}``          a number and its noun: 1 byte, 2,000 bytes
``{count:was|were}``      one of two texts, by the number, which is put in for a ``#``: ``{count:once|# times}``
``{size:kB}``             bytes as people read them: 12 bytes, 1.2 kB
``{parts:, }``            several values with a text between them
``{who:capital}``         a text at the beginning of a sentence
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from gdlab.text import count

#: A first letter and a second one: a noun, and no format such as ``x`` or ``,d``.
_NOUN_LETTERS: Final = 2
_CONVERSIONS: Final[dict[str | None, Callable[[Any], Any]]] = {
    None: lambda value: value,
    "r": repr,
    "s": str,
    "a": ascii,
}


@lru_cache(maxsize=2048)
def parsed(pattern: str) -> tuple[tuple[str, str | None, str, str | None], ...]:
    """Text, name, format and conversion of each place of a pattern, in order."""
    return tuple((text, name, form or "", how) for text, name, form, how in string.Formatter().parse(pattern))


def filled(pattern: str, values: Mapping[str, Any], byte: str, written: Callable[[Any], Any]) -> str:
    """Return the pattern with its values.

    Parameters
    ----------
    byte : what follows a number of bytes in this language, as a pattern for `number`.
    written : makes a text of a value that has one of its own, such as a fact, and gives back any other.
    """
    if "{" not in pattern and "}" not in pattern:
        return pattern
    parts = []
    for text, name, form, how in parsed(pattern):
        parts.append(text)
        if name is not None:
            parts.append(_field(_CONVERSIONS[how](values[name]), form, byte, written))
    return "".join(parts)


def _field(value: Any, form: str, byte: str, written: Callable[[Any], Any]) -> str:
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return form.join(_field(part, "", byte, written) for part in value)
    value = written(value)
    if form == "capital":
        return str(value[:1]).upper() + str(value[1:])
    if form == "kB":
        return amount(value, byte)
    if "|" in form:
        one, _, more = form.partition("|")
        return (one if value == 1 else more).replace("#", f"{value:,}")
    if form[:_NOUN_LETTERS].isalpha() and len(form) >= _NOUN_LETTERS:
        return count(value, form)
    return format(value, form)


def amount(size: float, byte: str) -> str:
    """Bytes as people read them: a few in full, many in kB or MB."""
    if size >= 1_000_000:
        return f"{size / 1e6:.1f} MB"
    if size >= 1000:
        return f"{size / 1000:.1f} kB"
    return filled(byte, {"number": round(size)}, byte, lambda value: value)
