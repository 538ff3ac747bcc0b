"""A table of every Variant type and what one value of it costs."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from gdlab.sizes.by_hand import packed_by_hand
from gdlab.sizes.errors import NoSize
from gdlab.sizes.godot_text import json_text
from gdlab.sizes.memory import memory_bytes, packed_element
from gdlab.sizes.rpc import argument
from gdlab.variant import types as t
from gdlab.variant.codec import dumps
from gdlab.variant.types import type_of

#: A value of each type; of int and float one of each width, of an Array also a typed one.
EXAMPLES: Final[tuple[Any, ...]] = (
    None, True, 42, 2**31, 0.5, 0.1, "hi", t.Vector2(1, 2), t.Vector2i(1, 2), t.Rect2(), t.Rect2i(),
    t.Vector3(1, 2, 3), t.Vector3i(1, 2, 3), t.Transform2D(), t.Vector4(1, 2, 3, 4), t.Vector4i(1, 2, 3, 4), t.Plane(),
    t.Quaternion(), t.AABB(), t.Basis(), t.Transform3D(), t.Projection(), t.Color(1.0, 0.5, 0.0), t.StringName("hi"),
    t.NodePath(("A", "B"), (), True), t.RID(), t.EncodedObject(1), t.Callable(), t.Signal(), t.Dictionary({"x": 1.0}),
    t.Array([1, 2, 3]), t.Array([1, 2, 3], element_type=t.Type.INT), b"\x01\x02\x03",
    t.PackedInt32Array([1, 2, 3]), t.PackedInt64Array([1, 2, 3]), t.PackedFloat32Array([1, 2, 3]),
    t.PackedFloat64Array([1, 2, 3]), t.PackedStringArray(["hi", "ho"]), t.PackedVector2Array([[1, 2], [3, 4]]),
    t.PackedVector3Array([[1, 2, 3]]), t.PackedColorArray([[1, 0.5, 0, 1]]), t.PackedVector4Array([[1, 2, 3, 4]]),
)  # fmt: skip


def type_table() -> pd.DataFrame:
    """What one value of each Variant type takes.

    Returns
    -------
    DataFrame, index ``type`` (Godot's name), one row or more a type in the order of their numbers. Columns
    ``number`` and ``example``; and in bytes, NA where there is none:

    ``data_bytes`` : packed by hand, the value itself (and a count where its length varies).
    ``memory_bytes`` : a Variant and what lies outside of it, see `gdlab.sizes.memory`.
    ``memory_double_bytes`` : in a double-precision build; computed, not measured.
    ``packed_bytes`` : as a bare element of a packed array.
    ``variant_bytes``, ``variant_double_bytes`` : by var_to_bytes of a single- and a double-precision build.
    ``rpc_bytes`` : as an argument of an RPC.
    ``json_bytes`` : by JSON.stringify.
    """
    rows = []
    for value in EXAMPLES:
        element = packed_element([value])
        rows.append(
            {
                "type": type_of(value).godot_name,
                "number": int(type_of(value)),
                "example": repr(value),
                "data_bytes": _length(packed_by_hand, value),
                "memory_bytes": memory_bytes(value),
                "memory_double_bytes": memory_bytes(value, double=True),
                "packed_bytes": None if element is None else element.bytes,
                "variant_bytes": len(dumps(value)),
                "variant_double_bytes": len(dumps(value, double=True)),
                "rpc_bytes": len(value if isinstance(value, bytes) else argument(value)),
                "json_bytes": _length(lambda item: json_text(item).encode(), value),
            }
        )
    table = pd.DataFrame(rows).set_index("type")
    for name in table.columns[2:]:
        table[name] = pd.array(table[name].tolist(), dtype="Int64")
    return table


def _length(write: Any, value: Any) -> int | None:
    try:
        return len(write(value))
    except NoSize:
        return None
