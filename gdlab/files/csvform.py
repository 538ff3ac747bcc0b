"""What form a CSV has: encoding, separator, columns; programs and spreadsheets change all of them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from typing import Final

from gdlab.facts import Statement
from gdlab.files import versions
from gdlab.files.csvwrite import HEADER, PAYLOAD_AS

#: Without these columns there is nothing that could be a capture.
NEEDED: Final = ("time", PAYLOAD_AS, "payload")

#: The columns of version 1, under their names of today.
FIRST_HEADER: Final = tuple(name for name in HEADER if name not in versions.NEW)

_SEPARATORS: Final = (",", ";", "\t", "|")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAX_HEADER: Final = 65_536
_MOST_BEFORE: Final = 100  # lines before the one with the columns
_MOST_COLUMNS: Final = 1000  # each takes a millisecond to read, be it empty


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written.

    Attributes
    ----------
    encoding : of its text; `mark` is the length of the byte order mark before it.
    separator : between cells.
    columns : their names, as they are today.
    skip : lines before them.
    """

    encoding: str
    mark: int
    separator: str
    columns: tuple[str, ...]
    skip: int = 0

    @property
    def is_ours(self) -> bool:
        """Whether the columns are those that we write, and stand as we write them."""
        return (
            self.columns in (HEADER, FIRST_HEADER)
            and self.separator == ","
            and self.encoding == "utf-8"
            and not self.skip
        )

    @property
    def is_first(self) -> bool:
        """Whether the columns are those of version 1, as far as they are there."""
        return not set(versions.NEW) & set(self.columns)

    def notes(self) -> list[Statement]:
        """What is unusual about it."""
        told = []
        if self.separator != ",":
            told.append(Statement.of("csv/separator", separator=self.separator))
        if self.encoding != "utf-8":
            told.append(Statement.of("csv/encoding", encoding=self.encoding[:6].upper()))
        extra = [name or "(without a name)" for name in self.columns if name not in HEADER]
        if extra:
            told.append(Statement.of("note/columns left out", columns=", ".join(extra)[:200]))
        wanted = FIRST_HEADER if self.is_first else HEADER
        missing = [name for name in wanted if name not in self.columns]
        if missing:
            told.append(Statement.of("note/columns missing", columns=", ".join(missing)))
        return told


def find(beginning: bytes) -> Form | None:
    """The form of a file that begins so; None where it is not the CSV of a capture."""
    encoding, mark = next(
        ((name, len(sign)) for sign, name in _MARKS if beginning.startswith(sign)), (_guess(beginning), 0)
    )
    text = beginning[mark : mark + _MAX_HEADER].decode(encoding, errors="replace")
    told, skip, first = _first_line(text)
    for separator in (told,) if told else _SEPARATORS:
        try:
            cells = next(csv.reader(io.StringIO(first), delimiter=separator), [])
        except csv.Error:
            continue
        if len(cells) > _MOST_COLUMNS:
            continue
        columns = tuple(versions.names(cell.strip().strip("'").lower() for cell in cells))
        if all(columns.count(name) == 1 for name in NEEDED) and all(
            columns.count(name) < 2 for name in HEADER
        ):
            return Form(encoding, mark, separator, columns, skip)
    return None


def _first_line(text: str) -> tuple[str, int, str]:
    """The separator that is told, how many lines come before the one with the columns, and that line."""
    told = ""
    lines = text.split("\n", _MOST_BEFORE)
    for skip, line in enumerate(lines):
        first = line.rstrip("\r")
        if first.strip('"').lower().startswith("sep="):  # by which Excel knows the separator
            tail = first.strip('"')[4:5]
            told = tail if tail and not tail.isalnum() and tail not in "\"'" else told
        elif first.strip() and not first.startswith("#"):
            return told, skip, first
    return told, 0, lines[0].rstrip("\r")


def wrong(beginning: bytes) -> Statement | None:
    """What the columns lack of a capture's, where they are nearly those; None for others."""
    encoding, mark = next(
        ((name, len(sign)) for sign, name in _MARKS if beginning.startswith(sign)), (_guess(beginning), 0)
    )
    _, _, first = _first_line(beginning[mark:].decode(encoding, errors="replace"))
    names = [name.strip(" \"'").lower() for name in re.split(r"[,;\t|]", first)]
    if len({*names} & {*HEADER}) < len(HEADER) // 2:
        return None
    missing = tuple(name for name in NEEDED if name not in names)
    twice = tuple(name for name in HEADER if names.count(name) > 1)
    if missing:
        return Statement.of("load/csv missing", columns=missing)
    return Statement.of("load/csv twice", columns=twice) if twice else None


def _guess(beginning: bytes) -> str:
    """The encoding of a file without a mark: of text in Latin letters UTF-16 has a zero in every other byte."""
    if beginning[1:8:2] == bytes(4):
        return "utf-16-le"
    return "utf-16-be" if beginning[0:8:2] == bytes(4) else "utf-8"


def utf8(content: bytes, form: Form) -> bytes:
    """The text as UTF-8, from the line with the columns on.

    Raises
    ------
    ValueError : it is not of the encoding.
    """
    if form.encoding == "utf-8":
        text = content[form.mark :] if form.mark else content
    else:
        text = content[form.mark :].decode(form.encoding).encode()
    for _ in range(form.skip):
        text = text[text.index(b"\n") + 1 :]
    return text
