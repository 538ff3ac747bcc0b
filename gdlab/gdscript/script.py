"""A GDScript text that shows itself as such."""

from __future__ import annotations

from typing import Protocol

from gdlab.gdscript.highlight import highlighted


class _Printer(Protocol):
    def text(self, text: str) -> None: ...


class Script(str):
    """GDScript source; text like any other, which a notebook shows coloured and a terminal line by line."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return highlighted(self)

    def _repr_markdown_(self) -> str:
        return f"```gdscript\n{self}```\n"

    def _repr_pretty_(self, printer: _Printer, _cycle: bool) -> None:
        printer.text(str(self))
