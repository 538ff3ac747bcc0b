"""The parts of a decoded value that a filter uses, by the names of their columns."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, cast

from gdlab.codecs.places import suffix


def root(node: Any) -> str:
    """The name at which an expression of parts begins; empty where it begins otherwise."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def used(node: ast.AST) -> frozenset[str] | None:
    """The names of the parts of `v` that are used; None where it is used as a whole."""
    if root(node) == "v":
        name = column(node)
        return None if name in (None, "v") else frozenset({str(name)})
    found: frozenset[str] = frozenset()
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call) and isinstance(
        node.func, ast.Attribute
    ):  # of v.name.lower() the part is v.name
        children = [node.func.value, *node.args]
    for child in children:
        below = used(child)
        if below is None:
            return None
        found |= below
    return found


def column(node: ast.AST) -> str | None:
    """The column of a part of `v`; None where its key is none that a filter can have."""
    if isinstance(node, ast.Attribute):
        inner, key = column(node.value), cast("object", node.attr)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        inner, key = column(node.value), cast("object", node.slice.value)
    else:
        return "v" if isinstance(node, ast.Name) else None
    return None if inner is None else inner + suffix(key)


def are_columns(parts: Iterable[str] | None, names: Iterable[object]) -> bool:
    """Whether all these parts of a value are columns of their own, and none of them a container in another row."""
    if parts is None:
        return False
    have = [str(name) for name in names]
    return all(
        part in have and not any(name.startswith((f"{part}.", f"{part}[")) for name in have) for part in parts
    )
