"""A Variant's bytes explained field by field, as a table with a readable text and HTML."""

from __future__ import annotations

import html
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from gdlab.errors import VariantDecodeError
from gdlab.variant.decode import decode
from gdlab.variant.kinds import Type
from gdlab.variant.packed import PACKED
from gdlab.variant.readers import READERS
from gdlab.variant.wire import (
    BUILTIN,
    COUNT_MASK,
    FIXED,
    NEW_NODE_PATH,
    OLD_PROPERTY,
    TYPE_MASK,
    UNTYPED,
    WIDE,
)

#: Fields listed; a longer table ends with a line that says how many bytes follow.
MAX_FIELDS: Final = 2000
#: Elements of a packed array listed one by one; the rest is one field.
MAX_ELEMENTS: Final = 16
_SHOWN_BYTES: Final = 24
_u32: Final = struct.Struct("<I").unpack_from


@dataclass(frozen=True, slots=True)
class Field:
    """Some bytes and what they say.

    Attributes
    ----------
    offset : of the first byte.
    data : the bytes.
    meaning : what they are for.
    value : what they say, as text; empty for what has no value, such as padding.
    depth : containers around them.
    """

    offset: int
    data: bytes
    meaning: str
    value: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """The fields of one payload, in order and without gaps; `error` if the codec refuses it."""

    fields: tuple[Field, ...]
    size: int
    error: Exception | None = None

    def rows(self) -> list[tuple[int, str, str, str]]:
        """Offset, bytes as hex, meaning and value of each field."""
        return [
            (item.offset, _hex(item.data), "  " * item.depth + item.meaning, item.value)
            for item in self.fields
        ]

    def __str__(self) -> str:
        rows = self.rows()
        wide = max([len(row[1]) for row in rows], default=5)
        means = max([len(row[2]) for row in rows], default=7)
        lines = [f"{'offset':>6}  {'bytes':{wide}}  {'meaning':{means}}  value"]
        lines += [
            f"{at:6}  {raw:{wide}}  {meaning:{means}}  {value}".rstrip() for at, raw, meaning, value in rows
        ]
        if self.error is not None:
            lines.append(f"refused: {self.error}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><td style='text-align:right'>{item.offset}</td><td><code>{_hex(item.data)}</code></td>"
            f"<td style='text-align:left;padding-left:{item.depth + 0.5}em'>{html.escape(item.meaning)}</td>"
            f"<td style='text-align:left'>{html.escape(item.value)}</td></tr>"
            for item in self.fields
        )
        refused = f"<p>refused: {html.escape(str(self.error))}</p>" if self.error is not None else ""
        head = "<tr><th>offset</th><th>bytes</th><th>meaning</th><th>value</th></tr>"
        return f"<table>{head}{body}</table>{refused}"


def explain(data: bytes | bytearray | memoryview, *, full_objects: bool = False) -> Explanation:
    """What every byte of a payload says; never raises for bad input, but shows where it goes wrong.

    Parameters
    ----------
    data : a payload; bytes behind the value are shown as such.
    full_objects : explain objects that were sent whole.
    """
    raw = bytes(data)
    error = None
    try:
        used = min(decode(raw, 0, len(raw), full_objects=full_objects)[1], len(raw))
    except VariantDecodeError as refused:
        error = refused
        used = min(refused.offset, len(raw))
    fields: list[Field] = []
    at = 0
    try:
        for found in _walk(raw):
            if found.offset + len(found.data) > used and error is not None:
                break
            fields.append(found)
            at = found.offset + len(found.data)
            if len(fields) == MAX_FIELDS or at >= used:
                break
    except (struct.error, IndexError, ValueError):  # past the point where the decoder stopped
        pass
    if at < used:
        meaning = "more fields, not listed" if len(fields) == MAX_FIELDS else "read, but not listed"
        fields.append(Field(at, raw[at:used], meaning, f"{used - at} bytes"))
    if used < len(raw):
        meaning = "refused from here on" if error is not None else "not part of the value: ignored"
        fields.append(Field(used, raw[used:], meaning, f"{len(raw) - used} bytes"))
    return Explanation(tuple(fields), len(raw), error)


def _hex(data: bytes) -> str:
    return data[:_SHOWN_BYTES].hex(" ") + (" ..." if len(data) > _SHOWN_BYTES else "")


def _walk(data: bytes) -> Iterator[Field]:
    """Fields from the start, for bytes that the decoder takes at least as far as the caller reads on."""
    pos = 0
    # What is still to come: (depth, what the next value is), innermost last; a role may hold many values.
    pending: list[_Open] = [_Open(0, "value", 1)]
    while pending:
        top = pending[-1]
        if top.left == 0:
            pending.pop()
            continue
        role, depth = top.next_role(), top.depth
        if role == "property":
            for item in _text(data, pos, depth, "name of a property"):
                yield item
                pos = item.offset + len(item.data)
        (header,) = _u32(data, pos)
        kind = header & TYPE_MASK
        if kind >= len(READERS):
            return
        name = Type(kind).godot_name
        wide = ", 64-bit" if header & WIDE and (kind in {2, 3} or _wide(kind)) else ""
        yield Field(pos, data[pos : pos + 4], f"{role}: type", f"{name} ({kind}{wide})", depth)
        pos += 4
        if kind in {Type.ARRAY, Type.DICTIONARY}:
            for shift, what in ((16, "element" if kind == Type.ARRAY else "key"), (18, "value"))[: 29 - kind]:
                for item in _declared(data, pos, header >> shift & 3, what, depth + 1):
                    yield item
                    pos = item.offset + len(item.data)
            count = _u32(data, pos)[0] & COUNT_MASK
            yield Field(pos, data[pos : pos + 4], "count", str(count), depth + 1)
            pos += 4
            pending.append(
                _Open(depth + 1, "element", count) if kind == Type.ARRAY else _entries(depth + 1, count)
            )
        elif kind == Type.OBJECT and not header & WIDE:
            at = pos
            for item in _text(data, pos, depth + 1, "class"):
                yield item
                pos = item.offset + len(item.data)
            if _u32(data, at)[0] == 0:  # no class: a null object, and nothing follows
                continue
            (count,) = struct.unpack_from("<i", data, pos)
            yield Field(pos, data[pos : pos + 4], "count of properties", str(count), depth + 1)
            pos += 4
            pending.append(_Open(depth + 1, "property", max(0, count)))
        else:
            for item in _simple(data, pos, header, kind, depth + 1):
                yield item
                pos = item.offset + len(item.data)


@dataclass(slots=True)
class _Open:
    """A container that still misses values."""

    depth: int
    role: str
    left: int
    total: int = 0

    def __post_init__(self) -> None:
        self.total = self.left

    def next_role(self) -> str:
        """What the next value is, and count it."""
        index = self.total - self.left
        self.left -= 1
        if self.role == "entry":
            return f"{'value' if index & 1 else 'key'} {index // 2}"
        return f"element {index}" if self.role == "element" else self.role


def _entries(depth: int, count: int) -> _Open:
    return _Open(depth, "entry", 2 * count)


def _wide(kind: int) -> bool:
    """Whether the wide bit means something for a type of reals."""
    if kind in FIXED:
        return FIXED[Type(kind)].code_of(WIDE) == "d"
    return kind in PACKED and PACKED[Type(kind)].has_double()


def _text(data: bytes, pos: int, depth: int, what: str) -> Iterator[Field]:
    (length,) = _u32(data, pos)
    yield Field(pos, data[pos : pos + 4], f"{what}: length", f"{length} bytes", depth)
    pos += 4
    if length:
        shown = data[pos : pos + length].decode(errors="replace")
        yield Field(pos, data[pos : pos + length], what, repr(shown[:80]), depth)
    padding = data[pos + length : pos + (length + 3 & ~3)]
    if padding:
        yield Field(pos + length, padding, "padding", "", depth)


def _declared(data: bytes, pos: int, kind: int, what: str, depth: int) -> Iterator[Field]:
    if kind == UNTYPED:
        return
    if kind == BUILTIN:
        number = _u32(data, pos)[0]
        yield Field(pos, data[pos : pos + 4], f"declared {what} type", Type(number).godot_name, depth)
        return
    yield from _text(data, pos, depth, f"declared {what} {'class' if kind == 2 else 'script'}")


def _simple(data: bytes, pos: int, header: int, kind: int, depth: int) -> Iterator[Field]:
    """Fields of a value without values inside."""
    if kind in {Type.NIL, Type.CALLABLE}:
        return
    if kind in {Type.STRING, Type.STRING_NAME}:
        yield from _text(data, pos, depth, "text")
    elif kind in FIXED:
        fixed = FIXED[Type(kind)]
        yield from _numbers(data, pos, fixed.code_of(header), fixed.fields, depth)
    elif kind in {Type.BOOL, Type.INT, Type.FLOAT, Type.RID, Type.OBJECT}:
        wide = bool(header & WIDE)
        code = {1: "I", 2: "q" if wide else "i", 3: "d" if wide else "f", 23: "Q", 24: "Q"}[kind]
        meaning = {Type.OBJECT: "instance id", Type.RID: "id"}.get(Type(kind), Type(kind).godot_name)
        (value,) = struct.unpack_from(f"<{code}", data, pos)
        shown = repr(bool(value)) if kind == Type.BOOL else repr(value)
        yield Field(pos, data[pos : pos + struct.calcsize(code)], meaning, shown, depth)
    elif kind == Type.NODE_PATH:
        yield from _node_path(data, pos, depth)
    elif kind == Type.SIGNAL:
        for item in _text(data, pos, depth, "name"):
            yield item
            pos = item.offset + len(item.data)
        yield Field(pos, data[pos : pos + 8], "object id", str(struct.unpack_from("<Q", data, pos)[0]), depth)
    else:
        yield from _array(data, pos, header, Type(kind), depth)


def _numbers(data: bytes, pos: int, code: str, names: tuple[str, ...], depth: int) -> Iterator[Field]:
    size = struct.calcsize(code)
    for name in names:
        (value,) = struct.unpack_from(f"<{code}", data, pos)
        yield Field(pos, data[pos : pos + size], name, repr(value), depth)
        pos += size


def _node_path(data: bytes, pos: int, depth: int) -> Iterator[Field]:
    names, subnames, flags = struct.unpack_from("<III", data, pos)
    yield Field(pos, data[pos : pos + 4], "count of names", str(names & ~NEW_NODE_PATH), depth)
    yield Field(pos + 4, data[pos + 4 : pos + 8], "count of subnames", str(subnames), depth)
    yield Field(pos + 8, data[pos + 8 : pos + 12], "flags", "absolute" if flags & 1 else "relative", depth)
    pos += 12
    names &= COUNT_MASK
    for index in range(names + subnames + bool(flags & OLD_PROPERTY) & 0xFFFFFFFF):
        for item in _text(data, pos, depth, "name" if index < names else "subname"):
            yield item
            pos = item.offset + len(item.data)


def _array(data: bytes, pos: int, header: int, kind: Type, depth: int) -> Iterator[Field]:
    (count,) = struct.unpack_from("<i", data, pos)
    yield Field(pos, data[pos : pos + 4], "count", str(count), depth)
    pos += 4
    if kind is Type.PACKED_STRING_ARRAY:
        for index in range(count):
            for item in _text(data, pos, depth, f"text {index}"):
                yield item
                pos = item.offset + len(item.data)
        return
    if kind is Type.PACKED_BYTE_ARRAY:
        if count:
            yield Field(pos, data[pos : pos + count], "bytes", f"{count} bytes", depth)
        padding = data[pos + count : pos + (count + 3 & ~3)]
        if padding:
            yield Field(pos + count, padding, "padding", "", depth)
        return
    cls = PACKED[kind]
    wide = bool(header & WIDE) and cls.has_double()
    code: Any = {"i4": "i", "i8": "q", "f4": "f", "f8": "d"}["f8" if wide else cls.scalar.str[1:]]
    width = struct.calcsize(code) * (cls.columns or 1)
    for index in range(min(count, MAX_ELEMENTS)):
        values = struct.unpack_from(f"<{cls.columns or 1}{code}", data, pos)
        yield Field(pos, data[pos : pos + width], f"[{index}]", ", ".join(map(repr, values)), depth)
        pos += width
    if count > MAX_ELEMENTS:
        rest = count - MAX_ELEMENTS
        yield Field(
            pos, data[pos : pos + rest * width], f"[{MAX_ELEMENTS}:{count}]", f"{rest} elements", depth
        )
