from __future__ import annotations

import pytest

from gdlab.godot.source import base_class, complete, is_main_loop


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("extends SceneTree\n", "SceneTree"),
        ("# a comment\n\nextends Node2D # another\n", "Node2D"),
        ("@tool\nclass_name Foo\nextends Node\n", "Node"),
        ("class_name Foo extends Node\n", "Node"),
        ('@icon("res://a.svg") class_name Foo extends Outer.Inner', "Outer.Inner"),
        ('extends "res://base.gd"\n', '"res://base.gd"'),
        ("func _ready():\n\tpass\n", None),
        ("class Inner extends Node:\n\tpass\n", None),
        ("# extends Node\n", None),
        ("func f():\n\textends Node\n", None),
        ("", None),
    ],
)
def test_what_a_script_extends(text: str, base: str | None) -> None:
    assert base_class(text) == base


def test_only_main_loops_run_alone() -> None:
    assert is_main_loop("extends SceneTree")
    assert is_main_loop("extends MainLoop")
    assert not is_main_loop("extends Node")
    assert not is_main_loop("func _ready(): pass")


def test_a_text_that_says_what_it_extends_only_loses_its_common_indentation() -> None:
    assert (
        complete("\n    extends Node\n    func f():\n        pass\n").text
        == "\nextends Node\nfunc f():\n    pass\n"
    )


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("func _initialize():\n\tquit()", "extends SceneTree; func _initialize():\n\tquit()"),
        ("func _ready():\n\tpass", "extends Node; func _ready():\n\tpass"),
        ("# one\n\nvar a\nfunc _ready(): pass", "# one\n\nextends Node; var a\nfunc _ready(): pass"),
        ("@tool\nvar a", "@tool\nextends SceneTree; var a"),
        ("", "\nextends SceneTree\n"),
        ("# nothing", "# nothing\nextends SceneTree\n"),
    ],
)
def test_a_text_that_does_not_keeps_its_line_numbers(text: str, completed: str) -> None:
    assert complete(text).text == completed
    assert complete(text).added_lines == 0
