"""What can be written, and how errors say what cannot."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from gdlab import variant as v
from tests.variant.strategies import VALUES


class Colour(enum.IntEnum):
    RED = 3


@pytest.mark.parametrize(
    ("plain", "godot"),
    [
        ([1, "a"], v.Array([1, "a"])),
        ((1, 2), v.Array([1, 2])),
        ({"a": {1: None}}, v.Dictionary({"a": v.Dictionary({1: None})})),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (np.array([1, 2], np.uint8), b"\1\2"),
        (np.array([1, 2], np.int32), v.PackedInt32Array([1, 2])),
        (np.array([1, 2], ">i8"), v.PackedInt64Array([1, 2])),
        (np.array([1, 2], np.float32), v.PackedFloat32Array([1, 2])),
        (np.array([0.1]), v.PackedFloat64Array([0.1])),
        (np.array([[1, 2]], np.float64), v.PackedVector2Array([(1, 2)])),
        (
            np.arange(8, dtype=np.float32).reshape(2, 4)[::-1],
            v.PackedVector4Array([(4, 5, 6, 7), (0, 1, 2, 3)]),
        ),
        (np.float32(0.5), 0.5),
        (np.int16(-3), -3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (Colour.RED, 3),
        (v.EncodedObject(0), None),
        (v.PackedVector2Array([(1, 2)])[:, 0], v.PackedFloat32Array([1])),
    ],
)
def test_plain_python_values_are_written_as_their_godot_type(plain: Any, godot: Any) -> None:
    assert v.dumps(plain) == v.dumps(godot)


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"items": [1, {"pos": object()}]}, "['items'][1]['pos']", "builtins.object"),
        ([1 << 63], "[0]", "64 bits"),
        ({"a": "x\0y"}, "['a']", "x"),
        ("\ud800", "", "ud800"),
        ([v.Vector2i(1 << 31, 0)], "[0]", "Vector2i"),
        ([v.Vector2("a", 1)], "[0]", "Vector2"),  # type: ignore[arg-type]
        ([v.PackedStringArray([1])], "[0]", "int"),
        ({"o": v.ObjectRecord("Node")}, "['o']", "ObjectRecord of Node"),
        ([np.zeros(2, np.complex64)], "[0]", "complex64"),
        ({object(): 1}, "<key 0>", "object"),
    ],
)
def test_what_godot_cannot_hold_is_refused_with_its_place(value: Any, path: str, found: str) -> None:
    with pytest.raises(v.VariantEncodeError) as caught:
        v.dumps(value)
    assert caught.value.path == path
    assert found in caught.value.found
    assert caught.value.expected


def test_reals_too_large_for_32_bits_become_infinite_as_in_the_engine() -> None:
    assert v.loads(v.dumps(v.Vector2(1e300, -1e300))) == (float("inf"), float("-inf"))
    assert v.loads(v.dumps(np.array([[1e300, 0.0]])))[0, 0] == np.inf


def test_double_precision_keeps_reals_and_marks_them() -> None:
    value = v.Transform2D(v.Vector2(0.1, 0.2), v.Vector2(1e300, 0.0), v.Vector2(1.0, 2.0))
    data = v.dumps(value, double=True)
    assert len(data) == 4 + 6 * 8
    assert data[2] == 1
    assert v.loads(data) == value
    color = v.dumps(v.Color(0.1, 0.2, 0.3, 0.4), double=True)
    assert len(color) == 20
    packed = v.loads(v.Encoder(double=True).dumps(v.PackedVector2Array([(0.1, 0.2)], double=True)))
    assert packed.dtype == np.float64
    assert packed.tolist() == [[0.1, 0.2]]


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_values_survive_the_round_trip(value: Any) -> None:
    data = v.dumps(value)
    back, used = v.loads_from(b"\0" * 8 + data, 8)
    assert used == len(data)
    assert v.dumps(back) == data
    assert v.type_of(back) is v.type_of(value)


def test_whole_objects_only_when_asked_for() -> None:
    value = v.Array(
        [v.ObjectRecord("Item", {"script": "res://item.gd", "tag": "x"}), v.EncodedObject(5)],
        element_type=v.ScriptType("res://item.gd"),
    )
    data = v.dumps(value, full_objects=True)
    back = v.Decoder(full_objects=True).loads(data)
    assert back == value
    assert back.element_type == v.ScriptType("res://item.gd")
    with pytest.raises(v.VariantDecodeError, match="full_objects=True") as caught:
        v.loads(v.dumps([v.ObjectRecord("Item")], full_objects=True))
    assert caught.value.code == "ERR_UNAUTHORIZED"
