"""Protocols of others are named by how their bytes begin, and nothing else is."""

import json

import pytest

from gdlab import variant
from gdlab.codecs.codec import VariantReader
from gdlab.codecs.guess import guess
from gdlab.framing import signatures
from gdlab.words import stated

ENET = bytes.fromhex(
    "8fff6eed82ff00010000ffff0000057000010000000000ff00000000000000000000138800000002000000028ac37cf609e05909"
)
EXAMPLES = {
    "DTLS": b"\x16\xfe\xfd" + bytes(10) + b"\1",
    "STUN": b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12),
    "MQTT": b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4abcd",
    "HTTP": b"GET /score HTTP/1.1\r\n\r\n",
    "OSC": bytes.fromhex("2f637562652f706f730000002c666669000000003f80000040200000fffffffd"),
    "ENet": ENET,
    "gzip": b"\x1f\x8b\x08" + bytes(10),
    "Zstandard": b"\x28\xb5\x2f\xfd" + bytes(8),
    "UTF-8 with a byte order mark": b"\xef\xbb\xbf{}",
    "engine.io": b'42["move",{"x":1}]',
    "a Variant of Godot 3": bytes.fromhex("130000000200000002000000010000000400000002000000686f0000"),
    "UTF-16": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32-le"),
    "Python's str()": b"{'a': 1, 'b': None}",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_of_another_program_is_named_with_the_way_out(name):
    payload = EXAMPLES[name]
    found = signatures.of_message(payload)
    assert found is not None
    assert found.name == name
    assert found.way_out
    _, _, why, _ = guess(payload, VariantReader())
    assert why == f"looks like {name}: {stated(found.way_out)}"


def test_osc_with_arguments_of_the_wrong_size_is_named_as_well():
    """A public addon of Godot writes a byte for true, which its type says already, and no padding behind it."""
    found = signatures.of_message(b"/cube/on\0\0\0\0,T\0\0\1")
    assert found is not None
    assert found.name == "OSC"


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"hello", b"/chat hello", b"GET ready", b"4 players", b"{}", b"['", json.dumps({"a": 1}).encode(),
        variant.dumps({"a": [1, 2.5]}), variant.dumps("text"), bytes(64), b"\x8f\xff" + bytes(30), b"\1\2\3\4" * 9,
        "你好世界".encode(), b"\xff" * 20,
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_one(payload):
    assert signatures.of_message(payload) is None


@pytest.mark.parametrize(
    "payload", [b"0.000,0.00,0.00", b"[12:00] hello", b"-3 points", b"12 apples", b"true story"]
)
def test_text_that_only_begins_like_json_is_text_without_an_error(payload):
    assert guess(payload, VariantReader()) == ("text", payload.decode(), None, None)


def test_json_that_is_broken_still_gives_the_reason():
    name, _, why, _ = guess(b'{"a": 1,', VariantReader())
    assert name == "text"
    assert why is not None
    assert why.startswith("begins like JSON, but:")


@pytest.mark.parametrize(
    "packed",
    [
        # A dictionary of id, name, hp and t, as a game of Godot 3 sent it.
        (
            "1200000004000000040000000200000069640000020000000700000004000000040000006e616d65040000000300000062"
            "6f62000400000002000000687000000200000064000000040000000100000074000000030001009a9999999999f13f"
        ),
        "06000000" + "0000803f" * 4,  # Rect2(1, 1, 1, 1), which begins as Godot 4's Vector2i
        "07000000" + "0000803f" * 3,  # Vector3
        "16000000020000000000803f0000803f",  # PoolRealArray
        "170000000100000002000000686f0000",  # PoolStringArray
        "140000000300000001020300",  # PoolByteArray
    ],
)
def test_variants_of_godot_3_are_called_so(packed):
    name, value, why, _ = guess(bytes.fromhex(packed), VariantReader())
    assert (name, value) == ("bytes", bytes.fromhex(packed))
    assert why is not None
    assert why.startswith("looks like a Variant of Godot 3: Godot 4 numbers its types differently")


def test_hostile_godot_3_variants_cost_nothing():
    for head in (b"\x12\0\0\0", b"\x13\0\0\0", b"\x17\0\0\0"):
        assert signatures.of_message(head + b"\xff\xff\xff\x7f") is None
        assert signatures.of_message((head + b"\1\0\0\0") * 5000) is None


def test_variants_of_godot_4_are_never_godot_3():
    for value in (
        1,
        2.5,
        "text",
        [1, 2],
        {"a": [variant.Vector2(1, 2)]},
        variant.Rect2((1, 2), (3, 4)),
        b"abc",
    ):
        assert guess(variant.dumps(value), VariantReader())[0] == "variant"
