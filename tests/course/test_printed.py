"""Lessons on paper: what there is to read, room for answers, and no answer."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from gdlab import cli
from gdlab.course import printed
from gdlab.course.contents import CONTENTS
from gdlab.errors import HandoutExists


class _Page(HTMLParser):
    """What a page loads, runs and says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.loads += [value for name, value in attrs if name == "src" and not str(value).startswith("data:")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "answer", "name"), [("en", "Answer 06.3", "Name"), ("zh", "06.3 的答案", "姓名")]
)
def test_a_page_has_room_for_each_answer_and_needs_nothing_else(
    tmp_path, monkeypatch, capsys, language, answer, name
):
    monkeypatch.setattr(printed, "CONTENTS", (CONTENTS[6],))
    folder = tmp_path / "paper"
    assert cli.main(["course", "print", str(folder), "--lang", language]) == 0
    assert "1 files" in capsys.readouterr().out
    text = (folder / "06-loss.html").read_text(encoding="utf-8")
    page = _Page(text)
    assert page.loads == []
    assert not page.tags & {"script", "link", "iframe"}
    words = "".join(page.words)
    assert "course.check" not in words
    assert answer in words
    assert name in words
    assert len(re.findall(r'class="answer', text)) == 5
    assert "def process(server, peers):" in words  # what is given stays
    with pytest.raises(HandoutExists):
        printed.print_out(folder, language)


def _lesson(tmp_path, monkeypatch, source: str) -> None:
    lesson = replace(CONTENTS[6], file="one.ipynb")
    cells = [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": [source],
        },
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": ['gd.course.check("06.1", ...)'],
        },
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    book = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "one.ipynb").write_text(json.dumps(book), encoding="utf-8")
    monkeypatch.setattr(printed, "CONTENTS", (lesson,))
    monkeypatch.setattr(printed, "shipped", lambda _language: shipped)


@pytest.mark.notebook
def test_a_run_puts_results_on_the_page_but_no_verdict(tmp_path, monkeypatch):
    _lesson(tmp_path, monkeypatch, "import gdlab as gd\nprint('seven times', 6 * 7)")
    (path,) = printed.print_out(tmp_path / "paper", run=True)
    words = "".join(_Page(path.read_text(encoding="utf-8")).words)
    assert "seven times 42" in words
    assert "06.1" in words
    assert "Ellipsis" not in words


@pytest.mark.notebook
def test_a_lesson_that_does_not_run_is_named_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    _lesson(tmp_path, monkeypatch, "raise OSError('no such luck')")
    assert cli.main(["course", "print", str(tmp_path / "paper"), "--run"]) == 1
    said = capsys.readouterr().err
    assert "one.ipynb did not run" in said
    assert "no such luck" in said
    assert not (tmp_path / "paper").exists()


def test_without_nbconvert_the_way_out_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "nbconvert", None)
    assert cli.main(["course", "print", str(tmp_path / "paper")]) == 1
    assert "pip install 'gdlab[lab]'" in capsys.readouterr().err
