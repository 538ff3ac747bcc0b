"""Hostile and odd input: limits, errors that say where, conversions in typed containers."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gdlab import variant as v
from tests.some import some
from tests.variant.golden import nested

ARRAY = struct.pack("<II", 28, 1)
ENTRY = struct.pack("<II", 27, 1)


def test_1025_containers_are_read_and_1026_are_refused() -> None:
    assert v.loads(ARRAY * 1024 + struct.pack("<II", 28, 0)) == nested(1025, v.Array)
    for data in (ARRAY * 1025 + bytes(4), ENTRY * 1025 + bytes(4), ARRAY * 200_000):
        with pytest.raises(v.VariantDecodeError) as caught:
            v.loads(data)
        assert caught.value.code == "ERR_OUT_OF_MEMORY"
        assert "levels" in caught.value.path
        assert len(str(caught.value)) < 500
    assert v.dumps(nested(1025, v.Array)) == ARRAY * 1024 + struct.pack("<II", 28, 0)
    with pytest.raises(v.VariantEncodeError):
        v.dumps(nested(1026, v.Array))
    with pytest.raises(v.VariantEncodeError):
        v.dumps(v.Array([nested(1024, v.Array), 1, nested(1025, v.Array)]))


HUGE: dict[str, bytes] = {
    "array": struct.pack("<II", 28, 0x7FFFFFFF),
    "dictionary": struct.pack("<II", 27, 0x7FFFFFFF),
    "bytes": struct.pack("<II", 29, 0x7FFFFFFF),
    "floats": struct.pack("<II", 33, 0x0FFFFFFF),
    "vectors": struct.pack("<II", 38 | 1 << 16, 0x7FFFFFFF),
    "strings": struct.pack("<II", 34, 0x7FFFFFFF),
    "node path": struct.pack("<IIII", 22, 0xFFFFFFFF, 0xFFFFFFFF, 0),
    "text": struct.pack("<II", 4, 0x7FFFFFFC),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_count_takes_no_memory_before_its_bytes_are_there(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(v.VariantDecodeError):
            v.loads(HUGE[name] + bytes(64))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def _repeated(head: bytes, item: bytes) -> Callable[[int], bytes]:
    return lambda count: head + struct.pack("<I", count) + item * count


DENSE: dict[str, Callable[[int], bytes]] = {
    "nil": _repeated(struct.pack("<I", 28), bytes(4)),
    "empty arrays": _repeated(struct.pack("<I", 28), struct.pack("<II", 28, 0)),
    "empty dictionaries": _repeated(struct.pack("<I", 28), struct.pack("<II", 27, 0)),
    "empty packed arrays": _repeated(struct.pack("<I", 28), struct.pack("<II", 38, 0)),
    "empty texts": _repeated(struct.pack("<I", 34), bytes(4)),
    "callables": _repeated(struct.pack("<I", 28), struct.pack("<I", 25)),
    "unique keys": lambda count: (
        struct.pack("<II", 27, count) + b"".join(struct.pack("<IIIiI", 28, 1, 2, i, 0) for i in range(count))
    ),
    "keys of keys": lambda count: _repeated(struct.pack("<I", 28), ENTRY * 1000 + bytes(4) * 1001)(
        count // 1000
    ),
    "bytes as array": lambda count: struct.pack("<IIIII", 28 | 1 << 16, 28, 1, 29, count) + bytes(count),
}


@pytest.mark.parametrize("name", some(sorted(DENSE), every=3))
def test_memory_is_in_proportion_to_the_input(name: str) -> None:
    data = DENSE[name](4000)
    tracemalloc.start()
    try:
        v.loads(data)
        assert tracemalloc.get_traced_memory()[1] < 64 * len(data)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "path", "offset", "code"),
    [
        (
            v.dumps({"items": [1, 2, 3, {"pos": v.Vector2()}]})[:-4],
            "['items'][3]['pos']",
            -4,
            "ERR_INVALID_DATA",
        ),
        (v.dumps([1, "abc"])[:-1], "[1]", -4, "ERR_FILE_EOF"),
        (ENTRY + struct.pack("<II", 99, 0), "<key 0>", 8, "ERR_INVALID_DATA"),
        (b"\x04\0\0\0\x02\0\0\0a\xff\0\0", "", 9, "ERR_INVALID_DATA"),
    ],
)
def test_errors_say_where(data: bytes, path: str, offset: int, code: str) -> None:
    with pytest.raises(v.VariantDecodeError) as caught:
        v.loads(data)
    error = caught.value
    assert (error.path, error.code) == (path, code)
    assert error.offset >= len(data) - 12 if offset < 0 else error.offset == offset
    assert str(error.offset) in str(error)
    assert error.expected in str(error)


def test_input_may_be_any_buffer_and_is_not_aliased_when_it_can_change() -> None:
    value = v.Dictionary({"a": v.PackedInt32Array([1, 2]), "s": "text", "b": b"xy"})
    data = v.dumps(value)
    for given in (data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)):
        assert v.loads(given) == value  # type: ignore[arg-type]
        assert v.loads_from(given) == (value, len(data))  # type: ignore[arg-type]
    changing = bytearray(data)
    found, _ = v.loads_from(changing)
    changing[:] = bytes(len(changing))
    assert found == value
    assert v.loads(data)["a"].base is not None


def test_packed_arrays_of_a_decoder_are_views_that_cannot_be_written() -> None:
    data = v.dumps(v.PackedFloat32Array(np.arange(1000)))
    array = v.loads(data)
    assert np.shares_memory(array, np.frombuffer(data, np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_limits_can_be_lowered() -> None:
    with pytest.raises(v.VariantDecodeError, match="max_bytes"):
        v.Decoder(max_bytes=7).loads(v.dumps(5))
    with pytest.raises(IndexError):
        v.loads_from(b"\0\0\0\0", 5)


def _typed(kind: v.Type, *items: Any) -> bytes:
    return struct.pack("<III", 28 | 1 << 16, kind, len(items)) + b"".join(map(v.dumps, items))


# What Godot 4.6.3 answered to the same bytes.
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (_typed(v.Type.BOOL, 7, 0.0, "x"), [True, False]),
        (_typed(v.Type.INT, True, -1.5, 1e30, float("nan"), None), [1, -1, -(1 << 63), -(1 << 63)]),
        (_typed(v.Type.FLOAT, 16777217, True), [16777217.0, 1.0]),
        (_typed(v.Type.STRING, v.StringName("n"), v.NodePath(("a", "b"), ("c",), True), 1), ["n", "/a/b:c"]),
        (_typed(v.Type.STRING_NAME, "s"), [v.StringName("s")]),
        (_typed(v.Type.NODE_PATH, "a:b"), [v.NodePath(("a",), ("b",))]),
        (_typed(v.Type.VECTOR2, v.Vector2i(1, 2)), [v.Vector2(1.0, 2.0)]),
        (_typed(v.Type.VECTOR3I, v.Vector3(1.9, -1.9, 0.0)), [v.Vector3i(1, -1, 0)]),
        (
            _typed(v.Type.RECT2I, v.Rect2(v.Vector2(1.5, 2), v.Vector2(3, 4))),
            [v.Rect2i(v.Vector2i(1, 2), v.Vector2i(3, 4))],
        ),
        (_typed(v.Type.PROJECTION, v.Transform3D()), [v.Projection()]),
        (_typed(v.Type.ARRAY, v.PackedInt32Array([1]), b"\1"), [[1], [1]]),
        (_typed(v.Type.PACKED_BYTE_ARRAY, []), [b""]),
        (_typed(v.Type.OBJECT, None, 5), [None]),
    ],
)
def test_misfits_in_typed_arrays_are_converted_or_dropped(data: bytes, expected: list[Any]) -> None:
    found = v.loads(data)
    assert found == expected
    assert [type(item) for item in found] == [type(item) if item != [1] else v.Array for item in expected]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<IIII", 18, 1, 4, 3) + b"seq\0" + struct.pack("<II", 2, 7),  # {"seq": 7}
        struct.pack("<IIII", 19, 1, 2, 7),  # [7]
        struct.pack("<II", 18, 0),
    ],
)
def test_an_error_says_when_the_bytes_look_like_godot_3(data: bytes) -> None:
    with pytest.raises(v.VariantDecodeError, match="may come from Godot 3"):
        v.loads(data)


@pytest.mark.parametrize("data", [v.dumps(v.Transform3D())[:-4], v.dumps([1, 2])[:-4], b"hello world!"])
def test_other_errors_do_not_speak_of_godot_3(data: bytes) -> None:
    with pytest.raises(v.VariantDecodeError) as caught:
        v.loads(data)
    assert "Godot 3" not in str(caught.value)
