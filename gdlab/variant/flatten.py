"""Names of the columns that a value becomes: one for each number, text or flag in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gdlab.variant.containers import Array, Dictionary
from gdlab.variant.kinds import Type
from gdlab.variant.types import type_of
from gdlab.variant.wire import FIXED

#: A root Array is spread over at most so many columns; a longer one stays whole.
MAX_SPREAD: Final = 64
#: Dictionaries inside each other are spread so far; what is deeper stays whole.
MAX_DEPTH: Final = 20


def key_name(key: object) -> str:
    """The part of a column's name that stands for a dictionary's key: ``.pos``, or ``["a b"]``."""
    if isinstance(key, str):
        text = str(key)
        return f".{text}" if text.isidentifier() else f"[{text!r}]"
    return f"[{key!r}]"


def path_name(path: tuple[object, ...]) -> str:
    """The name of what lies at a path of keys and indices."""
    return "v" + "".join(f"[{step}]" if type(step) is int else key_name(step) for step in path)


def spread(value: Any) -> Iterator[tuple[str, Type, Any]]:
    """Name, type and value of every column of one decoded value.

    Dictionaries are spread by key, values like Vector2 by component, an Array only at the root (by index);
    every other container stays whole. A nil is left out, since a column can only miss it; so is an empty
    dictionary.
    """
    if type(value) is Array and value.element_type is None and len(value) <= MAX_SPREAD:
        for index, item in enumerate(value):
            yield from _spread(f"v[{index}]", item, 1)
        return
    yield from _spread("v", value, 0)


def _spread(name: str, value: Any, depth: int) -> Iterator[tuple[str, Type, Any]]:
    if value is None:
        return
    if type(value) is Dictionary and depth < MAX_DEPTH:
        for key, item in value.items():
            yield from _spread(name + key_name(key), item, depth + 1)
        return
    kind = type_of(value)
    fixed = FIXED.get(kind)
    if fixed is None:
        yield name, kind, value
        return
    part = Type.FLOAT if fixed.code == "f" else Type.INT
    for field, component in zip(fixed.fields, fixed.flatten(value), strict=True):
        yield f"{name}.{field}", part, component
