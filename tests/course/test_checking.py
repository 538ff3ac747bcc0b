"""`gd.course.check`: what it says to each kind of answer, and that nothing that is given raises."""

import decimal
import fractions

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlab as gd
from gdlab.course import answers
from gdlab.course.checking import LESSONS, questions
from gdlab.course.verdicts import Mark, Verdict

ALL = [key for lesson in LESSONS for key in questions(lesson)]


class Hostile:
    """An object all of whose manners are bad."""

    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __eq__ = __hash__ = __float__ = __len__ = __iter__ = __bool__ = __call__ = __repr__

    def __getattr__(self, name):
        raise RuntimeError("no attribute")


class Error(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def raising(*arguments):
    raise Error


ODD = [
    "", " ", "\x00", "nan", "inf", "-", "1e999", "9" * 5000, b"\xff", [], (), {}, {1: 2}, set(), [1, 2], [[]], object,
    object(),
    float("nan"), float("inf"), 10**400, -1, True, False, 1j, np.nan, np.array([]), np.array([1, 2]), pd.NA, pd.NaT,
    pd.DataFrame(), pd.DataFrame({"payload": [1]}), pd.Series([1, 2]), lambda: 1, lambda *a: a, raising, print,
    Hostile(), type, gd, range(10), iter([]), "a" * 100_000, {"x": float("nan")}, {"a": {}}, "/", "\x00.csv",
    {i: i for i in range(2000)},
]  # fmt: skip


@pytest.mark.parametrize("key", ALL)
def test_nothing_that_is_given_raises(key):
    for answer in ODD:
        verdict = gd.course.check(key, answer)
        assert verdict.mark in (Mark.WRONG, Mark.RIGHT), (key, verdict)
        assert verdict.text.strip()
        assert repr(verdict).startswith(key)
        assert verdict.text[:1] != "("
    nested: list = []
    for _ in range(5000):
        nested = [nested]
    assert not gd.course.check(key, nested)


@pytest.mark.slow
@given(st.text() | st.integers() | st.floats() | st.binary() | st.lists(st.floats()))
def test_nothing_that_is_made_up_raises(answer):
    for key in ("01.2", "02.1", "04.4", "06.4"):
        assert isinstance(gd.course.check(key, answer), Verdict)


@pytest.mark.parametrize("key", ALL)
def test_an_open_question_says_so_and_how_to_get_a_hint(key):
    for verdict in (gd.course.check(key), gd.course.check(key, ...), gd.course.check(key, None)):
        assert verdict.mark is Mark.OPEN
        assert not verdict
        assert f"gd.course.hint('{key}')" in verdict.text
    assert "None" in gd.course.check(key, None).text


@pytest.mark.parametrize("key", ALL)
def test_hints(key):
    count = len(questions(key[:2])[key].hints)
    first, last = gd.course.hint(key), gd.course.hint(key, 99)
    assert first.mark is last.mark is Mark.HINT
    assert ("There is another" in first.text) is (count > 1)
    assert "There is another" not in last.text
    for odd in ("x", None, -5, float("nan")):
        assert gd.course.hint(key, odd) == first


@pytest.mark.parametrize("key", ["", "02.9", "2.1", "99.1", None, 2.1, [], "../x", "lesson01", ALL])
def test_a_wrong_number_of_a_question_names_the_right_ones(key):
    for verdict in (gd.course.check(key, 1), gd.course.hint(key)):
        assert verdict.mark is Mark.OPEN
        assert "no such question" in verdict.text
        assert "01" in verdict.text or "02.1" in verdict.text


def test_verdicts_show_themselves_escaped():
    verdict = Verdict("01.1", Mark.WRONG, "<script> & more")
    assert verdict._repr_html_().count("<script>") == 0
    assert "&lt;script&gt; &amp; more" in verdict._repr_html_()
    assert repr(verdict) == "01.1 Not yet. <script> & more"


@pytest.mark.parametrize(
    "given",
    [16.7, "16.7", " 16.7 ms", "about 16.7", "0.0167 s", "16700 us", np.float32(16.7), np.array(16.7), [16.7],
     pd.Series([16.7]), pd.Timedelta(16.7, "ms"), decimal.Decimal("16.7"), fractions.Fraction(167, 10), b"16.7"],
)  # fmt: skip
def test_numbers_are_understood_in_many_forms(given):
    assert answers.number(given, "ms") == pytest.approx(16.7)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("16.7 kg", "'kg'"),
        ("sixteen", "such as 12.5"),
        (True, "yes or no"),
        ([1, 2], "2 values"),
        (len, "function"),
        (float("nan"), "nan"),
        ({}, "0 values"),
    ],
)
def test_what_is_no_number_is_said(given, said):
    with pytest.raises(answers.NotUnderstood, match="a number \\(ms\\)") as caught:
        answers.number(given, "ms")
    assert said in str(caught.value)


def test_thousands_may_be_marked():
    assert answers.number("65,535") == answers.number("65_535") == 65_535
    assert answers.number("24 kB", "bytes") == 24_000


def test_an_answer_that_fails_is_told_of_by_name():
    verdict = gd.course.check("01.4", lambda message: message.nothing)
    assert verdict.mark is Mark.WRONG
    assert "AttributeError" in verdict.text


@pytest.mark.parametrize(
    ("question", "answer", "mark", "part"),
    [
        ("02.1", "16,7", Mark.RIGHT, "16.7 ms"),  # a decimal comma
        ("02.1", 1 / 60, Mark.WRONG, "in seconds"),
        ("07.1", "player 2", Mark.RIGHT, "Player 2"),
        ("07.1", "17,024", Mark.WRONG, "how many bytes"),  # thousands
        ("07.4", "'=1+1", Mark.RIGHT, "apostrophe"),
        ("07.4", "=1+1", Mark.WRONG, "calculate"),
    ],
)
def test_an_answer_is_understood_as_people_write_it(question, answer, mark, part):
    verdict = gd.course.check(question, answer)
    assert verdict.mark is mark
    assert part in verdict.text
