"""Values: nothing collapses, and everything can be compared, shown and copied."""

from __future__ import annotations

import copy
import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from gdlab import variant as v
from tests.variant.golden import nested
from tests.variant.strategies import VALUES

NAMES = {name: getattr(v, name) for name in v.__all__}


def test_types_have_godots_numbers_and_names() -> None:
    assert [int(kind) for kind in v.Type] == list(range(39))
    assert v.Type.VECTOR4.godot_name == "Vector4"
    assert (v.Type.TRANSFORM2D, v.Type.VECTOR4, v.Type.VECTOR4I) == (11, 12, 13)


def test_values_of_different_types_differ() -> None:
    same = [v.Vector4(1, 2, 3, 4), v.Color(1, 2, 3, 4), v.Quaternion(1, 2, 3, 4), v.Vector4i(1, 2, 3, 4)]
    for i, a in enumerate(same):
        for j, b in enumerate(same):
            assert (a == b) is (i == j)
            assert (a != b) is (i != j)
    assert v.Vector2(1, 2) == (1, 2)
    assert v.Vector2(1, 2) != (1, 3)
    assert v.Array(["a"]) != v.PackedStringArray(["a"])
    assert v.PackedStringArray(["a"]) != v.Array(["a"])


def test_dictionaries_keep_the_keys_apart_that_godot_does() -> None:
    pairs = [
        (1, "int"),
        (1.0, "float"),
        (True, "bool"),
        (None, "nil"),
        ("1", "text"),
        ([1], "array"),
        ([1.0], "array of float"),
        ({"k": 1}, "dictionary"),
        (v.Vector2(1, 2), "vector"),
        (v.Vector2i(1, 2), "integers"),
        (v.PackedInt32Array([1]), "packed"),
        (v.PackedInt64Array([1]), "packed, too"),
        (b"1", "bytes"),
        (v.NodePath(("1",)), "path"),
        (["a"], "array of text"),
        ([v.StringName("a")], "array of name"),
    ]
    d = v.Dictionary(pairs)
    assert len(d) == len(pairs)
    for key, value in pairs:
        assert d[key] == value
        assert key in d
        assert d.get(key) == value
    assert [value for _, value in d.items()] == [value for _, value in pairs]
    assert v.dumps(v.loads(v.dumps(d))) == v.dumps(d)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("a", v.StringName("a")),
        (0.0, -0.0),
        (math.nan, -math.nan),
        (v.Vector2(math.nan, 0.0), v.Vector2(math.nan, -0.0)),
        ([v.Vector2(math.nan, 0.0)], [v.Vector2(math.nan, 0.0)]),
        (v.PackedFloat32Array([math.nan]), v.PackedFloat32Array([math.nan])),
        ({math.nan: 1}, {math.nan: 1}),
        ({"a": 1}, {v.StringName("a"): 1}),
        (v.Array([1], element_type=v.Type.INT), [1]),
    ],
)
def test_keys_that_are_one_to_godot_are_one_here(a: Any, b: Any) -> None:
    d = v.Dictionary([(a, 1), (b, 2)])
    assert len(d) == 1
    assert list(d.values()) == [2]
    assert d[a] == d[b] == 2


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([math.nan], [math.nan]),
        ({1: math.nan}, {1: math.nan}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: "a"}, {1: v.StringName("a")}),
        (v.EncodedObject(9), v.EncodedObject(9)),
    ],
)
def test_keys_that_are_two_to_godot_are_two_here(a: Any, b: Any) -> None:
    d = v.Dictionary([(a, 1), (b, 2)])
    assert len(d) == 2
    assert d[a] == 1
    assert d[b] == 2


def test_a_dictionary_is_a_dict() -> None:
    d = v.Dictionary({"pos": v.Vector2(1, 2), 7: "seven"})
    assert d["pos"].x == 1
    assert d == {7: "seven", "pos": (1, 2)}
    assert dict(d) == {**d} == {"pos": (1, 2), 7: "seven"}
    assert json.loads(json.dumps(v.Dictionary({"a": [1, {"b": None}]}))) == {"a": [1, {"b": None}]}
    assert d.pop(7) == "seven"
    assert d.setdefault(1.5, "x") == "x"
    assert d.popitem() == (1.5, "x")
    d[True] = 0
    del d[True]
    assert True not in d
    assert object() not in d
    with pytest.raises(KeyError):
        d[1]
    with pytest.raises(KeyError):
        del d[[1]]
    assert list(reversed(d | {2: 3})) == [2, "pos"]
    assert type({"z": 1} | d) is v.Dictionary
    assert v.Dictionary.fromkeys([1, 1.0], 0) == v.Dictionary([(1, 0), (1.0, 0)])
    assert list(v.Dictionary({1.0: 0}).keys()) == [1.0]
    assert (1.0, 0) in v.Dictionary({1.0: 0}).items()


def test_packed_arrays_inside_containers_compare_as_a_whole() -> None:
    one = {"a": [v.PackedFloat32Array([1, 2])], "b": v.PackedVector2Array([(1, 2)])}
    assert v.Dictionary(one) == v.Dictionary(one | {"a": [v.PackedFloat32Array([1, 2])]})
    assert v.Dictionary(one) != v.Dictionary(one | {"a": [v.PackedFloat32Array([1, 3])]})
    assert v.Array([v.PackedFloat32Array([1])]) != v.Array([v.PackedFloat64Array([1])])


def test_packed_arrays_are_numpy_arrays() -> None:
    array = v.loads(v.dumps(v.PackedVector2Array([(1, 2), (3, 4)])))
    assert isinstance(array, np.ndarray)
    assert (array.dtype, array.shape, array.flags.writeable) == (np.float32, (2, 2), False)
    assert type(array[1:]) is v.PackedVector2Array
    assert type(array[:, 0]) is np.ndarray
    assert type(array * 2) is np.ndarray
    assert array.sum() == 10
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        v.PackedVector3Array([(1, 2)])
    empty = v.PackedColorArray()
    assert empty.shape == (0, 4)
    assert type(pickle.loads(pickle.dumps(array))) is v.PackedVector2Array


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_reprs_are_valid_python_for_the_same_value(value: Any) -> None:
    again = eval(repr(value), NAMES | {"nan": math.nan, "inf": math.inf})
    assert _without_nan_bits(again) == _without_nan_bits(value)


def _without_nan_bits(value: Any) -> str:
    return repr(value)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_copies_encode_to_the_same_bytes(value: Any) -> None:
    expected = v.dumps(value)
    assert v.dumps(copy.deepcopy(value)) == expected
    assert v.dumps(pickle.loads(pickle.dumps(value))) == expected


def test_declared_types_are_kept_and_shown() -> None:
    array = v.Array([1], element_type=v.Type.INT)
    assert repr(array) == "Array([1], element_type=Type.INT)"
    d = v.Dictionary({"a": 1}, key_type=v.Type.STRING, value_type=v.ClassType("Node"))
    assert repr(d) == "Dictionary({'a': 1}, key_type=Type.STRING, value_type=ClassType(class_name='Node'))"
    assert (d.copy().key_type, d.copy().value_type) == (v.Type.STRING, v.ClassType("Node"))
    assert v.Array().element_type is None


def test_the_deepest_values_can_be_shown_and_compared() -> None:
    deep = v.loads(v.dumps(nested(1025, v.Array)))
    assert deep == nested(1025, v.Array)
    assert deep != nested(1024, v.Array)
    assert repr(deep).count("Array(") == 1025
    assert v.Dictionary([(deep, 1)])[nested(1025, v.Array)] == 1


def test_a_container_in_itself_can_be_shown() -> None:
    array = v.Array([1])
    array.append(array)
    assert repr(array) == "Array([1, ...])"
    with pytest.raises(v.VariantEncodeError, match="contain itself"):
        v.dumps(array)


def test_node_paths_split_as_godot_does() -> None:
    path = v.NodePath.from_text("/root/A:position:x")
    assert path == v.NodePath(("root", "A"), ("position", "x"), True)
    assert str(path) == "/root/A:position:x"


def test_type_of_says_what_would_be_written() -> None:
    assert v.type_of(np.float32(1)) is v.Type.FLOAT
    assert v.type_of(np.zeros((2, 3), np.float32)) is v.Type.PACKED_VECTOR3_ARRAY
    assert v.type_of((1, 2)) is v.Type.ARRAY
    with pytest.raises(TypeError, match="astype"):
        v.type_of(np.zeros(3, np.uint16))
    with pytest.raises(TypeError, match="object"):
        v.type_of(object())
