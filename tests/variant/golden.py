"""Golden vectors of the real engine: their descriptions turned into values, and values into descriptions."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from gdlab import variant as v
from gdlab.variant.wire import FIXED, narrow, wide_nan

FOLDER = Path(__file__).parent.parent / "data" / "golden"
BY_NAME = {kind.godot_name: kind for kind in v.Type}


def lines(name: str) -> list[dict[str, Any]]:
    """Every line of a golden file."""
    with (FOLDER / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def f32(bits: str) -> float:
    """A 32-bit float from its big-endian hex digits, NaN with its payload."""
    number = int(bits, 16)
    value = struct.unpack(">f", bytes.fromhex(bits))[0]
    return wide_nan(number) if value != value else value


def _declared(text: dict[str, Any] | None) -> v.ContainerType:
    if text is None:
        return None
    if text["kind"] == "builtin":
        return BY_NAME[text["type"]]
    return v.ClassType(text["class"]) if text["kind"] == "class" else v.ScriptType(text["path"])


def value_of(text: dict[str, Any]) -> Any:
    """The value that a description describes."""
    kind = text["t"]
    if kind == "Nil":
        return None
    if kind == "bool":
        return text["v"]
    if kind == "int":
        return int(text["v"])
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(text["bits"]))[0]
    if kind == "String":
        return text["v"]
    if kind == "StringName":
        return v.StringName(text["v"])
    if kind == "NodePath":
        return v.NodePath(tuple(text["names"]), tuple(text["subnames"]), text["absolute"])
    if kind == "RID":
        return v.RID(int(text["id"]))
    if kind == "Callable":
        return v.Callable()
    if kind == "Signal":
        return v.Signal(text["name"], int(text["object_id"]))
    if kind == "Object":
        if text["class"] is None:
            return v.EncodedObject(0)
        return v.EncodedObject(int(text.get("instance_id", text.get("object_id", "0"))))
    if kind == "Array":
        return v.Array(map(value_of, text["items"]), element_type=_declared(text["elem"]))
    if kind == "Dictionary":
        pairs = ((value_of(key), value_of(item)) for key, item in text["items"])
        return v.Dictionary(pairs, key_type=_declared(text["key"]), value_type=_declared(text["value"]))
    if kind in {"nested_arrays", "nested_dictionaries"}:
        return nested(text["levels"], v.Array if kind == "nested_arrays" else v.Dictionary)
    if kind == "PackedByteArray":
        return bytes.fromhex(text["bytes"])
    if kind == "PackedStringArray":
        return v.PackedStringArray(text["s"])
    if kind.startswith("Packed"):
        return _packed(getattr(v, kind), text)
    fixed = FIXED[BY_NAME[kind]]
    parts = map(f32, text["f32"]) if "f32" in text else map(int, text["i"])
    return fixed.build(tuple(parts))


def _packed(cls: type[v.PackedArray], text: dict[str, Any]) -> v.PackedArray:
    if "i" in text:
        return cls([int(item) for item in text["i"]])
    rows = text.get("rows_f32", text.get("f32", text.get("f64")))
    digits = "".join(rows) if "rows_f32" not in text else "".join(map("".join, rows))
    raw = np.frombuffer(bytes.fromhex(digits), cls.scalar.newbyteorder(">")).astype(cls.scalar)
    return cls(raw.reshape(len(rows), cls.columns) if cls.columns else raw)


def nested(levels: int, cls: type[Any]) -> Any:
    """So many containers, each the only element of the one around it."""
    value = cls()
    for _ in range(levels - 1):
        value = cls([value]) if cls is v.Array else cls({0: value})
    return value


def described(value: Any) -> Any:
    """An exact description: type and bits of everything, reals narrowed as the engine holds them."""
    kind = v.type_of(value)
    name = kind.godot_name
    if kind in FIXED:
        fixed = FIXED[kind]
        parts = fixed.flatten(value)
        assert type(value) is fixed.cls
        return name, [narrow(part).hex() if fixed.code == "f" else part for part in parts]
    if kind is v.Type.FLOAT:
        return name, struct.pack("<d", value).hex()
    if kind is v.Type.ARRAY:
        assert isinstance(value, v.Array)
        return name, value.element_type, [described(item) for item in value]
    if kind is v.Type.DICTIONARY:
        assert isinstance(value, v.Dictionary)
        items = [(described(key), described(item)) for key, item in value.items()]
        return name, value.key_type, value.value_type, items
    if isinstance(value, v.PackedArray):
        with np.errstate(over="ignore"):
            return name, value.shape, value.astype(value.scalar).tobytes().hex()
    if isinstance(value, v.ObjectRecord):
        return name, value.class_name, [(key, described(item)) for key, item in value.properties.items()]
    return name, value
