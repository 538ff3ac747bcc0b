"""Reading tables from CSV that `csvwrite` wrote, also where the sidecar is gone, or others have saved it again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.errors import LoadError, PayloadError
from gdlab.facts import Statement, Value
from gdlab.files import cells, csvcells, csvform, sidecar, versions
from gdlab.files import to_schema as conform
from gdlab.files.csvwrite import HEADER, PAYLOAD_AS
from gdlab.files.loaded import Loaded
from gdlab.files.progress import Progress, ProgressFunction
from gdlab.messages import CATEGORIES, SCHEMA, Direction, Event, Kind, TimeSource, guess_kind, wire_bytes
from gdlab.payloads import Int64, PayloadArray, UInt8

_BATCH_ROWS: Final = 65_536
_MAX_CELL: Final = 2**31 - 1
_INTEGERS = tuple(column.name for column in SCHEMA if column.dtype == "int64")
#: Columns whose values are known; what else stands in a row is no fault that can be read past.
_CLOSED: Final = frozenset({"time_source", "direction", "event", "kind"})
#: What stands where a file has no such column.
_PLAIN: Final = {"time_source": TimeSource.USER, "direction": Direction.IN, "event": Event.MESSAGE}


def is_csv(beginning: bytes) -> bool:
    """Whether a file that begins so has the header of our CSV, in whatever form programs save it."""
    return csvform.find(beginning) is not None


def read_csv(path: Path, content: bytes | None = None, progress: ProgressFunction | None = None) -> Loaded:
    """Read a table.

    Parameters
    ----------
    content : the content of the file, where it is known already.

    Raises
    ------
    LoadError : the file was cut short or changed so that rows cannot be understood.
    """
    document, notes = sidecar.read_beside(path, "csv")
    content = path.read_bytes() if content is None else content
    form = csvform.find(content[:_BATCH_ROWS])
    if form is None:
        raise LoadError(Statement.of("load/no columns", path=path))
    collected = _Rows(form)
    try:
        text = csvform.utf8(content, form)
        _check_end(path, text)
        with Progress(len(text), f"reading {path.name}", progress, unit=" bytes") as shown:
            if not (form.is_ours and _read_fast(text, collected, shown)):
                collected = _Rows(form)
                _read(text, form, collected, shown)
    except LoadError:
        raise
    except (ValueError, OverflowError) as error:  # pandas' and Unicode's errors are ValueErrors
        raise LoadError(Statement.of("load/csv damaged", path=path, why=_said(error))) from error
    notes += form.notes()
    guarded = document.get("guard")
    if not isinstance(guarded, bool):
        guarded = collected.looks_guarded()
        if collected.apostrophes:
            notes.append(Statement("csv/guarded" if guarded else "csv/raw"))
    table = collected.table(guarded)
    notes += collected.notes
    if form.is_first:
        table = versions.with_facts(table.drop(columns=list(versions.NEW)))
    if document:
        notes += sidecar.check_rows(document, len(table))
        notes += sidecar.restore_categories(table, document)
    return Loaded(table, document, tuple(notes))


def _said(error: Exception) -> Value:
    if isinstance(error, UnicodeDecodeError):
        return Statement.of("load/encoding", at=error.start, encoding=error.encoding)
    if isinstance(error, PayloadError) and error.statement is not None:
        return error.statement
    return str(error).strip()[:500]


def _read_fast(text: bytes, collected: _Rows, shown: Progress) -> bool:
    """Read a file of ours as columns; gives whether it is one, else the rows so far are to be forgotten."""
    try:
        from gdlab.files import csvfast
    except ImportError:
        return False
    return csvfast.read(text, collected.columns, collected.add_columns, shown.advance)


def _read(text: bytes, form: csvform.Form, collected: _Rows, shown: Progress) -> None:
    """Read any file, a batch of rows at a time."""
    _check_width(text, form)
    columns = [name if name in HEADER else f"{number}" for number, name in enumerate(form.columns)]
    at = 0
    stream = io.BytesIO(text)
    with pd.read_csv(
        stream,
        dtype=object,
        na_filter=False,
        encoding="utf-8",
        sep=form.separator,
        names=columns,
        header=None,
        skiprows=1,
        index_col=False,
        chunksize=_BATCH_ROWS,
        skip_blank_lines=False,
    ) as chunks:
        for chunk in chunks:
            collected.add(chunk)
            shown.advance(stream.tell() - at)
            at = stream.tell()


def _check_width(text: bytes, form: csvform.Form) -> None:
    """Look at the first row: pandas takes the cells that are too many for an index, and a millisecond for each."""
    if b"\0" in text[:_BATCH_ROWS]:
        raise PayloadError(Statement("load/zeros"))
    begin = text.index(b"\n") + 1
    limit = csv.field_size_limit(_MAX_CELL)
    try:
        lines = io.TextIOWrapper(io.BytesIO(text[begin:]), "utf-8", newline="")
        cells_ = next(csv.reader(lines, delimiter=form.separator), None)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    finally:
        csv.field_size_limit(limit)
    if cells_ and len(cells_) != len(form.columns):
        raise PayloadError(Statement.of("load/cells", cells=len(cells_), columns=len(form.columns)))


class _Rows:
    """The rows read so far. Whether the file was guarded is only known at its end, so cells are kept as they are."""

    def __init__(self, form: csvform.Form) -> None:
        self.rows = 0
        self.notes: list[Statement] = []
        self._numbers_in_file: Any = ()  # of the rows that are being taken; others have left blank lines between them
        self._blank = 0
        self.columns = form.columns
        self._has = frozenset(form.columns)
        self._without_zone = 0
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
        if chunk.isna().to_numpy().any():
            row = int(np.flatnonzero(chunk.isna().to_numpy().any(axis=1))[0])
            raise PayloadError(Statement.of("load/fewer", row=int(chunk.index[row]) + 1))
        blank = (chunk["time"] == "").to_numpy(np.bool_).copy()
        if blank.any():
            blank &= (chunk == "").to_numpy(np.bool_).all(axis=1)
            self._blank += int(blank.sum())
            filled = ~blank
            chunk = chunk[filled]
        self._numbers_in_file = chunk.index.to_numpy() + 1
        time_ns = self._converted(chunk["time"].to_list(), self._times)
        numbers = {
            name: self._converted(chunk[name].to_list(), csvcells.integers)
            for name in _INTEGERS
            if name in self._has
        }
        sizes = numbers.get("size_bytes")
        text, payloads = self._payloads(
            chunk[PAYLOAD_AS].to_numpy(object), chunk["payload"].to_numpy(object), sizes
        )
        arena = np.frombuffer(b"".join(each for each in payloads if each), np.uint8)
        lengths = np.array([-1 if each is None else len(each) for each in payloads], np.int64)
        coded = {
            name: pd.factorize(chunk[name].to_numpy(object))
            for name in conform.CATEGORICAL
            if name in self._has
        }
        few = {
            name: chunk[name].to_numpy(object) for name in ("detail", *conform.NULLABLE) if name in self._has
        }
        self._look(chunk["payload"].to_numpy(object)[text])
        self.add_columns(time_ns, numbers, coded, arena, lengths, text, few)

    def add_columns(
        self,
        time_ns: Int64,
        numbers: dict[str, Int64],
        coded: Mapping[str, tuple[Any, Iterable[str]]],
        arena: UInt8,
        lengths: Int64,
        text: Any,
        few: Mapping[str, Any],
        starts: Any = (),
    ) -> None:
        """Take rows as columns.

        Parameters
        ----------
        coded : codes and the different cells, of each categorical column.
        arena : the payloads one behind the other, `lengths` bytes each, -1 for a missing one.
        text : (n,) bool, which payloads stand in the file as text.
        few : (n,) cells of the columns that few rows have; those of which all are empty may lack.
        starts : cells of text payloads that may begin a formula, where they have not been looked at.
        """
        self._look(starts)
        self._numbers["time"].append(time_ns)
        for name in _INTEGERS:
            self._numbers[name].append(numbers.get(name, np.full(len(time_ns), -1)))
        for name, known in self._cells.items():
            codes, distinct = coded.get(name, (np.zeros(len(time_ns), np.int32), [str(_PLAIN.get(name, ""))]))
            distinct = self._known(name, codes, list(distinct))
            new = [known.setdefault(cell, len(known)) for cell in distinct]
            self._codes[name].append(np.array(new, np.int32)[codes] if new else np.empty(0, np.int32))
            self._look(distinct)
        for name in conform.NULLABLE:
            cells_ = few.get(name, np.empty(0, object))
            given = np.flatnonzero(cells_ != "")
            values = self._converted(cells_[given].tolist(), csvcells.integers, given)
            if name == "code" and bool((values != values.astype(np.int32)).any()):
                raise PayloadError(Statement("load/code"))
            self._given[name].append((given + self.rows, values))
        details = few.get("detail")
        if details is None:
            details = np.full(len(time_ns), "", object)
        else:
            self._look(details)
        self._details.append(details)
        self._text.append(text)
        self._arenas.append(arena)
        self._sizes.append(lengths)
        self.rows += len(time_ns)

    def _times(self, values: list[str]) -> Int64:
        time_ns, without_zone = csvcells.times_of(values)
        self._without_zone += without_zone
        return time_ns

    def _converted(
        self, values: list[str], convert: Callable[[list[str]], Int64], rows: Int64 | None = None
    ) -> Int64:
        """Convert all together; where that fails, find the row for the message. `rows` are those of some values."""
        try:
            return convert(values)
        except (ValueError, OverflowError):
            for position, value in enumerate(values):
                try:
                    convert([value])
                except (ValueError, OverflowError) as error:
                    raise self._in_row(position if rows is None else int(rows[position]), error) from error
            raise

    def _known(self, name: str, codes: Any, distinct: list[str]) -> list[str]:
        """The cells of a column that has few possible values, as we write them."""
        if name not in _CLOSED or name not in self._has:
            return distinct
        known = []
        for code, cell in enumerate(distinct):
            value = cell.strip().lower()
            if value not in CATEGORIES[name]:
                row = int(np.flatnonzero(np.asarray(codes) == code)[0])
                why = Statement.of("load/value", column=name, cell=cell[:60], values=CATEGORIES[name])
                raise self._in_row(row, PayloadError(why))
            known.append(value)
        return known

    def _payloads(self, forms: Any, payload_cells: Any, sizes: Any) -> tuple[Any, list[bytes | None]]:
        values: list[bytes | None] = []
        told = sizes.tolist() if sizes is not None else [None] * len(forms)
        for position, (form, cell, size) in enumerate(zip(forms, payload_cells, told, strict=True)):
            if form == "text":
                values.append(cell.encode())
            elif form == "hex":
                try:
                    values.append(csvcells.hexadecimal(cell, size))
                except ValueError as error:
                    raise self._in_row(position, error) from error
            elif form == "" == cell:
                values.append(None)
            else:
                raise PayloadError(
                    Statement.of("load/form", row=self._number(position), column=PAYLOAD_AS, form=form[:20])
                )
        return forms == "text", values

    def _in_row(self, position: int, error: Exception) -> PayloadError:
        why = error.statement if isinstance(error, PayloadError) and error.statement else error
        return PayloadError(Statement.of("load/row", row=self._number(position), why=why))

    def _number(self, position: int) -> int:
        """The number in the file of a row that is being taken."""
        told = self._numbers_in_file
        return int(told[position]) if position < len(told) else self.rows + position + 1

    def _look(self, text_cells: Any) -> None:
        """Note what cells say about the guard."""
        for cell in text_cells:
            if cells.is_formula(cell):
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
                details = joined(self._details, object)
                for row in np.flatnonzero(details != ""):
                    details[row] = text(details[row])
                columns[name] = pd.array(details, dtype=pd.StringDtype("python"))
        if self._blank:
            self.notes.append(Statement.of("csv/blank", count=self._blank))
        if self._without_zone:
            self.notes.append(Statement.of("csv/zone", count=self._without_zone))
        self._fill(columns)
        return pd.DataFrame(columns, copy=False)

    def _nullable(self, name: str, dtype: str) -> Any:
        """A column of numbers that few rows have."""
        values, missing = np.zeros(self.rows, dtype.lower()), np.ones(self.rows, np.bool_)
        for rows, given in self._given[name]:
            values[rows], missing[rows] = given, False
        return pd.arrays.IntegerArray(values, missing)

    def _fill(self, columns: dict[str, Any]) -> None:
        """What can be told of columns that the file does not have."""
        payloads = columns["payload"]
        sizes = np.maximum(payloads.sizes, 0)
        if "size_bytes" not in self._has:
            columns["size_bytes"] = sizes
        if "kind" not in self._has:
            kinds = [Kind.BINARY if payload is pd.NA else guess_kind(payload) for payload in payloads]
            order = conform.fixed_order("kind")
            columns["kind"] = conform.categorical(np.array([order[kind] for kind in kinds], np.int32), order)
        if "wire_bytes" not in self._has:
            transports = [str(name).partition(":")[0] for name in columns["endpoint"].categories]
            extra = np.array([wire_bytes(name, 0) for name in transports] or [0])
            columns["wire_bytes"] = columns["size_bytes"] + extra[columns["endpoint"].codes]

    def _payload_column(self, guarded: Any) -> PayloadArray:
        """The payloads; where `guarded`, a first apostrophe is not looked at."""
        sizes = np.concatenate([np.empty(0, np.int64), *self._sizes])
        kept = np.maximum(sizes, 0)
        addresses = np.cumsum(kept) - kept
        strip = guarded & PayloadArray(self._arenas, addresses, sizes).startswith(b"'")
        return PayloadArray(self._arenas, addresses + strip, sizes - strip)


def _category(name: str, codes: Any, values: Iterable[str]) -> pd.Categorical:
    """The fixed categories of a closed column first; others in order of first appearance."""
    order = conform.fixed_order(name)
    translate = np.array([order.setdefault(value, len(order)) for value in values], np.int32)
    return conform.categorical(translate[codes] if len(codes) else codes, order)


def _check_end(path: Path, text: bytes) -> None:
    if not text.endswith(b"\n"):
        raise LoadError(Statement.of("load/csv cut", path=path))
