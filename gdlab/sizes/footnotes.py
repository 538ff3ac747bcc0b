"""The remarks under a table of sizes: what the figures mean, and why they are what they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd

from gdlab.sizes.by_hand import Layout
from gdlab.sizes.errors import NoSize
from gdlab.sizes.memory import needs_64_bits, packed_element, variant_bytes
from gdlab.variant.kinds import Type
from gdlab.variant.types import type_of

#: Values looked at for remarks that depend on them.
_LOOK_AT: Final = 20_000
#: A longer format is no help to look at.
_LONGEST_FORMAT: Final = 300
_UDP_MTU_PAYLOAD: Final = 1472  # of a link of 1500 bytes, with IPv4
_UDP_MAX: Final = 65507
_WS_DEFAULT: Final = 65535

#: What the engine's memory showed; the last sentence of a widespread remark says otherwise.
DECLARED: Final = (
    "Declaring a type does not shrink anything: in Godot 4.6.3 a script's member took 24.5 bytes and a local "
    "variable 24.05, the same for untyped, int, bool, float and Vector2, and an element of Array[int] takes 24.00 "
    "as one of Array does. The often-read sentence that a variable with a declared type takes only the bytes of "
    "its type does not hold. Types buy checks and faster instructions; only Packed*Array stores bare elements."
)


def footnotes(messages: Sequence[Any], table: pd.DataFrame, *, of: int, double: bool) -> tuple[str, ...]:
    """Remarks that hold for these messages, the most general first."""
    notes = []
    if len(messages) > 1:
        taken = f"{len(messages)} of {of} messages, evenly spread" if of > len(messages) else f"{of} messages"
        notes.append(f"Means of {taken}.")
    notes.append(
        f"Memory, wire and RPC are three different things. A Variant is {variant_bytes(double)} bytes in the engine "
        "whatever it holds; text, containers and transforms lie outside of it. var_to_bytes writes a header of 4 "
        "bytes for each value. An RPC shortens bools and ints, but only those that are arguments themselves. "
        "Memory is that of a received message in a debug build."
    )
    if double:
        notes.append(
            "Figures of memory in a double-precision build are computed from its types, not measured."
        )
    leaves = list(_leaves(messages))
    notes += _numbers(leaves)
    notes += _comparison(table)
    notes += _layout(messages, double)
    notes += _packed(messages, double)
    notes.append(DECLARED)
    notes += _limits(table)
    return tuple(notes)


def _leaves(messages: Sequence[Any]) -> Iterable[Any]:
    """Values that are no containers, in order, up to a limit."""
    pending: list[Any] = list(reversed(messages))
    for _ in range(_LOOK_AT):
        if not pending:
            return
        value = pending.pop()
        if isinstance(value, dict):
            pending += reversed(list(value.values()))
        elif type_of(value) is Type.ARRAY:
            pending += reversed(value)
        else:
            yield value


def _numbers(leaves: list[Any]) -> list[str]:
    floats = [float(value) for value in leaves if type_of(value) is Type.FLOAT]
    ints = [int(value) for value in leaves if type_of(value) is Type.INT]
    notes = []
    wide = [value for value in floats if value == value and needs_64_bits(value)]
    narrow = [value for value in floats if value == value and not needs_64_bits(value)]
    if wide or narrow:
        first, second = (wide or [0.1])[0], (narrow or [0.5])[0]
        notes.append(
            f"{first!r} costs 12 bytes and {second!r} costs 8, because Godot writes a float with 32 bits only where "
            f"that gives the same number again; the nearest 32-bit float to {first!r} is another number. "
            "Components of vectors are rounded to 32 bits without asking."
        )
    large = [value for value in ints if not -(2**31) <= value < 2**31]
    if large:
        notes.append(f"{large[0]} costs 12 bytes: an int beyond 32 bits is written with 64.")
    beyond = [value for value in ints if abs(value) > 2**53]
    if beyond:
        notes.append(
            f"{beyond[0]} is beyond 2**53: Godot reads JSON numbers as floats, so that way it arrives as "
            f"{int(float(beyond[0]))}."
        )
    return notes


def _comparison(table: pd.DataFrame) -> list[str]:
    figures = table["bytes"]
    variant, json, by_hand = (figures[key] for key in ("variant", "json", "by_hand"))
    notes = []
    if pd.notna(json) and json < variant:
        note = (
            f"JSON is smaller here ({json:.0f} against {variant:.0f} bytes): names and small numbers are short as "
            "text. var_to_bytes keeps the types and needs no parser."
        )
        if pd.notna(by_hand):
            note += f" Packed by hand, with names and types unsaid, it is {by_hand:.0f}."
        notes.append(note)
    if table["deflate_bytes"]["variant"] > 0.9 * variant:
        notes.append("Compressing one small message gains little or nothing: there is too little to repeat.")
    return notes


def _layout(messages: Sequence[Any], double: bool) -> list[str]:
    """The layout that was packed by hand, as `decode=` reads it."""
    try:
        layout = Layout(messages, double=double)
    except NoSize:
        return []
    known = layout.format
    if known is not None and len(known) <= _LONGEST_FORMAT:
        return [f'Packed by hand is "{known}" here, which decode= reads.']
    if len(layout.shapes) > 1:
        return [
            f"The messages have {len(layout.shapes)} shapes: packed by hand, a first byte says which one follows."
        ]
    return []


def _packed(messages: Sequence[Any], double: bool) -> list[str]:
    """How much smaller an Array of one type would be."""
    for value in messages[:20]:
        if type_of(value) is not Type.ARRAY or len(value) < 2:
            continue
        element = packed_element(value, double=double)
        if element is not None and element.array is not Type.PACKED_STRING_ARRAY:
            name, size = element.array.godot_name, element.bytes
            note = (
                f"In a {name} its {len(value)} elements take {size} byte{'s' if size != 1 else ''} each, in memory "
                f"and on the wire; in an Array {variant_bytes(double)} in memory, and a header each on the wire."
            )
            return [note]
    return []


def _limits(table: pd.DataFrame) -> list[str]:
    largest = table["max_bytes" if "max_bytes" in table else "bytes"]["variant"]
    if largest > _UDP_MAX:
        note = (
            f"{largest:.0f} bytes do not fit into a datagram ({_UDP_MAX} at most), nor, with Godot's default "
            f"buffers, into a WebSocket message ({_WS_DEFAULT})."
        )
        return [note]
    if largest > _UDP_MTU_PAYLOAD:
        note = (
            f"A datagram of {largest:.0f} bytes travels in fragments on an ordinary link ({_UDP_MTU_PAYLOAD} bytes fit "
            "into one); losing one loses all."
        )
        return [note]
    return []
