"""The texts here are what Godot 4.6.3 printed, but for those marked as older."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from gdlab.godot.output import Entry, EntryStream, Level, StackFrame, entries, is_parse_error, to_table
from gdlab.godot.process import Line, Stream

if TYPE_CHECKING:
    from collections.abc import Sequence


def read(text: str, stream: Stream = "stderr") -> list[Entry]:
    lines = [Line(float(number), stream, line) for number, line in enumerate(text.splitlines())]
    return entries(
        lines, lambda path, line: (path.removeprefix("res://"), line) if path.startswith("res://") else None
    )


def test_prints_are_told_from_the_greeting() -> None:
    text = (
        "Godot Engine v4.6.3.stable.official - https://godotengine.org\n\n\nhello\nGodot Engine v4 is great\n"
    )
    assert [(entry.level, entry.text) for entry in read(text, "stdout")] == [
        (Level.ENGINE, "Godot Engine v4.6.3.stable.official - https://godotengine.org"),
        (Level.ENGINE, ""),
        (Level.PRINT, ""),
        (Level.PRINT, "hello"),
        (Level.PRINT, "Godot Engine v4 is great"),
    ]


def test_a_printed_error_is_a_print() -> None:
    assert [entry.level for entry in read("ERROR: not really\n   at: f (res://a.gd:1)", "stdout")] == [
        Level.PRINT
    ] * 2


def test_colours_are_removed() -> None:
    assert read("\x1b[1mbold\x1b[22m\x1b[0m", "stdout")[0].text == "bold"


def test_a_script_error_has_its_place_and_its_callers() -> None:
    (error,) = read(
        "SCRIPT ERROR: Invalid call. Nonexistent function 'foo' in base 'Nil'.\n"
        "          at: helper (res://rt.gd:10)\n"
        "          GDScript backtrace (most recent call first):\n"
        "              [0] helper (res://rt.gd:10)\n"
        "              [1] _initialize (res://rt.gd:6)\n"
    )
    assert (error.level, error.file, error.line, error.function) == (
        Level.SCRIPT_ERROR,
        "rt.gd",
        10,
        "helper",
    )
    assert error.text == "Invalid call. Nonexistent function 'foo' in base 'Nil'."
    assert error.trace == (StackFrame("helper", "rt.gd", 10), StackFrame("_initialize", "rt.gd", 6))
    assert str(error) == (
        "script error: Invalid call. Nonexistent function 'foo' in base 'Nil'. (rt.gd, line 10)"
    )


def test_a_pushed_error_is_placed_where_the_script_pushed_it() -> None:
    error, warning = read(
        "ERROR: pushed error\n"
        "   at: push_error (core/variant/variant_utility.cpp:1024)\n"
        "   GDScript backtrace (most recent call first):\n"
        "       [0] _init (res://ok.gd:5)\n"
        "WARNING: pushed warning\n"
        "     at: push_warning (core/variant/variant_utility.cpp:1034)\n"
        "     GDScript backtrace (most recent call first):\n"
        "         [0] _init (res://ok.gd:6)\n"
    )
    assert (error.level, error.text, error.file, error.line) == (Level.ERROR, "pushed error", "ok.gd", 5)
    assert (warning.level, warning.text, warning.line) == (Level.WARNING, "pushed warning", 6)


def test_an_error_of_the_engine_itself_has_no_place() -> None:
    (error,) = read("ERROR: Can't load script: nothere.gd\n   at: start (main/main.cpp:4271)")
    assert (error.level, error.file, error.line, error.function) == (Level.ERROR, None, None, "start")


def test_parse_errors_are_recognised() -> None:
    text = (
        'SCRIPT ERROR: Parse Error: Function "nope()" not found in base self.\n'
        "          at: GDScript::reload (res://semi.gd:4)\n"
        'ERROR: Failed to load script "res://semi.gd" with error "Parse error".\n'
        "   at: load (modules/gdscript/gdscript.cpp:2907)\n"
    )
    first, second = read(text)
    assert (first.level, first.file, first.line) == (Level.SCRIPT_ERROR, "semi.gd", 4)
    assert second.level is Level.ERROR
    lines = [Line(0.0, "stderr", line) for line in text.splitlines()]
    assert [is_parse_error(line) for line in lines] == [True, False, False, False]
    assert not is_parse_error(Line(0.0, "stdout", lines[0].text))


def test_older_engines_call_a_pushed_error_a_user_error() -> None:
    (error,) = read("USER ERROR: pushed\n   at: push_error (core/variant/variant_utility.cpp:905)")
    assert (error.level, error.text) == (Level.ERROR, "pushed")


def test_a_message_of_several_lines_stays_one() -> None:
    (error,) = read("ERROR: one\ntwo\n\nfour\n   at: push_error (core/a.cpp:1)")
    assert error.text == "one\ntwo\n\nfour"


def test_text_that_only_looks_like_an_error_does_not_swallow_what_follows() -> None:
    found = read("ERROR: by printerr\nplain\nERROR: real\n   at: f (res://a.gd:3)\nafter")
    assert [(entry.level, entry.text, entry.line) for entry in found] == [
        (Level.ERROR, "by printerr", None),
        (Level.STDERR, "plain", None),
        (Level.ERROR, "real", 3),
        (Level.STDERR, "after", None),
    ]


def test_an_error_cut_off_by_the_end_is_kept() -> None:
    assert [entry.text for entry in read("SCRIPT ERROR: half")] == ["half"]
    assert [
        entry.trace
        for entry in read("ERROR: a\n   at: f (b.cpp:1)\n   GDScript backtrace (most recent call first):")
    ] == [()]


def test_the_streams_are_merged_by_time() -> None:
    lines = [Line(0.1, "stdout", "a"), Line(0.2, "stderr", "b"), Line(0.3, "stdout", "c")]
    assert [entry.text for entry in entries(lines, lambda *_: None)] == ["a", "b", "c"]


def test_the_table_has_its_columns_also_when_empty() -> None:
    full = [Entry(0.5, "stderr", Level.ERROR, "x", "a.gd", 3), Entry(0.6, "stdout", Level.PRINT, "y")]
    cases: Sequence[Sequence[Entry]] = ([], full)
    for found in cases:
        table = to_table(found)
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
            "time_s": "float64",
            "stream": "category",
            "level": "category",
            "text": "string",
            "file": "string",
            "line": "Int64",
        }
        assert len(table) == len(found)
    assert table["line"].isna().tolist() == [False, True]
    assert table.loc[0, "line"] == 3


def whole(texts: list[tuple[float, Stream, str]], cuts: list[int]) -> list[Entry]:
    """Entries of a stream that gets the lines in pieces cut at these places."""
    stream = EntryStream(lambda path, line: (path, line))
    lines = [Line(*text) for text in texts]
    found: list[Entry] = []
    for start, end in itertools.pairwise([0, *cuts, len(lines)]):
        piece = lines[start:end]
        found += stream.receive(piece, piece[-1].time_s if piece else 0.0)
    return found + stream.finish()


def test_entries_that_come_in_pieces_are_those_that_come_at_once() -> None:
    texts: list[tuple[float, Stream, str]] = [
        (0.0, "stdout", "Godot Engine v4.6.3"),
        (0.0, "stdout", ""),
        (0.1, "stdout", "one"),
        (0.1, "stderr", "SCRIPT ERROR: first"),
        (0.1, "stderr", "second line"),
        (0.1, "stderr", "   at: f (res://a.gd:3)"),
        (0.1, "stderr", "   GDScript backtrace (most recent call first):"),
        (0.1, "stderr", "       [0] f (res://a.gd:3)"),
        (0.1, "stderr", "WARNING: next"),
        (0.1, "stderr", "   at: push_warning (core/x.cpp:3)"),
        (0.1, "stderr", "plain"),
    ]
    expected = entries([Line(*text) for text in texts], lambda path, line: (path, line))
    assert [entry.level for entry in expected][2:] == ["print", "script error", "warning", "stderr"]
    for cuts in itertools.combinations(range(1, len(texts)), 2):
        assert whole(texts, list(cuts)) == expected, cuts


def test_a_report_is_told_before_the_next_one_begins() -> None:
    stream = EntryStream(lambda path, line: (path, line))
    report = [Line(1.0, "stderr", "ERROR: x"), Line(1.0, "stderr", "   at: f (res://a.gd:3)")]
    assert stream.receive(report, 1.0) == []
    assert stream.receive([], 1.0 + EntryStream.SETTLED_S / 2) == []
    (told,) = stream.receive([Line(1.2, "stderr", "later")], 1.0 + 2 * EntryStream.SETTLED_S)[:1]
    assert (told.text, told.line) == ("x", 3)
