"""A message packed by hand: values only, in an order that both sides know, each as narrow as it can be.

This is what ``PackedByteArray.encode_u8`` and its like, or `struct`, can reach: no names, no types. A count stands
only in front of what varies in length (text, arrays, bytes). It is the bottom line: in a real game each width must also
suit the largest value that will ever come.
"""

from __future__ import annotations

import struct
from typing import Any

from gdlab.sizes.errors import NoSize
from gdlab.sizes.memory import needs_64_bits
from gdlab.variant.containers import Dictionary
from gdlab.variant.kinds import Type
from gdlab.variant.packed import PackedArray
from gdlab.variant.types import type_of
from gdlab.variant.wire import FIXED, narrow


def packed_by_hand(root: Any, *, double: bool = False) -> bytes:
    """The bytes.

    Raises
    ------
    NoSize : an object, which nobody can pack by hand.
    """
    out: list[bytes] = []
    pending: list[Any] = [root]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value, Dictionary) and value.key_type is not None:
                # A declared key type says that the keys are data, not the names of fields.
                out.append(_count(len(value)))
                pending += reversed([part for pair in value.items() for part in pair])
            else:
                pending += reversed(list(value.values()))
        elif type_of(value) is Type.ARRAY:
            out.append(_count(len(value)))
            pending += reversed(value)
        else:
            out.append(_one(value, double))
    return b"".join(out)


def _one(value: Any, double: bool) -> bytes:
    kind = type_of(value)
    if kind in {Type.NIL, Type.CALLABLE}:
        return b""
    if kind is Type.BOOL:
        return bytes([bool(value)])
    if kind is Type.INT:
        return whole(int(value))
    if kind is Type.FLOAT:
        return struct.pack("<d", value) if needs_64_bits(value) else narrow(float(value))
    if kind in {Type.STRING, Type.STRING_NAME, Type.NODE_PATH}:
        return _text(str(value))
    if kind in FIXED:
        fixed = FIXED[kind]
        parts = fixed.flatten(value)
        if fixed.code == "i":
            return struct.pack(f"<{len(parts)}i", *parts)
        if double and not fixed.always_narrow:
            return struct.pack(f"<{len(parts)}d", *parts)
        return b"".join(narrow(float(part)) for part in parts)
    if kind is Type.RID:
        return struct.pack("<q", value.id)
    if kind is Type.PACKED_STRING_ARRAY:
        return _count(len(value)) + b"".join(map(_text, value))
    if kind is Type.PACKED_BYTE_ARRAY:
        raw = bytes(value)
        return _count(len(raw)) + raw
    if isinstance(value, PackedArray) or hasattr(value, "tobytes"):
        return _count(len(value)) + bytes(value.tobytes())
    raise NoSize(f"a {kind.godot_name} means nothing outside of the game that sent it")


def whole(value: int) -> bytes:
    """An integer as its narrowest unsigned or signed field."""
    for code, bits in (("B", 8), ("b", 7), ("H", 16), ("h", 15), ("I", 32), ("i", 31), ("Q", 64), ("q", 63)):
        if (-(1 << bits) if code.islower() else 0) <= value < (1 << bits):
            return struct.pack(f"<{code}", value)
    raise NoSize("an integer of more than 64 bits")


def _count(n: int) -> bytes:
    return whole(n)


def _text(text: str) -> bytes:
    raw = text.encode()
    return _count(len(raw)) + raw
