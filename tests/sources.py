"""The source of gdlab as trees; each file is parsed once, and none before a test asks."""

from __future__ import annotations

import ast
import gc
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
    return tuple(_parsed(list(_texts())))


def calls_of(*names: str) -> Iterator[tuple[Path, ast.Call]]:
    """Every call of functions with these names, as they are written there."""
    last = {name.rpartition(".")[2] for name in names}
    for path, nodes in _parsed(
        [path for path, text in _texts().items() if any(f"{w}(" in text for w in last)]
    ):
        for node in nodes:
            if isinstance(node, ast.Call) and called(node) in last and ast.unparse(node.func) in names:
                yield path, node


def called(call: ast.Call) -> str:
    """The last part of the name of what is called; empty where it has none."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


@cache
def _texts() -> dict[Path, str]:
    return {
        path.relative_to(SOURCE): path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))
    }


_known: dict[Path, Module] = {}


def _parsed(paths: list[Path]) -> list[Module]:
    # No garbage comes of it, and to look for some among 600,000 new nodes takes longer than to make them.
    collects = gc.isenabled()
    gc.disable()
    try:
        for path in paths:
            if path not in _known:
                _known[path] = Module(path, tuple(ast.walk(ast.parse(_texts()[path]))))
    finally:
        if collects:
            gc.enable()
    return [_known[path] for path in paths]
