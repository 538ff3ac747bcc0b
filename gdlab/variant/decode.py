"""From bytes to a value: the strict general decoder, which every faster one has to agree with.

It walks the bytes with a stack of its own, so no input can exhaust Python's. Nothing is allocated for a
count; an element is made when its bytes have been seen, and each takes at least four of them, so time and
memory are at most proportional to the input.

Notes
-----
Read as Godot 4.6.3 reads. Input of 4.0 to 4.2 has no typed containers and no PackedVector4Array
and is otherwise the same. Godot 3 numbers its types differently (Vector2 is 5 in both, but there Rect2 is 6,
Color 14, Dictionary 18, Array 19), so most of its values are refused, or read as another type;
the error says so where it shows.

What the engine checks against the running game is not checked here: that a class exists, that a script loads.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NoReturn

import numpy as np

from gdlab.errors import VariantDecodeError
from gdlab.facts import Statement
from gdlab.variant.containers import Array, Dictionary
from gdlab.variant.convert import DROP, fitted
from gdlab.variant.keys import filed, given
from gdlab.variant.kinds import ContainerType, Type
from gdlab.variant.readers import (
    FIXED_BY_HEADER,
    INVALID,
    READERS,
    TOO_DEEP,
    UNAUTHORIZED,
    Bad,
    Buffer,
    exact_reals,
    read_container_type,
    read_text,
    short,
)
from gdlab.variant.records import EncodedObject, ObjectRecord
from gdlab.variant.types import type_of
from gdlab.variant.wire import COUNT_MASK, DECLARED, MAX_DEPTH, TYPE_MASK, WIDE, quiet

_words: Final = struct.Struct("<II").unpack_from
_u32: Final = struct.Struct("<I").unpack_from
_i32: Final = struct.Struct("<i").unpack_from
_i64: Final = struct.Struct("<q").unpack_from
_u64: Final = struct.Struct("<Q").unpack_from
_f32: Final = struct.Struct("<f").unpack_from
_f64: Final = struct.Struct("<d").unpack_from
_put: Final = dict.__setitem__

# What the value being read is for.
_ROOT, _ITEM, _TYPED_ITEM, _KEY, _VALUE, _PROPERTY = range(6)

_Frame = tuple[int, Any, int, int, Any, Any]


def decode(data: Buffer, pos: int, end: int, *, full_objects: bool = False) -> tuple[Any, int]:
    """The value at `pos`, and the position after it.

    Parameters
    ----------
    data : the bytes; packed arrays are views of it where it is `bytes`, else copies.
    pos, end : where the value begins, and where its bytes end at the latest.
    full_objects : read objects that were sent whole, as `ObjectRecord`; else they are refused.

    Raises
    ------
    VariantDecodeError : Godot would refuse the bytes, too; `code` is its error.
    """
    frames: list[_Frame] = []
    first = pos
    words, put, new_dict, new_list = _words, _put, dict.__new__, list.__new__
    fixed_by_header = FIXED_BY_HEADER
    # The innermost open container: what the next value is for, the container, how many values it has in all,
    # how many are missing, the declared type of elements or keys, the key (or property) the next value
    # belongs to.
    role, count, left = _ROOT, 1, 1
    target: Any = None
    value: Any
    declared: ContainerType = None
    key: Any = None
    try:
        while True:
            if role == _PROPERTY:
                key, pos = read_text(data, pos, end)
                if len(frames) > MAX_DEPTH:
                    _deep(pos)
            # Most values have a word behind the header, so both are read at once where they are there.
            if end - pos >= 8:
                header, word = words(data, pos)
            elif end - pos >= 4:
                header, word = _u32(data, pos)[0], 0
            else:
                short(pos, end, 4, "header")
            kind = header & 0xFF
            if kind == 4:
                start = pos + 8
                stop = start + word
                after = start + (word + 3 & -4)
                if after <= end and start <= end:
                    try:
                        value = str(data[start:stop], "utf-8")
                    except UnicodeDecodeError:
                        value, pos = read_text(data, pos + 4, end)
                    else:
                        pos = after
                        if value >= "\ufeff" or "\0" in value:
                            value, pos = read_text(data, start - 4, end)
                else:
                    value, pos = read_text(data, pos + 4, end)
            elif kind == 2:
                if header & WIDE:
                    if end - pos < 12:
                        short(pos + 4, end, 8, "int")
                    (value,) = _i64(data, pos + 4)
                    pos += 12
                else:
                    if end - pos < 8:
                        short(pos + 4, end, 4, "int")
                    value = word if word < 0x80000000 else word - 0x100000000
                    pos += 8
            elif kind == 3:
                if header & WIDE:
                    if end - pos < 12:
                        short(pos + 4, end, 8, "float")
                    (value,) = _f64(data, pos + 4)
                    pos += 12
                else:
                    if end - pos < 8:
                        short(pos + 4, end, 4, "float")
                    (value,) = _f32(data, pos + 4)
                    if value != value:  # the test for NaN
                        value = quiet(value)
                    pos += 8
            elif kind == 27 or kind == 28:
                is_dictionary = kind == 27
                inner = value_type = None
                at = pos + 4
                if header & DECLARED:
                    inner, at = read_container_type(data, at, end, header >> 16 & 3, full_objects)
                    if is_dictionary:
                        value_type, at = read_container_type(data, at, end, header >> 18 & 3, full_objects)
                    if end - at >= 4:
                        (word,) = _u32(data, at)
                if end - at < 4:
                    short(at, end, 4, "count")
                elements = word & COUNT_MASK
                pos = at + 4
                if is_dictionary:
                    value = new_dict(Dictionary)
                    if inner is not None or value_type is not None:
                        value.with_types(inner, value_type)
                else:
                    value = new_list(Array)
                    if inner is not None:
                        value.element_type = inner
                if elements:
                    frames.append((role, target, count, left, declared, key))
                    role = _KEY if is_dictionary else _ITEM if inner is None else _TYPED_ITEM
                    target, count, left, declared, key = value, elements, elements, inner, None
                    if len(frames) > MAX_DEPTH:
                        _deep(pos)
                    continue
            elif (fixed := fixed_by_header.get(header & 0x100FF)) is not None:
                size, unpack, build, narrow = fixed
                pos += 4
                if end - pos < size:
                    short(pos, end, size, Type(kind).godot_name)
                parts = unpack(data, pos)
                if narrow:
                    total = sum(parts)
                    if total != total:  # NaN, or infinities of both signs
                        parts = exact_reals(data, pos, parts)
                value = build(parts)
                pos += size
            elif kind == 24:
                if header & WIDE:
                    if end - pos < 12:
                        short(pos + 4, end, 8, "object id")
                    value = EncodedObject(_u64(data, pos + 4)[0])
                    pos += 12
                else:
                    value, elements, pos = _open_object(data, pos, end, full_objects)
                    if elements > 0:
                        frames.append((role, target, count, left, declared, key))
                        role, target, count, left, declared, key = (
                            _PROPERTY,
                            value,
                            elements,
                            elements,
                            None,
                            None,
                        )
                        continue
            elif kind < len(READERS):
                value, pos = READERS[kind](data, pos + 4, end, header)
            else:
                _unknown(pos, header)

            # Hand the value to the container it belongs to; a container that is complete is a value in turn.
            while True:
                if role == _ITEM:
                    target.append(value)
                elif role == _VALUE:
                    if key is not DROP:
                        put(target, key, value)
                    role = _KEY
                elif role == _KEY:
                    if declared is not None:
                        value = _accept(value, declared)
                    key = value if type(value) is str or value is DROP else filed(value)
                    role = _VALUE
                    break
                elif role == _ROOT:
                    return value, pos
                elif role == _TYPED_ITEM:
                    value = _accept(value, declared)
                    if value is not DROP:
                        target.append(value)
                else:
                    _check_script(key, value, pos)
                    target.properties[key] = value
                left -= 1
                if left:
                    break
                value = target
                role, target, count, left, declared, key = frames.pop()
    except Bad as bad:
        frames.append((role, target, count, left, declared, key))
        raise refusal(bad, path_of(frames), _older(data, first, end)) from None


#: Containers of Godot 3; in Godot 4 these are Transform3D and Projection.
_GODOT_3: Final = {18: "Dictionary", 19: "Array"}


def _older(data: Buffer, pos: int, end: int) -> Statement | str:
    """A hint where refused bytes look like a container of Godot 3, whose elements have types up to 26."""
    if end - pos < 8:
        return ""
    header, count = _words(data, pos)
    name = _GODOT_3.get(header)
    if name is None or not count <= (end - pos - 8) // 4:
        return ""
    if count and _u32(data, pos + 8)[0] & ~WIDE > 26:
        return ""
    return Statement.of("variant/godot3", type=header, name=name)


def _unknown(pos: int, header: int) -> NoReturn:
    found = Statement.of("variant/in header", type=header & TYPE_MASK, header=f"0x{header:08x}")
    raise Bad(pos, INVALID, Statement("variant/type"), found)


def _deep(pos: int) -> NoReturn:
    raise Bad(pos, TOO_DEEP, Statement.of("variant/deep", most=MAX_DEPTH), f"{MAX_DEPTH + 1}")


def _accept(value: Any, declared: ContainerType) -> Any:
    """An element or key as its typed container keeps it, or `DROP`."""
    wanted = declared if isinstance(declared, Type) else Type.OBJECT
    return fitted(value, type_of(value), wanted)


def _open_object(data: Buffer, pos: int, end: int, full_objects: bool) -> tuple[Any, int, int]:
    """An object that was sent whole, without its properties; their number; the position after it."""
    if not full_objects:
        raise Bad(
            pos,
            UNAUTHORIZED,
            Statement("variant/no object"),
            Statement("variant/object"),
        )
    name, pos = read_text(data, pos + 4, end)
    if not name:
        return EncodedObject(0), 0, pos
    if end - pos < 4:
        short(pos, end, 4, "property count")
    return ObjectRecord(name), _i32(data, pos)[0], pos + 4


def _check_script(name: str, value: Any, pos: int) -> None:
    """Refuse what the engine refuses as the script of an object."""
    if name != "script" or value is None:
        return
    if type(value) is not str:
        raise Bad(pos, INVALID, Statement("variant/object script"), type(value).__name__)
    if value and not value.startswith("res://"):
        raise Bad(pos, INVALID, Statement("variant/object res"), repr(value[:40]))


def path_of(frames: list[_Frame]) -> str:
    """Where in the value the last frame stands, as the end of an expression; long ones lose their middle."""
    parts = []
    for role, _, count, left, _, key in frames:
        if role in {_ITEM, _TYPED_ITEM}:
            parts.append(f"[{count - left}]")
        elif role == _VALUE:
            parts.append(f"[{_short_repr(given(key))}]" if key is not DROP else "[a key that was dropped]")
        elif role == _KEY:
            parts.append(f"<key {count - left}>")
        elif role == _PROPERTY:
            parts.append(f".properties[{_short_repr(key)}]")
    if len(parts) > 12:
        parts[6:-6] = [f" ... {len(parts) - 12} levels ... "]
    return "".join(parts)


def _short_repr(key: Any) -> str:
    if isinstance(key, str):
        return repr(str(key)) if len(key) <= 40 else repr(str(key[:37]) + "...")
    if isinstance(key, (list, dict, np.ndarray, bytes)):
        return f"<{type(key).__name__} of {len(key)}>"
    return repr(key)[:80]


def refusal(bad: Bad, path: str, hint: Statement | str = "") -> VariantDecodeError:
    """The error users see."""
    told = Statement.of(
        "variant/refused",
        offset=bad.offset,
        where=Statement.of("variant/where", path=path) if path else "",
        expected=bad.expected,
        found=bad.found,
        code=bad.code,
        hint=hint,
    )
    return VariantDecodeError(
        told,
        offset=bad.offset,
        path=path,
        expected=bad.expected,
        found=bad.found,
        code=bad.code,
    )
