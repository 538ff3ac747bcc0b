"""From bytes to one value that holds no others: a reader for each type, and for the fields they share.

Sizes are checked before anything is made; what is refused raises `Bad`, with the engine's own error.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NoReturn

import numpy as np

from gdlab.errors import Told
from gdlab.facts import Statement
from gdlab.variant.containers import PackedStringArray
from gdlab.variant.kinds import ENCODED_OBJECT_CLASS, ClassType, ContainerType, ScriptType, Type
from gdlab.variant.packed import PACKED, PackedArray
from gdlab.variant.records import RID, Callable, NodePath, Signal, StringName
from gdlab.variant.wire import (
    ABSOLUTE,
    BUILTIN,
    CLASS_NAME,
    COUNT_MASK,
    FIXED,
    NEW_NODE_PATH,
    OLD_PROPERTY,
    SCRIPT,
    TYPE_MASK,
    WIDE,
    wide_nan,
)

Buffer = bytes | memoryview

_u32: Final = struct.Struct("<I").unpack_from
_i32: Final = struct.Struct("<i").unpack_from
_i64: Final = struct.Struct("<q").unpack_from
_u64: Final = struct.Struct("<Q").unpack_from
_f32: Final = struct.Struct("<f").unpack_from
_f64: Final = struct.Struct("<d").unpack_from
_array: Final = np.ndarray.__new__

#: Of each fixed-size type and width: bytes, reader, builder, whether a NaN needs care.
FIXED_BY_HEADER: Final = {
    kind | wide: (
        struct.calcsize(f"<{fixed.count}{fixed.code_of(wide)}"),
        struct.Struct(f"<{fixed.count}{fixed.code_of(wide)}").unpack_from,
        fixed.build,
        fixed.code_of(wide) == "f",
    )
    for kind, fixed in FIXED.items()
    for wide in (0, WIDE)
}

INVALID: Final = "ERR_INVALID_DATA"
END_OF_FILE: Final = "ERR_FILE_EOF"
UNAUTHORIZED: Final = "ERR_UNAUTHORIZED"
TOO_DEEP: Final = "ERR_OUT_OF_MEMORY"


#: Parts of a Variant that have words; others are called by their type.
PARTS: Final = frozenset(
    {"string length", "signal object", "count", "declared type", "header", "object id", "property count"}
)


class Bad(Exception):
    """Bytes that are refused; `decode` adds the path and raises `VariantDecodeError`."""

    def __init__(self, offset: int, code: str, expected: Told, found: Told) -> None:
        super().__init__(offset, code, expected, found)
        self.offset = offset
        self.code = code
        self.expected = expected
        self.found = found


def short(offset: int, end: int, need: int, what: str) -> NoReturn:
    """Refuse input that ends inside a fixed part: a type of Godot, or one of the parts that have words."""
    part = Statement.of(f"variant-part/{what}") if what in PARTS else what
    found = Statement.of("variant/bytes", size=max(0, end - offset))
    raise Bad(offset, INVALID, Statement.of("variant/part", size=need, part=part), found)


def _left(size: int) -> Statement:
    return Statement.of("variant/left", size=size)


def read_text(data: Buffer, pos: int, end: int) -> tuple[str, int]:
    """A String field: length, UTF-8, padding; gives the text and the position after it.

    The engine drops a byte order mark in front, and all from the first NUL on.
    """
    if end - pos < 4:
        short(pos, end, 4, "string length")
    (length,) = _u32(data, pos)
    start = pos + 4
    after = start + (length + 3 & ~3)
    if after > end:
        raise Bad(
            pos,
            END_OF_FILE,
            Statement.of("variant/string", size=_i32(data, pos)[0]),
            _left(end - start),
        )
    raw = data[start : start + length]
    try:
        text = str(raw, "utf-8")
        if "\0" in text:
            text = text[: text.index("\0")]
    except UnicodeDecodeError:
        text = _text_before_nul(bytes(raw), start)
    return (text[1:] if text[:1] == "\ufeff" else text), after


def _text_before_nul(raw: bytes, start: int) -> str:
    """Text that is not all UTF-8; what follows a NUL need not be."""
    raw = raw.partition(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Bad(start + error.start, INVALID, "UTF-8", repr(raw[error.start : error.start + 8])) from None


def _bool(data: Buffer, pos: int, end: int, _header: int) -> tuple[Any, int]:
    if end - pos < 4:
        short(pos, end, 4, "bool")
    return _u32(data, pos)[0] != 0, pos + 4


def _nil(_data: Buffer, pos: int, _end: int, _header: int) -> tuple[Any, int]:
    return None, pos


def exact_reals(data: Buffer, pos: int, parts: tuple[float, ...]) -> tuple[float, ...]:
    """32-bit reals at `pos` with the bits of every NaN kept, which a conversion would change."""
    return tuple(
        wide_nan(_u32(data, pos + 4 * i)[0]) if part != part else part  # the test for NaN
        for i, part in enumerate(parts)
    )


def _string_name(data: Buffer, pos: int, end: int, _header: int) -> tuple[Any, int]:
    text, pos = read_text(data, pos, end)
    return StringName(text), pos


def _node_path(data: Buffer, pos: int, end: int, _header: int) -> tuple[Any, int]:
    if end - pos < 4:
        short(pos, end, 4, "NodePath")
    (names,) = _u32(data, pos)
    if not names & NEW_NODE_PATH:
        raise Bad(pos, INVALID, Statement("variant/high bit"), f"0x{names:08x}")
    if end - pos < 12:
        short(pos, end, 12, "NodePath")
    names &= COUNT_MASK
    (subnames,) = _u32(data, pos + 4)
    (flags,) = _u32(data, pos + 8)
    # The engine adds in 32 bits; so does this. A count that is too large fails at the first missing string.
    total = names + subnames + (1 if flags & OLD_PROPERTY else 0) & 0xFFFFFFFF
    pos += 12
    texts = []
    for _ in range(total):
        text, pos = read_text(data, pos, end)
        texts.append(text)
    return NodePath(tuple(texts[:names]), tuple(texts[names:]), bool(flags & ABSOLUTE)), pos


def _rid(data: Buffer, pos: int, end: int, _header: int) -> tuple[Any, int]:
    if end - pos < 8:
        short(pos, end, 8, "RID")
    return RID(_i64(data, pos)[0]), pos + 8


def _callable(_data: Buffer, pos: int, _end: int, _header: int) -> tuple[Any, int]:
    return Callable(), pos


def _signal(data: Buffer, pos: int, end: int, _header: int) -> tuple[Any, int]:
    name, pos = read_text(data, pos, end)
    if end - pos < 8:
        short(pos, end, 8, "signal object")
    return Signal(name, _u64(data, pos)[0]), pos + 8


def _packed_bytes(data: Buffer, pos: int, end: int, _header: int) -> tuple[Any, int]:
    if end - pos < 4:
        short(pos, end, 4, "count")
    (count,) = _i32(data, pos)
    pos += 4
    if not 0 <= count <= end - pos:
        raise Bad(pos - 4, INVALID, Statement.of("variant/bytes", size=count), _left(end - pos))
    # Missing padding is accepted; the position then lies behind the end.
    return bytes(data[pos : pos + count]), pos + (count + 3 & ~3)


def _packed_strings(data: Buffer, pos: int, end: int, _header: int) -> tuple[Any, int]:
    if end - pos < 4:
        short(pos, end, 4, "count")
    (count,) = _i32(data, pos)
    pos += 4
    texts = PackedStringArray()
    for _ in range(count):
        text, pos = read_text(data, pos, end)
        texts.append(text)
    return texts, pos


def _packed(data: Buffer, pos: int, end: int, header: int) -> tuple[Any, int]:
    if end - pos < 4:
        short(pos, end, 4, "count")
    (count,) = _i32(data, pos)
    pos += 4
    cls, dtype, size, columns = _PACKED_BY_HEADER[header & _KIND_AND_WIDTH]
    size *= count
    if count < 0 or size > end - pos:
        raise Bad(
            pos - 4,
            INVALID,
            Statement.of("variant/elements", count=count, type=cls.__name__),
            _left(end - pos),
        )
    shape = (count, columns) if columns else (count,)
    if type(data) is bytes:
        return _array(cls, shape, dtype, data, pos), pos + size
    return _array(cls, shape, dtype, bytes(data[pos : pos + size]), 0), pos + size


_KIND_AND_WIDTH: Final = TYPE_MASK | WIDE
_WIDE_REAL: Final = np.dtype("<f8")


def _packed_row(cls: type[PackedArray], wide: int) -> tuple[type[PackedArray], np.dtype[Any], int, int]:
    dtype = _WIDE_REAL if wide and cls.has_double() else cls.scalar
    return cls, dtype, dtype.itemsize * (cls.columns or 1), cls.columns


#: Of each packed array and width: class, dtype, bytes of an element, components of it (0: no second axis).
_PACKED_BY_HEADER: Final = {
    int(kind) | wide: _packed_row(cls, wide) for kind, cls in PACKED.items() for wide in (0, WIDE)
}

_READERS: Final = {
    Type.NIL: _nil,
    Type.BOOL: _bool,
    Type.STRING_NAME: _string_name,
    Type.NODE_PATH: _node_path,
    Type.RID: _rid,
    Type.CALLABLE: _callable,
    Type.SIGNAL: _signal,
    Type.PACKED_BYTE_ARRAY: _packed_bytes,
    Type.PACKED_STRING_ARRAY: _packed_strings,
    **dict.fromkeys(PACKED, _packed),
}
#: Reader of each type number; None for the types that `decode` reads itself.
READERS: Final = [_READERS.get(kind) for kind in Type]


def read_container_type(
    data: Buffer, pos: int, end: int, kind: int, full_objects: bool
) -> tuple[ContainerType, int]:
    """A declared type of a container, by its two header bits; gives the type and the position after it."""
    if kind == BUILTIN:
        if end - pos < 4:
            short(pos, end, 4, "declared type")
        (number,) = _u32(data, pos)
        if number >= len(READERS):
            raise Bad(pos, INVALID, Statement("variant/type"), str(number))
        if number == Type.OBJECT and not full_objects:
            return ClassType(ENCODED_OBJECT_CLASS), pos + 4
        return (Type(number) if number else None), pos + 4
    if kind == CLASS_NAME:
        name, pos = read_text(data, pos, end)
        if not full_objects:
            name = ENCODED_OBJECT_CLASS
        return (ClassType(name) if name else Type.OBJECT), pos
    if kind == SCRIPT:
        path, after = read_text(data, pos, end)
        if not full_objects:
            return ClassType(ENCODED_OBJECT_CLASS), after
        if not path.startswith("res://"):
            raise Bad(pos, INVALID, Statement("variant/script path"), repr(path[:40]))
        return ScriptType(path), after
    return None, pos
