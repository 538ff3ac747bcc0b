"""From a value to the bytes Godot 4 writes for it.

The choice of width is the engine's: an int takes 32 bits where it fits, a float where it survives them.
Nested values are walked with a stack of its own, so that none is too deep for Python before it is too deep
for Godot.
"""

from __future__ import annotations

import struct
from collections.abc import Callable as Function
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import numpy as np

from gdlab.errors import VariantEncodeError
from gdlab.variant.containers import Array, Dictionary, PackedStringArray
from gdlab.variant.keys import given
from gdlab.variant.kinds import ENCODED_OBJECT_CLASS, ClassType, ContainerType, ScriptType, Type
from gdlab.variant.packed import PACKED, PackedArray
from gdlab.variant.records import RID, Callable, EncodedObject, NodePath, ObjectRecord, Signal, StringName
from gdlab.variant.types import type_of
from gdlab.variant.wire import (
    ABSOLUTE,
    BUILTIN,
    CLASS_NAME,
    FIXED,
    MAX_BYTES,
    MAX_DEPTH,
    NEW_NODE_PATH,
    SCRIPT,
    WIDE,
    Fixed,
    narrow,
)

_word: Final = struct.Struct("<I").pack
_two_words: Final = struct.Struct("<II").pack
_narrow_int: Final = struct.Struct("<Ii").pack
_wide_int: Final = struct.Struct("<Iq").pack
_narrow_float: Final = struct.Struct("<If")
_wide_float: Final = struct.Struct("<Id").pack
_f32: Final = struct.Struct("<f").unpack_from
_PADDING: Final = (b"", b"\0\0\0", b"\0\0", b"\0")
_NIL: Final = bytes(4)
_INT32: Final = 1 << 31
_INT64: Final = 1 << 63


class Refused(Exception):
    """A value that cannot be written; `encode` adds the path and raises `VariantEncodeError`."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found


def integer(value: int) -> bytes:
    """An int, with 32 bits where it fits."""
    if -_INT32 <= value < _INT32:
        return _narrow_int(Type.INT, value)
    if -_INT64 <= value < _INT64:
        return _wide_int(Type.INT | WIDE, value)
    raise Refused("an int of at most 64 bits", f"one of {value.bit_length()} bits")


def real(value: float) -> bytes:
    """A float, with 32 bits where that gives the same number again; NaN never does."""
    try:
        packed = _narrow_float.pack(Type.FLOAT, value)
    except OverflowError:
        return _wide_float(Type.FLOAT | WIDE, value)
    return packed if _f32(packed, 4)[0] == value else _wide_float(Type.FLOAT | WIDE, value)


def utf8(text: str) -> bytes:
    """The bytes of a string that a Godot String can hold."""
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise Refused("text without unpaired surrogates", repr(text[error.start : error.start + 8])) from None
    if b"\0" in raw:
        raise Refused("text without NUL, where Godot's strings end", repr(text[:40]))
    return raw


def field(text: str) -> bytes:
    """A String field: length, UTF-8, padding."""
    raw = utf8(text)
    return _word(len(raw)) + raw + _PADDING[len(raw) & 3]


def _bytes(value: bytes | bytearray | memoryview) -> bytes:
    raw = bytes(value)
    return _two_words(Type.PACKED_BYTE_ARRAY, len(raw)) + raw + _PADDING[len(raw) & 3]


def _strings(value: PackedStringArray) -> bytes:
    parts = [_two_words(Type.PACKED_STRING_ARRAY, len(value))]
    for text in value:
        if not isinstance(text, str):
            raise Refused("only strings in a PackedStringArray", type(text).__name__)
        raw = utf8(text) + b"\0"  # the only strings whose NUL is written and counted
        parts += (_word(len(raw)), raw, _PADDING[len(raw) & 3])
    return b"".join(parts)


def _node_path(value: NodePath) -> bytes:
    return b"".join(
        (
            struct.pack(
                "<IIII",
                Type.NODE_PATH,
                len(value.names) | NEW_NODE_PATH,
                len(value.subnames),
                ABSOLUTE if value.absolute else 0,
            ),
            *map(field, value.names),
            *map(field, value.subnames),
        )
    )


def _id(value: int) -> bytes:
    if not -_INT64 <= value < 2 * _INT64:
        raise Refused("an id of at most 64 bits", f"one of {value.bit_length()} bits")
    return struct.pack("<Q", value & (2 * _INT64 - 1))


def _object_id(value: EncodedObject) -> bytes:
    # A null object is written as nil, as the engine writes it.
    return _word(Type.OBJECT | WIDE) + _id(value.object_id) if value.object_id else _NIL


def _fixed(fixed: Fixed, double: bool) -> Function[[Any], bytes]:
    header = fixed.type | (WIDE if double and fixed.code_of(WIDE) == "d" else 0)
    code = fixed.code_of(header)
    layout = struct.Struct(f"<I{fixed.count}{code}")
    flatten = fixed.flatten
    name = fixed.type.godot_name

    def write(value: Any) -> bytes:
        try:
            parts = flatten(value)
            if len(parts) != fixed.count:
                raise Refused(f"a {name} of {fixed.count} components", f"{len(parts)}")
            if code == "f":
                total = sum(parts)
                if total != total:  # NaN, or infinities of both signs
                    return _word(header) + b"".join(map(narrow, map(float, parts)))
            return layout.pack(header, *parts)
        except OverflowError:  # a real too large for 32 bits, which becomes infinite; or an int
            return _word(header) + b"".join(map(narrow, map(float, parts)))
        except (struct.error, TypeError, ValueError):
            kinds = "32-bit integers" if code == "i" else "numbers"
            raise Refused(f"a {name} of {fixed.count} {kinds}", repr(value)[:80]) from None

    return write


def _packed(value: PackedArray) -> bytes:
    if not value.fits():
        return _numpy(value.view(np.ndarray))
    wide = WIDE if value.columns and value.dtype.itemsize == 8 else 0
    if wide:  # a single-precision engine would not write this; see `_packed_double`
        value = _narrowed(value)
    return _two_words(value.type, len(value)) + value.tobytes()


def _packed_double(value: PackedArray) -> bytes:
    if not value.fits():
        return _numpy(value.view(np.ndarray), double=True)
    if not value.has_double():
        return _two_words(value.type, len(value)) + value.tobytes()
    with np.errstate(invalid="ignore"):  # widening a signalling NaN
        return _two_words(value.type | WIDE, len(value)) + value.astype("<f8").tobytes()


def _narrowed(value: PackedArray) -> PackedArray:
    with np.errstate(over="ignore", invalid="ignore"):
        return value.astype("<f4").view(type(value))


def _numpy(value: np.ndarray[Any, Any], *, double: bool = False) -> bytes:
    """A plain numpy array, as the packed array of its dtype and shape."""
    try:
        kind = type_of(value)
    except TypeError as error:
        raise Refused("a numpy array that is a packed array of Godot", str(error)) from None
    if kind is Type.PACKED_BYTE_ARRAY:
        return _bytes(value.tobytes())
    little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    packed = little.view(PACKED[kind])
    return _packed_double(packed) if double else _packed(packed)


_SINGLE: Final[dict[type, Function[[Any], bytes]]] = {
    type(None): lambda _: _NIL,
    bool: lambda value: _two_words(Type.BOOL, value),
    int: integer,
    float: real,
    str: lambda value: _word(Type.STRING) + field(value),
    StringName: lambda value: _word(Type.STRING_NAME) + field(value),
    NodePath: _node_path,
    RID: lambda value: _word(Type.RID) + _id(value.id),
    Callable: lambda _: _word(Type.CALLABLE),
    Signal: lambda value: _word(Type.SIGNAL) + field(value.name) + _id(value.object_id),
    EncodedObject: _object_id,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    PackedStringArray: _strings,
    np.ndarray: _numpy,
    **dict.fromkeys(PACKED.values(), _packed),
    **{fixed.cls: _fixed(fixed, False) for fixed in FIXED.values()},
}
_DOUBLE: Final[dict[type, Function[[Any], bytes]]] = {
    **_SINGLE,
    np.ndarray: lambda value: _numpy(value, double=True),
    **dict.fromkeys(PACKED.values(), _packed_double),
    **{fixed.cls: _fixed(fixed, True) for fixed in FIXED.values()},
}
_CONTAINERS: Final = frozenset({Array, list, tuple, Dictionary, dict, ObjectRecord})


def _declared(declared: ContainerType, full_objects: bool) -> tuple[int, bytes]:
    """The two header bits and the bytes of a declared type."""
    if declared is None or declared is Type.NIL:
        return 0, b""
    if isinstance(declared, Type) and (declared is not Type.OBJECT or full_objects):
        return BUILTIN, _word(declared)
    if not full_objects:  # the engine names no class to a reader that gets only ids
        return CLASS_NAME, field(ENCODED_OBJECT_CLASS)
    if isinstance(declared, ClassType):
        return CLASS_NAME, field(declared.class_name)
    if isinstance(declared, ScriptType):
        return SCRIPT, field(declared.path)
    raise Refused("a Type, ClassType or ScriptType as declared type", repr(declared)[:80])


def _plain(value: Any) -> Any:
    """A value of a class with a writer, from one of a class derived from it or from numpy."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    bases: tuple[Any, ...] = (StringName, str, int, float, PackedStringArray)
    for base in bases:
        if isinstance(value, base):
            return base(value)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    raise Refused(
        "a value Godot has a Variant for", f"a Python {type(value).__module__}.{type(value).__name__}"
    )


def _opened(value: Any, full_objects: bool) -> tuple[bytes, list[Any]]:
    """The bytes in front of a container's values, and the values; a dictionary's keys and values in turn."""
    if isinstance(value, dict):
        bits, types = 0, b""
        if isinstance(value, Dictionary):
            key_bits, key_type = _declared(value.key_type, full_objects)
            value_bits, value_type = _declared(value.value_type, full_objects)
            bits, types = key_bits << 16 | value_bits << 18, key_type + value_type
        flat = [part for key, item in dict.items(value) for part in (given(key), item)]
        return _word(Type.DICTIONARY | bits) + types + _word(len(value)), flat
    if isinstance(value, ObjectRecord):
        if not full_objects:
            raise Refused(
                "no whole object (ask for full_objects=True, or send EncodedObject(id))",
                f"ObjectRecord of {value.class_name}",
            )
        flat = []
        for name, item in value.properties.items():
            flat += (_Name(name), item)
        return _word(Type.OBJECT) + field(value.class_name) + _word(len(value.properties)), flat
    bits, types = _declared(value.element_type, full_objects) if isinstance(value, Array) else (0, b"")
    items = value if isinstance(value, list) else list(value)
    return _word(Type.ARRAY | bits << 16) + types + _word(len(items)), items


class _Name(str):
    """A property's name: written as a field, without a header."""

    __slots__ = ()


def encode(root: Any, *, full_objects: bool = False, double: bool = False) -> bytes:
    """The bytes Godot's ``var_to_bytes`` gives for `root`.

    Parameters
    ----------
    root : any value of `gdlab.variant.types`, or a plain list, tuple, dict, bytearray, numpy array or number.
    full_objects : write `ObjectRecord` and the classes of typed containers, as ``var_to_bytes_with_objects``.
    double : write reals of vectors with 64 bits, as a double-precision build of Godot does.

    Raises
    ------
    VariantEncodeError : Godot could not hold the value.
    """
    writers = _DOUBLE if double else _SINGLE
    out = bytearray()
    # Every open container: its values, and the iterator that stands in them.
    frames: list[tuple[Any, list[Any], Iterator[Any]]] = []
    current: tuple[Any, list[Any], Iterator[Any]] = (None, [root], iter([root]))
    try:
        while True:
            for value in current[2]:
                write = writers.get(type(value))
                if write is not None:
                    out += write(value)
                    continue
                if type(value) is _Name:
                    out += field(value)
                    continue
                if type(value) not in _CONTAINERS:
                    value = _plain(value)
                    write = writers.get(type(value))
                    if write is not None:
                        out += write(value)
                        continue
                opening, values = _opened(value, full_objects)
                if values and len(frames) == MAX_DEPTH:
                    _too_deep()
                out += opening
                frames.append(current)
                current = (value, values, iter(values))
                break
            else:
                if not frames:
                    break
                current = frames.pop()
            if len(out) > MAX_BYTES:
                break
        if len(out) > MAX_BYTES:
            _too_long(len(out))
    except Refused as refused:
        path = _path([*frames[1:], current] if frames else [])
        where = f" in value{path}" if path else ""
        raise VariantEncodeError(
            f"Godot has no Variant for this{where}: expected {refused.expected}, found {refused.found}",
            offset=len(out),
            path=path,
            expected=refused.expected,
            found=refused.found,
        ) from None
    return bytes(out)


def _too_long(size: int) -> NoReturn:
    raise Refused(f"at most {MAX_BYTES} bytes", f"{size} and more")


def _too_deep() -> NoReturn:
    raise Refused(
        f"at most {MAX_DEPTH} containers around a value", f"{MAX_DEPTH + 1} (does it contain itself?)"
    )


def _path(frames: list[tuple[Any, list[Any], Iterator[Any]]]) -> str:
    """Where the iterators stand, as the end of a Python expression; long ones lose their middle."""
    parts = []
    for container, values, iterator in frames:
        index = len(values) - iterator.__length_hint__() - 1  # type: ignore[attr-defined]  # a list's iterator
        if isinstance(container, dict):
            key = repr(values[index & ~1])
            parts.append(f"[{key[:80]}]" if index & 1 else f"<key {index // 2}>")
        elif isinstance(container, ObjectRecord):
            parts.append(f".properties[{str(values[index & ~1])[:40]!r}]")
        else:
            parts.append(f"[{index}]")
    if len(parts) > 12:
        parts[6:-6] = [f" ... {len(parts) - 12} levels ... "]
    return "".join(parts)
