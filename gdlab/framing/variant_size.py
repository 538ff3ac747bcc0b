"""How many bytes a Variant takes, without making its value: what tells a stream of Variants from any other.

Sizes and flags are those of Godot 4.6 (core/io/marshalls.cpp). What the engine would not write is no Variant here:
a bool beside 0 and 1, text that is not UTF-8, bits that mean nothing.
"""

from __future__ import annotations

import struct
from typing import Final

#: Not a Variant.
NONE: Final = -1
#: A Variant so far; more bytes decide.
MORE: Final = 0

#: Containers inside one another; the engine allows 1024, and traffic has a few.
_MAX_DEPTH: Final = 200

_U32: Final = struct.Struct("<I").unpack_from
_WIDE: Final = 1  # numbers of 64 bits
_TYPES: Final = 39
_NIL, _BOOL, _INT, _FLOAT, _STRING = range(5)
_STRING_NAME, _NODE_PATH, _RID, _OBJECT, _CALLABLE, _SIGNAL, _DICTIONARY, _ARRAY = range(21, 29)
_BYTES, _INT32S, _INT64S, _FLOATS, _DOUBLES, _STRINGS = range(29, 35)

#: Numbers of float or int32 in a value; of those of `real` each takes twice as much where the header is wide.
_REALS: Final = {5: 2, 7: 4, 9: 3, 11: 6, 12: 4, 14: 4, 15: 4, 16: 6, 17: 9, 18: 12, 19: 16}
_FIXED: Final = {6: 8, 8: 16, 10: 12, 13: 16, 20: 16, _CALLABLE: 0, _RID: 8}
#: Bytes of one element of the packed arrays; of vectors twice that where the header is wide.
_PACKED: Final = {_BYTES: 1, _INT32S: 4, _INT64S: 8, _FLOATS: 4, _DOUBLES: 8, 37: 16}
_PACKED_REALS: Final = {35: 2, 36: 3, 38: 4}


def variant_size(data: bytes | bytearray, at: int = 0) -> int:
    """Bytes of the Variant that begins at `at`: `MORE` where it is not complete, `NONE` where it is none."""
    end = _end(data, at, 0)
    return end - at if end > 0 else end


def is_structured(data: bytes | bytearray, at: int = 0) -> bool:
    """Whether a Variant has lengths or text inside, which small numbers do not have by chance."""
    return data[at] in (_STRING, _STRING_NAME, _DICTIONARY, _ARRAY, *range(_BYTES, _TYPES))


def _end(data: bytes | bytearray, at: int, depth: int) -> int:
    """Where the Variant at `at` ends; `MORE` or `NONE`."""
    if len(data) < at + 4:
        begun = bytes(data[at:]) + bytes(at + 4 - len(data))
        return MORE if begun[0] < _TYPES and not begun[1] | begun[3] and begun[2] < 16 else NONE
    (header,) = _U32(data, at)
    kind, flags = header & 0xFF, header >> 16
    if kind >= _TYPES or header & 0xFF00 or depth > _MAX_DEPTH:
        return NONE
    body = at + 4
    if kind in (_DICTIONARY, _ARRAY):
        return _container(data, body, kind, flags, depth)
    if flags > _WIDE:
        return NONE
    wide = flags == _WIDE
    if kind in _REALS:
        return _known(data, body + _REALS[kind] * (8 if wide else 4))
    if kind in (_INT, _FLOAT):
        return _known(data, body + (8 if wide else 4))
    if kind in _PACKED_REALS:
        return _counted(data, body, _PACKED_REALS[kind] * (8 if wide else 4))
    if wide and kind != _OBJECT:
        return NONE
    if kind == _NIL:
        return body
    if kind == _BOOL:
        value = bytes(data[body : body + 4])
        return _known(data, body + 4) if b"\1\0\0\0".startswith(value) or not any(value) else NONE
    if kind in (_STRING, _STRING_NAME):
        return _text(data, body)
    if kind in _FIXED:
        return _known(data, body + _FIXED[kind])
    if kind in _PACKED:
        return _counted(data, body, _PACKED[kind])
    if kind == _STRINGS:
        return _texts(data, body)
    if kind == _NODE_PATH:
        return _path(data, body)
    if kind == _OBJECT:
        return _known(data, body + 8) if wide else _object(data, body, depth)
    if kind == _SIGNAL:
        name = _text(data, body)
        return name if name <= 0 else _known(data, name + 8)
    return NONE


def _known(data: bytes | bytearray, end: int) -> int:
    return end if end <= len(data) else MORE


def _count(data: bytes | bytearray, at: int) -> int | None:
    """A number of elements or bytes; None where it has not come."""
    return _U32(data, at)[0] if len(data) >= at + 4 else None


def _text(data: bytes | bytearray, at: int) -> int:
    size = _count(data, at)
    if size is None:
        return MORE
    if size > 1 << 24:
        return NONE
    start, stop = at + 4, at + 4 + size
    try:
        bytes(data[start : min(stop, len(data))]).decode(errors="strict" if stop <= len(data) else "ignore")
    except UnicodeDecodeError:
        return NONE
    end = start + -(-size // 4) * 4
    if any(data[stop:end]):
        return NONE
    return _known(data, end)


def _texts(data: bytes | bytearray, at: int) -> int:
    count = _count(data, at)
    if count is None:
        return MORE
    end = at + 4
    for _ in range(count):
        end = _text(data, end)
        if end <= 0:
            return end
    return end


def _counted(data: bytes | bytearray, at: int, each: int) -> int:
    count = _count(data, at)
    if count is None:
        return MORE
    if count * each > 1 << 28:
        return NONE
    return _known(data, at + 4 + -(-count * each // 4) * 4)


def _path(data: bytes | bytearray, at: int) -> int:
    names = _count(data, at)
    if names is None:
        return MORE
    if not names & 0x8000_0000:
        return NONE
    if len(data) < at + 12:
        return MORE
    subnames, flags = struct.unpack_from("<II", data, at + 4)
    if subnames > 0xFFFF or names & 0x7FFF_FFFF > 0xFFFF or flags > 3:
        return NONE
    end = at + 12
    for _ in range((names & 0x7FFF_FFFF) + subnames):
        end = _text(data, end)
        if end <= 0:
            return end
    return end


def _object(data: bytes | bytearray, at: int, depth: int) -> int:
    """Behind an object that is encoded whole: its class, and its properties by name; null has no class."""
    end = _text(data, at)
    if end <= 0 or not any(data[at : at + 4]):
        return end
    count = _count(data, end)
    if count is None:
        return MORE
    if count > 1 << 16:
        return NONE
    end += 4
    for _ in range(count):
        name = _text(data, end)
        end = name if name <= 0 else _end(data, name, depth + 1)
        if end <= 0:
            return end
    return end


def _typed(data: bytes | bytearray, at: int, how: int) -> int:
    """Behind the type of the elements of a typed container: 1 is a built-in one, 2 and 3 are classes by name."""
    if how == 0:
        return at
    return _known(data, at + 4) if how == 1 else _text(data, at)


def _container(data: bytes | bytearray, at: int, kind: int, flags: int, depth: int) -> int:
    if flags > (3 if kind == _ARRAY else 15):
        return NONE
    for how in (flags & 3, flags >> 2):
        at = _typed(data, at, how)
        if at <= 0:
            return at
    count = _count(data, at)
    if count is None:
        return MORE
    if count & 0x7FFF_FFFF > 1 << 24:
        return NONE
    end = at + 4
    for _ in range((count & 0x7FFF_FFFF) * (1 if kind == _ARRAY else 2)):
        end = _end(data, end, depth + 1)
        if end <= 0:
            return end
    return end
