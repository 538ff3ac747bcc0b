"""What is found reads differently in another language, and is the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import pandas as pd

from gdlab.words import language

T = TypeVar("T")

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CHINESE = re.compile("[\u4e00-\u9fff]")


def numbers(text: str) -> Counter[str]:
    """The numbers in a text, each with how often it stands there; their order is a matter of grammar."""
    return Counter(_NUMBER.findall(text))


def chinese(text: str) -> bool:
    """Whether a text is in Chinese, at least in part."""
    return _CHINESE.search(text) is not None


def in_chinese(make: Callable[[], T]) -> T:
    """What is made while the language is Chinese."""
    before = language()
    try:
        language("zh")
        return make()
    finally:
        language(before)


def same_in_every_language(make: Callable[[], pd.DataFrame], *, english: pd.DataFrame | None = None) -> None:
    """Check findings: the same ones, with the same numbers, in Chinese sentences; `english` where made already."""
    english = make() if english is None else english
    translated = in_chinese(make)
    assert len(english)
    same = ["rule", "certainty", "rows"]
    pd.testing.assert_frame_equal(pd.DataFrame(english[same]), pd.DataFrame(translated[same]))
    for ours, theirs in zip(english.to_dict("records"), translated.to_dict("records"), strict=True):
        for part in ("what", "evidence", "next_step", "lesson"):
            assert numbers(ours[part]) == numbers(theirs[part]), (ours[part], theirs[part])
            assert not chinese(ours[part])
            # What a gap is, and what a game printed, stand there as the table has them.
            assert chinese(theirs[part]) or part == "evidence", theirs[part]
