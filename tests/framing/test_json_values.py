"""JSON values back to back, and what happens to bytes that are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab.framing import Frame, framer
from gdlab.framing.json_values import MAX_DEPTH
from gdlab.words import sentence
from tests.framing.conformance import BROKEN, OVERSIZED, SKIPPED, check_framer, cuts, read


def make(limit=1 << 24):
    return lambda: framer("json", max_frame_bytes=limit)


def test_values_back_to_back_as_put_data_leaves_them():
    values = [b'{"id":1}', b"[1,2,[3]]", b'{"a":{"b":"}]\\""}}', b'"text {"', b"{}", b"[]"]
    check_framer(make(), b"".join(values), values)


def test_space_between_values_belongs_to_the_next_one():
    wire = b' \r\n{"a": 1}\n\n[1, {"b": "x"}]\0{"c":\n2}'
    check_framer(make(), wire, [Frame(b'{"a": 1}', 3), Frame(b'[1, {"b": "x"}]', 2), Frame(b'{"c":\n2}', 1)])


def test_numbers_and_words_end_with_the_byte_after_them():
    wire = b"1 -2.5e3\ntrue\nfalse null 17.0\n"
    check_framer(make(), wire, [b"1", b"-2.5e3", b"true", b"false", b"null", b"17.0"])


def test_a_number_at_the_end_of_the_stream_is_complete():
    assert read(make(), [b"12", b"34"]).frames == [Frame(b"1234")]


@pytest.mark.parametrize(
    ("wire", "frames", "reason"),
    [
        (b'hello\n{"a":1}', [Frame(b"hello", 0, BROKEN), Frame(b'{"a":1}', 1)], "not a JSON value"),
        (b'hello{"a":1}', [Frame(b"hello", 0, BROKEN), b'{"a":1}'], "not a JSON value"),
        (b'{"a":[1}{"b":2}', [Frame(b'{"a":[1}', 0, BROKEN), b'{"b":2}'], "another bracket"),
        (b'{"a":1\n{"b":2}', [Frame(b'{"a":1\n', 0, BROKEN), b'{"b":2}'], "where a comma"),
        (b'{"a":"x\n{"b":2}', [Frame(b'{"a":"x', 0, BROKEN), Frame(b'{"b":2}', 1)], "line feed"),
        (b'}\n{"b":2}', [Frame(b"}", 0, BROKEN), Frame(b'{"b":2}', 1)], "should begin"),
        (b'\x01\xff{"b":2}', [Frame(b"\x01\xff", 0, BROKEN), b'{"b":2}'], "should begin"),
        (b"[" * (MAX_DEPTH + 1) + b'\n{"b":2}', [
            Frame(b"[" * (MAX_DEPTH + 1), 0, BROKEN), Frame(b'{"b":2}', 1)], "nested deeper"),
    ],
)  # fmt: skip
def test_bytes_that_cannot_be_right_are_a_row_and_the_next_value_is_found(wire, frames, reason):
    check_framer(make(), wire, frames)
    assert reason in sentence(read(make(), [wire]).frames[0].flaw)


@pytest.mark.parametrize(
    "value", [b'{"a":"0123456789"}', b'{"a":[[1],{"b":3456789}]}', b'"0123456789"', b"1" * 20]
)
def test_a_value_over_the_limit_keeps_its_first_bytes_and_ends_where_it_ends(value):
    wire = b'{"b":2}' + value + b'\n{"c":3}'
    expected = [b'{"b":2}', Frame(value[:8], 0, OVERSIZED), Frame(b"", 0, SKIPPED), b'{"c":3}']
    check_framer(make(8), wire, expected, limit=8)
    assert read(make(8), [wire]).framer.dropped_bytes == len(value) - 8


def test_depth_of_the_limit_is_a_value():
    value = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert read(make(), [value]).frames == [Frame(value)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    values=st.lists(JSON, max_size=6),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
    places=st.lists(st.integers(0, 400), max_size=10),
)
def test_whatever_json_writes_comes_back(values, ascii_only, indent, places):
    texts = [json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode() for value in values]
    wire = b"\n".join(texts)
    reading = read(make(), cuts(wire, [min(place, len(wire)) for place in places]))
    assert [frame.payload for frame in reading.frames] == texts
    assert not any(frame.flaw for frame in reading.frames)
