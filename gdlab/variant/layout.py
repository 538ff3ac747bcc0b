"""Prepared layouts: where the values of a message lie, taken from one example of it.

A game sends the same few dictionaries again and again. Two payloads of the same length whose constant words
(headers, counts, lengths, keys) agree have their values in the same places; so a function is made for the
layout, in which one `struct` takes a payload apart, constant stretches too, and a few comparisons check these.
Whatever a layout does not cover (text with a NUL, a NaN of 32 bits, declared types) goes to the general
decoder, whose results are the reference.
"""

from __future__ import annotations

import struct
from collections.abc import Callable as Function
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from gdlab.variant.containers import Array, Dictionary, FiledDict
from gdlab.variant.kinds import Type
from gdlab.variant.packed import PACKED
from gdlab.variant.readers import READERS, Bad, read_text
from gdlab.variant.records import StringName
from gdlab.variant.wire import COUNT_MASK, FIXED, TYPE_MASK, WIDE

#: A layout is worth its preparation only for messages of modest size.
MAX_BYTES: Final = 4096
MAX_SLOTS: Final = 256
MAX_DEPTH: Final = 16

_u32: Final = struct.Struct("<I").unpack_from
_BOM: Final = b"\xef"


class General(Protocol):
    """What has the general decoder."""

    def general(self, data: bytes) -> Any:
        """The value in `data`."""

    def other(self, data: bytes) -> Any:
        """The value in `data`, which no layout fits."""


Reader = Function[[bytes, General], Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """One value that changes from message to message.

    Attributes
    ----------
    path : keys and indices that lead to it.
    kind : its type.
    offset : of its bytes in the payload.
    code : struct code of a component; ``s`` for text and bytes, ``x`` for packed arrays.
    count : components, or bytes of text.
    wide : the header says that reals are 64 bits wide.
    """

    path: tuple[str | int, ...]
    kind: Type
    offset: int
    code: str
    count: int
    wide: bool = False

    @property
    def size(self) -> int:
        """Bytes it takes."""
        return struct.calcsize(f"<{self.count}{self.code}")


@dataclass(slots=True)
class Layout:
    """Constant bytes and slots of one shape of message.

    Attributes
    ----------
    size : length of the payload.
    constant, mask : the bytes that are always the same, and which of them those are (0xFF).
    slots : in the order of their offsets.
    tree : the value, with slots in the places of what changes.
    """

    size: int
    constant: bytearray
    mask: bytearray
    slots: list[Slot] = field(default_factory=list)
    tree: Any = None

    def matches(self, data: bytes) -> bool:
        """Whether a payload of the same length has this layout."""
        found = int.from_bytes(data, "little") & int.from_bytes(self.mask, "little")
        return found == int.from_bytes(self.constant, "little")


class _NoLayout(Exception):
    """The example has parts that are left to the general decoder."""


def sketch(data: bytes) -> Layout | None:
    """The layout of an example that the general decoder accepts; None where none pays or applies."""
    if len(data) > MAX_BYTES:
        return None
    layout = Layout(len(data), bytearray(len(data)), bytearray(len(data)))
    try:
        layout.tree, _ = _walk(data, 0, (), layout)
    except (_NoLayout, Bad, struct.error):
        return None
    return layout


def _fix(layout: Layout, data: bytes, start: int, stop: int) -> None:
    layout.constant[start:stop] = data[start:stop]
    layout.mask[start:stop] = b"\xff" * (stop - start)


def _walk(data: bytes, pos: int, path: tuple[str | int, ...], layout: Layout) -> tuple[Any, int]:
    (header,) = _u32(data, pos)
    if header & TYPE_MASK >= len(READERS) or len(path) > MAX_DEPTH:
        raise _NoLayout
    kind = Type(header & TYPE_MASK)
    _fix(layout, data, pos, pos + 4)
    pos += 4
    if kind is Type.NIL:
        return None, pos
    if kind is Type.DICTIONARY or kind is Type.ARRAY:
        if header >> 16 & 15:  # a declared type
            raise _NoLayout
        return _walk_container(data, pos, path, layout, kind is Type.DICTIONARY)
    wide = bool(header & WIDE)
    code, count = "x", 0
    if kind is Type.BOOL:
        code, count = "I", 1
    elif kind is Type.INT:
        code, count = ("q" if wide else "i"), 1
    elif kind is Type.FLOAT:
        code, count = ("d" if wide else "f"), 1
    elif kind in FIXED:
        code, count = FIXED[kind].code_of(header), FIXED[kind].count
    elif kind in {Type.STRING, Type.STRING_NAME, Type.PACKED_BYTE_ARRAY}:
        _fix(layout, data, pos, pos + 4)
        code, count = "s", _u32(data, pos)[0]
        pos += 4
    elif kind in PACKED:
        cls = PACKED[kind]
        itemsize = 8 if wide and cls.has_double() else cls.scalar.itemsize
        _fix(layout, data, pos, pos + 4)
        count = _u32(data, pos)[0] * itemsize * (cls.columns or 1)
        pos += 4
    else:
        raise _NoLayout
    slot = Slot(path, kind, pos, code, count, wide)
    after = pos + (slot.size + 3 & ~3)
    if after > len(data) or len(layout.slots) == MAX_SLOTS:
        raise _NoLayout
    layout.slots.append(slot)
    return slot, after


def _walk_container(
    data: bytes, pos: int, path: tuple[str | int, ...], layout: Layout, dictionary: bool
) -> tuple[Any, int]:
    _fix(layout, data, pos, pos + 4)
    count = _u32(data, pos)[0] & COUNT_MASK
    pos += 4
    if count > (len(data) - pos) // 4:
        raise _NoLayout
    if not dictionary:
        items = []
        for index in range(count):
            item, pos = _walk(data, pos, (*path, index), layout)
            items.append(item)
        return items, pos
    entries: dict[str, Any] = {}
    for _ in range(count):
        kind = _u32(data, pos)[0] & TYPE_MASK
        if kind not in {Type.STRING, Type.STRING_NAME}:
            raise _NoLayout
        text, after = read_text(data, pos + 4, len(data))
        _fix(layout, data, pos, after)  # padding, too: it is zero in all that Godot writes
        if text in entries:  # the later value takes the place of the first, which no slot can say
            raise _NoLayout
        key = StringName(text) if kind == Type.STRING_NAME else text
        entries[key], pos = _walk(data, after, (*path, key), layout)
    return entries, pos


class _Source:
    """The text of a function that puts a value together; names stand for everything that is not syntax."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {
            "new_tuple": tuple.__new__,
            "FiledDict": FiledDict,
            "Dictionary": Dictionary,
            "Array": Array,
        }
        self.lines: list[str] = []

    def name(self, value: Any) -> str:
        """A name for an object."""
        name = f"n{len(self.names)}"
        self.names[name] = value
        return name

    def line(self, expression: str) -> str:
        """A variable for the result of an expression."""
        variable = f"v{len(self.lines)}"
        self.lines.append(f"{variable} = {expression}")
        return variable


def prepare(layout: Layout) -> Reader:
    """A function ``(data, decoder)`` that reads a payload of this layout's length.

    ``decoder.general(data)`` is asked for payloads of the layout that only the general decoder gets right, and
    the function's global ``otherwise``, at first ``decoder.other``, for those of another layout.
    """
    source = _Source()
    parts: list[str] = []
    names: list[str] = []
    wrong: list[str] = []
    checks: list[str] = []
    reals: list[str] = []
    variables: dict[int, list[str]] = {}
    pos = 0
    for slot in layout.slots:
        pos = _padding(layout, pos, slot.offset, parts)
        gap = slot.offset - pos
        if slot.code == "s" and slot.kind is not Type.PACKED_BYTE_ARRAY:
            # Looked up together with the constant bytes in front of it, which are right if it is known.
            parts.append(f"{gap + slot.count}s")
            names.append(f"a{len(names)}")
            variables[slot.offset] = names[-1:]
            learn = _Texts(bytes(layout.constant[pos : slot.offset]), slot.kind)
            text = f"{names[-1]}t"
            if slot.count <= _MAX_REMEMBERED_BYTES:
                checks.append(f"{text} = {source.name(learn.known.get)}({names[-1]})")
                checks.append(f"if {text} is None: {text} = {source.name(learn)}({names[-1]})")
            else:
                checks.append(f"{text} = {source.name(learn)}({names[-1]})")
            checks.append(f"if {text} is None: return otherwise(data, decoder)")
            checks.append(f"if {text} is False: return decoder.general(data)")
        else:
            _constant(layout, pos, slot.offset, parts, names, wrong, source)
            if slot.code == "x":
                parts.append(f"{slot.size}x")
            else:
                parts.append(f"{slot.count}{slot.code}")
                count = 1 if slot.code == "s" else slot.count
                variables[slot.offset] = found = [f"a{len(names) + i}" for i in range(count)]
                names += found
                if slot.code == "f":
                    reals += found
        pos = slot.offset + slot.size
    pos = _padding(layout, pos, layout.size, parts)
    _constant(layout, pos, layout.size, parts, names, wrong, source)
    unpack = struct.Struct(f"<{' '.join(parts)}").unpack
    result = _expression(layout.tree, source, variables)
    body = [f"{', '.join(names)}, = {source.name(unpack)}(data)"]
    if wrong:
        body.append(f"if {' or '.join(wrong)}: return otherwise(data, decoder)")
    body += checks
    if reals:  # NaN, whose bits a conversion may change; or infinities of both signs
        body.append(f"total = {' + '.join(reals)}")
        body.append("if total != total: return decoder.general(data)")
    body += [*source.lines, f"return {result}"]
    # Variables of an enclosing function are reached faster than globals. The text is made of numbers alone;
    # keys, constants and classes are reached by name, so no payload gets into it.
    lines = [
        f"def make({', '.join(source.names)}):",
        "  def read(data, decoder):",
        *(f"    {line}" for line in body),
        "  return read",
    ]
    space: dict[str, Any] = {"otherwise": any_other}
    exec("\n".join(lines), space)  # noqa: S102  # the fastest way to build nested values, see above
    read: Reader = space.pop("make")(**source.names)
    return read


def _padding(layout: Layout, pos: int, stop: int, parts: list[str]) -> int:
    """Skip what is never looked at; gives where the constant bytes begin."""
    start = pos
    while pos < stop and not layout.mask[pos]:
        pos += 1
    if pos > start:
        parts.append(f"{pos - start}x")
    return pos


def _constant(
    layout: Layout,
    start: int,
    stop: int,
    parts: list[str],
    names: list[str],
    wrong: list[str],
    source: _Source,
) -> None:
    """Take a stretch that is always the same, and compare it."""
    if start == stop:
        return
    # A word becomes a number, which mostly is a small one that Python need not make.
    code = "I" if stop - start == 4 else f"{stop - start}s"
    (expected,) = struct.unpack(f"<{code}", layout.constant[start:stop])
    parts.append(code)
    names.append(f"c{len(names)}")
    wrong.append(f"{names[-1]} != {source.name(expected)}")


#: Longer texts are not remembered.
_MAX_REMEMBERED_BYTES: Final = 64


class _Texts:
    """Texts of one slot by their bytes, with the constant bytes in front of them.

    Looking up a text takes half as long as decoding and checking it, and names come again and again.
    """

    MAX: Final = 256

    def __init__(self, constant: bytes, kind: Type) -> None:
        self.constant = constant
        self.kind = kind
        self.known: dict[bytes, str] = {}

    def __call__(self, piece: bytes) -> str | bool | None:
        """The text; None if the constant bytes are others; False if the general decoder has to look."""
        if not piece.startswith(self.constant):
            return None
        raw = piece[len(self.constant) :]
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return False
        if raw >= _BOM or "\0" in text:  # asking the bytes for a NUL takes five times as long
            return False
        if self.kind is Type.STRING_NAME:
            text = StringName(text)
        if len(raw) <= _MAX_REMEMBERED_BYTES:
            if len(self.known) >= self.MAX:
                self.known.clear()
            self.known[piece] = text
        return text


def _expression(node: Any, source: _Source, variables: dict[int, list[str]]) -> str:
    if node is None:
        return "None"
    if isinstance(node, Slot):
        return _slot_expression(node, source, variables.get(node.offset, []))
    if isinstance(node, dict):
        # Filled before it becomes a Dictionary, whose __setitem__ is written in Python.
        filled = source.line("FiledDict()")
        for key, item in node.items():
            value = _expression(item, source, variables)
            source.lines.append(f"{filled}[{source.name(key)}] = {value}")
        source.lines.append(f"{filled}.__class__ = Dictionary")
        return filled
    items = ", ".join([_expression(item, source, variables) for item in node])
    array = source.line("Array.__new__(Array)")
    source.lines.append(f"{array} += ({items}{',' if items else ''})")
    return array


def _slot_expression(slot: Slot, source: _Source, parts: list[str]) -> str:
    if slot.code == "x":
        return source.line(f"{source.name(_packed_reader(slot))}(data)")
    if slot.kind is Type.BOOL:
        return f"{parts[0]} != 0"
    if slot.kind in FIXED:
        return _fixed_expression(slot.kind, source, parts)
    if slot.kind in {Type.STRING, Type.STRING_NAME}:
        return f"{parts[0]}t"
    return parts[0]


def _fixed_expression(kind: Type, source: _Source, parts: list[str]) -> str:
    fixed = FIXED[kind]
    joined = ", ".join(parts)
    if fixed.fields[0].count(".") == 0 and kind is not Type.PLANE:  # components only
        return f"new_tuple({source.name(fixed.cls)}, ({joined},))"
    return f"{source.name(fixed.build)}(({joined},))"


def _packed_reader(slot: Slot) -> Function[[bytes], Any]:
    reader: Any = READERS[slot.kind]

    def read(data: bytes) -> Any:
        return reader(data, slot.offset - 4, len(data), _u32(data, slot.offset - 8)[0])[0]

    return read


def any_other(data: bytes, decoder: General) -> Any:
    """What reads payloads that no layout fits."""
    return decoder.other(data)
