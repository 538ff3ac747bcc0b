"""Godot's fixed-size types of numbers, as named tuples with Godot's own field names.

Components are Python numbers. Godot stores reals with 32 bits (64 in double-precision builds) and rounds when
a value is made; here it is rounded when it is encoded, so ``Vector2(0.1, 0.2).x`` is still 0.1.

Two values of different types are never equal, even where their components are (`Color` and `Vector4`,
`Vector2` and `Vector2i`); a plain tuple of the same components is equal to each of them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeVar

from gdlab.variant.kinds import Type

_T = TypeVar("_T", bound=type)


def real_text(value: object) -> str:
    """`repr` of a component, also for the floats whose repr is not an expression."""
    text = repr(value)
    return f"float('{text}')" if text in {"nan", "inf", "-inf"} else text


def _exact(cls: _T) -> _T:
    """Make named tuples of different classes unequal, and their repr short."""

    def equals(self: tuple[Any, ...], other: object) -> bool:
        if type(other) is cls or type(other) is tuple:
            return tuple.__eq__(self, other)
        return NotImplemented if not isinstance(other, tuple) else False

    def differs(self: tuple[Any, ...], other: object) -> bool:
        result = equals(self, other)
        return result if result is NotImplemented else not result

    def text(self: tuple[Any, ...]) -> str:
        return f"{cls.__name__}({', '.join(map(real_text, self))})"

    # Set here, since the class statement of a named tuple takes no base that could have them. A plain tuple
    # may be equal, so the hash stays that of a tuple.
    for name, method in (("eq", equals), ("ne", differs), ("hash", tuple.__hash__), ("repr", text)):
        setattr(cls, f"__{name}__", method)
    return cls


@_exact
class Vector2(NamedTuple):
    """Two reals."""

    x: float = 0.0
    y: float = 0.0


@_exact
class Vector2i(NamedTuple):
    """Two 32-bit integers."""

    x: int = 0
    y: int = 0


@_exact
class Rect2(NamedTuple):
    """A rectangle: corner and extent."""

    position: Vector2 = Vector2()
    size: Vector2 = Vector2()


@_exact
class Rect2i(NamedTuple):
    """A rectangle of 32-bit integers."""

    position: Vector2i = Vector2i()
    size: Vector2i = Vector2i()


@_exact
class Vector3(NamedTuple):
    """Three reals."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


@_exact
class Vector3i(NamedTuple):
    """Three 32-bit integers."""

    x: int = 0
    y: int = 0
    z: int = 0


@_exact
class Transform2D(NamedTuple):
    """Two columns of a 2x2 matrix, and the origin."""

    x: Vector2 = Vector2(1.0, 0.0)
    y: Vector2 = Vector2(0.0, 1.0)
    origin: Vector2 = Vector2()


@_exact
class Vector4(NamedTuple):
    """Four reals."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    w: float = 0.0


@_exact
class Vector4i(NamedTuple):
    """Four 32-bit integers."""

    x: int = 0
    y: int = 0
    z: int = 0
    w: int = 0


@_exact
class Plane(NamedTuple):
    """A plane in Hessian form: unit normal, and distance from the origin."""

    normal: Vector3 = Vector3()
    d: float = 0.0


@_exact
class Quaternion(NamedTuple):
    """A rotation as a quaternion."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    w: float = 1.0


@_exact
class AABB(NamedTuple):
    """An axis-aligned box: corner and extent."""

    position: Vector3 = Vector3()
    size: Vector3 = Vector3()


@_exact
class Basis(NamedTuple):
    """A 3x3 matrix; `x`, `y` and `z` are its columns, as in GDScript (the wire has its rows)."""

    x: Vector3 = Vector3(1.0, 0.0, 0.0)
    y: Vector3 = Vector3(0.0, 1.0, 0.0)
    z: Vector3 = Vector3(0.0, 0.0, 1.0)


@_exact
class Transform3D(NamedTuple):
    """A basis, and the origin."""

    basis: Basis = Basis()
    origin: Vector3 = Vector3()


@_exact
class Projection(NamedTuple):
    """A 4x4 matrix, by its columns."""

    x: Vector4 = Vector4(1.0, 0.0, 0.0, 0.0)
    y: Vector4 = Vector4(0.0, 1.0, 0.0, 0.0)
    z: Vector4 = Vector4(0.0, 0.0, 1.0, 0.0)
    w: Vector4 = Vector4(0.0, 0.0, 0.0, 1.0)


@_exact
class Color(NamedTuple):
    """Red, green, blue and alpha, 1.0 being full; always 32-bit floats on the wire."""

    r: float = 0.0
    g: float = 0.0
    b: float = 0.0
    a: float = 1.0


#: Number of each class.
MATH_TYPES: Final[dict[type, Type]] = {
    Vector2: Type.VECTOR2,
    Vector2i: Type.VECTOR2I,
    Rect2: Type.RECT2,
    Rect2i: Type.RECT2I,
    Vector3: Type.VECTOR3,
    Vector3i: Type.VECTOR3I,
    Transform2D: Type.TRANSFORM2D,
    Vector4: Type.VECTOR4,
    Vector4i: Type.VECTOR4I,
    Plane: Type.PLANE,
    Quaternion: Type.QUATERNION,
    AABB: Type.AABB,
    Basis: Type.BASIS,
    Transform3D: Type.TRANSFORM3D,
    Projection: Type.PROJECTION,
    Color: Type.COLOR,
}
