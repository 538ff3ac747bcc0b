"""A Variant as people type it: JSON, and what GDScript writes beside it; read, never evaluated.

::

    parse_literal('{"id": 7, "pos": Vector2(1, 2), "tags": PackedStringArray("a", "b")}')

What Godot's ``var_to_str`` writes is understood as well: ``&"name"``, ``^"path"``, ``Array[int]([1])``, ``inf``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from gdlab.errors import GdlabError
from gdlab.variant.containers import Array, Dictionary, PackedStringArray
from gdlab.variant.kinds import Type
from gdlab.variant.mathtypes import (
    AABB,
    MATH_TYPES,
    Basis,
    Plane,
    Projection,
    Rect2,
    Rect2i,
    Transform2D,
    Transform3D,
    Vector2,
    Vector2i,
    Vector3,
    Vector4,
)
from gdlab.variant.packed import PACKED
from gdlab.variant.records import RID, NodePath, StringName

#: Longer texts, and deeper containers, are refused.
MAX_CHARACTERS: Final = 1 << 20
MAX_DEPTH: Final = 100

_SPACE: Final = re.compile(r"(?:\s+|#[^\n]*)*")
_NUMBER: Final = re.compile(
    r"[+-]?(?:0x[0-9a-fA-F_]+|0b[01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_PLAIN: Final = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v",
    '"': '"', "'": "'", "\\": "\\", "/": "/",
}  # fmt: skip
_CONSTANTS: Final[dict[str, Any]] = {
    "true": True,
    "false": False,
    "null": None,
    "nil": None,
    "inf": float("inf"),
    "inf_neg": float("-inf"),
    "nan": float("nan"),
    "True": True,
    "False": False,
    "None": None,
    "INF": float("inf"),
    "NAN": float("nan"),
    "PI": 3.141592653589793,
    "TAU": 6.283185307179586,
}
#: Number classes with number components: how many, and whether whole.
_COUNTS: Final[dict[str, int]] = {
    "Vector2": 2, "Vector2i": 2, "Vector3": 3, "Vector3i": 3, "Vector4": 4, "Vector4i": 4,
    "Quaternion": 4, "Color": 4, "Rect2": 4, "Rect2i": 4, "AABB": 6, "Plane": 4,
    "Transform2D": 6, "Basis": 9, "Transform3D": 12, "Projection": 16,
}  # fmt: skip
_MATH: Final = {cls.__name__: cls for cls in MATH_TYPES}
_PACKED: Final[dict[str, Any]] = {cls.__name__: cls for cls in PACKED.values()}
_TYPES: Final = {kind.godot_name: kind for kind in Type}


class LiteralError(GdlabError, ValueError):
    """A text that is no value; `offset` counts characters."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def parse_literal(text: str) -> Any:
    """Read one value.

    Parameters
    ----------
    text : JSON, or a value as GDScript writes it.

    Returns
    -------
    The value, of the types of `gdlab.variant.types`. Dictionaries and arrays are those of Godot; whole numbers are
    ints, as in GDScript and not as in Godot's JSON.

    Raises
    ------
    LiteralError : it is none; the message says where, and what was expected there.
    """
    if len(text) > MAX_CHARACTERS:
        raise LiteralError(
            f"the text has {len(text)} characters, at most {MAX_CHARACTERS} are read", offset=MAX_CHARACTERS
        )
    reader = _Reader(text)
    value = reader.value(0)
    reader.skip()
    if reader.at < len(text):
        reader.fail("the end, as one value is complete")
    return value


class _Reader:
    """Where in the text we are."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def peek(self) -> str:
        self.skip()
        return self.text[self.at : self.at + 1]

    def fail(self, expected: str, at: int | None = None) -> NoReturn:
        place = self.at if at is None else at
        line = self.text.count("\n", 0, place) + 1
        column = place - (self.text.rfind("\n", 0, place) + 1) + 1
        where = f"line {line}, character {column}" if line > 1 else f"character {column}"
        found = self.text[place : place + 20]
        said = f"found {found!r}" if found else "the text ends"
        raise LiteralError(f"at {where}: expected {expected}, but {said}", offset=place)

    def take(self, char: str, expected: str) -> None:
        if self.peek() != char:
            self.fail(expected)
        self.at += 1

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} containers inside each other")
        char = self.peek()
        if char == "{":
            return self.dictionary(depth)
        if char == "[":
            return Array(self.items("[", "]", depth))
        if char and char in "\"'":
            return self.string()
        if char and char in "&^" and self.text[self.at + 1 : self.at + 2] in ('"', "'"):
            self.at += 1
            inner = self.string()
            return StringName(inner) if char == "&" else NodePath.from_text(inner)
        word = _WORD.match(self.text, self.at)
        if word:
            return self.named(word.group(), depth)
        if self.text[self.at : self.at + 4].lower() in ("-inf", "-nan"):
            self.at += 4
            return float("-inf") if self.text[self.at - 3 : self.at].lower() == "inf" else float("nan")
        return self.number()

    def number(self) -> int | float:
        found = _NUMBER.match(self.text, self.at)
        if not found:
            self.fail(
                'a value: a number, "text", true, null, [ ], { }, or a constructor such as Vector2(1, 2)'
            )
        start, self.at = self.at, found.end()
        digits = found.group().replace("_", "")
        if len(digits) > 400:
            self.fail("a number of at most 400 digits", start)
        try:
            if "x" in digits or "b" in digits[:3]:
                return int(digits, 0)
            if any(mark in digits for mark in ".eE"):
                return float(digits)
            return int(digits)
        except ValueError:
            self.fail("a number", start)

    def string(self) -> str:
        quote = self.text[self.at]
        start = self.at
        self.at += 1
        parts = []
        while True:
            found = _PLAIN[quote].match(self.text, self.at)
            if found:
                parts.append(found.group())
                self.at = found.end()
            char = self.text[self.at : self.at + 1]
            if not char:
                self.fail("a closing quote for the text that begins here", start)
            self.at += 1
            if char == quote:
                break
            parts.append(self.escape())
        text = "".join(parts)
        # JSON writes what is beyond 16 bits as two halves.
        return (
            text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_halves(text) else text
        )

    def escape(self) -> str:
        letter = self.text[self.at : self.at + 1]
        self.at += 1
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        length = {"u": 4, "U": 6}.get(letter, 0)
        digits = self.text[self.at : self.at + length]
        if not (length and re.fullmatch(r"[0-9a-fA-F]{4,6}", digits) and int(digits, 16) < 0x110000):
            self.fail(r"one of \n \t \r \b \f \a \v \" \' \\ \/ \uXXXX \UXXXXXX", self.at - 2)
        self.at += length
        return chr(int(digits, 16))

    def items(self, opening: str, closing: str, depth: int) -> list[Any]:
        self.take(opening, f"{opening}")
        found: list[Any] = []
        while self.peek() != closing:
            found.append(self.value(depth + 1))
            if self.peek() != closing:
                self.take(",", f"a comma or {closing}")
        self.at += 1
        return found

    def dictionary(self, depth: int) -> Dictionary:
        self.take("{", "{")
        entries: list[tuple[Any, Any]] = []
        while self.peek() != "}":
            key = self.value(depth + 1)
            self.take(":", "a colon between key and value")
            entries.append((key, self.value(depth + 1)))
            if self.peek() != "}":
                self.take(",", "a comma or }")
        self.at += 1
        return Dictionary(entries)

    def named(self, name: str, depth: int) -> Any:
        """A constant, or the constructor of a type."""
        start = self.at
        self.at += len(name)
        following = self.peek()
        if name in _CONSTANTS and following != "(":
            return _CONSTANTS[name]
        if name in ("Array", "Dictionary") and following == "[":
            return self.declared(name, depth)
        if following != "(":
            self.at = start
            quoted = "text stands in quotes, and "
            self.fail(f"a value ({quoted}a type needs its brackets, as in Vector2(1, 2))")
        items = self.items("(", ")", depth)
        make = _MAKERS.get(name)
        if make is None:
            known = ", ".join([*_MAKERS])
            self.fail(f"one of the types {known}", start)
        try:
            return make(items)
        except LiteralError:
            raise
        except (TypeError, ValueError, OverflowError, LookupError) as error:
            self.fail(f"{name} with what it takes ({error})", start)

    def declared(self, name: str, depth: int) -> Any:
        """``Array[int]([1, 2])`` or ``Dictionary[String, int]({...})``."""
        kinds = []
        self.take("[", "[")
        while self.peek() != "]":
            word = _WORD.match(self.text, self.at)
            if not word or (word.group() not in _TYPES and word.group() != "Variant"):
                self.fail("the name of a built-in type, as in Array[int]")
            self.at = word.end()
            kinds.append(_TYPES.get(word.group()))
            if self.peek() != "]":
                self.take(",", "a comma or ]")
        self.at += 1
        if len(kinds) != (1 if name == "Array" else 2):
            self.fail("one type for an Array, two for a Dictionary")
        items = self.items("(", ")", depth)
        if len(items) != 1 or not isinstance(items[0], list if name == "Array" else dict):
            self.fail(f"{'an array' if name == 'Array' else 'a dictionary'} in the round brackets")
        if name == "Array":
            return Array(items[0], element_type=kinds[0])
        return Dictionary(items[0], key_type=kinds[0], value_type=kinds[1])


def _has_halves(text: str) -> bool:
    return any(0xD800 <= ord(char) <= 0xDFFF for char in text)


# ---- constructors


def _numbers(items: list[Any], *, whole: bool = False) -> list[Any]:
    for item in items:
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            raise TypeError(f"numbers, not {type(item).__name__}")
    return [int(item) for item in items] if whole else [float(item) for item in items]


def _math(name: str) -> Callable[[list[Any]], Any]:
    cls: Any = _MATH[name]
    count = _COUNTS[name]

    def make(items: list[Any]) -> Any:
        if not items:
            return cls()
        if all(isinstance(item, tuple) for item in items) and len(items) == len(cls._fields):
            wanted = [type(part) for part in cls()]
            if [type(item) for item in items] != wanted:
                raise TypeError(f"takes {', '.join(part.__name__ for part in wanted)}")
            return cls(*items)
        if name == "Plane" and len(items) == 2 and isinstance(items[0], Vector3):
            return Plane(items[0], *_numbers(items[1:]))
        least = 3 if name == "Color" else count
        if not least <= len(items) <= count:
            raise TypeError(f"{count} numbers" if least == count else f"{least} or {count} numbers")
        numbers = _numbers(items, whole=name.endswith("i"))
        build = _FROM_NUMBERS.get(name)
        return build(numbers) if build else cls(*numbers)

    return make


def _basis(n: list[float]) -> Basis:
    """From rows, in which order Godot writes a basis, to the columns it has."""
    return Basis(Vector3(n[0], n[3], n[6]), Vector3(n[1], n[4], n[7]), Vector3(n[2], n[5], n[8]))


_FROM_NUMBERS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "Rect2": lambda n: Rect2(Vector2(*n[:2]), Vector2(*n[2:])),
    "Rect2i": lambda n: Rect2i(Vector2i(*n[:2]), Vector2i(*n[2:])),
    "AABB": lambda n: AABB(Vector3(*n[:3]), Vector3(*n[3:])),
    "Plane": lambda n: Plane(Vector3(*n[:3]), n[3]),
    "Transform2D": lambda n: Transform2D(Vector2(*n[:2]), Vector2(*n[2:4]), Vector2(*n[4:])),
    "Basis": _basis,
    "Transform3D": lambda n: Transform3D(_basis(n[:9]), Vector3(*n[9:])),
    "Projection": lambda n: Projection(*(Vector4(*n[start : start + 4]) for start in range(0, 16, 4))),
}


def _packed(name: str) -> Callable[[list[Any]], Any]:
    cls: Any = _PACKED[name]

    def make(items: list[Any]) -> Any:
        if len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        columns = cls.columns
        if columns and items and not isinstance(items[0], tuple):
            if len(items) % columns:
                raise ValueError(f"{columns} numbers for each element")
            items = [items[start : start + columns] for start in range(0, len(items), columns)]
        for item in items:
            _numbers(list(item) if columns else [item])
        return cls(items)

    return make


def _bytes(items: list[Any]) -> bytes:
    if len(items) == 1 and isinstance(items[0], list):
        items = items[0]
    return bytes(_numbers(items, whole=True))


def _strings(items: list[Any]) -> PackedStringArray:
    if len(items) == 1 and isinstance(items[0], list):
        items = items[0]
    if not all(isinstance(item, str) for item in items):
        raise TypeError("texts")
    return PackedStringArray(items)


def _of_text(make: Callable[[str], Any]) -> Callable[[list[Any]], Any]:
    def of(items: list[Any]) -> Any:
        if len(items) > 1 or not all(isinstance(item, str) for item in items):
            raise TypeError("one text")
        return make(*items) if items else make("")

    return of


_MAKERS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    **{name: _math(name) for name in _COUNTS},
    **{name: _packed(name) for name in _PACKED},
    "PackedByteArray": _bytes,
    "PackedStringArray": _strings,
    "String": _of_text(str),
    "StringName": _of_text(StringName),
    "NodePath": _of_text(NodePath.from_text),
    "RID": lambda items: RID(*_numbers(items, whole=True)),
    "int": lambda items: _numbers(items, whole=True)[0] if items else 0,
    "float": lambda items: _numbers(items)[0] if items else 0.0,
}
