"""Open Sound Control 1.0 with the types that people added to it (opensoundcontrol.org/spec-1_0)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from gdlab.errors import PayloadError
from gdlab.facts import Statement, Value

#: Bundles inside bundles, and arrays inside arrays.
MAX_DEPTH: Final = 16
BUNDLE: Final = b"#bundle\0"
_CONSTANTS: Final[dict[str, Any]] = {"T": True, "F": False, "N": None, "I": float("inf")}
_NUMBERS: Final[dict[str, tuple[str, int]]] = {
    "i": (">i", 4),
    "f": (">f", 4),
    "h": (">q", 8),
    "d": (">d", 8),
    "t": (">Q", 8),
    "r": (">I", 4),
    "m": (">I", 4),
}


def read_osc(payload: bytes) -> tuple[Any, None]:
    """The value of a packet: ``{"address": ..., "args": [...]}``, or of a bundle ``{"time": ..., "elements": [...]}``.

    Times are NTP's, 64 bits of which the upper 32 are seconds since 1900; 1 is "at once". A message without type tags,
    as old senders write them, has the bytes behind its address as its only argument.

    Raises
    ------
    PayloadError : it is none.
    """
    return _packet(payload, 0), None


def _no(case: str, **more: Value) -> PayloadError:
    return PayloadError(Statement.of(f"osc/{case}", **more))


def _packet(data: bytes, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise _no("nested", most=MAX_DEPTH)
    if len(data) % 4 or not data:
        raise _no("size", size=len(data))
    if data.startswith(BUNDLE):
        return _bundle(data, depth)
    if data[:1] != b"/":
        raise _no("begin")
    address, at = _text(data, 0)
    if at == len(data) or data[at : at + 1] != b",":
        return {"address": address, "args": [data[at:]] if at < len(data) else []}
    tags, at = _text(data, at)
    args, at = _arguments(tags[1:], data, at)
    if at != len(data):
        raise _no("rest", size=len(data) - at, tags=tags)
    return {"address": address, "args": args}


def _bundle(data: bytes, depth: int) -> dict[str, Any]:
    if len(data) < 16:
        raise _no("time")
    at, elements = 16, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        at += 4
        if size > len(data) - at:
            raise _no("element", size=size, there=len(data) - at)
        elements.append(_packet(data[at : at + size], depth + 1))
        at += size
    return {"time": int.from_bytes(data[8:16]), "elements": elements}


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Text up to its NUL, and where what follows its padding begins."""
    end = data.find(b"\0", at)
    if end < 0:
        raise _no("text", at=at)
    after = end + 4 - (end - at) % 4
    if after > len(data) or any(data[end:after]):
        raise _no("padding", at=at)
    try:
        return data[at:end].decode(), after
    except UnicodeDecodeError as error:
        raise _no("utf8", byte=data[at + error.start], at=at + error.start) from None


def _arguments(tags: str, data: bytes, at: int) -> tuple[list[Any], int]:
    outer: list[list[Any]] = []
    args: list[Any] = []
    others: dict[str, Callable[[bytes, int], tuple[Any, int]]] = {
        "s": _text,
        "S": _text,
        "b": _blob,
        "c": _char,
    }
    for tag in tags:
        if tag in _NUMBERS:
            form, size = _NUMBERS[tag]
            if at + size > len(data):
                raise _no("argument", tag=tag, at=at)
            args.append(struct.unpack_from(form, data, at)[0])
            at += size
        elif tag in _CONSTANTS:
            args.append(_CONSTANTS[tag])
        elif tag in others:
            value, at = others[tag](data, at)
            args.append(value)
        elif tag == "[" and len(outer) < MAX_DEPTH:
            outer.append(args)
            args = []
        elif tag == "]" and outer:
            outer[-1].append(args)
            args = outer.pop()
        else:
            raise _no("type", tag=tag)
    if outer:
        raise _no("array")
    return args, at


def _blob(data: bytes, at: int) -> tuple[bytes, int]:
    size = int.from_bytes(data[at : at + 4])
    start, after = at + 4, at + 4 + size + -size % 4
    if after > len(data):
        raise _no("blob", at=at)
    return data[start : start + size], after


def _char(data: bytes, at: int) -> tuple[str, int]:
    number = int.from_bytes(data[at : at + 4])
    if at + 4 > len(data) or number > 0x10FFFF:
        raise _no("character", at=at)
    return chr(number), at + 4
