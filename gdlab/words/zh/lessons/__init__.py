"""What the lessons say of answers, in Chinese."""

from __future__ import annotations

from typing import Final

from gdlab.words.zh.lessons import (
    common,
    lesson01,
    lesson02,
    lesson03,
    lesson04,
    lesson05,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
    lesson10,
    lesson11,
    lesson12,
    lesson13,
    own,
)

SAID: Final[dict[str, str]] = {}
for _part in (
    common,
    lesson01,
    lesson02,
    lesson03,
    lesson04,
    lesson05,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
    lesson10,
    lesson11,
    lesson12,
    lesson13,
    own,
):
    SAID.update(_part.SAID)
