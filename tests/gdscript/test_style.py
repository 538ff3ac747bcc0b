"""The scripts are written as Godot's style guide asks, which gdtoolkit knows."""

from __future__ import annotations

import pytest
from gdtoolkit.formatter import format_code
from gdtoolkit.linter import lint_code

from gdlab.gdscript import write
from tests.gdscript.cases import CASES, Case, target
from tests.some import some


@pytest.mark.parametrize("case", some(CASES, every=12), ids=str)
def test_gdformat_and_gdlint_have_nothing_to_say(case: Case) -> None:
    text = write(
        target(case.transport, case.framing, game_listens=case.game_listens), case.kind, codec=case.codec
    )
    assert format_code(text, max_line_length=100) == text
    assert lint_code(text) == []
    assert "#if" not in text
