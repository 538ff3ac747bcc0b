"""Bytes a value takes in the memory of a running engine.

A Variant is 24 bytes (40 in double-precision builds), whatever it holds and whatever type was declared for it: a
script's variables, an Array's elements and a call's arguments are Variants all the same. Text, containers, packed
arrays and transforms lie outside of it.

Source: Godot 4.6.3, a debug build on 64-bit Linux, asked by ``OS.get_static_memory_usage()`` around 2000 calls of
``bytes_to_var``. So this is what a *received* message takes: an allocation each, without the allocator's own share,
arrays with the spare room that appending leaves, text with one 32-bit character a byte of UTF-8. Constants that a
script shares take less. Figures of double-precision builds are computed from the sizes of their types; no such
build was measured.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from gdlab.variant.kinds import Type
from gdlab.variant.packed import PACKED
from gdlab.variant.records import EncodedObject, NodePath, ObjectRecord, Signal
from gdlab.variant.types import type_of

VARIANT: Final = 24
VARIANT_DOUBLE: Final = 40

_BLOCK: Final = 32  # in front of the elements of a String, an Array and a packed array
_ARRAY: Final = 64
_DICTIONARY: Final = 128
_SLOT: Final = 12  # of a dictionary's hash table: a pointer and a hash
_LINKS: Final = 16  # of an entry, beside its key and its value
_PACKED: Final = 32
_NODE_PATH: Final = 64
_NAME: Final = 48  # an entry of the table of names
_OBJECT: Final = 376  # an EncodedObjectAsID, which is what arrives in place of an object
_POOL_LINK: Final = 8
#: Types that do not fit into a Variant, with the number of reals of the pool they come from.
_POOLED: Final = {
    Type.TRANSFORM2D: 6,
    Type.AABB: 6,
    Type.BASIS: 12,
    Type.TRANSFORM3D: 12,
    Type.PROJECTION: 16,
}
#: Sizes that the hash table of a dictionary goes through; the first two are skipped.
_TABLES: Final = (
    23, 47, 97, 193, 389, 769, 1543, 3079, 6151, 12289, 24593, 49157, 98317, 196613, 393241, 786433, 1572869,
    3145739, 6291469, 12582917, 25165843, 50331653, 100663319, 201326611, 402653189, 805306457, 1610612741,
)  # fmt: skip


def variant_bytes(double: bool = False) -> int:
    """Size of a Variant itself."""
    return VARIANT_DOUBLE if double else VARIANT


def memory_bytes(root: object, *, double: bool = False) -> int:
    """Bytes of a received value: its Variant, and all that lies outside of it."""
    total = variant_bytes(double)
    pending: list[Any] = [root]
    while pending:
        value = pending.pop()
        total += outside_bytes(value, double=double)
        if isinstance(value, dict):
            pending += value.keys()
            pending += value.values()
        elif type_of(value) is Type.ARRAY:
            pending += value
        elif isinstance(value, ObjectRecord):
            pending += value.properties.values()
    return total


def outside_bytes(value: Any, *, double: bool = False) -> int:
    """Bytes that belong to a value and lie outside of its Variant.

    The Variants of a container's elements are among them, what these have outside of themselves is not.
    """
    kind = type_of(value)
    variant = variant_bytes(double)
    if kind in _POOLED:
        return _pooled(_POOLED[kind] * (8 if double else 4))
    if kind is Type.STRING:
        return _text(value, 1)
    if kind is Type.STRING_NAME:
        return _NAME + _text(value, 1)
    if kind is Type.ARRAY:
        return _ARRAY + _block(grown(len(value)), variant)
    if kind is Type.DICTIONARY:
        return _DICTIONARY + _hashed(len(value), variant)
    if kind is Type.NODE_PATH:
        return _path(value)
    if kind is Type.SIGNAL:
        name: Signal = value
        return _NAME + _text(name.name, 1) if name.name else 0
    if kind is Type.OBJECT:
        if isinstance(value, EncodedObject) and not value:
            return 0
        return _OBJECT
    if kind is Type.PACKED_STRING_ARRAY:
        return _PACKED + _block(grown(len(value)), 8) + sum(_text(text, 2) for text in value)
    if kind is Type.PACKED_BYTE_ARRAY:
        return _PACKED + _block(_least(len(memoryview(value).cast("B"))), 1)
    if kind in PACKED:
        return _PACKED + _block(_least(len(value)), element_bytes(kind, double=double))
    return 0


def _pooled(size: int) -> int:
    return size + _POOL_LINK


def _block(elements: int, size: int) -> int:
    return _BLOCK + elements * size if elements else 0


def _least(count: int) -> int:
    """Room made for one element is room for two."""
    return max(count, 2) if count else 0


def grown(count: int) -> int:
    """Room that an array has after so many were appended: 2, 3, 5, 8, 12, 18 ..."""
    if not count:
        return 0
    room = 2
    while room < count:
        room = (room * 3 + 1) // 2
    return room


def _hashed(count: int, variant: int) -> int:
    if not count:
        return 0
    table = next(size for size in _TABLES if count * 4 <= size * 3)  # at most three quarters full
    return table * _SLOT + count * (_LINKS + 2 * variant)


def _text(text: str, ends: int) -> int:
    """A String: as many 32-bit characters as bytes were read, and its end (two in a packed array)."""
    return _block(max(2, len(text.encode("utf-8", "replace")) + ends), 4)


def _path(path: NodePath) -> int:
    """A NodePath; its names are in the table of names, once for all paths, and not counted here."""
    if not path.names and not path.subnames:
        return 0
    return _NODE_PATH + sum(_block(grown(len(names)), 8) for names in (path.names, path.subnames))


def element_bytes(kind: Type, *, double: bool = False) -> int:
    """Bytes of one element of a packed array of numbers."""
    if kind is Type.PACKED_BYTE_ARRAY:
        return 1
    cls = PACKED[kind]
    size = 8 if double and cls.has_double() else cls.scalar.itemsize
    return size * (cls.columns or 1)


class Element(NamedTuple):
    """How a value lies in a packed array: which one, and bytes of one element (a String's text not counted)."""

    array: Type
    bytes: int


#: Packed array that holds a type of a fixed size.
_PACKED_OF: Final = {
    Type.VECTOR2: Type.PACKED_VECTOR2_ARRAY,
    Type.VECTOR3: Type.PACKED_VECTOR3_ARRAY,
    Type.VECTOR4: Type.PACKED_VECTOR4_ARRAY,
    Type.COLOR: Type.PACKED_COLOR_ARRAY,
}


def packed_element(values: list[Any], *, double: bool = False) -> Element | None:
    """The narrowest packed array that holds all these values without loss; None if none does."""
    kinds = {type_of(value) for value in values}
    if len(kinds) != 1:
        return None
    kind = kinds.pop()
    array = _PACKED_OF.get(kind)
    if kind is Type.BOOL:
        array = Type.PACKED_BYTE_ARRAY
    elif kind is Type.INT:
        low, high = min(values), max(values)
        if low >= 0 and high < 2**8:
            array = Type.PACKED_BYTE_ARRAY
        else:
            array = Type.PACKED_INT32_ARRAY if low >= -(2**31) and high < 2**31 else Type.PACKED_INT64_ARRAY
    elif kind is Type.FLOAT:
        wide = any(needs_64_bits(value) for value in values)
        array = Type.PACKED_FLOAT64_ARRAY if wide else Type.PACKED_FLOAT32_ARRAY
    elif kind in {Type.STRING, Type.STRING_NAME}:
        return Element(Type.PACKED_STRING_ARRAY, 8)
    return None if array is None else Element(array, element_bytes(array, double=double))


def needs_64_bits(value: float) -> bool:
    """Whether 32 bits would round a float. NaN is written with 64 bits, too, but 32 hold it."""
    if value != value:  # the test for NaN
        return False
    with np.errstate(over="ignore"):
        return float(np.float32(value)) != value
