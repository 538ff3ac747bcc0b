"""Whether bytes are a Variant of Godot 3, whose types have other numbers than Godot 4's from the sixth on.

Sizes are those of Godot 3.6 (core/io/marshalls.cpp), built with floats of 32 bits.
"""

from __future__ import annotations

import struct
from typing import Final

_NONE: Final = -1
_MAX_DEPTH: Final = 64
_U32: Final = struct.Struct("<I").unpack_from
_WIDE: Final = 1 << 16
_STRING, _NODE_PATH, _OBJECT, _DICTIONARY, _ARRAY, _STRINGS = 4, 15, 17, 18, 19, 23
#: Bytes behind the header: nil, bool, Vector2, Rect2, Vector3, Transform2D, Plane, Quat, AABB, Basis, Transform, Color.
_FIXED: Final = {0: 0, 1: 4, 5: 8, 6: 16, 7: 12, 8: 24, 9: 16, 10: 16, 11: 24, 12: 36, 13: 48, 14: 16, 16: 0}
#: Bytes of an element of the pools: bytes, ints, floats, Vector2, Vector3, Color.
_POOLS: Final = {20: 1, 21: 4, 22: 4, 24: 8, 25: 12, 26: 16}
#: The types up to this have the same number in Godot 4.
_LAST_COMMON: Final = 5
#: Types that Godot 4 reads as numbers of floating point: lengths and types in their places would be next to nothing.
_CONTAINERS: Final = frozenset({_NODE_PATH, _DICTIONARY, _ARRAY, 20})


def is_godot3(data: bytes) -> bool:
    """Whether it is one whole Variant of Godot 3 that Godot 4 does not write."""
    if len(data) < 8 or not _LAST_COMMON < data[0] <= 26 or data[1] or data[3]:
        return False
    if data[0] >= _NODE_PATH and not any(data[4:]):
        return False  # an empty container may be anything
    return _end(data, 0, 0) == len(data)


def is_container(data: bytes) -> bool:
    """Whether it is one of Godot 3, also where Godot 4 would read a value of the very same size, but an absurd one."""
    return len(data) >= 8 and data[0] in _CONTAINERS and is_godot3(data)


def _end(data: bytes, at: int, depth: int) -> int:
    """Where the Variant at `at` ends; `_NONE` where there is none, or not all of it."""
    if depth > _MAX_DEPTH or at + 4 > len(data):
        return _NONE
    (header,) = _U32(data, at)
    kind, at = header & 0xFF, at + 4
    if header & ~(0xFF | _WIDE):
        return _NONE
    if kind in (2, 3):
        return _known(data, at + (8 if header & _WIDE else 4))
    if kind in _FIXED:
        return _known(data, at + _FIXED[kind])
    if kind == _STRING:
        return _text(data, at)
    count = _U32(data, at)[0] if at + 4 <= len(data) else _NONE
    if count == _NONE:
        return _NONE
    at += 4
    if kind == _NODE_PATH:
        return _path(data, at, count, depth)
    if kind == _OBJECT:
        return _known(data, at + 4) if header & _WIDE else _object(data, at - 4, depth)
    if kind in _POOLS:
        size = count * _POOLS[kind]
        return _known(data, at + size + -size % 4)
    if kind == _STRINGS:
        return _each(data, at, count, depth, texts=True)
    if kind in (_DICTIONARY, _ARRAY):
        number = count & 0x7FFFFFFF  # the upper bit: the container was shared
        return _each(data, at, number * (2 if kind == _DICTIONARY else 1), depth, texts=False)
    return _NONE


def _path(data: bytes, at: int, names: int, depth: int) -> int:
    if not names & 0x80000000 or at + 8 > len(data):
        return _NONE
    subnames, flags = struct.unpack_from("<II", data, at)
    if flags > 3:
        return _NONE
    return _each(data, at + 8, (names & 0x7FFFFFFF) + subnames, depth, texts=True)


def _object(data: bytes, at: int, depth: int) -> int:
    """The class of an object, and its properties by name; null has no class."""
    end = _text(data, at)
    if end == _NONE or not any(data[at : at + 4]):
        return end
    count = _U32(data, end)[0] if end + 4 <= len(data) else _NONE
    if count == _NONE or count * 8 > len(data) - end:
        return _NONE
    end += 4
    for _ in range(count):
        name = _text(data, end)
        end = _NONE if name == _NONE else _end(data, name, depth + 1)
        if end == _NONE:
            return _NONE
    return end


def _each(data: bytes, at: int, count: int, depth: int, *, texts: bool) -> int:
    if count * 4 > len(data) - at:
        return _NONE
    for _ in range(count):
        at = _text(data, at) if texts else _end(data, at, depth + 1)
        if at == _NONE:
            return _NONE
    return at


def _text(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        return _NONE
    size: int = _U32(data, at)[0]
    end = at + 4 + size + -size % 4
    if end > len(data):
        return _NONE
    try:
        data[at + 4 : at + 4 + size].decode()
    except UnicodeDecodeError:
        return _NONE
    return end


def _known(data: bytes, end: int) -> int:
    return end if end <= len(data) else _NONE
