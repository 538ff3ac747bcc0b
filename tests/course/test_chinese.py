"""What the lessons say of answers, in Chinese: all of it, with the same numbers and values."""

import ast
import re
from pathlib import Path

import pytest

import gdlab.course
from gdlab.course import check, hint
from gdlab.course.checking import LESSONS, questions
from gdlab.course.verdicts import Mark
from gdlab.words import language, worded
from gdlab.words.zh.lessons import SAID

COURSE = Path(gdlab.course.__file__).parent
SOURCES = [
    *sorted((COURSE / "lessons").glob("lesson*.py")),
    *(
        COURSE / f"{name}.py"
        for name in (
            "checking",
            "answers",
            "verdicts",
            "own",
            "own_tasks",
            "own_samples",
            "mystery",
            "diagnosis",
            "faults",
            "project",
        )
    ),
]


@pytest.fixture
def chinese():
    before = language()
    language("zh")
    yield
    language(before)


def is_code(text):
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def constants(source):
    """The texts of a module that are no docstrings."""
    nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    }


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_question_and_hint_is_there_in_chinese(lesson, chinese):
    for number, question in questions(lesson).items():
        for text in (question.asks, *question.hints):
            assert worded(text) != text or is_code(text), (number, text)


@pytest.mark.parametrize("lesson", LESSONS)
def test_what_is_said_of_an_answer_is_in_chinese(lesson, chinese):
    texts = constants(COURSE / "lessons" / f"lesson{lesson}.py")
    # A sentence begins with a capital or a number, has blanks, and ends as sentences do.
    said = {
        text for text in texts if re.match(r"[A-Z0-9]\S* .*[.?…]$", text, re.DOTALL) and not is_code(text)
    }
    assert said
    assert {text for text in said if text not in SAID and "\n" not in text} == set()


def test_numbers_and_values_are_the_same():
    for english, other in SAID.items():
        assert sorted(re.findall(r"\{[^}]*\}", english)) == sorted(re.findall(r"\{[^}]*\}", other)), english
        assert sorted(re.findall(r"\d+", english)) == sorted(re.findall(r"\d+", other)), english


def test_nothing_is_translated_that_is_not_said():
    used = set().union(*map(constants, SOURCES), map(str, Mark))
    assert set(SAID) <= used


def test_a_check_and_a_hint_follow_the_language(chinese):
    assert "半帧" in str(check("02.1", 8.3))
    assert "正确" in check("02.1", 16.7)._repr_html_()
    assert str(check("02.1", True)).endswith("。")
    assert "gd.course.hint('02.1', 2)" in str(hint("02.1"))
    language("en")
    assert str(check("02.1", 16.7)).startswith("02.1 Right. 1,000 ms / 60")
