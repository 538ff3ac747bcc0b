"""The course in Chinese: the same cells, code and checks as in English; only what is for reading differs."""

import ast
import json
import re
from pathlib import Path

import pytest

import gdlab as gd
from gdlab.course.contents import CONTENTS
from gdlab.course.handout import OVERVIEW, hand_out, shipped

ENGLISH = sorted(shipped().glob("*.ipynb"))
CHINESE = re.compile("[\u4e00-\u9fff]")
#: What is written the same in every language: code, links, numbers of questions, names of files.
FIXED = re.compile(r"`[^`\n]+`|\*\*\d\d\.\d\*\*|```.*?```", re.DOTALL)


def cells(path: Path) -> list[tuple[str, str, str]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [
        (f"{cell['id']}{way}", cell["cell_type"], "".join(source))
        for cell in notebook["cells"]
        for way, source in (
            ("", cell["source"]),
            (" canned", cell["metadata"].get("gdlab", {}).get("canned")),
        )
        if source is not None
    ]


def code(source: str) -> str:
    """A cell's code without its comments, which are for reading."""
    return ast.dump(ast.parse(source, type_comments=False))


def fixed(text: str) -> list[str]:
    """The parts of a text that are no language; a comment in a block of code is."""
    return sorted(re.sub(r"#.*", "", part).rstrip() for part in FIXED.findall(text))


@pytest.fixture
def chinese():
    gd.language("zh")
    yield
    gd.language("en")


def test_every_lesson_is_there():
    assert [path.name for path in sorted(shipped("zh").glob("*.ipynb"))] == [path.name for path in ENGLISH]


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.stem)
def test_the_cells_are_the_same_in_both_languages(path):
    english, chinese = cells(path), cells(shipped("zh") / path.name)
    assert [cell[:2] for cell in chinese] == [cell[:2] for cell in english]
    for (name, kind, here), (_, _, there) in zip(chinese, english, strict=True):
        if kind == "code":
            assert code(here) == code(there), name
            comments = re.findall(r"(?m)(?:^|\s)# .*$", here)
            assert all(CHINESE.search(comment) for comment in comments), (name, comments)
        else:
            assert CHINESE.search(here), name
            assert fixed(here) == fixed(there), name
            assert re.findall(r"(?m)^#+(?= )", here) == re.findall(r"(?m)^#+(?= )", there), name
            assert here.count("\n| ") == there.count("\n| "), name


@pytest.mark.parametrize("lesson", CONTENTS, ids=lambda lesson: lesson.number)
def test_the_first_screen_agrees_with_the_list(lesson):
    first = cells(shipped("zh") / lesson.file)[0][2]
    assert f"**{lesson.asks('zh')}**" in first
    minutes = re.search(r"用时 \| (\d+) 分钟", first)
    assert int(minutes[1]) == lesson.minutes
    assert "\n| 需要 | 什么都不需要" in first


def test_the_list_and_the_students_part_are_in_chinese(chinese, tmp_path):
    listed = gd.lessons()
    assert listed.question.str.contains(CHINESE).all()
    assert listed.needs.str.contains(CHINESE).all()
    written = hand_out(tmp_path / "class", "zh")
    assert {path.name for path in written} == {*listed.file, OVERVIEW}
    assert listed.question[3] in (tmp_path / "class" / OVERVIEW).read_text(encoding="utf-8")


def test_the_glossary_has_the_same_terms_in_both_languages():
    pages = {
        name: (Path(__file__).resolve().parents[2] / "docs" / name).read_text(encoding="utf-8")
        for name in ("glossary.md", "glossary.zh.md")
    }
    terms = {name: re.findall(r"(?m)^(.+)\n: ", page) for name, page in pages.items()}
    assert len(terms["glossary.md"]) > 20
    assert [re.sub(r"，[^；]*|；\s*", " ", term).split() for term in terms["glossary.zh.md"]] == [
        term.replace(",", " ").split() for term in terms["glossary.md"]
    ]
    names = {name: re.findall(r"(?m)^\| (`.+?) \|", page) for name, page in pages.items()}
    assert [name.replace("、", ", ") for name in names["glossary.zh.md"]] == names["glossary.md"]
