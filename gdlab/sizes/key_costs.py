"""Which part of a message costs what."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from gdlab.sizes.errors import NoSize
from gdlab.sizes.godot_text import json_text
from gdlab.sizes.memory import memory_bytes
from gdlab.variant.codec import dumps
from gdlab.variant.flatten import key_name
from gdlab.variant.kinds import Type
from gdlab.variant.types import type_of

#: Levels and children that are shown; what lies below is counted in its parent.
MAX_DEPTH: Final = 6
MAX_CHILDREN: Final = 50
_SHOWN: Final = 60


def tree(value: object) -> pd.DataFrame:
    """Cost of each part of a message as ``var_to_bytes`` writes it, from the whole to its parts.

    Returns
    -------
    DataFrame with the index ``part`` (a Python expression on the message, called `msg`) and the columns

    ``type`` : Godot's name of the type.
    ``value`` : the value, shortened.
    ``key_bytes`` : what its key takes, 0 for elements of an Array.
    ``value_bytes`` : what the value takes, with all that is in it.
    ``bytes`` : both.
    ``share`` : of the whole message, 0..1.
    ``header_bytes`` : of `value_bytes`, what is not a key or value inside it: type, count, and for values that are no
        containers the 4 bytes of their type.
    ``json_bytes`` : the same part in JSON; NA where it has none.
    ``memory_bytes`` : in the engine's memory, see `gdlab.sizes.memory`.

    The bytes of the children of a part and its header add up to its own.

    Raises
    ------
    VariantEncodeError : Godot has no Variant for it.
    """
    total = len(dumps(value))
    rows: list[dict[str, Any]] = []
    pending: list[tuple[str, Any, Any, int]] = [("msg", None, value, 0)]
    while pending:
        part, key, item, depth = pending.pop()
        if type(item) is _Rest:
            rows.append(item.row(part, total))
            continue
        children = _children(part, item) if depth < MAX_DEPTH else []
        size = len(dumps(item))
        inside = sum(len(dumps(child)) + _key_bytes(name) for _, name, child in children)
        key_bytes = _key_bytes(key)
        rows.append(
            {
                "part": part,
                "type": type_of(item).godot_name,
                "value": _short(item),
                "key_bytes": key_bytes,
                "value_bytes": size,
                "bytes": size + key_bytes,
                "share": (size + key_bytes) / total,
                "header_bytes": size - inside if children else min(size, 8 if _counted(item) else 4),
                "json_bytes": _json_bytes(key, item),
                "memory_bytes": memory_bytes(item),
            }
        )
        shown = [(name, key, child, depth + 1) for name, key, child in children[:MAX_CHILDREN]]
        rest = children[MAX_CHILDREN:]
        if rest:
            shown.append((f"{part}: {len(rest)} more", None, _Rest(rest), depth + 1))
        pending += reversed(shown)
    table = pd.DataFrame(rows).set_index("part")
    for name in ("key_bytes", "value_bytes", "bytes", "header_bytes", "json_bytes", "memory_bytes"):
        table[name] = pd.array(table[name].tolist(), dtype="Int64")
    return table


class _Key:
    """Marks a key, so that the key None is not taken for no key."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Rest:
    """Children that are not shown one by one."""

    def __init__(self, children: list[tuple[str, _Key | None, Any]]) -> None:
        self.children = children

    def row(self, part: str, total: int) -> dict[str, Any]:
        """All of them as one row."""
        keys = sum(_key_bytes(key) for _, key, _ in self.children)
        values = sum(len(dumps(item)) for _, _, item in self.children)
        text = [_json_bytes(key, item) for _, key, item in self.children]
        return {
            "part": part,
            "type": "",
            "value": "…",
            "key_bytes": keys,
            "value_bytes": values,
            "bytes": keys + values,
            "share": (keys + values) / total,
            "header_bytes": 0,
            "json_bytes": None if None in text else sum(size for size in text if size is not None),
            "memory_bytes": sum(memory_bytes(item) for _, _, item in self.children),
        }


def _children(part: str, value: Any) -> list[tuple[str, _Key | None, Any]]:
    if isinstance(value, dict):
        return [(part + _expression(key), _Key(key), item) for key, item in value.items()]
    if type_of(value) is Type.ARRAY:
        return [(f"{part}[{index}]", None, item) for index, item in enumerate(value)]
    return []


def _expression(key: Any) -> str:
    return f"[{key!r}]" if isinstance(key, str) else key_name(key)


def _key_bytes(key: _Key | None) -> int:
    return 0 if key is None else len(dumps(key.value))


def _json_bytes(key: _Key | None, value: Any) -> int | None:
    try:
        size = len(json_text(value).encode())
        if key is not None:
            size += len(
                json_text({key.value: None} if isinstance(key.value, str) else key.value).encode()
            ) - (6 if isinstance(key.value, str) else -1)
    except NoSize:
        return None
    return size


def _counted(value: Any) -> bool:
    """Whether a count follows the type."""
    return (
        type_of(value) in {Type.STRING, Type.STRING_NAME, Type.DICTIONARY, Type.ARRAY}
        or type_of(value) >= Type.PACKED_BYTE_ARRAY
    )


def _short(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)) and type_of(value) in {Type.DICTIONARY, Type.ARRAY}:
        return f"{len(value)} entries" if isinstance(value, dict) else f"{len(value)} elements"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
