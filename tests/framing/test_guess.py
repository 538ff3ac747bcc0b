"""What is made of the first bytes of a stream nobody has named."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from gdlab import variant
from gdlab.framing import StreamReader, encode, fact_of
from gdlab.framing.guess import MOST_BYTES, guess
from gdlab.framing.variant_size import MORE, NONE, variant_size
from gdlab.words import sentence

INT = struct.pack("<Ii", 2, 42)
ARRAY = variant.dumps(["move", 1, variant.Vector2(1, 2)])


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (encode("put_var", INT) * 2, "put_var"),
        (encode("put_var_be", INT) * 2, "put_var_be"),
        (encode("put_utf8_string", b"hello"), "put_utf8_string"),
        (encode("put_utf8_string_be", b"hello"), "put_utf8_string_be"),
        (struct.pack("!I", 2) + b"hi", "put_utf8_string_be"),
        (encode("u32le", b"\1\2\3") * 3, "u32le"),
        (encode("u32be", b"\1\2\3") * 3, "u32be"),
        (encode("u16be", b"\1\2\3\xff") + encode("u16be", b"\xfe\1") + encode("u16be", b"\xff" * 9), "u16be"),
        (b"".join(struct.pack("<I", len(p) + 4) + p for p in (b"idle", b"x" * 31, b"y" * 12)), "u32le:inclusive"),
        (b"".join(struct.pack("<II", c, len(p)) + p for c, p in ((1, b"hello"), (2, b"bye"), (1, b"me"))),
         "u32le:after=4"),
        (b"".join(struct.pack("<HH", 12, 1) + struct.pack("<Iff", n, 1.5, 2.5) for n in range(7, 12)), "u16le:plus=2"),
        (ARRAY * 3, "variants"),
        (variant.dumps("test") + variant.dumps({"a": 1}), "variants"),
        (encode("varint", b"\x08\1\x12\4name") + encode("varint", b"\x08\2\x12\3you\x1d\0\0\x80\x3f") * 3, "varint"),
        (b'{"a": 1}', "json"),
        (b"\n [1, 2]", "json"),
        (b"[[1]]", "json"),
        (b"[true, 1]", "json"),
        (b'{"protocol":"json","version":1}\x1e', "signalr"),
        (b"hello\nworld\nyou", "lines"),
        ("héllo 你好\n".encode(), "lines"),
        (b"hello\r\nyou\r\n", "lines"),
        (b"[12:00] hello\n", "lines"),
        (b"[net] hello\n", "lines"),
        (b"{hello\n", "lines"),
        (b"hello\0you there\0", "nul"),
        (b"CONNECT\naccept-version:1.2\n\n\0", "nul"),
        (b"GET / HTTP/1.1\r\n", "http"),
        (b"POST /score HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "http"),
        (b"Content-Length: 2\r\n\r\n{}", "content_length"),
        (b"\x10\x0d\0\4MQTT\4\2\0\x3c\0\1a", "mqtt"),
        (b"\x20\2\0\0", "mqtt"),
        (b"".join(variant.dumps(number) for number in range(9)), "variants"),
        (struct.pack("<III", 5_000_000, 4, 4_999_992) + b"x" * 3000, "put_var"),
        (b"\x0cmove 12 4332", "u8"),
        (b"T" + b"x: 1.5,\ny: 2.5,\n" * 5 + b"last", "u8"),
        (b"\0\x15" + bytes(range(200, 221)), "u16be"),
        (b"\0\3\3ok", "u16be"),
        # Read the other way round, 3 and 0x15 are 50 MB and a Variant of text.
        (b"".join(struct.pack("<II", 3, 0x15) + b"\x3e\2\0\0" + bytes(range(17)) for _ in "ab"), "u32le:after=4"),
        (b"\x16\x03\x01\x02\x00\x01\xfc", "raw"),
        (b"x" * MOST_BYTES, "raw"),
        ("hello you\n".encode("utf-16-le") * 3, "raw"),
        ('{"a": 1}'.encode("utf-16-be")[:-1], "raw"),
        ("hello".encode("utf-32-le"), "raw"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), "raw"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "raw"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\n\0\1\2\r\n", "lines"),
        (b"\1" * 60, "raw"),
        (b'{"a": "' + b"x" * 300, "json"),
    ],
)  # fmt: skip
def test_streams_are_known_by_their_first_bytes(head, name):
    found = guess(head, reads=[len(head)], pauses=[len(head)], final=True)
    assert found is not None
    assert found.name == name
    assert sentence(fact_of(found))


@pytest.mark.parametrize(
    "head",
    [b"", b"h", b"hi~ hello", b"\x08\0", b"\x08\0\0\0", b"[12", b"{ ", b"\0\0\0\0", b"\3\0\0\0\1\2\3", b"GE",
     b"Content-Le"],
)  # fmt: skip
def test_too_little_decides_nothing(head):
    assert guess(head) is None


@pytest.mark.parametrize("head", [b"\xff\xfe\x01\xff", b"hi~", b"\0\0\0\0", bytes(40), b"\1\2"])
def test_what_cannot_be_known_is_kept_raw(head):
    found = guess(head, final=True)
    assert found is not None
    assert (found.name, found.certain) == ("raw", False)


def test_every_variant_of_the_engine_is_measured_whole_and_cut_short():
    for line in (Path(__file__).parents[1] / "data" / "golden" / "variants.jsonl").read_text().splitlines():
        case = json.loads(line)
        data = bytes.fromhex(case["hex"])
        if "each" in case["expr"]:  # a thousand inside one another: traffic has none
            continue
        assert variant_size(data) == len(data), case["expr"]
        for length in {1, 3, len(data) // 2, len(data) - 1}:
            assert variant_size(data[:length]) == MORE, (case["expr"], length)
    for data in (b"\x63\0\0\0", b"\1\0\0\0\2\0\0\0", b"\4\0\0\0\1\0\0\0\xff\0\0\0", b"\2\0\0\1"):
        assert variant_size(data) == NONE


def test_a_large_variant_is_waited_for_from_its_first_bytes_on():
    wire = encode("put_var", variant.dumps(bytes(1_000_000)))
    reader = StreamReader("auto")
    reader.receive(wire[:3000], 1)
    reader.pause()
    assert (reader.name, reader.held_bytes, reader.waits_for) == ("put_var", 3000, len(wire))
    taken = reader.receive(wire[3000:], 5)
    assert [len(frame.payload) for batch in taken.batches for frame in batch.frames] == [len(wire) - 4]
    assert taken.batches[0].words[0].startswith("put_var reads=3000@4")


def test_a_guess_that_fails_is_taken_back_and_nothing_is_lost():
    """What begins as JSON, and is not."""
    reader = StreamReader("auto")
    first = reader.receive(b'{"a": 1}', 1)
    assert reader.name == "json"
    assert [frame.payload for batch in first.batches for frame in batch.frames] == [b'{"a": 1}']
    second = reader.receive(b"] oh no", 2)
    assert second.withdrawn
    assert reader.name == "raw"
    assert [(batch.time_ns, frame.payload) for batch in second.batches for frame in batch.frames] == [
        (1, b'{"a": 1}'),
        (2, b"] oh no"),
    ]


def test_more_evidence_changes_a_guess_and_the_stream_is_read_again():
    reader = StreamReader("auto")
    assert not reader.receive(b"\1\2\3", 1).batches
    taken = reader.pause()
    assert reader.name == "raw"
    assert [frame.payload for batch in taken.batches for frame in batch.frames] == [b"\1\2\3"]
    wire = b"".join(encode("u32le", bytes([n]) * 9) for n in range(200, 206))
    reader = StreamReader("auto")
    reader.receive(wire[:2], 1)
    reader.pause()
    assert reader.name == "raw"
    taken = reader.receive(wire[2:], 2)
    assert taken.withdrawn
    assert reader.name == "u32le"
    assert [frame.payload for batch in taken.batches for frame in batch.frames] == [
        bytes([n]) * 9 for n in range(200, 206)
    ]
    assert taken.batches[0].words[0] == "u32le reads=2@1"


def test_a_length_that_looks_like_a_type_makes_no_stream_of_bare_variants():
    # 16 is the length of a Vector3, and the type of an AABB, which swallows the beginning of the next frame.
    frames = [
        variant.dumps(variant.Vector3(1, 2, 3)),
        variant.dumps({"enemy": {"score": 1, "name": None}}),
        ARRAY,
    ]
    wire = b"".join(encode("put_var", frame) for frame in frames)
    reader = StreamReader("auto")
    reader.receive(wire[:90], 1)
    assert reader.name != "variants"
    taken = reader.receive(wire[90:], 2)
    taken = taken if taken.batches else reader.pause()
    assert reader.name == "put_var"
    assert [frame.payload for batch in taken.batches for frame in batch.frames] == frames


def test_a_long_first_value_of_json_leaves_open_what_separates_it_from_the_next():
    reader = StreamReader("auto")
    reader.receive(b'{"text": "%s"}' % (b"x" * 300), 1)
    assert (reader.name, reader.is_settled) == ("json", False)
    taken = reader.receive(b'\x1e{"b": 2}\x1e' + b"{}\x1e" * 100, 2)
    assert reader.name == "signalr"
    assert taken.withdrawn
    assert [frame.payload for batch in taken.batches for frame in batch.frames][1] == b'{"b": 2}'


def test_a_framing_by_name_guesses_nothing():
    reader = StreamReader("lines")
    reader.pause()
    assert (reader.guess, reader.name, reader.is_settled) == (None, "lines", True)
