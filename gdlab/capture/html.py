"""The static HTML form of a capture. What peers sent is escaped: it is data, not markup."""

from __future__ import annotations

import html
from dataclasses import dataclass

import pandas as pd

_COLOURS = {
    "waiting": "#b8860b",
    "receiving": "#1a7f37",
    "quiet": "#6e7781",
    "stopped": "#6e7781",
    "failed": "#c62828",
    "loaded": "#0b62a3",
}

#: Characters of a payload that a table row shows.
PREVIEW_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Headline:
    """The line above the table: a light (a key of the colours), its words, and a hint."""

    light: str
    text: str
    hint: str = ""


def summary(headline: Headline, tail: pd.DataFrame) -> str:
    """Status line and last messages, as one self-contained piece of HTML."""
    return f'<div class="gdlab">{status(headline)}{messages(tail)}</div>'


def status(headline: Headline) -> str:
    """Return the status line: a coloured dot, words, and what to try."""
    colour = _COLOURS[headline.light]
    hint = (
        f'<div style="opacity:.75;margin:2px 0 0 20px">{html.escape(headline.hint)}</div>'
        if headline.hint
        else ""
    )
    return (
        f'<div style="line-height:1.5;margin:4px 0"><span style="color:{colour};font-size:1.2em" '
        f'title="{headline.light}">&#9679;</span> {html.escape(headline.text)}{hint}</div>'
    )


def messages(tail: pd.DataFrame) -> str:
    """Return the rows as an HTML table, newest last; an empty table gives nothing."""
    if not len(tail):
        return ""
    head = "".join(
        f'<th style="text-align:left;padding:1px 10px 1px 0">{name}</th>'
        for name in ("time (UTC)", "", "peer", "bytes", "message")
    )
    rows = "".join(_row(row) for row in tail.itertuples(index=False))
    return (
        '<table style="border-collapse:collapse;font-size:12px;line-height:1.45;text-align:left">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(row: object) -> str:
    time, direction, event = (getattr(row, name) for name in ("time", "direction", "event"))
    arrow = {"in": "&larr;", "out": "&rarr;"}[direction]
    what = (
        preview(row.payload)  # type: ignore[attr-defined]
        if event == "message"
        else f"<i>{event}: {html.escape(_short(row.detail))}</i>"  # type: ignore[attr-defined]
    )
    cells = (
        time.strftime("%H:%M:%S.") + f"{time.microsecond // 1000:03d}",
        arrow,
        html.escape(str(row.peer)),  # type: ignore[attr-defined]
        str(row.size_bytes),  # type: ignore[attr-defined]
        what,
    )
    style = "padding:1px 10px 1px 0;white-space:nowrap;text-align:left;font-family:monospace"
    return "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>"


def preview(payload: bytes) -> str:
    """A payload in one short, escaped line: text where it is text, else the bytes in hexadecimal."""
    piece = payload[: 4 * PREVIEW_CHARACTERS]
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        # A cut within the last character is ours, not the sender's.
        text = (
            piece[: error.start].decode()
            if len(payload) > len(piece) and error.start > len(piece) - 4
            else ""
        )
    if text.isprintable() and (text or not payload):
        shown = _short(text) + ("…" if len(text) <= PREVIEW_CHARACTERS and len(payload) > len(piece) else "")
        return html.escape(shown)
    return f'<span style="opacity:.75">{_short(piece.hex(" "), len(payload) > len(piece))}</span>'


def _short(text: str, cut: bool = False) -> str:
    if len(text) <= PREVIEW_CHARACTERS:
        return text + ("…" if cut else "")
    return text[: PREVIEW_CHARACTERS - 1] + "…"
