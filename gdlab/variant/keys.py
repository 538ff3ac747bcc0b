"""When two dictionary keys are the same key to Godot.

Python takes ``1``, ``1.0`` and ``True`` for one key and cannot hash lists; Godot keeps the three apart and
has arrays and dictionaries as keys. So a `Dictionary` files every key but strings under a *token*: a small
hashable value that is equal exactly where Godot finds its keys equal. Seen in Godot 4.6.3:

* ``"a"`` and ``&"a"`` are one key, but ``["a"]`` and ``[&"a"]`` are two;
* two NaN are one key, also inside vectors and packed arrays, but not as elements of arrays or as values;
* 0.0 and -0.0 are one key, everywhere;
* dictionaries with the same entries in another order are two keys; declared types do not matter;
* two objects are two keys, even where their ids are equal.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np

from gdlab.variant.kinds import Type
from gdlab.variant.mathtypes import MATH_TYPES
from gdlab.variant.records import RECORD_TYPES, EncodedObject, ObjectRecord, StringName

Token = tuple[object, ...]


class Key:
    """A key of a `Dictionary` as it is filed: by its token. Iteration gives `value`."""

    __slots__ = ("_hash", "token", "value")

    def __init__(self, value: object) -> None:
        self.value = value
        self.token = token(value)
        self._hash = hash(self.token)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return type(other) is Key and self.token == other.token

    def __repr__(self) -> str:
        return repr(self.value)


def filed(key: object) -> object:
    """What a key is filed under: strings as they are, everything else as a `Key`."""
    return key if isinstance(key, str) else Key(key)


def given(key: object) -> object:
    """The key as the user gave it, from what it is filed under."""
    return key.value if type(key) is Key else key


def token(value: object) -> Token:
    """A hashable stand-in for a key; the cost is linear in what is not itself filed under a token yet.

    Raises
    ------
    TypeError : no Variant can hold `value`.
    """
    cls = type(value)
    if value is None:
        return (Type.NIL,)
    if isinstance(value, np.generic):
        return token(value.item())
    if cls is bool:
        return (Type.BOOL, value)
    if isinstance(value, int):
        return (Type.INT, int(value))
    if isinstance(value, float):
        return (Type.FLOAT, _real(value))
    if isinstance(value, str):
        return (Type.STRING, str(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return (Type.PACKED_BYTE_ARRAY, bytes(value))
    kind = MATH_TYPES.get(cls)
    if kind is not None:
        return (kind, *_components(value))
    kind = RECORD_TYPES.get(cls)
    if kind is not None:
        return (kind, value)
    if cls is EncodedObject:
        return (Type.OBJECT, 0) if not value else (Type.OBJECT, "is", id(value))
    if cls is ObjectRecord:
        return (Type.OBJECT, "is", id(value))
    if isinstance(value, (list, tuple, dict, np.ndarray)):
        return _digest(value)
    raise TypeError(f"Godot has no Variant for a Python {cls.__name__}, so it cannot be a key")


def _real(value: float) -> object:
    """A float under the rules of keys: NaN is equal to NaN, and 0.0 to -0.0."""
    return "nan" if value != value else float(value) + 0.0  # the test for NaN


def _components(value: Any) -> list[object]:
    flat: list[object] = []
    for part in value:
        if isinstance(part, tuple):
            flat += _components(part)
        else:
            flat.append(_real(part) if isinstance(part, float) else part)
    return flat


def _digest(root: object) -> Token:
    """Token of a container: a digest of all in it, in order, walked without recursion.

    A collision would merge two keys, so the digest is a cryptographic one.
    """
    state = hashlib.blake2b(digest_size=20)
    feed = state.update
    pending = [root]
    while pending:
        value = pending.pop()
        if type(value) is _Filed:
            feed(repr(value.token).encode("utf-8", "surrogatepass"))
        elif isinstance(value, dict):
            feed(b"{%d:" % len(value))
            for key, item in reversed(list(dict.items(value))):
                pending += (item, _Filed(key))
        elif isinstance(value, np.ndarray):
            array = np.ascontiguousarray(value)
            if array.dtype.kind == "f":
                array = np.where(np.isnan(array), np.nan, array) + 0.0
            feed(f"<{type(value).__name__}{array.dtype}{array.shape}>".encode())
            feed(array.tobytes())
        elif isinstance(value, (list, tuple)) and type(value) not in MATH_TYPES:
            feed(
                b"%s[%d:"
                % (type(value).__name__.encode() if type(value).__name__ in _LISTS else b"", len(value))
            )
            pending += reversed(value)
        elif (isinstance(value, float) and value != value) or (  # the test for NaN
            type(value) in {EncodedObject, ObjectRecord} and value
        ):
            return (Type.ARRAY, "is", id(root))  # never equal to anything but itself
        else:
            name = b"&" if type(value) is StringName else b""
            feed(name + repr(token(value)).encode("utf-8", "surrogatepass"))
    return (Type.ARRAY, state.digest())


#: Lists that are a type of their own to Godot.
_LISTS: Final = frozenset({"PackedStringArray"})


class _Filed:
    """Marks a key inside a digest; its token is already known."""

    __slots__ = ("token",)

    def __init__(self, key: object) -> None:
        self.token = key.token if type(key) is Key else token(key)
