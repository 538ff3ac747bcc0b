"""What messages name exists: parameters in brackets, calls and names in back quotes."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pandas as pd

import gdlab as gd
from gdlab import framing

SOURCE = Path(gd.__file__).parent
#: `(max_message_bytes)`: a parameter that was hit.
BRACKETED = re.compile(r"\((max_\w+|\w+_s|\w+_timeout)\)")
#: `gdlab.load(...)`, `gdlab.connect`, `.send(...)`: something to call.
OURS = re.compile(r"\b(?:gd|gdlab)\.([a-z_]+)\b(?!\.\w)")
METHOD = re.compile(r"(?<![\w)\]'\"])\.([a-z_]+)\(")


def texts():
    """The texts of a file that users may read: in what is raised, in sentences, in hints; no docstrings."""
    for path in sorted(SOURCE.rglob("*.py")):
        if "samples" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node.value


TEXTS = list(texts())
PARAMETERS = {
    name
    for call in (gd.listen, gd.connect, framing.framer, gd.relay, gd.godot.run, gd.demo_game, gd.sizes)
    for name in inspect.signature(call).parameters
}
#: Whose methods are written without what they are called on.
OWNERS = (gd.Capture, gd.Recording, pd.DataFrame)
#: Texts in which methods are those of the engine, or of the reader's own program.
ELSEWHERE = ("gdscript", "course", "godot", "cli")


def test_there_are_texts_to_look_at():
    assert len(TEXTS) > 2000
    assert any(BRACKETED.search(text) for _, text in TEXTS)
    assert any(METHOD.search(text) for _, text in TEXTS)


def test_every_parameter_in_brackets_can_be_set():
    named = [(place, name) for place, text in TEXTS for name in BRACKETED.findall(text)]
    assert [(place, name) for place, name in named if name not in PARAMETERS] == []


def test_every_limit_of_a_fact_can_be_set():
    limits = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Fact", "Fact.of", "flaw._replace"}:
                limits += [
                    (path.name, keyword.value.value)
                    for keyword in node.keywords
                    if keyword.arg == "limit" and isinstance(keyword.value, ast.Constant)
                ]
    assert len(limits) > 8
    assert [(path, name) for path, name in limits if name not in PARAMETERS] == []


def test_every_call_of_gdlab_that_a_message_names_is_there():
    missing = []
    for place, text in TEXTS:
        for name in OURS.findall(text):
            if hasattr(gd, name) or name in {"py", "json"}:
                continue
            try:
                importlib.import_module(f"gdlab.{name}")
            except ImportError:
                missing.append((place, name, text[:80]))
    assert missing == []


def test_every_method_that_a_message_names_is_there():
    named = [
        (place, name)
        for place, text in TEXTS
        if not place.startswith(ELSEWHERE)
        for name in METHOD.findall(text)
    ]
    assert len(named) > 3
    assert [(place, name) for place, name in named if not any(hasattr(owner, name) for owner in OWNERS)] == []


def test_every_dotted_name_in_back_quotes_is_there():
    missing = []
    for place, text in TEXTS:
        for module, name in re.findall(r"`([a-z]+)\.(\w+)`", text):
            found = gd if module == "gdlab" else importlib.import_module(f"gdlab.{module}")
            if not hasattr(found, name):
                missing.append((place, f"{module}.{name}"))
    assert missing == []
