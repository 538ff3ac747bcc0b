"""A table of sentences that a notebook shows whole."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable
from typing import Any, ClassVar, Final

import pandas as pd

from gdlab.words import phrase

_WIDTH: Final = 100  # of the text form
_CELL: Final = "text-align:left;vertical-align:top;padding:2px 12px 6px 0;white-space:normal"


class Worded(pd.DataFrame):
    """A DataFrame that shows itself with whole sentences; pandas cuts what is longer than 50 characters.

    It is a table as any other. What is chosen from it is shown likewise; more rows than pandas shows are shown by
    pandas.
    """

    #: Key of the phrase that is said in place of a table without rows.
    when_empty: ClassVar[str] = ""

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return type(self)

    def _is_for_reading(self) -> bool:
        return len(self.columns) > 0 and len(self) <= pd.get_option("display.max_rows")

    def __repr__(self) -> str:
        if self.when_empty and not len(self):
            return phrase(self.when_empty)
        if not self._is_for_reading() or not len(self):
            return super().__repr__()
        left = max(len(str(name)) for name in self.columns) + 6
        lines = []
        for label, *cells in self.itertuples(name=None):
            lines.append(str(label))
            for name, cell in zip(self.columns, cells, strict=True):
                head = f"    {name}".ljust(left)
                lines += textwrap.wrap(
                    _text(cell), _WIDTH, initial_indent=head, subsequent_indent=" " * left
                ) or [head.rstrip()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if self.when_empty and not len(self):
            return f"<div>{html.escape(phrase(self.when_empty))}</div>"
        if not self._is_for_reading():
            return self.to_html(max_rows=pd.get_option("display.max_rows"), show_dimensions=True)
        head = "".join(
            f'<th style="{_CELL}">{html.escape(str(name))}</th>'
            for name in (self.index.name or "", *self.columns)
        )
        body = "".join(
            f'<tr><th style="{_CELL}">{html.escape(str(label))}</th>'
            + "".join(f'<td style="{_CELL}">{html.escape(_text(cell))}</td>' for cell in cells)
            + "</tr>"
            for label, *cells in self.itertuples(name=None)
        )
        return (
            '<table style="border-collapse:collapse;line-height:1.45">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


class Findings(Worded):
    """What `findings` found, one row per finding."""

    when_empty = "no findings"


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:g}"
    if isinstance(cell, tuple):
        return ", ".join(map(str, cell))
    return str(cell)
