"""Reading tables from CSV that `csvwrite` wrote, also where the sidecar is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gdlab.errors import LoadError
from gdlab.files import cells, sidecar, times, versions
from gdlab.files import to_schema as conform
from gdlab.files.csvwrite import HEADER, PAYLOAD_AS
from gdlab.files.loaded import Loaded
from gdlab.messages import CATEGORIES, SCHEMA
from gdlab.payloads import Int64, PayloadArray, UInt8

_BATCH_ROWS = 65_536
_INTEGERS = tuple(column.name for column in SCHEMA if column.dtype == "int64")


def is_csv(beginning: bytes) -> bool:
    """Whether a file that begins so has the header of our CSV (a program may have put a byte order mark before)."""
    first = beginning.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
    columns = first.replace(b'"', b"").decode("ascii", errors="replace").split(",")
    known = (
        HEADER,
        [name for name in HEADER if name not in versions.NEW],
        [n for n in HEADER if n != "framing"],
    )
    return versions.names(columns) in [list(names) for names in known]


def read_csv(path: Path) -> Loaded:
    """Read a table.

    Raises
    ------
    LoadError : the file was cut short or changed so that rows cannot be understood.
    """
    document, notes = sidecar.read_beside(path, "csv")
    _check_end(path)
    collected = _Rows()
    before: list[str] = []  # columns that its version did not have
    try:
        with pd.read_csv(
            path,
            dtype=object,
            na_filter=False,
            encoding="utf-8",
            compression=None,
            chunksize=_BATCH_ROWS,
            skip_blank_lines=False,
        ) as chunks:
            for chunk in chunks:
                chunk = chunk.set_axis(versions.names(chunk.columns), axis=1)
                before = [name for name in versions.NEW if name not in chunk.columns]
                collected.add(chunk.assign(**dict.fromkeys(before, "")))
    except (ValueError, OverflowError) as error:  # pandas' and Unicode's errors are ValueErrors
        raise LoadError(
            f"{path} is damaged: {str(error).strip()}. Expected: the CSV as gdlab wrote it. "
            "Take the original file; if a spreadsheet saved this one, export it again and open a copy there"
        ) from error
    guarded = document.get("guard")
    if not isinstance(guarded, bool):
        guarded = collected.looks_guarded()
        if collected.apostrophes:
            told = "guarded against formulas" if guarded else "written with raw=True"
            notes.append(f"cells begin with an apostrophe: by all of them, the file was taken for one {told}")
    table = collected.table(guarded)
    if "reason" in before:
        table = versions.with_facts(table.drop(columns=list(versions.NEW)))
    if document:
        notes += sidecar.check_rows(document, len(table))
        notes += sidecar.restore_categories(table, document)
    return Loaded(table, document, tuple(notes))


class _Rows:
    """The rows read so far. Whether the file was guarded is only known at its end, so cells are kept as they are."""

    def __init__(self) -> None:
        self.rows = 0
        self.apostrophes = False
        self._guarded = True  # as far as the cells tell
        self._numbers: dict[str, list[Any]] = {name: [] for name in ("time", *_INTEGERS)}
        self._codes: dict[str, list[Any]] = {name: [] for name in conform.CATEGORICAL}
        self._cells: dict[str, dict[str, int]] = {name: {} for name in conform.CATEGORICAL}
        self._given: dict[str, list[tuple[Int64, Int64]]] = {name: [] for name in conform.NULLABLE}
        self._details: list[Any] = []
        self._arenas: list[UInt8] = []
        self._sizes: list[Int64] = []
        self._text: list[Any] = []

    def add(self, chunk: pd.DataFrame) -> None:
        """Take rows as pandas reads them, all cells text."""
        # A first row with too many cells makes pandas take the first ones for an index.
        if not isinstance(chunk.index, pd.RangeIndex) or chunk.isna().to_numpy().any():
            raise ValueError("a row has fewer or more cells than there are columns")
        self._numbers["time"].append(self._converted(chunk["time"].to_list(), times.parse))
        for name in _INTEGERS:
            self._numbers[name].append(self._converted(chunk[name].to_list(), _integers))
        for name in conform.NULLABLE:
            cells_ = chunk[name].to_numpy(object)
            given = np.flatnonzero(cells_ != "")
            values = self._converted(cells_[given].tolist(), _integers)
            if name == "code" and bool((values != values.astype(np.int32)).any()):
                raise ValueError("a code is beyond 2**31 - 1")
            self._given[name].append((given + self.rows, values))
        for name, known in self._cells.items():
            codes, distinct = pd.factorize(chunk[name].to_numpy(object))
            new = [known.setdefault(cell, len(known)) for cell in distinct]
            self._codes[name].append(np.array(new, np.int32)[codes])
            self._look(distinct)
        details = chunk["detail"].to_numpy(object)
        self._look(details)
        self._details.append(details)
        self._add_payloads(chunk[PAYLOAD_AS].to_numpy(object), chunk["payload"].to_numpy(object))
        self.rows += len(chunk)

    def _converted(self, values: list[str], convert: Callable[[list[str]], Int64]) -> Int64:
        """Convert all together; where that fails, find the row for the message."""
        try:
            return convert(values)
        except (ValueError, OverflowError):
            for position, value in enumerate(values):
                try:
                    convert([value])
                except (ValueError, OverflowError) as error:
                    raise ValueError(f"row {self.rows + position + 1}: {error}") from error
            raise

    def _add_payloads(self, forms: Any, payload_cells: Any) -> None:
        text = forms == "text"
        values: list[bytes | None] = []
        for position, (form, cell) in enumerate(zip(forms, payload_cells, strict=True)):
            if form == "text":
                values.append(cell.encode())
            elif form == "hex":
                try:
                    values.append(bytes.fromhex(cell))
                except ValueError as error:
                    raise ValueError(f"row {self.rows + position + 1}: {error}") from error
            elif form == "" == cell:
                values.append(None)
            else:
                raise ValueError(
                    f"row {self.rows + position + 1}: {PAYLOAD_AS} is {form[:20]!r}, not 'text' or 'hex'"
                )
        self._look(payload_cells[text])
        self._text.append(text)
        self._arenas.append(np.frombuffer(b"".join(value for value in values if value), np.uint8))
        self._sizes.append(np.array([-1 if value is None else len(value) for value in values], np.int64))

    def _look(self, text_cells: Any) -> None:
        """Note what cells say about the guard."""
        for cell in text_cells:
            if cell.startswith(cells.FORMULA_STARTS):
                if cell.startswith("'"):
                    self.apostrophes = True
                self._guarded = self._guarded and cell[0] == "'" and cell[1:].startswith(cells.FORMULA_STARTS)

    def looks_guarded(self) -> bool:
        """Whether the cells are such as a guarded file has."""
        return self._guarded

    def table(self, guarded: bool) -> pd.DataFrame:
        """All rows."""

        def text(cell: str) -> str:
            return cells.unescape(cells.unguard(cell) if guarded else cell)

        def joined(parts: list[Any], dtype: Any) -> Any:
            return np.concatenate(parts) if parts else np.empty(0, dtype)

        columns: dict[str, Any] = {}
        for column in SCHEMA:
            name = column.name
            if name == "time":
                columns[name] = pd.DatetimeIndex(
                    joined(self._numbers[name], np.int64).view("datetime64[ns]"), tz="UTC"
                )
            elif name in _INTEGERS:
                columns[name] = joined(self._numbers[name], np.int64)
            elif name in self._cells:
                columns[name] = _category(
                    name, joined(self._codes[name], np.int32), map(text, self._cells[name])
                )
            elif name in self._given:
                columns[name] = self._nullable(name, column.dtype)
            elif name == "payload":
                columns[name] = self._payload_column(joined(self._text, np.bool_) & guarded)
            else:
                details = [text(cell) if cell else "" for cell in joined(self._details, object)]
                columns[name] = pd.array(np.array(details, object), dtype=pd.StringDtype("python"))
        return pd.DataFrame(columns, copy=False)

    def _nullable(self, name: str, dtype: str) -> Any:
        """A column of numbers that few rows have."""
        values, missing = np.zeros(self.rows, dtype.lower()), np.ones(self.rows, np.bool_)
        for rows, given in self._given[name]:
            values[rows], missing[rows] = given, False
        return pd.arrays.IntegerArray(values, missing)

    def _payload_column(self, guarded: Any) -> PayloadArray:
        """The payloads; where `guarded`, a first apostrophe is not looked at."""
        sizes = np.concatenate([np.empty(0, np.int64), *self._sizes])
        kept = np.maximum(sizes, 0)
        addresses = np.cumsum(kept) - kept
        strip = guarded & PayloadArray(self._arenas, addresses, sizes).startswith(b"'")
        return PayloadArray(self._arenas, addresses + strip, sizes - strip)


def _integers(values: list[str]) -> Int64:
    return np.array([int(value) for value in values], np.int64)


def _category(name: str, codes: Any, values: Iterable[str]) -> pd.Categorical:
    """The fixed categories of a closed column first; others in order of first appearance."""
    order: dict[str, int] = {str(value): number for number, value in enumerate(CATEGORIES.get(name, ()))}
    translate = np.array([order.setdefault(value, len(order)) for value in values], np.int32)
    return conform.categorical(translate[codes] if len(codes) else codes, order)


def _check_end(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            raise LoadError(
                f"{path} was cut short: its last line does not end. Expected: a line feed at the end. Copy or download "
                "the file again; to use what is there, delete the part of a line at its end"
            )
