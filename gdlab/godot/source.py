"""What a GDScript text is: which class it extends, and so how an engine can run it."""

from __future__ import annotations

import re
import textwrap
from typing import Final

#: Classes whose scripts `godot --script` runs itself; others are put into a tree by `scripts/node_host.gd`.
MAIN_LOOPS: Final = frozenset({"SceneTree", "MainLoop"})

_ANNOTATION = r"@\w+(?:\([^)\n]*\))?"
_EXTENDS = re.compile(
    rf"""^(?:{_ANNOTATION}\s+)*(?:class_name\s+\w+\s*;?\s*)?extends\s+("[^"\n]*"|'[^'\n]*'|[\w.]+)""",
    re.MULTILINE,
)
_READY = re.compile(r"^func\s+_ready\b", re.MULTILINE)
_BEFORE_CODE = re.compile(rf"\s*(?:#.*|{_ANNOTATION}\s*(?:#.*)?)?")


def base_class(text: str) -> str | None:
    """The class (or quoted path) that a script extends; None where it does not say."""
    found = _EXTENDS.search(text)
    return found[1] if found else None


def is_main_loop(text: str) -> bool:
    """The script extends SceneTree or MainLoop, so `godot --script` takes it."""
    return base_class(text) in MAIN_LOOPS


def complete(text: str) -> str:
    """A script as Godot takes it, with the user's line numbers.

    Common indentation is removed. A text that does not say what it extends, extends Node if it defines
    `_ready`, else SceneTree (whose functions are `_initialize` and `_process`). The statement is put on
    the first line of code, so that the lines of the errors are the user's.
    """
    text = textwrap.dedent(text)
    if base_class(text) is not None:
        return text
    base = "Node" if _READY.search(text) else "SceneTree"
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not _BEFORE_CODE.fullmatch(line):
            lines[number] = f"extends {base}; {line}"
            return "\n".join(lines)
    return f"{text}\nextends {base}\n"
