"""Questions on Variant sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from gdlab.course.questions import Question, number
from gdlab.errors import VariantError
from gdlab.variant import dumps
from gdlab.words import worded

_STATE: Final = (7, 12.5, -3.25)
_LIMIT_BYTES: Final = 24
_PARTS: Final = 1000


def _numbers_in(value: Any, depth: int = 0) -> Iterator[float]:
    """All numbers of a value, in order."""
    if isinstance(value, bool) or value is None or depth > 8:
        return
    if isinstance(value, (int, float, np.number)):
        yield float(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _numbers_in(inner, depth + 1)
    elif not isinstance(value, (str, bytes, bytearray)):
        for number_, inner in enumerate(value):
            if number_ > _PARTS:
                return
            yield from _numbers_in(inner, depth + 1)


def _small_state(value: Any) -> tuple[bool, str]:
    """Look at a value that should say a state in few bytes."""
    if isinstance(value, str):
        return (
            False,
            worded(
                "As text it takes {v1} bytes, and the game has to parse it. Which types hold numbers?",
                v1=len(dumps(value)),
            ),
        )
    if isinstance(value, (bytes, bytearray)):
        return False, (
            "Bytes packed by hand can be small indeed, but whoever reads them has to know how. Here a Variant is asked "
            "for that holds the three numbers."
        )
    try:
        size = len(dumps(value))
    except VariantError as error:
        return False, worded("Godot's Variant cannot hold this: {error}", error=error)
    held = [part for part in _numbers_in(value) if math.isfinite(part)]
    missing = [part for part in _STATE if part not in held]
    if missing:
        return (
            False,
            worded(
                "It takes {size} bytes, and {v1:g} is not in it. All of 7, 12.5 and -3.25 have to be.",
                size=size,
                v1=missing[0],
            ),
        )
    if size > _LIMIT_BYTES:
        what = (
            worded("the names are sent every time")
            if isinstance(value, Mapping)
            else worded("every element has a header of its own")
        )
        return (
            False,
            worded(
                "All is in it, and it takes {size} bytes: {what}. Which type stores bare numbers behind one "
                "header?",
                size=size,
                what=what,
            ),
        )
    return True, (
        worded(
            "{size} bytes: one header for all. The price: both sides have to know which number means what, "
            "and all of them have the same type.",
            size=size,
        )
    )


QUESTIONS: Final = {
    "04.1": Question(
        'How many bytes does {"hp": 100} take as a Variant?',
        number(
            28,
            "8 for the Dictionary (header, count), 12 for the name (header, length, 'hp' padded to 4), 8 for the int.",
            unit="bytes",
            wrong=(
                (11, "That is JSON with a space in it."),
                (
                    10,
                    "That is JSON: short, because 100 is three characters there and the types are not told.",
                ),
                (24, "24 bytes is one Variant in memory. Or have you left out the padding, or the count?"),
                (26, "Every value is padded to a multiple of 4: 'hp' takes 4 bytes, not 2."),
                (20, "Something is left out: Dictionary, name and number have a header of 4 bytes each."),
                (16, "The name travels, too: a header, a length and its letters."),
            ),
            otherwise='len(dumps({"hp": 100})) tells; gd.sizes.tree({"hp": 100}) says where the bytes go.',
        ),
        ("A header of 4 bytes for each of the three: Dictionary, name, number.", 'len(dumps({"hp": 100}))'),
    ),
    "04.2": Question(
        "How many bytes does the float 0.1 take as a Variant?",
        number(
            12,
            "32 bits do not give 0.1 again, so Godot writes 64: 4 bytes of header, 8 of number. 0.5 needs 8 in all.",
            unit="bytes",
            wrong=(
                (8, "So much takes 0.5. Is 0.1 the same number again when it is stored with 32 bits?"),
                (4, "The header takes 4 already."),
                (3, "That is JSON."),
                (24, "That is its size in memory."),
            ),
            otherwise="A header of 4 bytes, and then 32 bits where they are exact, else 64.",
        ),
        ("Is 0.1 exact in 32 bits? numpy.float32(0.1) == 0.1",),
    ),
    "04.3": Question(
        "How many bytes of memory do the elements of an Array[int] with 1,000 elements take in Godot 4.6?",
        number(
            (24_000, 24_100),
            "24 bytes each, typed or not: the type is checked, but what is stored is a Variant.",
            unit="bytes",
            wrong=(
                (
                    (8000, 8100),
                    (
                        "That is what the remark promises: 8 bytes an int. It was measured, and it is not so. Only "
                        "PackedInt64Array stores bare numbers."
                    ),
                ),
                ((4000, 4100), "That is a PackedInt32Array."),
                ((20_000, 20_100), "16 + 4 is 20, but a Variant is padded to 24."),
                (24, "That is one element."),
            ),
            otherwise="What does the lesson say an element of a typed array takes?",
        ),
        ("The remark on typed arrays does not hold. What was measured instead?",),
    ),
    "04.4": Question(
        "Say id 7, x 12.5 and y -3.25 in a Variant of at most 24 bytes.",
        _small_state,
        (
            "A Dictionary sends its names, an Array a header for each element. What stores bare numbers?",
            "One of the Packed...Array types; 7 is exact as a float.",
        ),
    ),
}
