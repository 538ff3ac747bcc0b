"""Messages packed by hand: values only, in a layout that both sides know and a reader can decode.

This is what ``PackedByteArray.encode_u8`` and its like, or `struct`, can reach: no names, no types. Each field has one
width, which suits the largest value that any of the messages has there. A count stands in front of what varies in
length (text, arrays, bytes). Where messages differ in shape, each begins with a byte that says which it has.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from gdlab.sizes.errors import NoSize
from gdlab.sizes.memory import needs_64_bits
from gdlab.variant.containers import Dictionary
from gdlab.variant.kinds import Type
from gdlab.variant.packed import PackedArray
from gdlab.variant.types import type_of
from gdlab.variant.wire import FIXED, narrow

_INT, _COUNT, _FLOAT, _BYTES = "int", "count", "float", "bytes"
#: By width, the code of an unsigned and of a signed integer, and the bits that each holds.
_WHOLE: Final = (("B", 8), ("b", 7), ("H", 16), ("h", 15), ("I", 32), ("i", 31), ("Q", 64), ("q", 63))
_NAME: Final = re.compile(r"\W+")


class _Piece(NamedTuple):
    """One value of a message: where it stands, what it is, and the numbers or bytes of it."""

    path: str
    kind: str  # `int`, `count`, `float`, `bytes`, or a format of `struct`
    held: Any

    @property
    def is_fixed(self) -> bool:
        """Whether it stands in each message of its shape, once."""
        return "[]" not in self.path


class Layout:
    """The layout that some messages have in common.

    Parameters
    ----------
    messages : values that Godot can hold.
    double : vectors have 64 bits, as in a double-precision build.

    Raises
    ------
    NoSize : an object, which nobody can pack by hand.
    """

    def __init__(self, messages: Sequence[Any], *, double: bool = False) -> None:
        self._double = double
        self._codes: dict[tuple[tuple[Any, ...], str, str], str] = {}
        #: The shapes of the messages: what stands in each of them, in order.
        self.shapes: dict[tuple[Any, ...], int] = {}
        self._kinds: dict[tuple[tuple[Any, ...], str], set[str]] = {}
        held: dict[tuple[tuple[Any, ...], str, str], list[Any]] = {}
        for message in messages:
            pieces = _pieces(message, double)
            shape = _shape(pieces)
            self.shapes.setdefault(shape, len(self.shapes))
            for piece in pieces:
                self._kinds.setdefault((shape, piece.path), set()).add(piece.kind)
                held.setdefault((shape, piece.path, piece.kind), []).append(piece.held)
        for key, values in held.items():
            self._codes[key] = _code(key[2], values)

    def pack(self, message: Any) -> bytes:
        """The bytes of one of the messages."""
        pieces = _pieces(message, self._double)
        shape = _shape(pieces)
        out = [whole(self.shapes[shape])] if len(self.shapes) > 1 else []
        for piece in pieces:
            kinds = self._kinds[shape, piece.path]
            if len(kinds) > 1:  # elements of several types: each must say which it is
                out.append(bytes([sorted(kinds).index(piece.kind)]))
            code = self._codes[shape, piece.path, piece.kind]
            values = piece.held if isinstance(piece.held, tuple) else (piece.held,)
            if piece.kind == _BYTES:
                out.append(piece.held)
            elif code.endswith("f"):  # as the engine rounds, also what is too large
                out += map(narrow, values)
            else:
                out.append(struct.pack(f"<{code}", *values))
        return b"".join(out)

    @property
    def format(self) -> str | None:
        """The layout as `decode=` takes it, such as ``"<B id, 2f pos"``; None where a length or a shape varies."""
        if len(self.shapes) != 1:
            return None
        (shape,) = self.shapes
        fields = []
        for path, kind in shape:
            if kind in (_COUNT, _BYTES):
                return None
            name = _NAME.sub("_", path).strip("_") or "value"
            fields.append((self._codes[shape, path, kind], f"_{name}" if name[0].isdigit() else name))
        names = {name for _, name in fields}
        if not fields or len(names) < len(fields):
            return None
        return "<" + ", ".join(f"{code} {name}" for code, name in fields)


def packed_by_hand(value: Any, *, double: bool = False) -> bytes:
    """The bytes of a message whose layout suits it alone.

    Raises
    ------
    NoSize : an object, which nobody can pack by hand.
    """
    return Layout([value], double=double).pack(value)


def _shape(pieces: Sequence[_Piece]) -> tuple[Any, ...]:
    return tuple((piece.path, piece.kind) for piece in pieces if piece.is_fixed)


def _pieces(root: Any, double: bool) -> list[_Piece]:
    out: list[_Piece] = []
    pending: list[tuple[str, Any]] = [("", root)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value, Dictionary) and value.key_type is not None:
                # A declared key type says that the keys are data, not the names of fields.
                out.append(_Piece(path, _COUNT, len(value)))
                pairs = [
                    (f"{path}[]{side}", part)
                    for pair in value.items()
                    for side, part in zip("kv", pair, strict=True)
                ]
                pending += reversed(pairs)
            else:
                pending += reversed(
                    [(f"{path}.{key}" if path else str(key), part) for key, part in value.items()]
                )
        elif type_of(value) is Type.ARRAY:
            out.append(_Piece(path, _COUNT, len(value)))
            pending += reversed([(f"{path}[]", part) for part in value])
        else:
            out += _one(path, value, double)
    return out


def _one(path: str, value: Any, double: bool) -> list[_Piece]:
    kind = type_of(value)
    if kind in {Type.NIL, Type.CALLABLE}:
        return [_Piece(path, _BYTES, b"")] if "[]" in path else []
    if kind is Type.BOOL:
        return [_Piece(path, "?", bool(value))]
    if kind is Type.INT:
        return [_Piece(path, _INT, int(value))]
    if kind is Type.FLOAT:
        return [_Piece(path, _FLOAT, float(value))]
    if kind in {Type.STRING, Type.STRING_NAME, Type.NODE_PATH}:
        return _text(path, str(value))
    if kind in FIXED:
        fixed = FIXED[kind]
        parts = tuple(fixed.flatten(value))
        if fixed.code == "i":
            return [_Piece(path, f"{len(parts)}i", parts)]
        wide = double and not fixed.always_narrow
        return [_Piece(path, f"{len(parts)}{'d' if wide else 'f'}", tuple(map(float, parts)))]
    if kind is Type.RID:
        return [_Piece(path, "q", value.id)]
    if kind is Type.PACKED_STRING_ARRAY:
        texts = [piece for text in value for piece in _text(f"{path}[]", text)]
        return [_Piece(path, _COUNT, len(value)), *texts]
    if kind is Type.PACKED_BYTE_ARRAY:
        raw = bytes(value)
        return [_Piece(path, _COUNT, len(raw)), _Piece(f"{path}[]", _BYTES, raw)]
    if isinstance(value, PackedArray) or hasattr(value, "tobytes"):
        raw = bytes(value.tobytes())
        return [_Piece(path, _COUNT, len(value)), _Piece(f"{path}[]", _BYTES, raw)]
    raise NoSize(f"a {kind.godot_name} means nothing outside of the game that sent it")


def _text(path: str, text: str) -> list[_Piece]:
    raw = text.encode()
    return [_Piece(path, _COUNT, len(raw)), _Piece(f"{path}[]", _BYTES, raw)]


def _code(kind: str, values: list[Any]) -> str:
    """The narrowest format that holds all of these."""
    if kind in (_INT, _COUNT):
        low, high = min(values), max(values)
        for code, bits in _WHOLE:
            if (-(1 << bits) if code.islower() else 0) <= low and high < (1 << bits):
                return code
        raise NoSize("an integer of more than 64 bits, or integers that no one width holds")
    if kind == _FLOAT:
        return "d" if any(needs_64_bits(value) for value in values) else "f"
    return kind


def whole(value: int) -> bytes:
    """An integer as its narrowest unsigned or signed field."""
    return struct.pack(f"<{_code(_INT, [value])}", value)
