"""Every framer: what comes out for a given stream, however it is cut."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gdlab.errors import FramingError
from gdlab.facts import Reason
from gdlab.framing import NAMES, Frame, State, encode, framer
from gdlab.words import sentence
from tests.framing.conformance import (
    OVERSIZED,
    SKIPPED,
    byte_by_byte,
    check_any_bytes,
    check_framer,
    cuts,
    read,
)

#: Framings that cannot carry any bytes: they end at a separator, or are packets of their own.
CHOOSY = {"variants", "nul", "signalr", "http", "mqtt"}
PREFIXED = [
    name
    for name in NAMES
    if name not in {"auto", "raw", "lines", "json", "fixed", "varint", "content_length", *CHOOSY}
]
PAYLOADS = [b"", b"hi~", bytes(range(100)), b"\n\r{[\"'", "Grüße 你好".encode(), b"x" * 100, b"x" * 100]
ALL = [name for name in NAMES if name not in {"fixed", "auto"}] + [
    "fixed:1",
    "fixed:7",
    "u16le:inclusive",
    "u32be:after=2",
    "u16be:plus=1",
]


def make(name, limit=1 << 24):
    return lambda: framer(name, max_frame_bytes=limit)


@pytest.mark.parametrize("name", PREFIXED)
def test_what_encode_sends_a_length_prefixed_framer_gives_back(name):
    wire = b"".join(encode(name, payload) for payload in PAYLOADS)
    header = len(encode(name, b""))
    check_framer(make(name), wire, [Frame(payload, header) for payload in PAYLOADS])


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("u8", "03 61 62 63"),
        ("u16le", "03 00 61 62 63"),
        ("u16be", "00 03 61 62 63"),
        ("u32le", "03 00 00 00 61 62 63"),
        ("u32be", "00 00 00 03 61 62 63"),
        ("put_string", "03 00 00 00 61 62 63"),
        ("put_string_be", "00 00 00 03 61 62 63"),
        ("put_utf8_string", "03 00 00 00 61 62 63"),
        ("put_utf8_string_be", "00 00 00 03 61 62 63"),
        ("put_var", "03 00 00 00 61 62 63"),
        ("put_var_be", "00 00 00 03 61 62 63"),
        ("packet_peer_stream", "03 00 00 00 61 62 63"),
        ("lines", "61 62 63 0a"),
        ("json", "61 62 63 0a"),
        ("fixed:3", "61 62 63"),
        ("raw", "61 62 63"),
    ],
)
def test_the_bytes_on_the_wire(name, wire):
    assert encode(name, b"abc") == bytes.fromhex(wire)


def test_lines_lose_their_end_and_nothing_else():
    wire = b"one\ntwo\r\n\n\r\n a\rb \xff\x00\n"
    check_framer(
        make("lines"),
        wire,
        [Frame(b"one", 1), Frame(b"two", 2), Frame(b"", 1), Frame(b"", 2), Frame(b" a\rb \xff\x00", 1)],
    )


def test_fixed_frames():
    check_framer(make("fixed:4"), b"abcdefghijkl", [b"abcd", b"efgh", b"ijkl"])


def test_raw_shows_the_chunks_themselves():
    assert [f.payload for f in read(make("raw"), [b"ab", b"", b"c"]).frames] == [b"ab", b"c"]
    assert [f.payload for f in read(make("raw", 4), [b"abcdefghij"]).frames] == [b"abcd", b"efgh", b"ij"]


@pytest.mark.parametrize(
    ("name", "wire", "payload", "reason"),
    [
        ("u32le", b"\x05\0\0\0hel", b"hel", "the stream ended after 3 of 5 bytes"),
        ("u32le", b"\x05\0", b"\x05\0", "the stream ended after 2 of the 4 bytes of a length"),
        ("lines", b"hel", b"hel", "the stream ended before the line feed"),
        ("fixed:5", b"hel", b"hel", "the stream ended after 3 of 5 bytes"),
        ("json", b'{"a": [1', b'{"a": [1', "the stream ended inside a JSON value"),
    ],
)
def test_what_remains_at_the_end_is_a_row_with_its_bytes(name, wire, payload, reason):
    first = encode(name, b"12345")
    *_, last = read(make(name), byte_by_byte(first + wire)).frames
    assert (last.payload, last.flaw.reason, sentence(last.flaw)) == (payload, Reason.INCOMPLETE, reason)


def test_a_frame_over_the_limit_keeps_its_first_bytes_and_the_stream_goes_on():
    wire = encode("u16be", b"before") + encode("u16be", b"0123456789abcdef!!") + encode("u16be", b"after")
    expected = [
        Frame(b"before", 2),
        Frame(b"01234567", 2, OVERSIZED),
        Frame(b"", 0, SKIPPED),
        Frame(b"after", 2),
    ]
    check_framer(make("u16be", 8), wire, expected, limit=8)
    reading = read(make("u16be", 8), [wire])
    assert sentence(reading.frames[1].flaw) == (
        "a frame of 18 bytes at byte 8 of the stream, the limit is 8 (max_frame_bytes); these are its first 8"
    )
    assert reading.framer.dropped_bytes == 10


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("length", [7, 8, 9, 10, 100])
def test_a_line_over_the_limit(length, end):
    line = b"0123456789" * 10
    wire = b"one" + end + line[:length] + end + b"two" + end
    middle = (
        [Frame(line[:length], len(end))]
        if length <= 8
        else [Frame(line[:8], 0, OVERSIZED), Frame(b"", 1, SKIPPED)]
    )
    expected = [Frame(b"one", len(end)), *middle, Frame(b"two", len(end))]
    check_framer(make("lines", 8), wire, expected, limit=8)


@pytest.mark.parametrize(
    ("name", "wire", "hint"),
    [
        (
            "put_var",
            b"\xff\xfe\xfd\xfc" + b"12345678",
            "another framing, or lost its place",
        ),
        (
            "put_var",
            bytes.fromhex("0000 0008") + b"12345678",
            "the other byte order makes it 8: framing 'put_var_be'",
        ),
        ("u32be", bytes.fromhex("0800 0000") + b"12345678", "framing 'u32le' may fit"),
        ("u32le", b"GET / HTTP/1.1\r\n", "'GET ' is text: framing 'lines', 'json' or 'raw' may fit"),
    ],
)
def test_a_length_that_cannot_be_meant_ends_the_stream_and_says_what_it_may_be(name, wire, hint):
    before = encode(name, b"good")
    reading = check_any_bytes(make(name, 10_000), before + wire, byte_by_byte(before + wire), limit=10_000)
    framer_ = reading.framer
    assert framer_.state is State.ERROR
    assert isinstance(framer_.error, FramingError)
    assert hint in str(framer_.error)
    assert framer_.error.offset == len(before)
    assert framer_.error.needed_bytes == struct.unpack(">I" if name.endswith("be") else "<I", wire[:4])[0]
    assert reading.frames == [
        Frame(b"good", 4),
        Frame(wire, 0, framer_.error.fact),
    ]
    framer_.receive_data(b"more")
    assert framer_.frames() == []
    assert framer_.dropped_bytes == 4


def test_a_giant_announcement_takes_no_memory():
    framer_ = framer("u32le", max_frame_bytes=1000)
    framer_.receive_data(struct.pack("<I", 3500))
    for _ in range(35):
        framer_.receive_data(bytes(100))
        framer_.frames()
        assert framer_.held_bytes <= 1004
    framer_.receive_data(encode("u32le", b"next"))
    assert framer_.frames()[-1].payload == b"next"


def test_a_framer_serves_one_connection():
    for name in ALL:
        framer_ = framer(name)
        if name in CHOOSY:
            continue
        framer_.receive_data(b"x")
        framer_.end()
        framer_.end()
        framer_.frames()
        assert framer_.state is State.ENDED
        with pytest.raises(FramingError, match="one connection"):
            framer_.receive_data(b"y")


@pytest.mark.parametrize("count", [1, 31, 40, 1000])
def test_tables_of_uniform_and_mixed_runs(count):
    lengths = [8] * count + [3, 3, 3, 3, 5] + [0] * count + [70_000 % 251] * 40 + [9]
    payloads = [bytes([index % 256]) * length for index, length in enumerate(lengths)]
    wire = b"".join(encode("u8", payload) for payload in payloads)
    framer_ = framer("u8")
    framer_.receive_data(wire + b"\x05abc")
    data, offsets, table_lengths, header_bytes = framer_.table()
    assert table_lengths.tolist() == lengths
    assert [data[o : o + n] for o, n in zip(offsets.tolist(), lengths, strict=True)] == payloads
    assert header_bytes.tolist() == [1] * len(lengths)
    assert (offsets.dtype, table_lengths.dtype, header_bytes.dtype) == ("int64", "int64", "int64")
    assert framer_.held_bytes == 4
    framer_.receive_data(b"de")
    assert framer_.frames() == [Frame(b"abcde", 1)]


def test_a_table_stops_at_a_flawed_frame_and_frames_go_on_after_it():
    framer_ = framer("u8", max_frame_bytes=5)
    framer_.receive_data(b"".join(encode("u8", p) for p in (b"a", b"bb", b"123456", b"c")))
    table = framer_.table()
    assert table.lengths.tolist() == [1, 2]
    assert [(f.payload, f.flaw and f.flaw.reason) for f in framer_.frames()] == [
        (b"12345", Reason.OVERSIZED),
        (b"", Reason.SKIPPED),
        (b"c", None),
    ]


CUTS = st.lists(st.integers(0, 300), max_size=12)
FRAGMENTS = st.sampled_from(
    [
        b"\n", b"\r\n", b"\r", b"{", b"}", b"[", b"]", b'"', b"\\", b'"a": 1', b",", b" ", b"true", b"12",
        b"nul", b"\0\0\0\x04", b"\x04\0\0\0", b"\x00", b"\x02\0\0\0\x00\x00\x00\x00", b"\xff" * 4, b"hello",
        b"\x16\x03\x01", b'{"a": "b"}', b"{}", b"x" * 30, b"GET ", b"\x08\0\0\0\x02\0\0\0",
        b"\0\x03abc", b"\x03abc",
    ]
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if name != "raw"])
@example(wire=b"\t\n\r\r{", places=[], limit=7)
@example(wire=b" \n \n", places=[2], limit=7)
@example(wire=b"0\0\0\0", places=[], limit=7)
@example(wire=b"0\3\0\2", places=[], limit=7)
@settings(max_examples=80, deadline=None)
@given(
    wire=st.one_of(st.binary(max_size=120), st.lists(FRAGMENTS, max_size=20).map(b"".join)),
    places=CUTS,
    limit=st.sampled_from([7, 8, 20, 10_000]),
)
def test_hostile_bytes_are_the_same_frames_however_they_are_cut(name, wire, places, limit):
    chunks = cuts(wire, [min(place, len(wire)) for place in places])
    check_any_bytes(make(name, limit), wire, chunks, byte_by_byte(wire), limit=limit)


@pytest.mark.parametrize("name", PREFIXED)
@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.sampled_from([0, 1, 12, 12, 12, 40]), max_size=120), places=CUTS)
def test_random_frames_come_back(name, lengths, places):
    payloads = [bytes([i % 256]) * length for i, length in enumerate(lengths)]
    wire = b"".join(encode(name, payload) for payload in payloads)
    for by_table in (False, True):
        reading = read(make(name), cuts(wire, [min(p, len(wire)) for p in places]), by_table=by_table)
        assert [frame.payload for frame in reading.frames] == payloads
