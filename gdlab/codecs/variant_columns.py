"""Variants of a few layouts, read as whole columns; what has no layout is left to the row decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gdlab.codecs.flatten import flatten_at
from gdlab.codecs.parts import Part, Rows
from gdlab.codecs.places import MAX_ITEMS
from gdlab.variant import Decoder, Type
from gdlab.variant.columns import Columns, _Part, _Reader
from gdlab.variant.layout import sketch

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray
    from gdlab.variant.layout import Layout

#: Longer keys are not written as they are; they are left to the row decoder, as are deep values.
_MAX_KEY: Final = 48
_MAX_DEPTH: Final = 8


def read(payloads: PayloadArray) -> tuple[Rows, dict[str, list[Part]]]:
    """Read what can be read by whole columns.

    Returns
    -------
    Positions of the payloads that are left, and the parts of each column, by its name, of the others.
    """
    buffer, offsets = payloads.contiguous()
    reader = _Spread(buffer, offsets[:-1], np.diff(offsets), Columns(len(payloads)), 256)
    left = reader.by_layout()
    everything = np.arange(len(payloads), dtype=np.int64)
    found: dict[str, list[Part]] = {}
    for name, parts in reader.parts.items():
        for part in parts:
            rows = everything if part.rows is None else part.rows
            if part.kind in (Type.INT, Type.FLOAT, Type.BOOL) and part.array.dtype != object:
                found.setdefault(name, []).append(Part(rows, part.array))
            else:
                for below, some in flatten_at(name, rows, part.array.tolist()).items():
                    found.setdefault(below, []).extend(some)
    return left, found


class _Spread(_Reader):
    """Reads layouts as `flatten` names and takes apart their values."""

    def _layout(self, rows: Any) -> Layout | None:
        example = self.payload(int(rows[0]))
        layout = sketch(example)
        if layout is None or not _is_plain(layout.tree, 0):
            return None
        if Decoder().loads_from(example)[1] != len(example):  # bytes behind a value are noted row by row
            return None
        layout.slots = [slot for slot in layout.slots if _is_shown(slot.path)]
        return layout

    def _read(self, layout: Layout, rows: Any, left: list[Any]) -> Any:
        before = sum(map(len, left))
        others = super()._read(layout, rows, left)
        careful = np.concatenate(left)[before:] if sum(map(len, left)) > before else np.zeros(0, np.int64)
        taken = np.setdiff1d(rows, np.concatenate([others, careful]), assume_unique=True)
        for name, number in _counts(layout.tree, "v"):
            if self.room(name):
                self.parts[name].append(_Part(taken, Type.INT, np.full(len(taken), number, np.int64)))
        return others


def _is_plain(node: Any, depth: int) -> bool:
    """Whether a layout's value has columns of the names that `flatten` gives it, none of them of nulls alone."""
    if depth > _MAX_DEPTH or node is None:
        return False
    if isinstance(node, dict):
        return all(
            key.isidentifier() and len(key) <= _MAX_KEY and _is_plain(item, depth + 1)
            for key, item in node.items()
        )
    if isinstance(node, list):
        return all(_is_plain(item, depth + 1) for item in node)
    return True


def _is_shown(path: tuple[str | int, ...]) -> bool:
    """Whether what stands there has a column: the first elements of a list do."""
    return all(type(step) is not int or step < MAX_ITEMS for step in path)


def _counts(node: Any, name: str) -> list[tuple[str, int]]:
    """Each list in a layout's value, and how many elements it has."""
    if isinstance(node, dict):
        return [pair for key, item in node.items() for pair in _counts(item, f"{name}.{key}")]
    if isinstance(node, list):
        below = [
            pair for index, item in enumerate(node[:MAX_ITEMS]) for pair in _counts(item, f"{name}[{index}]")
        ]
        return [(f"{name}[]", len(node)), *below]
    return []
