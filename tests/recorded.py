"""Frames recorded from a real Godot, and the calls that made them: see `tests/data/frames/README.md`."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from tests.framing.conformance import cuts

DATA = Path(__file__).parent / "data" / "frames"
CAPTURES = {c.get("file", c["name"]): c for c in json.loads((DATA / "manifest.json").read_text())["captures"]}


def wire_of(file):
    wire = (DATA / file).read_bytes()
    assert len(wire) == CAPTURES[file]["size"]
    return wire


def chunks_of(file):
    """The pieces in which the socket returned it."""
    return cuts(wire_of(file), [offset for offset, _, _ in CAPTURES[file]["pieces"][1:]])


def sent(file):
    return [call for call in CAPTURES[file]["expect"] if call.get("sent", True)]


def variant_bytes(value):
    """The Variant of a described value, as far as this table goes: the layout written down a second time."""

    def text(string):
        data = string.encode()
        return struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)

    kind, v = value["t"], value.get("v")
    match kind:
        case "Nil":
            return struct.pack("<I", 0)
        case "bool":
            return struct.pack("<II", 1, v)
        case "int":
            small = -(2**31) <= int(v) < 2**31
            return struct.pack("<Ii" if small else "<Iq", 2 if small else 2 | 1 << 16, int(v))
        case "float":
            double = struct.unpack(">d", bytes.fromhex(value["bits"]))[0]
            single = struct.pack("<f", double)
            if struct.unpack("<f", single)[0] == double:
                return struct.pack("<I", 3) + single
            return struct.pack("<Id", 3 | 1 << 16, double)
        case "String" | "StringName":
            return struct.pack("<I", 4 if kind == "String" else 21) + text(v)
        case "Vector2" | "Vector3" | "Color":
            number = {"Vector2": 5, "Vector3": 9, "Color": 20}[kind]
            return struct.pack("<I", number) + b"".join(bytes.fromhex(c)[::-1] for c in value["f32"])
        case "Array":
            typed = struct.pack("<II", 28 | 1 << 16, 2) if value["elem"] else struct.pack("<I", 28)
            items = b"".join(variant_bytes(item) for item in value["items"])
            return typed + struct.pack("<I", len(value["items"])) + items
        case "Dictionary":
            items = b"".join(variant_bytes(part) for pair in value["items"] for part in pair)
            return struct.pack("<II", 27, len(value["items"])) + items
        case "PackedByteArray":
            data = bytes.fromhex(value["bytes"])
            return struct.pack("<II", 29, len(data)) + data + bytes(-len(data) % 4)
        case "PackedStringArray":
            strings = [s.encode() + b"\0" for s in value["s"]]
            body = b"".join(struct.pack("<I", len(s)) + s + bytes(-len(s) % 4) for s in strings)
            return struct.pack("<II", 34, len(strings)) + body
        case "NodePath":
            names, subnames = value["names"], value["subnames"]
            head = struct.pack("<IIII", 22, len(names) | 1 << 31, len(subnames), value["absolute"])
            return head + b"".join(text(name) for name in names + subnames)
    raise AssertionError(kind)
