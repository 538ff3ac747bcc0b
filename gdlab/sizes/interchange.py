"""The same message in formats of other worlds, MessagePack and CBOR, by optional packages.

Names are kept; numbers and text keep their types, and what these formats have no type for becomes an array of its
components. Floats take 64 bits, as the packages write them unless told otherwise.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from gdlab.sizes.errors import NoSize
from gdlab.variant.containers import Dictionary
from gdlab.variant.kinds import Type
from gdlab.variant.types import type_of
from gdlab.variant.wire import FIXED

#: Containers inside one another; the packages recurse, and refuse more than some hundreds.
_MAX_DEPTH: Final = 200


def messagepack(value: Any) -> bytes:
    """MessagePack by `msgpack`; raises `NoSize`."""
    return _packed("msgpack", "packb", value)


def cbor(value: Any) -> bytes:
    """CBOR (RFC 8949) by `cbor2`; raises `NoSize`."""
    return _packed("cbor2", "dumps", value)


def _packed(package: str, function: str, value: Any) -> bytes:
    try:
        write = getattr(importlib.import_module(package), function)
    except ImportError:
        raise NoSize(f"needs the package {package}: pip install {package}") from None
    plain = plain_value(value, 0)
    try:
        raw: bytes = write(plain)
    except (OverflowError, ValueError, TypeError) as error:
        raise NoSize(f"{package} refuses it: {error}") from None
    return raw


def plain_value(value: Any, depth: int) -> Any:
    """A value of nothing but None, bool, int, float, str, bytes, list and dict."""
    if depth > _MAX_DEPTH:
        raise NoSize(f"nested more than {_MAX_DEPTH} deep")
    kind = type_of(value)
    if kind is Type.DICTIONARY:
        return _plain_dict(value, depth)
    if kind in FIXED:
        parts = FIXED[kind].flatten(value)
        return [int(part) for part in parts] if FIXED[kind].code == "i" else [float(part) for part in parts]
    match kind:
        case Type.NIL | Type.CALLABLE:
            return None
        case Type.BOOL:
            return bool(value)
        case Type.INT:
            return int(value)
        case Type.FLOAT:
            return float(value)
        case Type.STRING | Type.STRING_NAME | Type.NODE_PATH:
            return str(value)
        case Type.RID:
            return value.id
        case Type.SIGNAL:
            return [value.name, value.object_id]
        case Type.OBJECT:
            raise NoSize("an object cannot leave the engine")
        case Type.ARRAY:
            return [plain_value(item, depth + 1) for item in value]
        case Type.PACKED_STRING_ARRAY:
            return list(value)
        case Type.PACKED_BYTE_ARRAY:
            return bytes(value)
    return value.tolist()


def _plain_dict(value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for key, item in value.items():
        plain = _frozen(plain_value(key, depth + 1)) if isinstance(value, Dictionary) else key
        made[plain] = plain_value(item, depth + 1)
    if len(made) != len(value):
        raise NoSize("two of its keys, such as 1 and 1.0, are one key in Python")
    return made


def _frozen(key: Any) -> Any:
    if isinstance(key, list):
        return tuple(map(_frozen, key))
    if isinstance(key, dict):
        raise NoSize("a dictionary is a key, which Python's packages cannot write")
    return key
