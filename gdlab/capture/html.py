"""The static HTML form of a capture. What peers sent is escaped: it is data, not markup."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

#: Between the brightness of white paper and of Lab's dark theme, so that they are seen on both; the words beside them
#: say the same.
_COLOURS = {
    "waiting": "#b8860b",
    "receiving": "#2e9e4f",
    "quiet": "#848d97",
    "stopped": "#848d97",
    "failed": "#e5534b",
    "loaded": "#3d8bcd",
}

#: Characters of a payload that a table row shows.
PREVIEW_CHARACTERS = 80

#: Characters of a status line and of its hint: they can repeat what a peer said.
_HEADLINE_CHARACTERS: Final = 1000

#: Combining marks that may follow one letter; more pile up over the lines around them.
_MOST_MARKS: Final = 3

#: Controls that text has; any other one says that the payload is no text.
_TEXT_CONTROLS: Final = frozenset("\t\n\r\f\x1b")

_NAMED: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}


def visible(text: str | bytes, limit: int = PREVIEW_CHARACTERS) -> str:
    r"""Text of strangers as one line of HTML in which nothing can act and nothing can hide.

    Markup is escaped. Control characters, bidirectional overrides, characters of no width, lone surrogates, piles of
    combining marks and invalid UTF-8 are shown as dimmed escapes such as ``\n`` and ``\u202e``. Text that runs from
    right to left is isolated, so that it leaves its neighbours in their places.

    Parameters
    ----------
    text : bytes are read as UTF-8.
    limit : characters shown, an escape counting as one; longer text ends in "…". Only so much is looked at.
    """
    from html import escape  # which brings two thousand names of letters with it

    parts: list[str] = []
    isolated = False
    for piece, hidden in _pieces(text, limit):
        isolated = isolated or (
            not hidden and any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in piece)
        )
        escaped = escape(piece)
        parts.append(f'<span style="opacity:.6">{escaped}</span>' if hidden else escaped)
    shown = "".join(parts)
    return f"<bdi>{shown}</bdi>" if isolated else shown


def legible(text: str | bytes, limit: int = PREVIEW_CHARACTERS) -> str:
    """The same as plain text that is not escaped, for places that take no markup; see `visible`."""
    return "".join(piece for piece, _ in _pieces(text, limit))


def _pieces(text: str | bytes, limit: int) -> list[tuple[str, bool]]:
    """Divide the first characters into runs that can be shown as they are, and escapes (True)."""
    start = text[: 4 * limit + 4].decode(errors="surrogateescape") if isinstance(text, bytes) else text
    pieces: list[tuple[str, bool]] = []
    run: list[str] = []
    marks = 0
    for letter in start[:limit]:
        marks = marks + 1 if unicodedata.category(letter)[0] == "M" else 0
        if letter.isprintable() and marks <= _MOST_MARKS:
            run.append(letter)
            continue
        if run:
            pieces.append(("".join(run), False))
            run = []
        pieces.append((_escape(letter), True))
    if run:
        pieces.append(("".join(run), False))
    if len(start) > limit or (isinstance(text, bytes) and len(text) > 4 * limit + 4):
        pieces.append(("…", False))
    return pieces


def _escape(letter: str) -> str:
    if letter in _NAMED:
        return _NAMED[letter]
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as `surrogateescape` carries it
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


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
        f'<div style="opacity:.75;margin:2px 0 0 20px">{visible(headline.hint, _HEADLINE_CHARACTERS)}</div>'
        if headline.hint
        else ""
    )
    return (
        f'<div style="line-height:1.5;margin:4px 0"><span style="color:{colour};font-size:1.2em" '
        f'title="{headline.light}">&#9679;</span> '
        f"{visible(headline.text, _HEADLINE_CHARACTERS)}{hint}</div>"
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
        '<table style="border-collapse:collapse;font-size:14px;line-height:1.45;text-align:left">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(row: object) -> str:
    time, direction, event = (getattr(row, name) for name in ("time", "direction", "event"))
    arrow = {"in": "&larr;", "out": "&rarr;"}[direction]
    what = (
        preview(row.payload)  # type: ignore[attr-defined]
        if event == "message"
        else f"<i>{event}: {visible(row.detail)}</i>"  # type: ignore[attr-defined]
    )
    cells = (
        time.strftime("%H:%M:%S.") + f"{time.microsecond // 1000:03d}",
        arrow,
        visible(str(row.peer)),  # type: ignore[attr-defined]
        str(row.size_bytes),  # type: ignore[attr-defined]
        what,
    )
    style = "padding:1px 10px 1px 0;white-space:nowrap;text-align:left;font-family:monospace"
    return "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>"


def preview(payload: Any) -> str:
    """A payload in one short, escaped line: text where it is text, else the bytes in hexadecimal."""
    if not isinstance(payload, bytes):
        return ""  # a file may lack payloads
    if is_text(payload):
        return visible(payload)
    most = PREVIEW_CHARACTERS // 3
    return f'<span style="opacity:.75">{payload[:most].hex(" ")}{"…" if len(payload) > most else ""}</span>'


def is_text(payload: bytes) -> bool:
    """Whether the beginning of a payload is UTF-8 without the control characters that binary data has."""
    piece = payload[: 4 * PREVIEW_CHARACTERS]
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        # A cut within the last character is ours, not the sender's.
        if len(payload) == len(piece) or error.start <= len(piece) - 4:
            return False
        text = piece[: error.start].decode()
    return all((letter >= " " and letter != "\x7f") or letter in _TEXT_CONTROLS for letter in text)
