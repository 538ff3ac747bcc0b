"""Protocols of others are named by how their bytes begin, and nothing else is."""

import json

import pytest

from gdlab import variant
from gdlab.codecs.codec import VariantReader
from gdlab.codecs.guess import guess
from gdlab.framing import signatures

ENET = bytes.fromhex(
    "8fff6eed82ff00010000ffff0000057000010000000000ff00000000000000000000138800000002000000028ac37cf609e05909"
)
EXAMPLES = {
    "DTLS": b"\x16\xfe\xfd" + bytes(10) + b"\1",
    "STUN": b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12),
    "HTTP": b"GET /score HTTP/1.1\r\n\r\n",
    "OSC": bytes.fromhex("2f637562652f706f730000002c666669000000003f80000040200000fffffffd"),
    "ENet": ENET,
    "gzip": b"\x1f\x8b\x08" + bytes(10),
    "Zstandard": b"\x28\xb5\x2f\xfd" + bytes(8),
    "UTF-8 with a byte order mark": b"\xef\xbb\xbf{}",
    "engine.io": b'42["move",{"x":1}]',
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
    assert why == f"looks like {name}: {found.way_out}"


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
