"""What Godot makes of a value that does not have the type its container declares.

The engine never writes such bytes, but reads them: some types are converted, the rest is dropped. The table
was found by giving Godot 4.6.3 every type for every declared type. Rotations (Quaternion and Basis to each
other, Quaternion to Transform3D) and colours from numbers and text are not rebuilt here; those values are
dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable as Function
from typing import Any, Final

import numpy as np

from gdlab.variant.containers import Array, PackedStringArray
from gdlab.variant.kinds import Type
from gdlab.variant.mathtypes import (
    Basis,
    Color,
    Projection,
    Rect2,
    Rect2i,
    Transform2D,
    Transform3D,
    Vector2,
    Vector2i,
    Vector3,
    Vector3i,
    Vector4,
    Vector4i,
)
from gdlab.variant.packed import PACKED, PackedArray
from gdlab.variant.records import RID, NodePath, StringName
from gdlab.variant.wire import narrow

#: Marks a value that has no place in its container.
DROP: Final = object()

_INT_64_MIN: Final = -(1 << 63)
_INT_32_MIN: Final = -(1 << 31)


def _integer(value: float, lowest: int) -> int:
    """Truncation as x86-64 does it: what does not fit becomes the lowest integer."""
    if math.isfinite(value) and lowest <= int(value) <= -lowest - 1:
        return int(value)
    return lowest


def _int32(value: float) -> int:
    return _integer(value, _INT_32_MIN)


def _float32(value: int) -> float:
    return float(np.frombuffer(narrow(float(value)), "<f4")[0])


def _each(cls: type[Any], change: Function[[Any], Any]) -> Function[[Any], Any]:
    return lambda value: cls(*map(change, value))


def _projection(transform: Transform3D) -> Projection:
    (x, y, z), (ox, oy, oz) = transform
    return Projection(Vector4(*x), Vector4(*y), Vector4(*z), Vector4(ox, oy, oz, 1.0))


def _elements(array: PackedArray) -> Array:
    """An Array of a packed array's elements; vectors become values of their own."""
    rows = array.tolist()
    part = {2: Vector2, 3: Vector3, 4: Vector4}.get(array.columns)
    if array.type is Type.PACKED_COLOR_ARRAY or part is None:
        return Array(Color(*row) for row in rows) if array.columns else Array(rows)
    return Array(part(*row) for row in rows)


_TABLE: Final[dict[tuple[Type, Type], Function[[Any], Any]]] = {
    (Type.INT, Type.BOOL): bool,
    (Type.FLOAT, Type.BOOL): bool,
    (Type.BOOL, Type.INT): int,
    (Type.FLOAT, Type.INT): lambda value: _integer(value, _INT_64_MIN),
    (Type.BOOL, Type.FLOAT): float,
    (Type.INT, Type.FLOAT): float,
    (Type.STRING_NAME, Type.STRING): str,
    (Type.NODE_PATH, Type.STRING): str,
    (Type.STRING, Type.STRING_NAME): StringName,
    (Type.STRING, Type.NODE_PATH): NodePath.from_text,
    (Type.VECTOR2I, Type.VECTOR2): _each(Vector2, _float32),
    (Type.VECTOR2, Type.VECTOR2I): _each(Vector2i, _int32),
    (Type.VECTOR3I, Type.VECTOR3): _each(Vector3, _float32),
    (Type.VECTOR3, Type.VECTOR3I): _each(Vector3i, _int32),
    (Type.VECTOR4I, Type.VECTOR4): _each(Vector4, _float32),
    (Type.VECTOR4, Type.VECTOR4I): _each(Vector4i, _int32),
    (Type.RECT2I, Type.RECT2): _each(Rect2, _each(Vector2, _float32)),
    (Type.RECT2, Type.RECT2I): _each(Rect2i, _each(Vector2i, _int32)),
    (Type.TRANSFORM3D, Type.TRANSFORM2D): lambda t: Transform2D(
        Vector2(*t.basis.x[:2]), Vector2(*t.basis.y[:2]), Vector2(*t.origin[:2])
    ),
    (Type.TRANSFORM2D, Type.TRANSFORM3D): lambda t: Transform3D(
        Basis(Vector3(t.x.x, t.x.y), Vector3(t.y.x, t.y.y)), Vector3(t.origin.x, t.origin.y)
    ),
    (Type.BASIS, Type.TRANSFORM3D): Transform3D,
    (Type.PROJECTION, Type.TRANSFORM3D): lambda p: Transform3D(
        Basis(Vector3(*p.x[:3]), Vector3(*p.y[:3]), Vector3(*p.z[:3])), Vector3(*p.w[:3])
    ),
    (Type.TRANSFORM3D, Type.PROJECTION): _projection,
    (Type.OBJECT, Type.RID): lambda _: RID(),
    (Type.NIL, Type.OBJECT): lambda _: None,
    (Type.PACKED_BYTE_ARRAY, Type.ARRAY): Array,
    (Type.PACKED_STRING_ARRAY, Type.ARRAY): Array,
    **{(kind, Type.ARRAY): _elements for kind in PACKED},
}
_NUMBERS: Final = (bool, int, float)


def fitted(value: Any, found: Type, wanted: Type) -> Any:
    """`value` of type `found` as an element of type `wanted`, or `DROP`."""
    if found is wanted:
        return value
    change = _TABLE.get((found, wanted))
    if change is not None:
        return change(value)
    if found is Type.ARRAY and wanted >= Type.PACKED_BYTE_ARRAY:
        return _packed(value, wanted)
    return DROP


def _packed(items: list[Any], wanted: Type) -> Any:
    """A packed array of an Array's elements; an element that is none of its kind counts as zero, or empty."""
    if wanted is Type.PACKED_STRING_ARRAY:
        return PackedStringArray(str(item) if isinstance(item, (str, NodePath)) else "" for item in items)
    if wanted is Type.PACKED_BYTE_ARRAY:
        return bytes(int(item) & 0xFF if type(item) in {bool, int} else 0 for item in items)
    cls = PACKED[wanted]
    if cls.columns:
        zero = (0.0,) * cls.columns
        return cls([item if isinstance(item, tuple) and len(item) == cls.columns else zero for item in items])
    numbers = [item if type(item) in _NUMBERS else 0 for item in items]
    if cls.scalar.kind == "f":
        with np.errstate(over="ignore"):
            return cls(np.array(numbers, "<f8"))
    whole = [_integer(n, _INT_64_MIN) if type(n) is float else int(n) for n in numbers]
    return cls(np.array(whole, "<i8").astype(cls.scalar))
