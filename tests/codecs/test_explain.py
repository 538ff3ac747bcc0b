"""Every byte of a payload is explained, whatever codec reads it, and bad input shows where it goes wrong."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Annotated

import cbor2
import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlab as gd
from gdlab import variant

VALUE = {
    "id": 7,
    "pos": [1.5, -2, None, True],
    "name": "Gödel",
    "deep": {"a": {"b": [{}, [], ""]}},
    "raw": "x" * 40,
}
OSC = b"/player/1\0\0\0,ifsTb\0\0" + struct.pack(">if", 7, 0.5) + b"hi\0\0" + struct.pack(">I", 3) + b"abc\0"
BUNDLE = b"#bundle\0" + struct.pack(">QI", 1, len(OSC)) + OSC
FORMAT = "<B type, x, H seq, 3f pos, 4s name, 5h more"
PACKED = struct.pack("<BxH3f4s5h", 1, 300, 1.5, 2, -3, b"bob", 1, 2, 3, 4, 5)


@dataclass
class Move:
    type: Annotated[int, "B"]
    seq: Annotated[int, "H"]


CASES = {
    "variant": ("variant", variant.dumps(VALUE)),
    "json": ("json", json.dumps(VALUE, indent=1, ensure_ascii=False).encode()),
    "text": ("text", "Grüße\nzweite Zeile\r\n".encode()),
    "bytes": ("bytes", bytes(range(40))),
    "msgpack": (
        "msgpack",
        msgpack.packb({**VALUE, "long": "y" * 300, "many": list(range(20)), "n": 2**40, "x": b"z"}),
    ),
    "msgpack-ext": (
        "msgpack",
        msgpack.packb([msgpack.ExtType(5, b"1234"), msgpack.ExtType(6, b"12345"), -1, -200, 3e9]),
    ),
    "cbor": (
        "cbor",
        cbor2.dumps({**VALUE, "n": -(2**40), "f": 0.1, "x": b"z" * 30, "many": list(range(30))}),
    ),
    "cbor-open": ("cbor", bytes.fromhex("bf6161 9f01 02ff 6162 7f 6178 6179 ff 6163 c1 1a514b67b0 ff")),
    "osc": ("osc", OSC),
    "osc-bundle": ("osc", BUNDLE),
    "struct": (FORMAT, PACKED),
    "struct-by-type": ({1: FORMAT, 2: "<B type, H n"}, PACKED),
    "struct-big-endian": (">H n, ? up", struct.pack(">H?", 7, True)),
    "dataclass": (Move, struct.pack("<BH", 1, 300)),
    "function": (lambda payload: {"length": len(payload)}, b"abc"),
}
CODECS = pytest.mark.parametrize(
    "codec", ["auto", "variant", "json", "text", "bytes", "msgpack", "cbor", "osc", FORMAT]
)


def without_gaps(found, payload):
    at = 0
    for field in found.fields:
        assert field.offset == at
        at += len(field.data)
    assert b"".join(field.data for field in found.fields) == payload


@pytest.mark.parametrize("name", CASES)
def test_every_byte_is_explained(name):
    codec, payload = CASES[name]
    found = gd.explain(payload, codec)
    assert found.error is None
    without_gaps(found, payload)
    meanings = [field.meaning for field in found.fields]
    assert "refused from here on" not in meanings
    assert "not part of the value: ignored" not in meanings
    assert found._repr_html_().count("<tr>") == len(found.fields) + 1


@pytest.mark.parametrize("name", [name for name, (codec, _) in CASES.items() if codec != "bytes"])
def test_what_is_cut_is_refused_where_it_ends(name):
    codec, payload = CASES[name]
    for size in range(len(payload)):
        found = gd.explain(payload[:size], codec)
        without_gaps(found, payload[:size])
        if name.startswith(("msgpack", "cbor", "struct", "dataclass", "variant")):
            assert found.error is not None, size


@CODECS
@given(payload=st.binary(max_size=80))
def test_any_bytes_are_explained_without_gaps(codec, payload):
    without_gaps(gd.explain(payload, codec), payload)


@pytest.mark.slow
@given(
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=5), inner, max_size=20),
        max_leaves=30,
    )
)
def test_what_the_libraries_write_is_explained_to_its_end(value):
    written = {
        "msgpack": msgpack.packb(value),
        "cbor": cbor2.dumps(value),
        "json": json.dumps(value).encode(),
    }
    for codec, payload in written.items():
        if codec == "json" and ("e+" in payload.decode() or "Infinity" in payload.decode()):
            continue
        found = gd.explain(payload, codec)
        assert found.error is None, (codec, value)
        without_gaps(found, payload)


def told(codec, payload):
    return {field.meaning: field.value for field in gd.explain(payload, codec).fields}


def test_values_stand_beside_their_names():
    assert told("msgpack", msgpack.packb({"seq": 7}))["seq: small integer"] == "7"
    assert told("cbor", cbor2.dumps({"seq": 7}))["seq: unsigned integer"] == "7"
    assert told("json", b'{"seq": 7}')["seq: number"] == "7"
    assert told("osc", OSC)["argument 2: text"] == "hi"
    packed = told(FORMAT, PACKED)
    assert packed["seq: unsigned 16-bit integer, little-endian"] == "300"
    assert packed["pos.y: 32-bit float, little-endian"] == "2.0"
    assert packed["more[4]: signed 16-bit integer, little-endian"] == "5"
    assert packed["name: text"] == "bob"
    assert "skipped by the format" in packed
    (field,) = gd.explain(b"abc", CASES["function"][0]).fields
    assert field.value == "{'length': 3}"


def test_a_capture_explains_with_its_own_codec():
    cap = gd.listen("udp://127.0.0.1:0", decode="<B type, H seq", restart=True)
    with cap, gd.connect(cap.addresses[0]) as game:
        game.send(b"\x01\x2c\x01")
        cap.wait_sync(1)
    assert "300" in str(cap.explain())
    assert "unsigned 16-bit integer" in str(cap.explain(0))


def test_too_much_to_list_is_counted():
    found = gd.explain(json.dumps(list(range(5000))).encode(), "json")
    assert found.error is None
    assert found.fields[-1].meaning == "more, not listed"
    without_gaps(found, json.dumps(list(range(5000))).encode())


def test_what_is_no_bytes_is_told_how_to_become_some():
    with pytest.raises(TypeError, match=r"not str; .*variant\.dumps"):
        gd.explain("text")
