"""What a check says of an answer, as text and as HTML."""

from __future__ import annotations

import html
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gdlab.words import worded


class Mark(StrEnum):
    """What an answer is."""

    OPEN = "Not answered yet"
    RIGHT = "Right"
    WRONG = "Not yet"
    HINT = "Hint"


#: Of the bar on the left; readable on light and dark pages.
_COLOURS: Final = {Mark.OPEN: "#8a8a8a", Mark.RIGHT: "#2e9e5b", Mark.WRONG: "#d9822b", Mark.HINT: "#3b82c4"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check.

    Attributes
    ----------
    question : its number, such as ``"02.1"``.
    mark : what the answer is.
    text : why.
    """

    question: str
    mark: Mark
    text: str

    @classmethod
    def of_mystery(cls, right: bool | None, text: str) -> Verdict:
        """A mystery's verdict; `right` is None where there was no diagnosis."""
        mark = Mark.OPEN if right is None else Mark.RIGHT if right else Mark.WRONG
        return cls("mystery", mark, text)

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.mark is Mark.RIGHT

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{self._opening}{self.text}"

    def _repr_html_(self) -> str:
        return (
            f'<div style="border-left: 4px solid {_COLOURS[self.mark]}; padding: 0.2em 0.8em; max-width: 60em">'
            f"<b>{html.escape(self._opening)}</b>{html.escape(self.text)}</div>"
        )

    @property
    def _opening(self) -> str:
        return worded("{question} {mark}. ", question=self.question, mark=worded(self.mark))
