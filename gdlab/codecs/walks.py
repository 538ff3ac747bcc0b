"""The bytes of MessagePack, CBOR and OSC one value after the other, without a library and without making values."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gdlab.variant.explain import Field

#: Containers inside one another.
_MAX_DEPTH: Final = 256
_SHOWN: Final = 200


@dataclass(slots=True)
class _Item:
    """A value with its head: where it ends, what it is, what it says, and how many values it contains."""

    end: int
    meaning: str
    value: str = ""
    children: int = 0
    pairs: bool = False
    open_ended: bool = False
    ends: bool = False


@dataclass(slots=True)
class _Open:
    """A container: so many values are to come, or as many as there are until its end (-1)."""

    left: int
    pairs: bool
    is_key: bool
    index: int = 0
    key: str = ""


def _walk(data: bytes, read: Callable[[bytes, int], _Item]) -> Iterator[Field]:
    pending = [_Open(1, pairs=False, is_key=False)]
    at = 0
    while pending:
        top = pending[-1]
        if not top.left:
            pending.pop()
            continue
        if at >= len(data):
            raise ValueError(f"it ends at byte {at}, where a value should begin")
        item = read(data, at)
        if item.end > len(data):
            raise ValueError(
                f"the value at byte {at} should end at {item.end}, and there are {len(data)} bytes"
            )
        depth = len(pending) - 1
        if item.ends:
            if top.left >= 0:
                raise ValueError(f"byte {at} ends what is not open")
            pending.pop()
            yield Field(at, data[at : item.end], item.meaning, "", depth - 1)
        else:
            yield Field(at, data[at : item.end], _role(top, depth) + item.meaning, item.value[:_SHOWN], depth)
            _count(top, item)
            if item.children or item.open_ended:
                if len(pending) > _MAX_DEPTH:
                    raise ValueError(f"more than {_MAX_DEPTH} containers inside one another")
                left = -1 if item.open_ended else item.children
                pending.append(_Open(left, pairs=item.pairs, is_key=item.pairs))
        at = item.end


def _role(top: _Open, depth: int) -> str:
    if not depth:
        return ""
    if not top.pairs:
        return f"[{top.index}]: "
    return "name: " if top.is_key else f"{top.key}: "


def _count(top: _Open, item: _Item) -> None:
    if top.left > 0:
        top.left -= 1
    if top.pairs:
        if top.is_key:
            top.key = item.value[:40] or "?"
        top.is_key = not top.is_key
    else:
        top.index += 1


def _unpacked(data: bytes, at: int, form: str) -> float:
    size = struct.calcsize(form)
    if at + size > len(data):
        raise ValueError(f"the number at byte {at} needs {size} bytes, and {len(data) - at} are there")
    return float(struct.unpack_from(form, data, at)[0]) if form[-1] in "efd" else _whole(data, at, form)


def _whole(data: bytes, at: int, form: str) -> int:
    size = struct.calcsize(form)
    if at + size > len(data):
        raise ValueError(f"the number at byte {at} needs {size} bytes, and {len(data) - at} are there")
    return int(struct.unpack_from(form, data, at)[0])


def _said(data: bytes, start: int, end: int) -> str:
    return data[start : min(end, start + _SHOWN)].decode(errors="replace")


# ---- MessagePack: github.com/msgpack/msgpack/blob/master/spec.md

_MSGPACK_NUMBERS: Final = {
    0xCA: (">f", "32-bit float"),
    0xCB: (">d", "64-bit float"),
    0xCC: (">B", "unsigned byte"),
    0xCD: (">H", "unsigned 16-bit integer"),
    0xCE: (">I", "unsigned 32-bit integer"),
    0xCF: (">Q", "unsigned 64-bit integer"),
    0xD0: (">b", "signed byte"),
    0xD1: (">h", "signed 16-bit integer"),
    0xD2: (">i", "signed 32-bit integer"),
    0xD3: (">q", "signed 64-bit integer"),
}
#: By first byte, what has a length of its own: its kind, and the length's format.
_MSGPACK_LONG: Final = {
    0xC4: ("bytes", ">B"),
    0xC5: ("bytes", ">H"),
    0xC6: ("bytes", ">I"),
    0xC7: ("extension", ">B"),
    0xC8: ("extension", ">H"),
    0xC9: ("extension", ">I"),
    0xD9: ("text", ">B"),
    0xDA: ("text", ">H"),
    0xDB: ("text", ">I"),
    0xDC: ("array", ">H"),
    0xDD: ("array", ">I"),
    0xDE: ("map", ">H"),
    0xDF: ("map", ">I"),
}
_MSGPACK_CONSTANTS: Final = {0xC0: "null", 0xC2: "false", 0xC3: "true"}


def _msgpack(data: bytes, at: int) -> _Item:
    head = data[at]
    if head <= 0x7F or head >= 0xE0:
        return _Item(at + 1, "small integer", str(head if head <= 0x7F else head - 256))
    if head in _MSGPACK_CONSTANTS:
        return _Item(at + 1, "constant", _MSGPACK_CONSTANTS[head])
    if head in _MSGPACK_NUMBERS:
        form, kind = _MSGPACK_NUMBERS[head]
        return _Item(at + 1 + struct.calcsize(form), kind, str(_unpacked(data, at + 1, form)))
    if head <= 0x8F:
        return _sized(data, at + 1, "map", head & 0x0F)
    if head <= 0x9F:
        return _sized(data, at + 1, "array", head & 0x0F)
    if head <= 0xBF:
        return _sized(data, at + 1, "text", head & 0x1F)
    if head in _MSGPACK_LONG:
        kind, form = _MSGPACK_LONG[head]
        return _sized(data, at + 1 + struct.calcsize(form), kind, _whole(data, at + 1, form))
    if 0xD4 <= head <= 0xD8:
        return _sized(data, at + 1, "extension", 1 << (head - 0xD4))
    raise ValueError(f"byte {at} is 0x{head:02x}, which begins no value of MessagePack")


def _sized(data: bytes, start: int, kind: str, size: int) -> _Item:
    """What has `size` bytes, values or pairs, beginning at `start`."""
    if kind == "map":
        return _Item(start, f"map of {size} pairs", children=2 * size, pairs=True)
    if kind == "array":
        return _Item(start, f"array of {size}", children=size)
    if kind == "text":
        return _Item(start + size, f"text of {size} bytes", _said(data, start, start + size))
    if kind == "extension":
        number = _whole(data, start, ">b")
        return _Item(start + 1 + size, f"extension {number} of {size} bytes", data[start + 1 :][:24].hex(" "))
    return _Item(start + size, f"{size} bytes", data[start : start + min(size, 24)].hex(" "))


# ---- CBOR: RFC 8949

_CBOR_CONSTANTS: Final = {20: "false", 21: "true", 22: "null", 23: "undefined"}
_CBOR_FLOATS: Final = {25: (">e", "16-bit float"), 26: (">f", "32-bit float"), 27: (">d", "64-bit float")}


def _cbor(data: bytes, at: int) -> _Item:
    major, info = data[at] >> 5, data[at] & 0x1F
    if major == 7:
        return _cbor_simple(data, at, info)
    if info == 31:
        if major == 4:
            return _Item(at + 1, "array without a length", open_ended=True)
        if major == 5:
            return _Item(at + 1, "map without a length", open_ended=True, pairs=True)
        if major in (2, 3):
            return _Item(at + 1, f"{'bytes' if major == 2 else 'text'} in pieces", open_ended=True)
    if info > 27:
        raise ValueError(f"byte {at} is 0x{data[at]:02x}, which begins no value of CBOR")
    start, number = at + 1, info
    if info >= 24:
        form = (">B", ">H", ">I", ">Q")[info - 24]
        number, start = _whole(data, at + 1, form), at + 1 + struct.calcsize(form)
    if major == 0:
        return _Item(start, "unsigned integer", str(number))
    if major == 1:
        return _Item(start, "negative integer", str(-1 - number))
    if major == 6:
        return _Item(start, f"tag {number} of the next value", children=1)
    return _sized(data, start, ("bytes", "text", "array", "map")[major - 2], number)


def _cbor_simple(data: bytes, at: int, info: int) -> _Item:
    if info == 31:
        return _Item(at + 1, "end", ends=True)
    if info in _CBOR_FLOATS:
        form, kind = _CBOR_FLOATS[info]
        return _Item(at + 1 + struct.calcsize(form), kind, str(_unpacked(data, at + 1, form)))
    if info <= 23:
        return _Item(at + 1, "constant", _CBOR_CONSTANTS.get(info, f"simple {info}"))
    if info == 24:
        return _Item(at + 2, "constant", f"simple {_whole(data, at + 1, '>B')}")
    raise ValueError(f"byte {at} is 0x{data[at]:02x}, which begins no value of CBOR")


# ---- OSC 1.0

_OSC_NUMBERS: Final = {
    "i": (">i", "32-bit integer"),
    "f": (">f", "32-bit float"),
    "h": (">q", "64-bit integer"),
    "d": (">d", "64-bit float"),
    "t": (">Q", "time (NTP)"),
    "r": (">I", "colour"),
    "m": (">I", "MIDI"),
    "c": (">I", "letter"),
}
_OSC_DEPTH: Final = 16


def _osc(data: bytes, at: int = 0, end: int | None = None, depth: int = 0) -> Iterator[Field]:
    end = len(data) if end is None else end
    if depth > _OSC_DEPTH:
        raise ValueError(f"more than {_OSC_DEPTH} bundles inside one another")
    if data.startswith(b"#bundle\0", at) and end - at >= 16:
        yield Field(at, data[at : at + 8], "bundle", "", depth)
        yield Field(at + 8, data[at + 8 : at + 16], "time (NTP)", str(_whole(data, at + 8, ">Q")), depth)
        at += 16
        while at < end:
            size = _whole(data, at, ">I")
            yield Field(at, data[at : at + 4], "bytes of the next element", str(size), depth)
            if at + 4 + size > end:
                raise ValueError(
                    f"the element at byte {at + 4} has {size} bytes, and {end - at - 4} are there"
                )
            yield from _osc(data, at + 4, at + 4 + size, depth + 1)
            at += 4 + size
        return
    address, after = _osc_text(data, at, end)
    yield Field(at, data[at:after], "address", address, depth)
    if after >= end or data[after : after + 1] != b",":
        return
    tags, at = _osc_text(data, after, end)
    yield Field(after, data[after:at], "types of the arguments", tags, depth)
    for number, tag in enumerate(tags[1:]):
        stop, kind, value = _osc_argument(data, at, end, tag)
        if stop > at:
            yield Field(at, data[at:stop], f"argument {number}: {kind}", value, depth + 1)
        at = stop


def _osc_argument(data: bytes, at: int, end: int, tag: str) -> tuple[int, str, str]:
    if tag in _OSC_NUMBERS:
        form, kind = _OSC_NUMBERS[tag]
        return at + struct.calcsize(form), kind, str(_unpacked(data[:end], at, form))
    if tag in "sS":
        text, after = _osc_text(data, at, end)
        return after, "text", text
    if tag == "b":
        size = _whole(data[:end], at, ">I")
        after = at + 4 + math.ceil(size / 4) * 4
        if after > end:
            raise ValueError(f"the bytes at {at} should end at {after}, and the message ends at {end}")
        return after, f"{size} bytes", data[at + 4 : at + 4 + min(size, 24)].hex(" ")
    return at, "constant", tag  # T, F, N, I and brackets have no bytes of their own


def _osc_text(data: bytes, at: int, end: int) -> tuple[str, int]:
    stop = data.find(b"\0", at, end)
    if stop < 0:
        raise ValueError(f"the text at byte {at} has no end")
    after = stop + 4 - (stop - at) % 4
    if after > end:
        raise ValueError(f"the text at byte {at} is not padded to a multiple of 4")
    return data[at:stop].decode(errors="replace"), after


#: By codec, the fields of a payload; they raise ValueError where it is none.
WALKS: Final[dict[str, Callable[[bytes], Iterator[Field]]]] = {
    "msgpack": lambda data: _walk(data, _msgpack),
    "cbor": lambda data: _walk(data, _cbor),
    "osc": _osc,
}
