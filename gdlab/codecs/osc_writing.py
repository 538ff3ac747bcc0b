"""Open Sound Control 1.0, written: what `gdlab.codecs.osc` reads, the other way round."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from gdlab.codecs.osc import BUNDLE, MAX_DEPTH
from gdlab.facts import Statement, Value
from gdlab.words import stated

_INT32: Final = 1 << 31
_INT64: Final = 1 << 63


def write_osc(value: Any) -> bytes:
    """The packet of a message, ``{"address": "/cube/pos", "args": [1, 2.5, "hi"]}``, or of a bundle.

    Numbers are of 32 bits, as all programs read them: int `i` (`h` where it is larger) and float `f`; text is `s`,
    bytes are `b`, a list is an array.

    Raises
    ------
    TypeError : OSC has no form for it.
    """
    return _packet(value, 0)


def _no(case: str, **more: Value) -> TypeError:
    return TypeError(stated(Statement.of(f"osc-writing/{case}", **more)))


def _packet(value: Any, depth: int) -> bytes:
    if depth > MAX_DEPTH or not isinstance(value, Mapping):
        raise _no("form", type=type(value).__name__)
    if "elements" in value:
        packets = [_packet(one, depth + 1) for one in value["elements"]]
        time = struct.pack(">Q", value.get("time", 1))
        return BUNDLE + time + b"".join(struct.pack(">i", len(one)) + one for one in packets)
    address = value.get("address")
    if not isinstance(address, str) or not address.startswith("/"):
        raise _no("address", address=repr(address))
    tags, body = _arguments(value.get("args", ()), depth)
    return _text(address) + _text("," + tags) + body


def _arguments(values: Any, depth: int) -> tuple[str, bytes]:
    if depth > MAX_DEPTH:
        raise _no("form", type="list")
    made = [_argument(value, depth) for value in values]
    return "".join(tag for tag, _ in made), b"".join(body for _, body in made)


def _argument(value: Any, depth: int) -> tuple[str, bytes]:
    if value is None or isinstance(value, bool):
        return ("N" if value is None else "T" if value else "F"), b""
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return (
            ("i", struct.pack(">i", value)) if -_INT32 <= value < _INT32 else ("h", struct.pack(">q", value))
        )
    if isinstance(value, float):
        return "f", struct.pack(">f", value)
    if isinstance(value, str):
        return "s", _text(value)
    if isinstance(value, (bytes, bytearray)):
        return "b", struct.pack(">i", len(value)) + value + bytes(-len(value) % 4)
    if isinstance(value, (list, tuple)):
        tags, body = _arguments(value, depth + 1)
        return f"[{tags}]", body
    raise _no("argument", type=type(value).__name__)


def _text(text: str) -> bytes:
    packed = text.encode()
    if b"\0" in packed:
        raise _no("nul")
    return packed + bytes(4 - len(packed) % 4)
