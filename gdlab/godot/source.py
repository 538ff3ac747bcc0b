"""What a GDScript text is: which class it extends, and so how an engine can run it."""

from __future__ import annotations

import json
import math
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Classes whose scripts `godot --script` runs itself; others are put into a tree by `scripts/node_host.gd`.
MAIN_LOOPS: Final = frozenset({"SceneTree", "MainLoop"})

#: What `constants` can hold.
Constant = str | int | float | bool

_ANNOTATION = r"@\w+(?:\([^)\n]*\))?"
_EXTENDS = re.compile(
    rf"""^(?:{_ANNOTATION}\s+)*(?:class_name\s+\w+\s*;?\s*)?extends\s+("[^"\n]*"|'[^'\n]*'|[\w.]+)""",
    re.MULTILINE,
)
_FUNCTION = re.compile(rf"^(?:{_ANNOTATION}\s+)*(?:static\s+)?func\b", re.MULTILINE)
_MAIN_LOOP = re.compile(r"^func\s+(?:_initialize|_finalize)\b", re.MULTILINE)
#: What only a node has. A `_process` alone is none: a main loop has one, too.
_NODE = re.compile(
    r"^func\s+(?:_ready|_enter_tree|_exit_tree|_unhandled_input|_input|_draw)\b|^@onready\b|\bget_tree\(\)",
    re.MULTILINE,
)
_BEFORE_CODE = re.compile(rf"\s*(?:#.*|{_ANNOTATION}\s*(?:#.*)?)?")
_EMPTY = re.compile(r"\s*(?:#.*)?")
_DECLARATION = re.compile(r"(?:static\s+)?(?:func|var)\b|(?:const|signal|enum|class|class_name|extends)\b|@")
_TOKEN = re.compile(r'''"""|\'\'\'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*|[(\[{]|[)\]}]|\\\n|\n''')


@dataclass(frozen=True, slots=True)
class Complete:
    """A script as Godot takes it.

    Attributes
    ----------
    text : the script.
    added_lines : so many lines were put before the user's first one.
    lines : of the user's text; what comes after these is ours.
    """

    text: str
    added_lines: int
    lines: int

    def user_line(self, line: int) -> int:
        """The line of the user's text that a line of the script is; the nearest one for a line of ours."""
        return min(max(line - self.added_lines, 1), max(self.lines, 1))


def base_class(text: str) -> str | None:
    """The class (or quoted path) that a script extends; None where it does not say."""
    found = _EXTENDS.search(text)
    return found[1] if found else None


def is_main_loop(text: str) -> bool:
    """The script extends SceneTree or MainLoop, so `godot --script` takes it."""
    return base_class(text) in MAIN_LOOPS


def complete(text: str, constants: Mapping[str, Constant] | None = None) -> Complete:
    """Make a script of a text, if possible with the user's line numbers.

    Common indentation is removed. A text that does not say what it extends, extends Node if it has something
    of a node's (such as `_ready`, `@onready`, `get_tree()`), else SceneTree (whose functions are `_initialize`
    and `_process`). The statement is put on the first line of code. Statements without any function become
    the body of `_initialize`, followed by `quit()`.

    Parameters
    ----------
    constants : what the script shall know beside its own: names and values, put at its end. A name that the
        script declares itself is left to it.

    Raises
    ------
    ValueError : a constant's name is no name. TypeError : its value is no text, number or truth value.
    """
    text = textwrap.dedent(text)
    count = len(text.rstrip("\n").split("\n"))
    added = 0
    declared = "".join(
        f"\nconst {name} := {_literal(name, value)}\n"
        for name, value in (constants or {}).items()
        if not _declares(text, name)
    )
    if base_class(text) is None:
        if _is_statements(text):
            text, added = _with_function(text)
        else:
            text = _with_extends(text)
    return Complete(text + declared, added, count)


def _with_extends(text: str) -> str:
    base = "Node" if _NODE.search(text) and not _MAIN_LOOP.search(text) else "SceneTree"
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not _BEFORE_CODE.fullmatch(line):
            lines[number] = f"extends {base}; {line}"
            return "\n".join(lines)
    return f"{text}\nextends {base}\n"


def _is_statements(text: str) -> bool:
    """Whether something stands at the top level that only a function may hold, and there is no function."""
    if _FUNCTION.search(text):
        return False
    lines = text.split("\n")
    return any(
        not _EMPTY.fullmatch(lines[number])
        and not lines[number][0].isspace()
        and not _DECLARATION.match(lines[number])
        for number in _logical_lines(text)
    )


def _with_function(text: str) -> tuple[str, int]:
    """Put statements into `_initialize`; the script, and how many lines were added before the first."""
    lines = text.rstrip("\n").split("\n")
    # Godot refuses a file that is indented with both.
    indent = "    " if any(line.startswith(" ") for line in lines) else "\t"
    for number in _logical_lines(text):
        if number < len(lines) and lines[number].strip():
            lines[number] = indent + lines[number]
    head = "extends SceneTree; func _initialize() -> void:"
    tail = f"{indent}quit()\n"
    if not lines[0].strip() or lines[0].lstrip().startswith("#"):  # a free line
        return "\n".join([f"{head} {lines[0].strip()}".rstrip(), *lines[1:], tail]), 0
    return "\n".join([head, *lines, tail]), 1


def _logical_lines(text: str) -> Iterator[int]:
    """Numbers (from 0) of the lines that do not continue the one before: by a bracket, backslash or long string."""
    yield 0
    number = depth = position = 0
    while token := _TOKEN.search(text, position):
        found, position = token[0], token.end()
        if found in ('"""', "'''"):
            end = text.find(found, position)
            end = len(text) if end < 0 else end + 3
            number += text.count("\n", position, end)
            position = end
        elif found in "([{":
            depth += 1
        elif found in ")]}":
            depth = max(0, depth - 1)
        elif found == "\\\n":
            number += 1
        elif found == "\n":
            number += 1
            if depth == 0:
                yield number


def _declares(text: str, name: str) -> bool:
    pattern = (
        rf"^(?:{_ANNOTATION}\s+)*(?:static\s+)?(?:const|var|func|enum|signal|class)\s+{re.escape(name)}\b"
    )
    return re.search(pattern, text, re.MULTILINE) is not None


def _literal(name: str, value: Constant) -> str:
    if not name.isidentifier() or not name.isascii():
        raise ValueError(f"{name!r} cannot be the name of a constant")
    if not isinstance(value, str | int | float | bool):
        raise TypeError(
            f"the constant {name} is a {type(value).__name__}; it can be text, a number, True or False"
        )
    if isinstance(value, float) and math.isnan(value):
        return "NAN"
    if value in (float("inf"), float("-inf")):
        return "INF" if value == float("inf") else "-INF"
    return json.dumps(value, ensure_ascii=False)
