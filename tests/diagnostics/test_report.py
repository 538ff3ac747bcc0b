"""The table of a check-up."""

from __future__ import annotations

import pandas as pd

from gdlab.diagnostics import Line, Report, State

LINES = [
    Line("port 4242 (udp)", State.WARN, "held by process 7 (<b>evil</b>)", "end it"),
    Line("IPv6", State.OK, "there"),
]


def test_it_is_a_dataframe_and_what_is_made_of_it_is_a_plain_one() -> None:
    report = Report.of(LINES)
    assert list(report.columns) == ["check", "state", "found", "what to do"]
    assert list(report["state"]) == ["warn", "ok"]
    chosen = report.query("state != 'ok'")
    assert type(chosen) is pd.DataFrame
    assert list(chosen["check"]) == ["port 4242 (udp)"]


def test_it_is_ok_until_something_has_failed() -> None:
    assert Report.of(LINES).ok
    assert not Report.of([*LINES, Line("Godot", State.FAIL, "broken")]).ok
    assert Report.of([]).ok


def test_as_text_it_says_all_and_folds_what_is_long() -> None:
    text = repr(Report.of([*LINES, Line("long", State.OK, "word " * 60)]))
    assert text.splitlines()[0] == "warn  port 4242 (udp)  held by process 7 (<b>evil</b>)"
    assert text.splitlines()[1].strip() == "-> end it"
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[-1] == "0 failed, 1 to look at, 2 ok."
    assert str(Report.of([LINES[1]])).endswith("All is well.")


def test_lines_stay_lines() -> None:
    report = Report.of([Line("Godot", State.WARN, "none", "Looked at:\n  - PATH\nGet one.")])
    told = [line.strip() for line in repr(report).splitlines()]
    assert told[1:4] == ["-> Looked at:", "- PATH", "Get one."]
    assert "white-space:pre-line" in report._repr_html_()


def test_as_html_it_is_escaped() -> None:
    shown = Report.of(LINES)._repr_html_()
    assert "<b>evil" not in shown
    assert "&lt;b&gt;evil&lt;/b&gt;" in shown
    assert "what to do" in shown
