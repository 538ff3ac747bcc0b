"""Streams of a real Godot 4.6.3 decode to the calls that made them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from gdlab.framing import Frame, framer
from tests.framing.conformance import check_framer, cuts, read

DATA = Path(__file__).parent.parent / "data" / "frames"
CAPTURES = {c["file"]: c for c in json.loads((DATA / "manifest.json").read_text())["captures"]}


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


@pytest.mark.parametrize(
    ("file", "name"), [("tcp_put_var_le.bin", "put_var"), ("tcp_put_var_be.bin", "put_var_be")]
)
def test_put_var_gives_the_variants_whatever_the_byte_order_of_the_length(file, name):
    expected = [Frame(variant_bytes(call["value"]), 4) for call in sent(file)]
    assert len(expected) == 19
    check_framer(lambda: framer(name), wire_of(file), expected)
    assert read(lambda: framer("auto"), chunks_of(file)).frames == expected


def test_put_string_and_put_utf8_string():
    file = "tcp_strings_le.bin"
    expected = []
    for call in sent(file):
        text = call["value"]["v"]
        if call["op"] == "put_string":  # the engine turns every character that is not ASCII into a space
            text = "".join(c if c.isascii() else " " for c in text)
        expected.append(Frame(text.encode(), 4))
    assert len(expected) == 8
    check_framer(lambda: framer("put_utf8_string"), wire_of(file), expected)
    check_framer(lambda: framer("put_string"), wire_of(file), expected)
    assert read(lambda: framer("auto"), chunks_of(file)).frames == expected


def test_packet_peer_stream():
    file = "tcp_packet_peer_stream.bin"
    expected = [
        Frame(
            bytes.fromhex(call["value"]["bytes"])
            if call["op"] == "put_packet"
            else variant_bytes(call["value"]),
            4,
        )
        for call in sent(file)
    ]
    assert len(expected) == 22  # an empty packet is not sent
    check_framer(lambda: framer("packet_peer_stream"), wire_of(file), expected)
    assert read(lambda: framer("auto"), chunks_of(file)).frames == expected


def test_numbers_have_no_framing():
    file = "tcp_numbers_le.bin"
    reading = read(lambda: framer("auto"), chunks_of(file))
    assert b"".join(frame.payload for frame in reading.frames) == wire_of(file)
    assert reading.framer.name == "raw"


def test_the_engines_debugger_link_is_put_var():
    file = "debugger_tcp.bin"
    frames = read(lambda: framer("put_var"), chunks_of(file)).frames
    assert not any(frame.flaw for frame in frames)
    # Each is an Array of three: message, thread, data; the name of the message begins at byte 16.
    names = [frame.payload[16 : 16 + struct.unpack_from("<I", frame.payload, 12)[0]] for frame in frames]
    assert all(frame.payload[:8] == struct.pack("<II", 28, 3) for frame in frames)
    assert names[:2] == [b"set_pid", b"output"]
    assert b"gdlab:sample" in names
    check_framer(lambda: framer("put_var"), wire_of(file), frames)
    assert read(lambda: framer("auto"), chunks_of(file)).frames == frames
