"""What a question is: its right answer, its usual wrong ones with what is wrong about them, its hints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from gdlab.course import answers

#: Says of an answer whether it is right, and why or why not. It may raise `answers.NotUnderstood`.
Judge: TypeAlias = Callable[[Any], tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a lesson.

    Attributes
    ----------
    asks : the question in a few words.
    judge : what is right, what is not, and why.
    hints : from a nudge to nearly the answer.
    """

    asks: str
    judge: Judge
    hints: tuple[str, ...]


def number(
    right: float | tuple[float, float],
    because: str,
    *,
    unit: str = "",
    within: float = 0.0,
    wrong: Sequence[tuple[float | tuple[float, float], str]] = (),
    otherwise: str,
) -> Judge:
    """A question for a number.

    Parameters
    ----------
    right : the number, or the interval of right ones.
    because : said of a right answer.
    unit : such as ``"ms"``.
    within : relative tolerance, of the wrong ones, too.
    wrong : usual wrong answers, each with what is wrong about it; the first that fits is said.
    otherwise : said of other wrong ones.
    """

    def fits(value: float, wanted: float | tuple[float, float]) -> bool:
        low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        return low - abs(low) * within <= value <= high + abs(high) * within

    def judge(answer: Any) -> tuple[bool, str]:
        value = answers.number(answer, unit)
        if fits(value, right):
            return True, because
        return False, next((why for usual, why in wrong if fits(value, usual)), otherwise)

    return judge


def choice(
    right: Sequence[str],
    because: str,
    *,
    wrong: Sequence[tuple[Sequence[str], str]] = (),
    otherwise: str,
) -> Judge:
    """A question for a word.

    Parameters
    ----------
    right : what is right: the whole answer in small letters, or with a ``*`` at the end its beginning; what has
        other signs than letters and digits is compared as it is typed.
    because, wrong, otherwise : as for `number`.
    """

    def fits(said: str, typed: object, forms: Sequence[str]) -> bool:
        return typed in forms or any(
            said.startswith(form[:-1]) if form.endswith("*") else said == form for form in forms
        )

    def judge(answer: Any) -> tuple[bool, str]:
        said, typed = answers.words(answer), answer.strip() if isinstance(answer, str) else answer
        if fits(said, typed, right):
            return True, because
        return False, next((why for forms, why in wrong if fits(said, typed, forms)), otherwise)

    return judge
