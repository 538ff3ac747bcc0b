"""The text that Godot makes of a value: ``JSON.stringify(value)``, and ``str(value)`` as far as JSON needs it.

Godot's JSON has numbers with at most 15 digits, and what JSON has no type for (vectors, colours, paths ...) is a
string that no JSON parser turns back. Written after the output of Godot 4.6.3; a test compares both.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any, Final

from gdlab.sizes.errors import NoSize
from gdlab.variant.kinds import Type
from gdlab.variant.packed import PackedArray
from gdlab.variant.types import type_of
from gdlab.variant.wire import MAX_DEPTH, narrow

_ESCAPES: Final = str.maketrans(
    {
        "\\": "\\\\", '"': '\\"', "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    }
)  # fmt: skip
#: Of text inside another value, which is escaped once more as a part of JSON.
_INNER_ESCAPES: Final = _ESCAPES | str.maketrans({"\a": "\\a", "'": "\\'"})
_MOST_DECIMALS: Final = 32
#: Containers around a value inside a dictionary's key; the text of such a key is made by recursion.
_KEY_DEPTH: Final = 100
#: Packed arrays that JSON writes as an array of numbers or strings.
_AS_ARRAY: Final = frozenset(
    {
        Type.ARRAY,
        Type.PACKED_INT32_ARRAY,
        Type.PACKED_INT64_ARRAY,
        Type.PACKED_FLOAT32_ARRAY,
        Type.PACKED_FLOAT64_ARRAY,
        Type.PACKED_STRING_ARRAY,
    }
)


def json_text(root: Any) -> str:
    """What ``JSON.stringify(root)`` gives; keys are sorted, as Godot sorts them by default.

    Raises
    ------
    NoSize : the text holds something only the engine knows (an object's id), or the value is too deep.
    """
    out: list[str] = []
    pending: list[Any] = [root]
    closing: list[int] = []  # lengths of `pending` under each open container
    while pending:
        value = pending.pop()
        if type(value) is _Mark:
            out.append(value.text)
            if value.closes:
                closing.pop()
            continue
        kind = type_of(value)
        if kind is not Type.DICTIONARY and kind not in _AS_ARRAY:
            out.append(_scalar(kind, value))
            continue
        if len(closing) > MAX_DEPTH:
            raise NoSize("nested too deep for JSON.stringify")
        closing.append(len(pending))
        parts: list[Any] = []
        if kind is Type.DICTIONARY:
            for key in sorted(value.keys(), key=_order):
                name = _Mark(("," if parts else "{") + f'"{plain_text(key).translate(_ESCAPES)}":')
                parts += (name, value[key])
            parts.append(_Mark("}" if parts else "{}", closes=True))
        else:
            items = value.tolist() if isinstance(value, PackedArray) or hasattr(value, "tolist") else value
            for item in items:
                parts += (_Mark("," if parts else "["), item)
            parts.append(_Mark("]" if parts else "[]", closes=True))
        pending += reversed(parts)
    return "".join(out)


class _Mark:
    """Text on the stack of `json_text`."""

    __slots__ = ("closes", "text")

    def __init__(self, text: str, *, closes: bool = False) -> None:
        self.text = text
        self.closes = closes


def _scalar(kind: Type, value: Any) -> str:
    if kind is Type.NIL:
        return "null"
    if kind is Type.BOOL:
        return "true" if value else "false"
    if kind is Type.INT:
        return str(int(value))
    if kind is Type.FLOAT:
        return _json_number(float(value))
    return f'"{plain_text(value).translate(_ESCAPES)}"'


def _json_number(value: float) -> str:
    if value == 0:
        return "0.0"
    if math.isnan(value):
        return "null"
    if math.isinf(value):
        return "1e99999" if value > 0 else "-1e99999"
    return _decimal(value, max(1, 14 - math.floor(math.log10(abs(value)))))


def _order(key: Any) -> tuple[int, Any]:
    """Names by their characters, everything else by type, then by text; only names are sorted exactly."""
    kind = type_of(key)
    if kind in {Type.STRING, Type.STRING_NAME}:
        return (Type.STRING, str(key))
    return (kind, plain_text(key))


def plain_text(value: Any) -> str:
    """What ``str(value)`` gives; raises `NoSize` as `json_text` does."""
    kind = type_of(value)
    if kind is Type.NODE_PATH and value.subnames == ("",):
        return str(value)[:-1]  # the engine asks whether there is any text, not whether there is a subname
    if kind in {Type.STRING, Type.STRING_NAME, Type.NODE_PATH}:
        return str(value)
    return _inner(value, 0)


def _inner(value: Any, depth: int) -> str:  # one return a type
    """The text of a value inside another one, where names are told from text."""
    kind = type_of(value)
    if depth > _KEY_DEPTH:
        raise NoSize(f"a key is nested more than {_KEY_DEPTH} deep")
    match kind:
        case Type.NIL:
            return "<null>"
        case Type.BOOL:
            return "true" if value else "false"
        case Type.INT:
            return str(int(value))
        case Type.FLOAT:
            return _real64(float(value))
        case Type.STRING:
            return f'"{_quoted(value)}"'
        case Type.STRING_NAME:
            return f'&"{_quoted(value)}"'
        case Type.NODE_PATH:
            return f'^"{_quoted(plain_text(value))}"'
        case Type.DICTIONARY:
            pairs = (f"{_inner(k, depth + 1)}: {_inner(item, depth + 1)}" for k, item in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case Type.RID:
            return f"RID({value.id})"
        case Type.CALLABLE:
            return "null::null"
        case Type.SIGNAL:
            return f"null::[signal]{value.name}"
        case Type.OBJECT:
            if value:
                raise NoSize("its text holds an id that only the running engine knows")
            return "<null>"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return _fixed(kind, value)
    if kind in {
        Type.PACKED_VECTOR2_ARRAY,
        Type.PACKED_VECTOR3_ARRAY,
        Type.PACKED_VECTOR4_ARRAY,
        Type.PACKED_COLOR_ARRAY,
    }:
        one = _colour if kind is Type.PACKED_COLOR_ARRAY else _vector
        return f"[{', '.join(one(row) for row in value.tolist())}]"
    items = value.tolist() if hasattr(value, "tolist") else list(value)
    return f"[{', '.join(_inner(item, depth + 1) for item in items)}]"


def _quoted(text: str) -> str:
    return text.translate(_INNER_ESCAPES)


def _fixed(kind: Type, value: Any) -> str:
    match kind:
        case Type.VECTOR2I | Type.VECTOR3I | Type.VECTOR4I:
            return f"({', '.join(map(str, value))})"
        case Type.VECTOR2 | Type.VECTOR3 | Type.VECTOR4:
            return _vector(value)
        case Type.COLOR:
            return _colour(value)
        case Type.QUATERNION:
            return f"({', '.join(_real32(part, whole='') for part in value)})"
        case Type.PLANE:
            return f"[N: {_vector(value.normal)}, D: {_real32(value.d, whole='')}]"
        case Type.TRANSFORM3D:
            parts = zip("XYZO", (*value.basis, value.origin), strict=True)
            return f"[{', '.join(f'{name}: {_vector(part)}' for name, part in parts)}]"
        case Type.RECT2I:
            return f"[P: {_fixed(Type.VECTOR2I, value.position)}, S: {_fixed(Type.VECTOR2I, value.size)}]"
    names = {Type.TRANSFORM2D: "XYO", Type.BASIS: "XYZ", Type.PROJECTION: "XYZW"}.get(kind, "PS")
    return f"[{', '.join(f'{name}: {_vector(part)}' for name, part in zip(names, value, strict=True))}]"


def _vector(parts: Iterable[float]) -> str:
    return f"({', '.join(map(_real32, parts))})"


def _colour(parts: Iterable[float]) -> str:
    return f"({', '.join(_decimal(_single(part), 4) for part in parts)})"


def _single(value: float) -> float:
    found: float = struct.unpack("<f", narrow(float(value)))[0]
    return found


def _real32(value: float, whole: str = ".0") -> str:
    """A component: six decimals, fewer for large ones; `whole` follows a whole number."""
    return _real(_single(value), 6, whole)


def _real64(value: float) -> str:
    return _real(value, 14, ".0")


def _real(value: float, decimals: int, whole: str) -> str:
    if math.isfinite(value) and abs(value) < 2**63 and value == int(value):
        return f"{int(value)}{whole}"
    if math.isfinite(value) and abs(value) > 10:
        decimals -= math.floor(math.log10(abs(value)))
    return _decimal(value, decimals)


def _decimal(value: float, decimals: int) -> str:
    """So many decimals, without the zeros at the end but for one."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if decimals < 0:
        decimals = 14 - (math.floor(math.log10(abs(value))) if abs(value) > 10 else 0)
    text = f"{value:.{6 if decimals < 0 else min(decimals, _MOST_DECIMALS)}f}"
    if "." in text:
        text = text.rstrip("0")
        text += "0" if text.endswith(".") else ""
    return text
