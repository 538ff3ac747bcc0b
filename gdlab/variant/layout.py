"""Prepared layouts: where the values of a message lie, taken from one example of it.

A game sends the same few dictionaries again and again. Two payloads of the same length whose constant words
(headers, counts, lengths, keys) agree have their values in the same places; so a payload is checked by one
masked comparison of all its bytes, read by one `struct`, and put together by a function made for the layout.
Whatever a layout does not cover (text with a NUL, a NaN of 32 bits, declared types) goes to the general
decoder, whose results are the reference.
"""

from __future__ import annotations

import struct
from collections import Counter
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
        (length,) = _u32(data, pos + 4)
        _fix(layout, data, pos, pos + 8 + length)
        if text in entries:  # the later value takes the place of the first, which no slot can say
            raise _NoLayout
        key = StringName(text) if kind == Type.STRING_NAME else text
        entries[key], pos = _walk(data, after, (*path, key), layout)
    return entries, pos


class _Source:
    """The text of a function that puts a value together; names stand for everything that is not syntax."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {
            "new_dict": dict.__new__,
            "new_tuple": tuple.__new__,
            "FiledDict": FiledDict,
            "Dictionary": Dictionary,
            "Array": Array,
            "StringName": StringName,
            "BOM": _BOM,
        }
        self.lines: list[str] = []
        self.reals: list[str] = []
        self.texts: list[str] = []

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


def prepare(layout: Layout, otherwise: Reader) -> Reader:
    """A function ``(data, decoder)`` that reads a payload of this layout's length.

    ``decoder.general(data)`` is asked for payloads of the layout that only the general decoder gets right,
    and `otherwise` for those of another layout.
    """
    source = _Source()
    source.names |= {
        "number": int.from_bytes,
        "mask": int.from_bytes(layout.mask, "little"),
        "constant": int.from_bytes(layout.constant, "little"),
        "otherwise": otherwise,
    }
    parts = []
    variables: dict[int, list[str]] = {}
    pos = 0
    for number, slot in enumerate(layout.slots):
        gap = slot.offset - pos
        pos = slot.offset + slot.size
        if slot.code == "x":
            parts.append(f"{gap + slot.size}x")
            continue
        parts.append(f"{gap}x{slot.count}{slot.code}")
        count = 1 if slot.code == "s" else slot.count
        variables[slot.offset] = [f"a{number}_{i}" for i in range(count)]
        if slot.code == "f":
            source.reals += variables[slot.offset]
        elif slot.code == "s" and slot.kind is not Type.PACKED_BYTE_ARRAY:
            source.texts += variables[slot.offset]
    unpack = struct.Struct(f"<{''.join(parts)}{layout.size - pos}x").unpack
    result = _expression(layout.tree, source, variables)
    names = [name for group in variables.values() for name in group]
    body = [f"    {', '.join(names)}, = {source.name(unpack)}(data)"] if names else []
    doubts = []
    if source.reals:
        body.append(f"    total = {' + '.join(source.reals)}")
        doubts.append(
            "total != total"
        )  # NaN, whose bits a conversion may change; or infinities of both signs
    for text in source.texts:
        body.append(f"    {text}t = {text}.decode()")
        doubts.append(
            f'{text} >= BOM or "\\0" in {text}t'
        )  # asking the bytes for a NUL takes five times as long
    if doubts:
        body.append(f"    if {' or '.join(doubts)}: return decoder.general(data)")
    body += [f"    {line}" for line in source.lines]
    body.append(f"    return {result}")
    text = "\n".join(
        [
            "def read(data, decoder):",
            '  if number(data, "little") & mask != constant: return otherwise(data, decoder)',
            "  try:",
            *body,
            "  except UnicodeDecodeError:",
            "    return decoder.general(data)",
        ]
    )
    # The text is made of slot numbers alone; keys and classes are reached by name, so no payload gets into
    # it.
    exec(text, source.names)  # noqa: S102  # the fastest way to build nested values, see above
    read: Reader = source.names["read"]
    return read


def _expression(node: Any, source: _Source, variables: dict[int, list[str]]) -> str:
    if node is None:
        return "None"
    if isinstance(node, Slot):
        return _slot_expression(node, source, variables.get(node.offset, []))
    if isinstance(node, dict):
        # Filled before it becomes a Dictionary, whose __setitem__ is written in Python.
        filled = source.line("new_dict(FiledDict)")
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
    if slot.kind is Type.STRING:
        return f"{parts[0]}t"
    if slot.kind is Type.STRING_NAME:
        return f"StringName({parts[0]}t)"
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


def _any_other(data: bytes, decoder: General) -> Any:
    return decoder.other(data)


class _Readers(dict[int, Reader]):
    """Readers by the length of the payload."""

    def __missing__(self, length: int) -> Reader:
        return _any_other


class LayoutCache:
    """Prepared layouts by the length of the payload, found while decoding.

    A layout is prepared when two payloads of the same length have it. Looking for one costs about as much as
    decoding; whenever it was in vain the next attempt waits twice as long, so traffic without a shape costs
    nothing to speak of. The number of layouts is bounded.
    """

    MAX_LAYOUTS: Final = 256
    MAX_PER_LENGTH: Final = 8
    MAX_LENGTHS: Final = 64

    def __init__(self) -> None:
        self.readers = _Readers()
        self._per_length: Counter[int] = Counter()
        self._last: dict[int, bytes] = {}
        self._misses = 0
        self._next = 1
        self._wait = 1
        self._prepared = 0

    def missed(self, data: bytes) -> None:
        """Note a payload that no layout matched, and that the general decoder took."""
        self._misses += 1
        if self._misses < self._next or len(data) > MAX_BYTES or self._prepared >= self.MAX_LAYOUTS:
            return
        before = self._last.get(len(data))
        if before is None:
            if len(self._last) >= self.MAX_LENGTHS:
                self._last.clear()
            self._last[len(data)] = data
            return
        layout = sketch(data)
        if layout is None or not layout.matches(before) or self._per_length[len(data)] >= self.MAX_PER_LENGTH:
            self._last[len(data)] = data
            self._wait *= 2
            self._next = self._misses + self._wait
            return
        self._wait = 1
        self._prepared += 1
        self._per_length[len(data)] += 1
        self.readers[len(data)] = prepare(layout, self.readers[len(data)])
