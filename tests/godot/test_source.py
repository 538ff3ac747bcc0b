from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_a_process_function_alone_is_that_of_a_tree_and_with_a_node_s_things_that_of_a_node() -> None:
    assert "extends SceneTree; " in complete("func _process(_delta): return true").text
    assert "extends Node; " in complete("func _process(_delta): get_tree().quit()").text
    assert "extends Node; " in complete("@onready var a = 1\nfunc _process(_delta): pass").text
    assert "extends SceneTree; " in complete("func _initialize(): pass\nfunc _input(): pass").text


@pytest.mark.parametrize(
    ("text", "completed", "added"),
    [
        ("print(1)", "extends SceneTree; func _initialize() -> void:\n\tprint(1)\n\tquit()\n", 1),
        ("\nvar a\nprint(a)\n", "extends SceneTree; func _initialize() -> void:\n\tvar a\n\tprint(a)\n\tquit()\n", 0),
        ("# why\nprint(1)", "extends SceneTree; func _initialize() -> void: # why\n\tprint(1)\n\tquit()\n", 0),
        (
            "\nfor i in 3:\n    print(i)",
            "extends SceneTree; func _initialize() -> void:\n    for i in 3:\n        print(i)\n    quit()\n",
            0,
        ),
        (
            '\nprint("""a\nb""", [\n1])',
            'extends SceneTree; func _initialize() -> void:\n\tprint("""a\nb""", [\n1])\n\tquit()\n',
            0,
        ),
        (
            '\nprint("#(", 1) # [\nprint(2 + \\\n3)',
            'extends SceneTree; func _initialize() -> void:\n\tprint("#(", 1) # [\n\tprint(2 + \\\n3)\n\tquit()\n',
            0,
        ),
    ],
)  # fmt: skip
def test_statements_become_a_function_that_ends_with_quit(text: str, completed: str, added: int) -> None:
    made = complete(text)
    assert made.text == completed
    assert made.added_lines == added


@pytest.mark.parametrize(
    "text",
    [
        "var a = 1\n",
        "const A = [\n1,\nprint\n]\n",
        "print(1)\nfunc _initialize(): pass",
        "enum {A, B}\nsignal s",
        "  \n",
    ],
)
def test_declarations_are_no_statements(text: str) -> None:
    assert "quit()" not in complete(text).text


def test_lines_of_the_script_are_told_as_the_users() -> None:
    made = complete("print(1)\nprint(2)\n")
    assert [made.user_line(line) for line in (1, 2, 3, 4, 99)] == [1, 1, 2, 2, 2]
    free = complete("\nprint(1)\n")
    assert [free.user_line(line) for line in (1, 2, 3)] == [1, 2, 2]


def test_constants_stand_at_the_end_unless_the_script_has_them() -> None:
    made = complete(
        "extends Node\nvar PORT\nfunc f():\n\tvar HOST", {"HOST": 'a"\\\nü', "PORT": 1, "X": 0.5, "Y": True}
    )
    assert made.text.splitlines() == [
        "extends Node",
        "var PORT",
        "func f():",
        "\tvar HOST",
        r'const HOST := "a\"\\\nü"',
        "",
        "const X := 0.5",
        "",
        "const Y := true",
    ]
    assert "const A := NAN\n" in complete("extends Node", {"A": float("nan")}).text
    assert "const A := -INF\n" in complete("extends Node", {"A": float("-inf")}).text
    with pytest.raises(ValueError, match="cannot be the name"):
        complete("extends Node", {"A B": 1})
    with pytest.raises(TypeError, match="the constant A is a list"):
        complete("extends Node", {"A": [1]})  # type: ignore[dict-item]


@given(st.text(alphabet="ab \t\n#\"'()[]\\\\=", max_size=80))
def test_whatever_the_text_is_its_lines_stay_in_place(text: str) -> None:
    made = complete(text)
    lines = made.text.split("\n")
    for number, line in enumerate(textwrap.dedent(text).rstrip("\n").split("\n"), 1):
        assert line.strip() in lines[number - 1 + made.added_lines]
        assert made.user_line(number + made.added_lines) == number
