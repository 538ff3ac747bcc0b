"""How values of a fixed size lie in the bytes, and the words that come before a value.

Source: Godot 4.6.3, bytes of the running engine. The header word of a value has its type in the lowest byte;
bit 16 says that reals or integers are 64 bits wide; for containers bits 16-17 and 18-19 hold the kind of the
declared type. Everything is little-endian, and every value but the last takes a multiple of four bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable as Function
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gdlab.variant.mathtypes import (
    AABB,
    MATH_TYPES,
    Basis,
    Color,
    Plane,
    Projection,
    Quaternion,
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

if TYPE_CHECKING:
    from gdlab.variant.kinds import Type

#: Bit of the header: 64-bit numbers; for an Object: its id instead of the whole.
WIDE: Final = 0x10000
TYPE_MASK: Final = 0xFF
#: Bits of a container's header that hold the kinds of its declared types.
DECLARED: Final = 0xF0000
#: Kinds of a declared type.
UNTYPED, BUILTIN, CLASS_NAME, SCRIPT = range(4)
#: Bit of a NodePath's first count that tells the present form from that of Godot 2.
NEW_NODE_PATH: Final = 0x80000000
ABSOLUTE: Final = 1
#: Flag of an obsolete form: one more subname follows.
OLD_PROPERTY: Final = 2
COUNT_MASK: Final = 0x7FFFFFFF
#: The root is at depth 0; a value any deeper than this is refused by the engine, both ways.
MAX_DEPTH: Final = 1024
#: The engine counts bytes in an int.
MAX_BYTES: Final = 0x7FFFFFFF

_new = tuple.__new__


@dataclass(frozen=True, slots=True)
class Fixed:
    """A type of a fixed number of components.

    Attributes
    ----------
    code : struct code of a component, ``f`` (``d`` with the wide bit, unless `always_narrow`) or ``i``.
    flatten, build : from a value to its components in the order of the wire, and back.
    fields : names of the components, in the order of the wire, as one would write them after the value.
    """

    cls: type[tuple[Any, ...]]
    code: str
    fields: tuple[str, ...]
    flatten: Function[[Any], tuple[Any, ...]]
    build: Function[[tuple[Any, ...]], Any]
    always_narrow: bool = False

    @property
    def type(self) -> Type:
        """Its number."""
        return MATH_TYPES[self.cls]

    @property
    def count(self) -> int:
        """Number of components."""
        return len(self.fields)

    def code_of(self, header: int) -> str:
        """Struct code of a component under this header."""
        return "d" if header & WIDE and self.code == "f" and not self.always_narrow else self.code


def _plain(cls: type[tuple[Any, ...]]) -> Function[[tuple[Any, ...]], Any]:
    return partial(_new, cls)


def _pairs(
    cls: type[tuple[Any, ...]], part: type[tuple[Any, ...]], width: int
) -> Function[[tuple[Any, ...]], Any]:
    def build(u: tuple[Any, ...]) -> Any:
        return _new(cls, [_new(part, u[i : i + width]) for i in range(0, len(u), width)])

    return build


def _basis(u: tuple[Any, ...]) -> Basis:
    return _new(Basis, (_new(Vector3, u[0:9:3]), _new(Vector3, u[1:9:3]), _new(Vector3, u[2:9:3])))


def _basis_rows(b: Basis) -> tuple[Any, ...]:
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = b
    return (xx, yx, zx, xy, yy, zy, xz, yz, zz)


def _names(*parts: str, of: str) -> tuple[str, ...]:
    return tuple(f"{part}.{name}" for part in parts for name in of)


_ROWS: Final = tuple(f"{column}.{row}" for row in "xyz" for column in "xyz")

_FIXED: Final = (
    Fixed(Vector2, "f", tuple("xy"), tuple, _plain(Vector2)),
    Fixed(Vector2i, "i", tuple("xy"), tuple, _plain(Vector2i)),
    Fixed(
        Rect2,
        "f",
        _names("position", "size", of="xy"),
        lambda v: (*v.position, *v.size),
        _pairs(Rect2, Vector2, 2),
    ),
    Fixed(
        Rect2i,
        "i",
        _names("position", "size", of="xy"),
        lambda v: (*v.position, *v.size),
        _pairs(Rect2i, Vector2i, 2),
    ),
    Fixed(Vector3, "f", tuple("xyz"), tuple, _plain(Vector3)),
    Fixed(Vector3i, "i", tuple("xyz"), tuple, _plain(Vector3i)),
    Fixed(
        Transform2D,
        "f",
        _names("x", "y", "origin", of="xy"),
        lambda v: (*v.x, *v.y, *v.origin),
        _pairs(Transform2D, Vector2, 2),
    ),
    Fixed(Vector4, "f", tuple("xyzw"), tuple, _plain(Vector4)),
    Fixed(Vector4i, "i", tuple("xyzw"), tuple, _plain(Vector4i)),
    Fixed(
        Plane,
        "f",
        (*_names("normal", of="xyz"), "d"),
        lambda v: (*v.normal, v.d),
        lambda u: _new(Plane, (_new(Vector3, u[:3]), u[3])),
    ),
    Fixed(Quaternion, "f", tuple("xyzw"), tuple, _plain(Quaternion)),
    Fixed(
        AABB,
        "f",
        _names("position", "size", of="xyz"),
        lambda v: (*v.position, *v.size),
        _pairs(AABB, Vector3, 3),
    ),
    Fixed(Basis, "f", _ROWS, _basis_rows, _basis),
    Fixed(
        Transform3D,
        "f",
        (*(f"basis.{name}" for name in _ROWS), *_names("origin", of="xyz")),
        lambda v: (*_basis_rows(v.basis), *v.origin),
        lambda u: _new(Transform3D, (_basis(u), _new(Vector3, u[9:12]))),
    ),
    Fixed(
        Projection,
        "f",
        _names("x", "y", "z", "w", of="xyzw"),
        lambda v: (*v.x, *v.y, *v.z, *v.w),
        _pairs(Projection, Vector4, 4),
    ),
    Fixed(Color, "f", tuple("rgba"), tuple, _plain(Color), always_narrow=True),
)

#: The types of a fixed number of components.
FIXED: Final[dict[Type, Fixed]] = {fixed.type: fixed for fixed in _FIXED}

_F: Final = struct.Struct("<f")
_D: Final = struct.Struct("<d")
_Q: Final = struct.Struct("<Q")
_I: Final = struct.Struct("<I")
_QUIET_64: Final = 1 << 51


def wide_nan(bits: int) -> float:
    """The 64-bit NaN with the sign and payload of a 32-bit one, also of a signalling one.

    A conversion by the processor would quiet a signalling NaN; the engine copies components as they are.
    """
    found: float = _D.unpack(_Q.pack((bits >> 31) << 63 | 0x7FF << 52 | (bits & 0x7FFFFF) << 29))[0]
    return found


def quiet(value: float) -> float:
    """A NaN with its quiet bit set, as the engine's conversion of a 32-bit float leaves it."""
    found: float = _D.unpack(_Q.pack(_Q.unpack(_D.pack(value))[0] | _QUIET_64))[0]
    return found


def narrow(value: float) -> bytes:
    """Four bytes of a real as the engine rounds it: too large is infinite, NaN keeps sign and payload."""
    if value != value:  # the test for NaN
        bits = _Q.unpack(_D.pack(value))[0]
        payload = bits >> 29 & 0x7FFFFF
        return _I.pack((bits >> 63) << 31 | 0x7F800000 | (payload or 0x400000))
    try:
        return _F.pack(value)
    except OverflowError:
        return _F.pack(math.copysign(math.inf, value))
