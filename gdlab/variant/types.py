"""Every type of Godot 4's Variant, one for each number 0..38.

=======================================  ==================================================================
Godot                                    Python
=======================================  ==================================================================
Nil, bool, int, float, String            None, bool, int, float, str
StringName                               `StringName`, a str
Vector2 ... Projection, Color            named tuples with Godot's field names
NodePath, RID, Callable, Signal          records of these names
Object                                   `EncodedObject` (an id); `ObjectRecord` if full objects are asked for
Dictionary, Array                        `Dictionary` (a dict), `Array` (a list)
PackedByteArray, PackedStringArray       bytes, `PackedStringArray` (a list of str)
the other packed arrays                  numpy arrays of these names, ``(n,)`` or ``(n, 2 | 3 | 4)``
=======================================  ==================================================================
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gdlab.variant.containers import Array, Dictionary, PackedStringArray, equal
from gdlab.variant.kinds import ClassType, ContainerType, ScriptType, Type
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
from gdlab.variant.packed import (
    PACKED,
    PackedArray,
    PackedByteArray,
    PackedColorArray,
    PackedFloat32Array,
    PackedFloat64Array,
    PackedInt32Array,
    PackedInt64Array,
    PackedVector2Array,
    PackedVector3Array,
    PackedVector4Array,
)
from gdlab.variant.records import (
    RECORD_TYPES,
    RID,
    Callable,
    EncodedObject,
    NodePath,
    ObjectRecord,
    Signal,
    StringName,
)

__all__ = [
    "AABB",
    "RID",
    "Array",
    "Basis",
    "Callable",
    "ClassType",
    "Color",
    "ContainerType",
    "Dictionary",
    "EncodedObject",
    "NodePath",
    "ObjectRecord",
    "PackedArray",
    "PackedByteArray",
    "PackedColorArray",
    "PackedFloat32Array",
    "PackedFloat64Array",
    "PackedInt32Array",
    "PackedInt64Array",
    "PackedStringArray",
    "PackedVector2Array",
    "PackedVector3Array",
    "PackedVector4Array",
    "Plane",
    "Projection",
    "Quaternion",
    "Rect2",
    "Rect2i",
    "ScriptType",
    "Signal",
    "StringName",
    "Transform2D",
    "Transform3D",
    "Type",
    "Vector2",
    "Vector2i",
    "Vector3",
    "Vector3i",
    "Vector4",
    "Vector4i",
    "equal",
    "type_of",
]

_CLASSES: Final[dict[type, Type]] = {
    type(None): Type.NIL,
    bool: Type.BOOL,
    int: Type.INT,
    float: Type.FLOAT,
    str: Type.STRING,
    StringName: Type.STRING_NAME,
    EncodedObject: Type.OBJECT,
    ObjectRecord: Type.OBJECT,
    Dictionary: Type.DICTIONARY,
    dict: Type.DICTIONARY,
    Array: Type.ARRAY,
    list: Type.ARRAY,
    tuple: Type.ARRAY,
    bytes: Type.PACKED_BYTE_ARRAY,
    bytearray: Type.PACKED_BYTE_ARRAY,
    memoryview: Type.PACKED_BYTE_ARRAY,
    PackedStringArray: Type.PACKED_STRING_ARRAY,
    **MATH_TYPES,
    **RECORD_TYPES,
    **{cls: kind for kind, cls in PACKED.items()},
}

_BASES: Final = (
    (StringName, Type.STRING_NAME),
    (str, Type.STRING),
    ((bool, np.bool_), Type.BOOL),
    ((int, np.integer), Type.INT),
    ((float, np.floating), Type.FLOAT),
    (dict, Type.DICTIONARY),
    (PackedStringArray, Type.PACKED_STRING_ARRAY),
    ((list, tuple), Type.ARRAY),
)

#: Packed type of a plain numpy array, by its dtype and its number of columns.
_NUMPY: Final[dict[tuple[str, int], Type]] = {
    ("u1", 0): Type.PACKED_BYTE_ARRAY,
    ("i4", 0): Type.PACKED_INT32_ARRAY,
    ("i8", 0): Type.PACKED_INT64_ARRAY,
    ("f4", 0): Type.PACKED_FLOAT32_ARRAY,
    ("f8", 0): Type.PACKED_FLOAT64_ARRAY,
    ("f4", 2): Type.PACKED_VECTOR2_ARRAY,
    ("f8", 2): Type.PACKED_VECTOR2_ARRAY,
    ("f4", 3): Type.PACKED_VECTOR3_ARRAY,
    ("f8", 3): Type.PACKED_VECTOR3_ARRAY,
    ("f4", 4): Type.PACKED_VECTOR4_ARRAY,
    ("f8", 4): Type.PACKED_VECTOR4_ARRAY,
}


def type_of(value: object) -> Type:
    """The Variant type that `value` is written as.

    Plain lists and tuples are Arrays, dicts Dictionaries, numpy arrays the packed array of dtype and shape
    (float ``(n, 4)`` is a `PackedVector4Array`; colours need `PackedColorArray`).

    Raises
    ------
    TypeError : no Variant holds such a value.
    """
    kind = _CLASSES.get(type(value))
    if kind is not None and not (isinstance(value, PackedArray) and not value.fits()):
        return kind
    if isinstance(value, np.ndarray):
        columns = 0 if value.ndim == 1 else value.shape[1] if value.ndim == 2 else -1
        kind = _NUMPY.get((value.dtype.str[1:], columns))
        if kind is None:
            raise TypeError(
                f"a numpy array of dtype {value.dtype} and shape {value.shape} is no packed array of Godot; "
                "these are (n,) of uint8, int32, int64, float32 or float64, and (n, 2 | 3 | 4) of floats: "
                "convert it with astype(), or send tolist() as an Array"
            )
        return kind
    for base, kind in _BASES:
        if isinstance(value, base):
            return kind
    raise TypeError(f"Godot has no Variant for a Python {type(value).__name__}")
