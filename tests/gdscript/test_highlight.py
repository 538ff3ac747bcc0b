"""GDScript in colours."""

from __future__ import annotations

import html
import re

import pytest

from gdlab.gdscript import write
from gdlab.gdscript.highlight import highlighted
from tests.gdscript.cases import CASES, target


def words(source: str) -> list[tuple[str, str]]:
    """The coloured words, each with its colour."""
    found = re.findall(r'<span style="color:(#\w+)">(.*?)</span>', highlighted(source))
    return [(html.unescape(word), colour) for colour, word in found]


def colour(source: str, word: str) -> str:
    return dict(words(source))[word]


@pytest.mark.parametrize("case", CASES[::20], ids=str)
def test_the_text_stays_what_it_was(case) -> None:
    text = write(target(case.transport, case.framing, game_listens=case.game_listens), case.kind, case.codec)
    shown = highlighted(text)
    assert html.unescape(re.sub(r"<[^>]*>", "", shown)) == text


def test_each_kind_of_word_has_its_colour() -> None:
    source = '@onready var peer := Udp.new("a # b", 0x1F)  # not "this"\nfunc _go(n: int) -> void:\n\tpass\n'
    assert [word for word, _ in words(source)] == [
        "@onready", "var", "Udp", "new", '"a # b"', "0x1F", '# not "this"', "func", "_go", "int", "void", "pass",
    ]  # fmt: skip
    assert colour(source, "var") == colour(source, "pass") == colour(source, "func")
    assert len(set(dict(words(source)).values())) == 7


def test_markup_in_the_source_is_text() -> None:
    shown = highlighted('print("<script>", a < b)  # </pre><img src=x>')
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count("</pre>") == 1
