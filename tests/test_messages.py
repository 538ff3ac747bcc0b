"""What messages name exists: parameters, calls, extras, and names in brackets and back quotes."""

import ast
import builtins
import importlib
import inspect
import keyword
import re
import tomllib
from functools import cache
from importlib.util import find_spec

import pandas as pd
import pytest

import gdlab as gd
from gdlab import framing, impair
from gdlab.datasets import Dataset
from tests.sources import SOURCE, called, calls_of, modules

#: `(max_message_bytes)`: a parameter that was hit.
BRACKETED = re.compile(r"\((max_\w+|\w+_s|\w+_timeout)\)")
#: `gdlab.load(...)`, `gdlab.connect`, `.send(...)`: something to call.
OURS = re.compile(r"(?<![\w.])(?:gd|gdlab)\.([a-z_]+)\b(?!\.\w)")
METHOD = re.compile(r"(?<![\w)\]'\"])\.([a-z_]+)\(")


@pytest.fixture(scope="module", autouse=True)
def _in_one_process():
    """All of gdlab is parsed for these tests: once, where several processes share the tests (`tests/groups.py`)."""


@cache
def texts():
    """The texts that users may read, and where: in what is raised, in sentences, in hints; no docstrings."""
    found = []
    for path, nodes in modules():
        if "samples" in path.parts:
            continue
        docstrings = {
            id(node.body[0].value)
            for node in nodes
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            (f"{path}:{node.lineno}", node.value)
            for node in nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        ]
    return found


PARAMETERS = {
    name
    for call in (gd.listen, gd.connect, framing.framer, gd.relay, gd.godot.run, gd.demo_game, gd.sizes)
    for name in inspect.signature(call).parameters
}
#: Whose methods are written without what they are called on.
OWNERS = (gd.Capture, gd.Recording, Dataset, pd.DataFrame)
#: Texts in which methods are those of the engine, or of the reader's own program.
ELSEWHERE = ("gdscript", "course", "godot", "cli")


def test_there_are_texts_to_look_at():
    assert len(texts()) > 2000
    assert any(BRACKETED.search(text) for _, text in texts())
    assert any(METHOD.search(text) for _, text in texts())


def test_every_parameter_in_brackets_can_be_set():
    named = [(place, name) for place, text in texts() for name in BRACKETED.findall(text)]
    assert [(place, name) for place, name in named if name not in PARAMETERS] == []


def test_every_limit_of_a_fact_can_be_set():
    limits = []
    for path, call in calls_of("Fact", "Fact.of", "flaw._replace"):
        limits += [
            (path.name, keyword.value.value)
            for keyword in call.keywords
            if keyword.arg == "limit" and isinstance(keyword.value, ast.Constant)
        ]
    assert len(limits) > 8
    assert [(path, name) for path, name in limits if name not in PARAMETERS] == []


def test_every_call_of_gdlab_that_a_message_names_is_there():
    missing = []
    for place, text in texts():
        for name in OURS.findall(text):
            if hasattr(gd, name) or name in {"py", "json"}:
                continue
            if find_spec(f"gdlab.{name}") is None:
                missing.append((place, name, text[:80]))
    assert missing == []


def test_every_method_that_a_message_names_is_there():
    named = [
        (place, name)
        for place, text in texts()
        if not place.startswith(ELSEWHERE)
        for name in METHOD.findall(text)
    ]
    assert len(named) > 3
    assert [(place, name) for place, name in named if not any(hasattr(owner, name) for owner in OWNERS)] == []


def test_every_dotted_name_in_back_quotes_is_there():
    missing = []
    for place, text in texts():
        for module, name in re.findall(r"`([a-z]+)\.(\w+)`", text):
            if module == "v":  # a field of a payload
                continue
            found = gd if module == "gdlab" else importlib.import_module(f"gdlab.{module}")
            if not hasattr(found, name):
                missing.append((place, f"{module}.{name}"))
    assert missing == []


def public(nodes):
    """Names that users can write: of calls, their parameters, and attributes."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
            not node.name.startswith("_") or node.name in {"__init__", "__call__"}
        ):
            given = node.args
            yield from (argument.arg for argument in (*given.args, *given.kwonlyargs, *given.posonlyargs))
        if isinstance(node, ast.ClassDef):
            yield from (
                part.target.id
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            )
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


@cache
def every_public():
    trees = [nodes for path, nodes in modules() if "samples" not in path.parts]
    return {name for nodes in trees for name in public(nodes) if not name.startswith("_")}


@cache
def constants():
    """What stands alone as a text in the code: columns, categories, names of framings, codecs and networks."""
    return {text for _, text in texts() if re.fullmatch(r"\w+", text)} | {
        name.lower() for each in (impair.truth.Fate, impair.truth.Also) for name in each.__members__
    }


#: Programs of others, and what is of Python itself.
OTHERS = {*keyword.kwlist, *dir(builtins), *"godot", "godot4"}
#: Networks as another project calls them, from which some of ours were taken.
THEIRS = {"cellular", "wifi_lossy"}
#: Parameters of others' calls that a message tells to use; attributes of HTML and SVG; the parts of a path.
FOREIGN = {
    "ping_interval",
    "union_by_name",
    "date",
    "class",
    "colspan",
    "height",
    "stroke",
    "download",
    "style",
    "alt",
}


def test_every_plain_name_in_back_quotes_is_there():
    named = [
        (place, name)
        for place, text in texts()
        for name in re.findall(r"`\.?([A-Za-z_]\w*)(?:\(\))?`", text)
        if not (place.startswith("course") and name == "binary")  # as the game's author calls it
    ]
    assert len(named) > 50
    known = every_public() | constants() | OTHERS | THEIRS
    unknown = {name for _, name in named if name not in known}
    installed = {name for name in unknown if find_spec(name) is not None}
    assert [(place, name) for place, name in named if name in unknown - installed] == []


def test_every_parameter_that_a_message_names_is_there():
    named = [
        (place, name)
        for place, text in texts()
        if not re.search(r"</?[a-z]|[\\;{}]|^, |^\?", text)  # pages, patterns, and how values show themselves
        for name in re.findall(r"(?<![\w.\-`{\[/])([a-z_]{2,})=(?![=\s])", text)
    ]
    assert len(named) > 50
    known = every_public() | FOREIGN
    assert [(place, name) for place, name in named if name not in known] == []


def test_every_extra_that_a_message_names_is_there():
    project = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [(place, name) for place, text in texts() for name in re.findall(r"gdlab\[(\w+)\]", text)]
    assert len(named) > 5
    assert [(place, name) for place, name in named if name not in project["optional-dependencies"]] == []


def test_every_command_that_a_message_names_is_there():
    commands = {
        node.args[0].value
        for _, nodes in modules()
        for node in nodes
        if isinstance(node, ast.Call)
        and called(node).endswith(("_parser", "_command", "_add"))
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert "doctor" in commands
    named = [
        (place, name)
        for place, text in texts()
        for name in re.findall(r"[`'\"]gdlab ([a-z-]+)|\b(?:run|with|by) gdlab ([a-z-]+)", text)
    ]
    names = [(place, first or second) for place, (first, second) in named if (first or second) != "and"]
    assert [(place, name) for place, name in names if name not in commands] == []
