"""The scripts are written as Godot's style guide asks, which gdtoolkit knows."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from tests.gdscript.cases import CASES, TEXTS, Case
from tests.some import some


def judged(text: str) -> set[Any]:
    """What gdformat and gdlint look at in a script: each of its parts, and which kinds of parts are neighbours."""
    parts = text.split("\n\n\n")
    kinds = ["", *(part.split()[0] for part in parts), ""]
    return {*parts, *itertools.pairwise(kinds)}


def enough() -> list[Case]:
    """Scripts in which all stands that stands in any: the longest that have nothing alone are left out first."""
    parts = {case: judged(text) for case, text in TEXTS.items()}
    times = Counter(itertools.chain(*parts.values()))
    chosen = []
    for case in sorted(CASES, key=lambda case: len(TEXTS[case]), reverse=True):
        if all(times[part] > 1 for part in parts[case]):
            times.subtract(parts[case])
        else:
            chosen.append(case)
    return chosen


@pytest.mark.parametrize("case", some(enough(), every=12), ids=str)
def test_gdformat_and_gdlint_have_nothing_to_say(case: Case) -> None:
    from gdtoolkit.formatter import format_code  # their parser takes a second to import
    from gdtoolkit.linter import lint_code

    text = TEXTS[case]
    assert format_code(text, max_line_length=100) == text
    assert lint_code(text) == []


def test_all_that_is_in_any_script_is_in_those_that_are_looked_at() -> None:
    def together(cases: list[Case]) -> set[Any]:
        return set().union(*(judged(TEXTS[case]) for case in cases))

    assert together(enough()) == together(CASES)
    assert not any("#if" in text for text in TEXTS.values())
