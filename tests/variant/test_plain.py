"""The fast decoder of ordinary values gives what the strict one gives, or gives up."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab import variant as v
from gdlab.variant.decode import decode
from gdlab.variant.plain import GIVEN_UP, decode_plain
from tests.variant.strategies import VALUES


def types_in(value: Any) -> list[type]:
    """Types of a value and of all in it, in order."""
    found = [type(value)]
    if isinstance(value, dict):
        for key, item in value.items():
            found += types_in(key) + types_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            found += types_in(item)
    return found


def assert_agrees(data: bytes) -> None:
    try:
        fast, used = decode_plain(data)
    except GIVEN_UP:
        return
    strict, strict_used = decode(data, 0, len(data))
    assert used == strict_used
    assert v.dumps(fast, double=True) == v.dumps(strict, double=True)
    assert types_in(fast) == types_in(strict)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(VALUES, st.data())
def test_it_agrees_with_the_strict_decoder(value: Any, data: st.DataObject) -> None:
    payload = bytearray(v.dumps(value))
    assert_agrees(bytes(payload))
    for _ in range(3):
        broken = payload[: data.draw(st.integers(0, len(payload)))]
        for _ in range(data.draw(st.integers(0, 2))):
            if broken:
                broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        assert_agrees(bytes(broken))


@pytest.mark.parametrize(
    "value",
    [
        {"seq": 1, "t": 0.1, "pos": v.Vector2(1, 2), "name": "\U0001f600 hi", "nested": {"a": [], "b": {}}},
        [None, True, -1, 1 << 40, 0.5, v.StringName("n"), v.Transform3D(), b"abc", v.PackedInt32Array([1])],
        v.Dictionary([(1, "int"), (-1, "int"), ("1", "text"), (v.StringName("s"), 0)]),
        v.Array([v.Vector2(i, i) for i in range(3000)]),
    ],
)
def test_ordinary_values_need_no_other(value: Any) -> None:
    data = v.dumps(value)
    assert v.dumps(decode_plain(data)[0]) == data
    assert_agrees(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\2\0\0\0",
        v.dumps("abc")[:-1],
        struct.pack("<II", 4, 4) + b"a\0bc",
        struct.pack("<II", 4, 3) + b"\xef\xbb\xbf\0",
        struct.pack("<II", 4, 1) + b"\xff\0\0\0",
        struct.pack("<IIIII", 27, 1, 4, 0xFFFFFFFF, 0),
        struct.pack("<II", 28, 1) * 200 + bytes(4),
        struct.pack("<I", 39),
        v.dumps(v.Array([1], element_type=v.Type.INT)),
    ],
)
def test_what_needs_care_is_left_alone(data: bytes) -> None:
    with pytest.raises(GIVEN_UP):
        decode_plain(data)
