"""Numbers of Godot 4's Variant types, as `typeof()` gives them and as the wire carries them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class Type(IntEnum):
    """A Variant type; the names are Godot's ``TYPE_*`` without the prefix."""

    NIL = 0
    BOOL = 1
    INT = 2
    FLOAT = 3
    STRING = 4
    VECTOR2 = 5
    VECTOR2I = 6
    RECT2 = 7
    RECT2I = 8
    VECTOR3 = 9
    VECTOR3I = 10
    TRANSFORM2D = 11
    VECTOR4 = 12
    VECTOR4I = 13
    PLANE = 14
    QUATERNION = 15
    AABB = 16
    BASIS = 17
    TRANSFORM3D = 18
    PROJECTION = 19
    COLOR = 20
    STRING_NAME = 21
    NODE_PATH = 22
    RID = 23
    OBJECT = 24
    CALLABLE = 25
    SIGNAL = 26
    DICTIONARY = 27
    ARRAY = 28
    PACKED_BYTE_ARRAY = 29
    PACKED_INT32_ARRAY = 30
    PACKED_INT64_ARRAY = 31
    PACKED_FLOAT32_ARRAY = 32
    PACKED_FLOAT64_ARRAY = 33
    PACKED_STRING_ARRAY = 34
    PACKED_VECTOR2_ARRAY = 35
    PACKED_VECTOR3_ARRAY = 36
    PACKED_COLOR_ARRAY = 37
    PACKED_VECTOR4_ARRAY = 38

    @property
    def godot_name(self) -> str:
        """The name GDScript uses, such as ``Vector2`` or ``int``."""
        return _GODOT_NAMES[self]

    def __repr__(self) -> str:
        return f"Type.{self.name}"


_GODOT_NAMES: Final = [
    "Nil",
    "bool",
    "int",
    "float",
    "String",
    "Vector2",
    "Vector2i",
    "Rect2",
    "Rect2i",
    "Vector3",
    "Vector3i",
    "Transform2D",
    "Vector4",
    "Vector4i",
    "Plane",
    "Quaternion",
    "AABB",
    "Basis",
    "Transform3D",
    "Projection",
    "Color",
    "StringName",
    "NodePath",
    "RID",
    "Object",
    "Callable",
    "Signal",
    "Dictionary",
    "Array",
    "PackedByteArray",
    "PackedInt32Array",
    "PackedInt64Array",
    "PackedFloat32Array",
    "PackedFloat64Array",
    "PackedStringArray",
    "PackedVector2Array",
    "PackedVector3Array",
    "PackedColorArray",
    "PackedVector4Array",
]

#: What Godot makes of every class and script when it writes or reads without full objects.
ENCODED_OBJECT_CLASS: Final = "EncodedObjectAsID"


class ClassType(NamedTuple):
    """Element, key or value type of a typed container: an engine class."""

    class_name: str


class ScriptType(NamedTuple):
    """Element, key or value type of a typed container: a script, by its ``res://`` path."""

    path: str


#: The type of what a typed container holds; None where it is untyped.
ContainerType = Type | ClassType | ScriptType | None
