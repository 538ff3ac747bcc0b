"""Reading CSV files of ours with pyarrow, whole columns at once; what is not as we write it is left to `csvread`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pacsv

from gdlab.files import cells, times
from gdlab.files import to_schema as conform
from gdlab.files.csvwrite import PAYLOAD_AS
from gdlab.messages import SCHEMA
from gdlab.payloads import Int64, UInt8

_BLOCK_BYTES: Final = 16 << 20
_INTEGERS = tuple(column.name for column in SCHEMA if column.dtype == "int64")
_NOT_HEX: Final = 255
_NIBBLE = np.full(256, _NOT_HEX, np.uint8)
_NIBBLE[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_NIBBLE[np.frombuffer(b"ABCDEF", np.uint8)] = np.arange(10, 16)
_STARTS = np.zeros(256, np.bool_)
_STARTS[[start.encode()[0] for start in cells.FORMULA_STARTS]] = True


class _Other(ValueError):
    """The file is not as we write it."""


def read(
    text: bytes, columns: Sequence[str], add: Callable[..., None], advance: Callable[[int], None]
) -> bool:
    """Read all rows; gives whether that was possible.

    Parameters
    ----------
    text : the file, UTF-8 without a mark.
    columns : their names.
    add : takes rows as columns, see `csvread`.
    advance : told how many bytes more are done.
    """
    try:
        text.decode()  # pyarrow looks at each cell's; all together are faster
        with pacsv.open_csv(
            pa.BufferReader(text),
            pacsv.ReadOptions(block_size=_BLOCK_BYTES, column_names=columns, skip_rows=1, use_threads=True),
            pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.binary()), strings_can_be_null=False, check_utf8=False
            ),
        ) as reader:
            for batch in reader:
                if len(batch):
                    _take(batch, add)
                advance(min(_BLOCK_BYTES, len(text)))
    except (pa.ArrowException, ValueError, OverflowError):
        return False
    return True


def _take(batch: Any, add: Callable[..., None]) -> None:
    column = dict(zip(batch.schema.names, batch.columns, strict=True))
    numbers = {name: _integers(column[name]) for name in _INTEGERS}
    arena, lengths, text, starts = _payloads(column[PAYLOAD_AS], column["payload"])
    if bool(((lengths != numbers["size_bytes"]) & (lengths >= 0) & ~text).any()):
        raise _Other  # digits may have been lost
    coded = {}
    for name in set(conform.CATEGORICAL) & set(column):
        encoded = column[name].dictionary_encode()
        coded[name] = (
            encoded.indices.to_numpy(zero_copy_only=False),
            [cell.decode() for cell in encoded.dictionary.to_pylist()],
        )
    few = {}
    for name in {"detail", *conform.NULLABLE} & set(column):
        encoded = column[name].dictionary_encode()
        distinct = [cell.decode() for cell in encoded.dictionary.to_pylist()]
        if distinct != [""]:
            few[name] = np.array(distinct, object)[encoded.indices.to_numpy(zero_copy_only=False)]
    add(_times(column["time"]), numbers, coded, arena, lengths, text, few, starts)


def _flat(array: Any) -> tuple[UInt8, Int64]:
    """The bytes of an array's values one behind the other, and where each begins and ends."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    buffer = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return buffer[ends[0] : ends[-1]], ends - ends[0]


def _times(array: Any) -> Int64:
    buffer, offsets = _flat(array)
    if len(buffer) != len(array) * times.WIDTH or bool((np.diff(offsets) != times.WIDTH).any()):
        raise _Other
    found = times.parse_characters(buffer.reshape(-1, times.WIDTH))
    if found is None:
        raise _Other
    return found


def _integers(array: Any) -> Int64:
    numbers: Int64 = pc.cast(array.cast(pa.string()), pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _payloads(forms: Any, values: Any) -> tuple[UInt8, Int64, Any, list[str]]:
    """The payloads one behind the other, their lengths, which are text, and those that may begin a formula."""
    encoded = forms.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    if not set(names) <= {b"", b"text", b"hex"}:
        raise _Other
    form = np.array([(b"", b"text", b"hex").index(name) for name in names], np.int64)[
        encoded.indices.to_numpy(zero_copy_only=False)
    ]
    text = form == 1
    buffer, offsets = _flat(values)
    lengths = np.diff(offsets)
    if bool((lengths[form == 0] != 0).any()):
        raise _Other
    filled = np.flatnonzero(text & (lengths > 0))
    starting = filled[_STARTS[buffer[offsets[:-1][filled]]]]
    starts = [buffer[offsets[row] : offsets[row + 1]].tobytes().decode() for row in starting.tolist()]
    if not text.all():
        buffer, lengths = _unhexed(buffer, offsets, form == 2)
    lengths[form == 0] = -1
    return buffer, lengths, text, starts


def _unhexed(buffer: UInt8, offsets: Int64, is_hex: Any) -> tuple[UInt8, Int64]:
    """The same bytes with digits decoded, where they are digits."""
    lengths = np.diff(offsets)
    if bool((lengths[is_hex] & 1).any()):
        raise _Other
    if is_hex.all():
        return _decoded(buffer), lengths // 2
    digit = np.repeat(is_hex, lengths)
    out_lengths = np.where(is_hex, lengths // 2, lengths)
    out = np.empty(int(out_lengths.sum()), np.uint8)
    target = np.repeat(is_hex, out_lengths)
    out[target] = _decoded(buffer[digit])
    out[~target] = buffer[~digit]
    return out, out_lengths


def _decoded(digits: UInt8) -> UInt8:
    nibbles = _NIBBLE[digits]
    if bool((nibbles == _NOT_HEX).any()):
        raise _Other
    decoded: UInt8 = (nibbles[0::2] << 4 | nibbles[1::2]).astype(np.uint8)
    return decoded
