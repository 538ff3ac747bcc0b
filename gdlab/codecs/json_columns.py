"""JSON of equal shape, read as whole columns by pyarrow where it is installed.

Arrow's reader decides how a column is typed; where it would read otherwise than Python's, everything is left to the
row decoder: numbers with over 15 digits, what is no object, text that is not valid, dates.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gdlab.codecs.parts import Part, Rows, as_objects
from gdlab.codecs.places import MAX_DEPTH, MAX_ITEMS, MAX_KEY

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray

#: Payloads read in one go: one that Arrow refuses sends so many to the row decoder.
BLOCK: Final = 32_768
#: Fewer are read one by one: setting up takes longer.
_FEW: Final = 64
_EIGHT_TRUE: Final = np.uint64(0x0101010101010101)
_BRACE: Final = ord("{")
_NEWLINE: Final = ord("\n")


def read(payloads: PayloadArray) -> tuple[Rows, dict[str, list[Part]]]:
    """Read what can be read by whole columns; as `variant_columns.read`."""
    n = len(payloads)
    everything = np.arange(n, dtype=np.int64)
    if n < _FEW:
        return everything, {}
    try:
        import pyarrow as pa
        import pyarrow.json as pj
    except ModuleNotFoundError:
        return everything, {}
    left: list[Rows] = []
    found: dict[str, list[Part]] = {}
    for begin in range(0, n, BLOCK):
        some = payloads[begin : begin + BLOCK]
        rows = everything[begin : begin + len(some)]
        table = _table(pa, pj, some)
        if table is None:
            left.append(rows)
            continue
        for name, column in zip(table.column_names, table.columns, strict=True):
            _spread(pa, found, f"v.{name}", rows, column.combine_chunks(), 1)
    return np.concatenate(left) if left else everything[:0], found


def _table(pa: Any, pj: Any, payloads: PayloadArray) -> Any:
    """Payloads as an Arrow table of as many rows; None where they had better be read one by one."""
    buffer, offsets = payloads.contiguous()
    sizes = np.diff(offsets)
    if not sizes.all() or not (buffer[offsets[:-1]] == _BRACE).all():
        return None
    raw = buffer.tobytes()
    if b"\n" in raw or b"\\u" in raw or _has_odd_numbers(buffer, raw):
        return None
    lines = np.full(len(raw) + len(sizes), _NEWLINE, np.uint8)
    keep = np.ones(len(lines), np.bool_)
    keep[offsets[1:] + np.arange(len(sizes))] = False
    lines[keep] = buffer
    try:
        raw.decode()
        table = pj.read_json(
            io.BytesIO(lines.tobytes()),
            read_options=pj.ReadOptions(use_threads=False, block_size=max(len(lines) + 1, 1 << 16)),
            parse_options=pj.ParseOptions(newlines_in_values=False),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return None
    if table.num_rows != len(sizes) or not all(_is_plain(pa, field, 0) for field in table.schema):
        return None
    return table


def _has_odd_numbers(buffer: Any, raw: bytes) -> bool:
    """Whether there may be numbers that Arrow rounds, or that are none of JSON: 16 digits, exponents, NaN, Infinity."""
    if b"NaN" in raw or b"Inf" in raw:
        return True
    digits = (buffer - np.uint8(ord("0"))) < 10  # bytes wrap around
    exponents = (buffer[1:] | 0x20) == ord("e")
    if bool((exponents & digits[:-1]).any()):
        return True
    # Sixteen digits in a row fill one of the aligned eights.
    eights = digits[: len(digits) // 8 * 8].view(np.uint64)
    if not bool((eights == _EIGHT_TRUE).any()):
        return False
    run = digits
    for width in (1, 2, 4, 8):
        run = run[width:] & run[:-width]
    return bool(run.any())


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
        pa.types.is_boolean(kind)
        or pa.types.is_int64(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_string(kind)
    )


def _spread(pa: Any, found: dict[str, list[Part]], name: str, rows: Rows, array: Any, depth: int) -> None:
    """Take one Arrow array apart into the columns of its name."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.null_count:
        valid = np.asarray(array.is_valid())
        if not valid.any():
            found.setdefault(name, []).append(Part(rows, as_objects([None] * len(rows))))
            return
        rows, array = rows[valid], array.drop_null()
    if not len(array):
        return
    kind = array.type
    if pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            _spread(pa, found, f"{name}.{kind.field(index).name}", rows, array.field(index), depth + 1)
    elif pa.types.is_list(kind):
        starts = np.asarray(array.offsets)
        lengths = np.diff(starts)
        found.setdefault(f"{name}[]", []).append(Part(rows, lengths.astype(np.int64)))
        for index in range(min(MAX_ITEMS, int(lengths.max()))):
            long = np.flatnonzero(lengths > index)
            items = array.values.take(pa.array(starts[:-1][long] + index))
            _spread(pa, found, f"{name}[{index}]", rows[long], items, depth + 1)
    elif pa.types.is_string(kind):
        values = np.empty(len(array), object)
        values[:] = array.to_pylist()
        found.setdefault(name, []).append(Part(rows, values))
    else:
        found.setdefault(name, []).append(Part(rows, np.asarray(array)))
