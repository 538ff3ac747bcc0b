"""The quick guess for many payloads says of each what the definition says."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gdlab.messages import CATEGORIES, Kind, guess_kind
from gdlab.transports.text_or_binary import are_binary, guess_kinds

text = st.text(max_size=20).map(lambda value: value.encode("utf-8", "replace"))
plain = st.text(st.characters(max_codepoint=127), max_size=20).map(str.encode)
godot = st.binary(max_size=12).map(lambda rest: b"\x1c\0\0\0" + rest)


@pytest.mark.slow
@given(st.lists(st.one_of(st.binary(max_size=20), text, plain, godot), max_size=30))
@example([])
@example([b"", b""])
@example([b"", b"\x7f"])
@example([b"tab\t", b"line\r\n", b"late control...\x00", b"\xff", "ü".encode(), "ü".encode()[:1]])
def test_the_quick_guess_is_the_definition(payloads):
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    codes = guess_kinds(np.frombuffer(b"".join(payloads), np.uint8), sizes)
    assert [CATEGORIES["kind"][code] for code in codes] == [guess_kind(payload) for payload in payloads]


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_alone_and_behind_text(byte):
    payloads = [bytes([byte]), b"some longer text" + bytes([byte]), b"text"]
    codes = guess_kinds(np.frombuffer(b"".join(payloads), np.uint8), np.array([1, 17, 4]))
    assert [CATEGORIES["kind"][code] for code in codes] == [guess_kind(payload) for payload in payloads]


@pytest.mark.slow
@given(st.lists(st.one_of(st.binary(max_size=20), plain, godot, godot), min_size=1, max_size=30), st.data())
def test_payloads_that_lie_apart_are_all_binary_only_where_each_is(payloads, data):
    between = [data.draw(st.binary(max_size=4)) for _ in payloads]
    lie_in = b"".join(gap + payload for gap, payload in zip(between, payloads, strict=True))
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    starts = np.cumsum(sizes + [len(gap) for gap in between]) - sizes
    if are_binary(np.frombuffer(lie_in, np.uint8), starts, sizes):
        assert {guess_kind(payload) for payload in payloads} == {Kind.BINARY}


def test_values_of_godot_are_found_out_to_be_binary():
    sizes = np.array([12, 20, 8])
    lie_in = b"".join(b"HEAD" + b"\x1c\0\0\0" + b"x" * (size - 4) for size in sizes.tolist())
    assert are_binary(np.frombuffer(lie_in, np.uint8), np.array([4, 20, 44]), sizes)
