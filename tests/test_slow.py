"""What the quick form of the checks leaves out is what is marked, and what is plainly exhaustive is marked."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.check import PORTABLE, QUICK

TESTS = Path(__file__).parent
OPTIONS = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
DECLARED = {line.partition(":")[0] for line in OPTIONS["markers"]}
#: `..._on_200_seeds`.
SEEDS = re.compile(r"_\d+_seeds")


def marks(decorators: list[ast.expr]) -> dict[str, ast.expr]:
    """The markers among some decorators, by name."""
    found: dict[str, ast.expr] = {}
    for each in decorators:
        name = each.func if isinstance(each, ast.Call) else each
        if ast.unparse(name).startswith("pytest.mark."):
            found[ast.unparse(name).removeprefix("pytest.mark.")] = each
    return found


def functions() -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Test functions and their markers, with those of their modules; none of a module that says nothing of length."""
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if not SEEDS.search(text) and "timeout(" not in text:
            continue  # to parse them all would take seconds
        module = ast.parse(text)
        of_module: dict[str, ast.expr] = {}
        for node in module.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
                of_module = marks(node.value.elts if isinstance(node.value, ast.List) else [node.value])
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                own = marks(node.decorator_list)
                if any(each.arg == "engine" for each in node.args.args):
                    own["godot"] = node.args  # as `tests/conftest.py` marks them
                yield f"{path.relative_to(TESTS).as_posix()}::{node.name}", {**of_module, **own}


def test_the_quick_form_leaves_out_every_marker_that_is_declared():
    assert set(re.findall(r"\w+", QUICK)) - {"not", "and"} == DECLARED
    assert set(re.findall(r"\w+", PORTABLE)) - {"not", "and"} == DECLARED - {"slow"}


def test_what_is_plainly_exhaustive_is_marked():
    """Many seeds, or a time limit longer than the usual: what no machine's speed has to tell."""
    seen, unmarked = 0, []
    for name, markers in functions():
        limit = markers.get("timeout")
        given = limit.args[0] if isinstance(limit, ast.Call) else None
        longer = given is not None and not (
            isinstance(given, ast.Constant) and given.value <= OPTIONS["timeout"]
        )
        if SEEDS.search(name) or longer:
            seen += 1
            unmarked += [] if markers.keys() & DECLARED else [name]
    assert seen > 10
    assert unmarked == []
