"""The table of a check-up, which shows itself."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import pandas as pd

COLUMNS: Final = ("check", "state", "found", "what to do")

_COLOURS: Final = {"ok": "#1a7f37", "warn": "#9a6700", "fail": "#c62828"}
_WIDTH: Final = 100  # of the text form
_CELL: Final = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;white-space:pre-line"


class State(StrEnum):
    """How a line is to be taken."""

    OK = "ok"  # nothing needs to be done; there may be a hint for special cases
    WARN = "warn"  # something does not work, or not as well as it could
    FAIL = "fail"  # gdlab, or what was asked for, cannot work


@dataclass(frozen=True, slots=True)
class Line:
    """What one check came to."""

    check: str
    state: State
    found: str
    to_do: str = ""


class Report(pd.DataFrame):
    """A DataFrame with the columns `check`, `state` (ok, warn, fail), `found` and `what to do`, one row per check.

    What is made of it (rows chosen, columns added) is a plain DataFrame.
    """

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Report:
        """The report of these lines."""
        rows = [(line.check, line.state.value, line.found, line.to_do) for line in lines]
        return cls(rows, columns=list(COLUMNS))

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    @property
    def ok(self) -> bool:
        """Nothing has failed."""
        return not (self["state"] == State.FAIL).any()

    def __repr__(self) -> str:
        lines = []
        left = 8 + max((len(check) for check in self["check"]), default=0)
        for check, state, found, to_do in self.itertuples(index=False, name=None):
            lines += _wrapped(f"{state:<6}{check}".ljust(left), found)
            if to_do:
                lines += _wrapped(" " * (left - 3) + "-> ", to_do)
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="{_CELL}">{name}</th>' for name in COLUMNS)
        body = "".join(_row(*row) for row in self.itertuples(index=False, name=None))
        return (
            '<table style="border-collapse:collapse;line-height:1.45">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<div>{html.escape(self._summary())}</div>"
        )

    def _summary(self) -> str:
        warn, fail = ((self["state"] == state).sum() for state in (State.WARN, State.FAIL))
        if not warn and not fail:
            return "All is well."
        return f"{fail} failed, {warn} to look at, {len(self) - warn - fail} ok."


def _wrapped(head: str, text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.splitlines():
        indent = head if not lines else " " * len(head)
        lines += textwrap.wrap(
            paragraph, max(_WIDTH, len(head) + 40), initial_indent=indent, subsequent_indent=" " * len(head)
        )
    return lines or [head]


def _row(check: Any, state: Any, found: Any, to_do: Any) -> str:
    colour = _COLOURS[state]
    cells = [
        html.escape(check),
        f'<b style="color:{colour}">{state}</b>',
        html.escape(found),
        html.escape(to_do),
    ]
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"
