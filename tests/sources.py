"""The source of gdlab as trees; each file is parsed once, and none before a test asks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import gdlab

SOURCE = Path(gdlab.__file__).parent


class Module(NamedTuple):
    """A file of gdlab, below its folder, and all nodes of its tree, its top first."""

    path: Path
    nodes: tuple[ast.AST, ...]


@cache
def modules() -> tuple[Module, ...]:
    """Every module of gdlab."""
    return tuple(
        Module(path.relative_to(SOURCE), tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
        for path in sorted(SOURCE.rglob("*.py"))
    )


def calls_of(*names: str) -> Iterator[tuple[Path, ast.Call]]:
    """Every call of functions with these names, as they are written there."""
    for path, call, name in _calls():
        if name in names:
            yield path, call


@cache
def _calls() -> list[tuple[Path, ast.Call, str]]:
    return [
        (module.path, node, ast.unparse(node.func))
        for module in modules()
        for node in module.nodes
        if isinstance(node, ast.Call)
    ]
