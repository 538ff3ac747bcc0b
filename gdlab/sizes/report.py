"""The result of measuring a message: a table that explains itself."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

_TITLES: Final = {
    "label": "",
    "bytes": "bytes",
    "min_bytes": "least",
    "max_bytes": "most",
    "deflate_bytes": "deflate",
    "zstd_bytes": "zstd",
    "udp_bytes": "UDP",
    "tcp_bytes": "TCP",
    "ws_bytes": "WebSocket",
    "udp_bytes_s": "UDP",
    "tcp_bytes_s": "TCP",
    "ws_bytes_s": "WebSocket",
    "keeps": "keeps",
}
_SHOWN_VALUE: Final = 100
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class SizeReport:
    """Sizes of a message, or means of several.

    Attributes
    ----------
    table : one row for each way to hold or send the message; see `measure`.
    notes : what the figures mean, and why they are what they are.
    value : the message; None where several were measured.
    messages, of_messages : how many were measured, of how many.
    rate_hz, peers, over : as asked.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    value: object
    messages: int
    of_messages: int
    rate_hz: float | None
    peers: int
    over: str | None

    def __getitem__(self, encoding: str) -> float:
        """Bytes in one encoding, such as ``report["json"]``; NaN where there is no figure.

        Raises
        ------
        KeyError : there is no such row.
        """
        if encoding not in self.table.index:
            raise KeyError(f"{encoding!r} is none of {', '.join(self.table.index)}")
        found = self._figure(encoding, "bytes")
        return float("nan") if found is pd.NA else float(found)

    def _figure(self, encoding: str, column: str) -> Any:
        return self.table[column][encoding]

    def with_notes(self, *notes: str) -> SizeReport:
        """The same report with remarks in front of its own."""
        return replace(self, notes=(*notes, *self.notes))

    @property
    def title(self) -> str:
        """What was measured."""
        if self.messages > 1:
            return f"Sizes of {self.of_messages} messages"
        text = repr(self.value)
        return f"Sizes of {text if len(text) <= _SHOWN_VALUE else text[: _SHOWN_VALUE - 1] + '…'}"

    @property
    def budget(self) -> str:
        """The rate, in words; empty where none was given."""
        if self.rate_hz is None:
            return ""
        return f"at {self.rate_hz:g} messages/s to {self.peers} peer{'s' if self.peers != 1 else ''}"

    def _groups(self) -> list[tuple[str, list[str]]]:
        """Columns under their common headings."""
        names = [name for name in self.table.columns if name in _TITLES]
        second = [name for name in names if name.endswith("_bytes_s")]
        wire = [name for name in names if name in {"udp_bytes", "tcp_bytes", "ws_bytes"}]
        packed = [name for name in names if name in {"deflate_bytes", "zstd_bytes"}]
        plain = [name for name in names if name in {"bytes", "min_bytes", "max_bytes"}]
        groups: list[tuple[str, list[str]]] = [
            ("", ["label"]),
            ("mean of the messages" if self.messages > 1 else "the message", plain),
            ("compressed", packed),
            ("with headers, over", wire),
            (f"bytes/s {self.budget}", second),
            ("", ["keeps"]),
        ]
        return [(heading, columns) for heading, columns in groups if columns]

    def _cells(self, key: str, columns: list[str]) -> list[str]:
        return [_cell(self._figure(key, name)) for name in columns]

    def __repr__(self) -> str:
        columns = [name for _, names in self._groups() for name in names if name != "keeps"]
        rows = [self._cells(str(key), columns) for key in self.table.index]
        heads = [_TITLES[name] + ("/s" if name.endswith("_bytes_s") else "") for name in columns]
        widths = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
        lines = [self.title, ""]
        for cells in (heads, *rows):
            first, *rest = cells
            line = first.ljust(widths[0])
            lines.append(
                "  ".join([line, *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]).rstrip()
            )
        if self.rate_hz is not None:
            lines += ["", f"Columns with /s: bytes/s {self.budget}."]
        missing = self._reasons()
        lines += ["", *(f"- {label}: {reason}" for label, reason in missing)] if missing else []
        lines.append("")
        for note in self.notes:
            lines += textwrap.wrap(note, _WIDTH, initial_indent="* ", subsequent_indent="  ")
        return "\n".join(lines)

    def _reasons(self) -> list[tuple[str, str]]:
        given = self.table["reason"].dropna()
        return [(str(self._figure(str(key), "label")), str(text)) for key, text in given.items()]

    def _repr_html_(self) -> str:
        groups = self._groups()
        right = "text-align:right;padding:1px 8px;font-variant-numeric:tabular-nums"
        left = "text-align:left;padding:1px 8px 1px 0"
        heads = "".join(
            f'<th colspan="{len(names)}" style="text-align:center;padding:1px 8px;font-weight:normal;opacity:.75">'
            f"{html.escape(heading)}</th>"
            for heading, names in groups
        )
        columns = [name for _, names in groups for name in names]
        titles = "".join(
            f'<th style="{left if name in {"label", "keeps"} else right}">{html.escape(_TITLES[name])}</th>'
            for name in columns
        )
        rows = []
        for key in map(str, self.table.index):
            absent = self._figure(key, "bytes") is pd.NA
            reason = self._figure(key, "reason")
            cells = [
                f'<td style="{left if name in {"label", "keeps"} else right}">{html.escape(text)}</td>'
                for name, text in zip(columns, self._cells(key, columns), strict=True)
            ]
            if absent and reason is not pd.NA:
                cells = [
                    cells[0],
                    f'<td style="{left}" colspan="{len(columns) - 1}">{html.escape(str(reason))}</td>',
                ]
            title = "" if reason is pd.NA else f' title="{html.escape(str(reason), quote=True)}"'
            rows.append(f'<tr style="opacity:{".5" if absent else "1"}"{title}>{"".join(cells)}</tr>')
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f'<div class="gdlab"><div style="margin:4px 0"><b>{html.escape(self.title)}</b></div>'
            '<table style="border-collapse:collapse;font-size:14px;line-height:1.45">'
            f"<thead><tr>{heads}</tr><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
            f'<ul style="font-size:14px;opacity:.85;max-width:60em">{notes}</ul></div>'
        )


def _cell(value: Any) -> str:
    if value is pd.NA:
        return "-"
    if isinstance(value, str):
        return value
    whole = abs(value - round(value)) < 0.05
    return f"{value:,.0f}" if whole else f"{value:,.1f}"
