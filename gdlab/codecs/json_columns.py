"""JSON of equal shape, read as whole columns by pyarrow where it is installed.

Arrow's reader decides how a column is typed; where it would read otherwise than Python's, payloads are left to the row
decoder: integers beyond 2**53, what is no object, text that is not valid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gdlab.codecs.parts import Part, Rows, as_objects
from gdlab.codecs.places import MAX_DEPTH, MAX_ITEMS, MAX_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from gdlab.payloads import PayloadArray

#: Payloads read in one go; where Arrow refuses one, it is looked for by halves of the block, down to `_FEW`.
BLOCK: Final = 16_384
#: Fewer are read one by one: setting up takes longer.
_FEW: Final = 64
#: Where so many blocks and parts of one were refused, the rest is read one by one: it is no accident.
_PATIENCE: Final = 64
#: Integers up to here are floats as well: whichever Arrow takes for a column, none is rounded.
_EXACT: Final = 2**53
_OPEN: Final = ord("{")
_CLOSE: Final = ord("}")
#: Half a surrogate pair may stand behind it, which is no text.
_SURROGATES: Final = (b"\\ud", b"\\uD")


def read(payloads: PayloadArray) -> tuple[Rows, dict[str, list[Part]]]:
    """Read what can be read by whole columns; as `variant_columns.read`."""
    everything = np.arange(len(payloads), dtype=np.int64)
    if len(payloads) < _FEW:
        return everything, {}
    try:
        reader = _Reader()
    except ModuleNotFoundError:
        return everything, {}
    for begin in range(0, len(payloads), BLOCK):
        reader.read(payloads[begin : begin + BLOCK], everything[begin : begin + BLOCK])
    return np.sort(np.concatenate([everything[:0], *reader.left])), reader.found


class _Reader:
    """Reads blocks of payloads.

    Attributes
    ----------
    left : positions of the payloads that were not read. found : the parts of each column, by its name.
    """

    def __init__(self) -> None:
        import pyarrow as pa
        import pyarrow.json as pj

        self._pa, self._pj = pa, pj
        self._refused = 0
        self._schema: Any = None  # of the last block: most have the same, and are read faster by it
        self.left: list[Rows] = []
        self.found: dict[str, list[Part]] = {}

    def read(self, payloads: PayloadArray, rows: Rows) -> None:
        """Read a block, but those that are certainly to be left."""
        buffer, offsets = payloads.contiguous()
        raw = buffer.tobytes()
        good = _may_be_lines(buffer, offsets, raw)
        if not good.all():
            self.left.append(rows[~good])
            payloads, rows = payloads[good], rows[good]
            buffer, offsets = payloads.contiguous()
            raw = buffer.tobytes()
        try:
            raw.decode()
        except UnicodeDecodeError:
            self.left.append(rows)
            return
        self._refused = 0
        self._some(raw, offsets, rows)

    def _some(self, raw: bytes, offsets: Any, rows: Rows) -> None:
        """Read some lines, or the halves of them."""
        table = self._table(raw, offsets) if len(rows) >= _FEW and self._refused < _PATIENCE else None
        if table is not None:

            def read(row: int) -> Any:
                at = int(np.searchsorted(rows, row))
                return json.loads(raw[offsets[at] : offsets[at + 1]])

            for name, column in zip(table.column_names, table.columns, strict=True):
                _spread(self._pa, self.found, _Place("v").key(name), rows, column, read)
            return
        self._refused += 1
        half = len(rows) // 2
        if half < _FEW or self._refused >= _PATIENCE:
            self.left.append(rows)
            return
        self._some(raw, offsets[: half + 1], rows[:half])
        self._some(raw, offsets[half:], rows[half:])

    def _table(self, raw: bytes, offsets: Any) -> Any:
        """Payloads as an Arrow table of as many rows; None where they had better be read one by one."""
        pa, lines = self._pa, _lines(self._pa, raw, offsets)
        table = None if self._schema is None else self._parsed(lines, self._schema)
        if table is None:
            table = self._parsed(lines, None)
            if table is None:
                return None
            schema = pa.schema([(field.name, _without_dates(pa, field.type)) for field in table.schema])
            if not schema.equals(table.schema):
                table = self._parsed(lines, schema)
                if table is None:
                    return None
        if (
            table.num_rows != len(offsets) - 1
            or not all(_is_plain(pa, field, 0) for field in table.schema)
            or not all(_is_exact(pa, chunk) for column in table.columns for chunk in column.chunks)
        ):
            return None
        self._schema = table.schema
        return table

    def _parsed(self, lines: Any, schema: Any) -> Any:
        try:
            return self._pj.read_json(
                self._pa.BufferReader(lines),
                read_options=self._pj.ReadOptions(use_threads=False, block_size=max(len(lines) + 1, 1 << 16)),
                parse_options=self._pj.ParseOptions(newlines_in_values=False, explicit_schema=schema),
            )
        except (self._pa.ArrowInvalid, self._pa.ArrowNotImplementedError):
            return None


def _may_be_lines(buffer: Any, offsets: Any, raw: bytes) -> Any:
    """Which payloads may be read as a line each; (n,) bool.

    An object that goes on in the next line has a line break within text, which is no JSON, or a brace behind a brace.
    So lines that begin and end with one, and are as many as the rows read, are a row each.
    """
    good = np.diff(offsets) >= 2
    good[good] = buffer[offsets[:-1][good]] == _OPEN
    good[good] = buffer[offsets[1:][good] - 1] == _CLOSE
    odd: list[int] = []
    for text in (b"\n", *(_SURROGATES if b"\\" in raw else ())):
        at = raw.find(text)
        while at >= 0:
            row = int(np.searchsorted(offsets, at, side="right")) - 1
            odd.append(row)
            at = raw.find(text, int(offsets[row + 1]))
    good[odd] = False
    return good


def _lines(pa: Any, raw: bytes, offsets: Any) -> Any:
    """The payloads with line breaks between them, as an Arrow buffer."""
    import pyarrow.compute as pc

    n = len(offsets) - 1
    where = pa.py_buffer(np.ascontiguousarray(offsets))
    each = pa.Array.from_buffers(pa.large_binary(), n, [None, where, pa.py_buffer(raw)])
    together = pa.LargeListArray.from_arrays(pa.array([0, n], pa.int64()), each)
    return pc.binary_join(together, pa.scalar(b"\n", pa.large_binary()))[0].as_buffer()


def _without_dates(pa: Any, kind: Any) -> Any:
    """A type in which text stays text where Arrow takes it for a date."""
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _without_dates(pa, field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_without_dates(pa, kind.value_type))
    return pa.string() if pa.types.is_timestamp(kind) else kind


def _is_exact(pa: Any, array: Any) -> bool:
    """Whether no number is beyond the integers of which a float holds each, or may have been one."""
    if pa.types.is_struct(array.type):
        return all(_is_exact(pa, array.field(index)) for index in range(array.type.num_fields))
    if pa.types.is_list(array.type):
        return _is_exact(pa, array.values)
    if pa.types.is_int64(array.type) or pa.types.is_float64(array.type):
        # What stands behind a null is 0.
        values = np.frombuffer(array.buffers()[1], array.type.to_pandas_dtype())
        values = values[array.offset : array.offset + len(array)]
        return not len(values) or bool(values.max() <= _EXACT and values.min() >= -_EXACT)
    return True


def _is_plain(pa: Any, field: Any, depth: int) -> bool:
    """Whether a field has the name and the type that the row decoder gives it."""
    if not field.name.isidentifier() and depth >= 0:
        return False
    return len(field.name) < MAX_KEY and _is_plain_type(pa, field.type, depth)


def _is_plain_type(pa: Any, kind: Any, depth: int) -> bool:
    if depth >= MAX_DEPTH - 2:
        return False
    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(
            _is_plain(pa, kind.field(index), depth + 1) for index in range(kind.num_fields)
        )
    if pa.types.is_list(kind):
        return _is_plain_type(pa, kind.value_type, depth + 1)
    return bool(
        pa.types.is_null(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_int64(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_string(kind)
    )


def _spread(
    pa: Any, found: dict[str, list[Part]], place: _Place, rows: Rows, array: Any, read: Callable[[int], Any]
) -> None:
    """Take one Arrow array apart into the columns of its place; `read` gives the value of a row."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.null_count:
        valid = np.asarray(array.is_valid())
        if not valid.any():
            found.setdefault(place.name, []).append(Part(rows[:0], as_objects([])))
            return
        rows, array = rows[valid], array.drop_null()
    if not len(array):
        return
    kind = array.type
    if pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            _spread(pa, found, place.key(kind.field(index).name), rows, array.field(index), read)
    elif pa.types.is_list(kind):
        starts = np.asarray(array.offsets)
        lengths = np.diff(starts)
        found.setdefault(f"{place.name}[]", []).append(Part(rows, lengths.astype(np.int64)))
        for index in range(min(MAX_ITEMS, int(lengths.max()))):
            long = np.flatnonzero(lengths > index)
            items = array.values.take(pa.array(starts[:-1][long] + index))
            _spread(pa, found, place.item(index), rows[long], items, read)
    elif pa.types.is_string(kind):
        found.setdefault(place.name, []).append(Part(rows, array))
    else:
        held = np.asarray(array)
        # A list has one type in Arrow: where another of its items is a float, integers came as floats, too.
        is_whole = place.in_list and held.dtype == np.float64 and bool((held == np.rint(held)).all())
        if is_whole and type(place.of(read(int(rows[0])))) is int:
            held = held.astype(np.int64)
        found.setdefault(place.name, []).append(Part(rows, held))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: the name of its column, and the steps that lead there."""

    name: str
    steps: tuple[str | int, ...] = ()

    def key(self, key: str) -> _Place:
        """Under a key of an object that stands here."""
        return _Place(f"{self.name}.{key}", (*self.steps, key))

    def item(self, index: int) -> _Place:
        """An item of a list that stands here."""
        return _Place(f"{self.name}[{index}]", (*self.steps, index))

    @property
    def in_list(self) -> bool:
        """Whether it stands in a list."""
        return any(type(step) is int for step in self.steps)

    def of(self, value: Any) -> Any:
        """What stands here in a value."""
        for step in self.steps:
            value = value[step]
        return value
