"""What "auto" makes of the first bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab.framing import Frame, encode, framer
from gdlab.framing.guess import MOST_BYTES, guess
from gdlab.words import sentence

INT = struct.pack("<Ii", 2, 42)


@pytest.mark.parametrize(
    ("head", "name", "why"),
    [
        (encode("put_var", INT), "put_var", "a little-endian u32 length, 8, and a Variant of type 2"),
        (encode("put_var_be", INT), "put_var_be", "a big-endian u32 length, 8, and a Variant of type 2"),
        (encode("put_var", bytes(4)), "put_var", "a Variant of type 0"),
        (encode("put_utf8_string", b"hello"), "put_utf8_string", "length, 5, and text"),
        (encode("put_utf8_string_be", b"hello"), "put_utf8_string_be", "length, 5, and text"),
        (
            encode("put_utf8_string", b"") * 3 + encode("put_utf8_string", b"hi"),
            "put_utf8_string",
            "length, 2,",
        ),
        (encode("u32le", b"\1\2\3") * 2, "u32le", "two little-endian u32 lengths in a row, 3 and 3"),
        (encode("u32be", b"\1\2\3") * 2, "u32be", "two big-endian u32 lengths in a row"),
        (encode("u32le", b"a" * 32), "put_utf8_string", "length, 32"),  # 0x20 looks like a space
        (b'{"a": 1}', "json", "begins with '{'"),
        (b"\n [1, 2]", "json", "begins with '['"),
        (b"[[1]]", "json", "begins with '['"),
        (b"[true, 1]", "json", "begins with '['"),
        (b"hello\nwor", "lines", "a line feed"),
        ("héllo 你好\n".encode(), "lines", "a line feed"),
        (b"[12:00] hello\n", "lines", "a line feed"),
        (b"[net] hello\n", "lines", "a line feed"),
        (b"{hello\n", "lines", "a line feed"),
        (b"GET / HTTP/1.1\r\n", "lines", "listen on ws://"),
        (b"\x16\x03\x01\x02\x00\x01", "raw", "TLS"),
        (b"\xff\xfe\x01\xff", "raw", "binary"),
        (b"hello\0\1\2", "raw", "control characters"),
        (b"x" * MOST_BYTES, "raw", "text without a line feed"),
    ],
)
def test_guesses(head, name, why):
    found = guess(head)
    assert found is not None
    assert found.name == name
    assert why in sentence(found.why)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"h",
        b"hi~ hello",
        b"\x08\0",
        b"\x08\0\0\0",
        b"[12",
        b"{ ",
        b"\0\0\0\0",
        b"\3\0\0\0\1\2\3",
        b"\x16\x03",
    ],
)
def test_not_yet(head):
    assert guess(head) is None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"", "raw"),
        (b"hi~", "raw"),
        (b"{}", "json"),
        (b"a\n", "lines"),
        (b"\3\0\0\0\1\2\3", "u32le"),
        (b"\1\2", "raw"),
    ],
)
def test_with_no_more_to_come(head, name):
    assert guess(head, final=True).name == name


FRAGMENTS = st.sampled_from(
    [b"\0", b"\0\0\0", b"\x08", b"\x04\0\0\0", b"\0\0\0\x04", b"\0\x03", b"[", b"{", b'"', b"1", b"]", b",",
     b"a", b"\n", b" ", b"\x16\x03", b"\x02", b"\x10\0\0\0\x1b\0\0\0", b"GET ", b"\xc3\xa9", b"\x20\0\0\0",
     b"x" * 70, b"\0\0\0\x0c"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=120), st.lists(FRAGMENTS, max_size=25).map(b"".join)))
def test_an_answer_never_changes_with_more_bytes(head):
    answer = None
    for length in range(len(head) + 1):
        now = guess(head[:length])
        if answer is not None:
            assert now == answer
        answer = now


def test_the_framer_says_that_it_does_not_know_yet_then_what_and_why():
    auto = framer("auto")
    auto.receive_data(b"\x08\0\0\0\x02")
    assert (auto.name, auto.frames(), auto.held_bytes) == ("auto", [], 5)
    assert auto.guess is None
    assert "the first 5 bytes do not tell" in repr(auto)
    auto.receive_data(encode("put_var", INT)[5:])
    assert auto.name == "put_var"
    assert sentence(auto.guess) == "framing put_var: a little-endian u32 length, 8, and a Variant of type 2"
    assert auto.frames() == [Frame(INT, 4)]


def test_settle_decides_for_a_peer_that_waits():
    auto = framer("auto")
    auto.settle()
    assert auto.name == "auto"  # nothing to decide from
    auto.receive_data(b"hi~")
    assert auto.frames() == []
    auto.settle()
    assert auto.frames() == [Frame(b"hi~")]
    assert sentence(auto.guess) == "framing raw: text without a line feed"


def test_a_framing_by_name_guesses_nothing():
    named = framer("lines")
    named.settle()
    assert (named.guess, named.name) == (None, "lines")
