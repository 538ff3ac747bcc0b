"""Rows of a table as lines of CSV, whole columns at once with pyarrow; the same bytes as `csvlines` makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gdlab.files import cells, times
from gdlab.files import to_schema as conform
from gdlab.files.csvlines import category_cells, tail_cells
from gdlab.payloads import Int64, PayloadArray, UInt8

_HEX: Any = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
_ASKS_QUOTES = np.zeros(256, np.bool_)
_ASKS_QUOTES[[ord(char) for char in '",\n']] = True  # no text cell of a payload has a carriage return

#: What stands before and after a payload, by its form.
_MISSING, _HEXADECIMAL, _TEXT = 0, 1, 2  # of text there are four: plain, guarded, quoted, both
_BEFORE = [b",,", b",hex,", b",text,", b",text,'", b',text,"', b",text,\"'"]
_AFTER = [b",", b",", b",", b",", b'",', b'",']
_GUARDED, _QUOTED = 1, 2


def lines(part: pd.DataFrame, guarded: bool) -> memoryview:
    """Lines of CSV.

    Parameters
    ----------
    part : some rows of a table, see `conform`.
    guarded : keep text cells from being taken for formulas.
    """
    rows = len(part)
    stamps = times.render(conform.time_ns(part))
    prefixes, which = category_cells(part, guarded)
    before, payload, after = _payloads(conform.payloads(part), guarded)
    joined = pc.binary_join_element_wise(
        _binary(stamps.reshape(-1), np.arange(rows + 1, dtype=np.int64) * times.WIDTH),
        pa.array([f",{prefix},".encode() for prefix in prefixes], pa.large_binary()).take(pa.array(which)),
        _integers(part["size_bytes"]),
        _scalar(b","),
        _integers(part["wire_bytes"]),
        before,
        payload,
        after,
        _tails(tail_cells(part, guarded)),
        _scalar(b""),  # the separator
    )
    if isinstance(joined, pa.ChunkedArray):
        joined = joined.combine_chunks()
    _, offsets, data = joined.buffers()
    ends = np.frombuffer(offsets, np.int64)
    return memoryview(data)[int(ends[joined.offset]) : int(ends[joined.offset + rows])]


def _scalar(value: bytes) -> Any:
    return pa.scalar(value, pa.large_binary())


def _binary(buffer: UInt8, offsets: Int64) -> Any:
    return pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(buffer)]
    )


def _integers(column: pd.Series[Any]) -> Any:
    return pa.array(column.to_numpy()).cast(pa.large_string()).cast(pa.large_binary())


def _tails(tails: list[str]) -> Any:
    different = {tail: f"{tail}\n".encode() for tail in set(tails)}
    if len(different) == 1:
        return _scalar(next(iter(different.values())))
    return pa.array([different[tail] for tail in tails], pa.large_binary())


def _payloads(payloads: PayloadArray, guarded: bool) -> tuple[Any, Any, Any]:
    """What stands before each payload, the payload, and what stands after it."""
    text = cells.textual(payloads)
    form = np.where(payloads.sizes < 0, _MISSING, _HEXADECIMAL)
    text_rows, hex_rows = np.flatnonzero(text), np.flatnonzero(~text)
    parts = []
    if len(text_rows):
        texts = payloads if len(text_rows) == len(payloads) else payloads[text_rows]
        bodies, quoted = _text(texts)
        form[text_rows] = _TEXT + quoted * _QUOTED
        if guarded:
            form[text_rows] += cells.needs_guard(texts) * _GUARDED
        parts.append(bodies)
    if len(hex_rows):
        buffer, offsets = payloads[hex_rows].contiguous()
        parts.append(_binary(_HEX[buffer].view(np.uint8), offsets * 2))
    bodies = parts[0]
    if len(parts) > 1:
        position = np.empty(len(payloads), np.int64)
        position[np.concatenate([text_rows, hex_rows])] = np.arange(len(payloads))
        bodies = pa.concat_arrays(parts).take(pa.array(position))
    which = pa.array(form)
    return (
        pa.array(_BEFORE, pa.large_binary()).take(which),
        bodies,
        pa.array(_AFTER, pa.large_binary()).take(which),
    )


def _text(payloads: PayloadArray) -> tuple[Any, Any]:
    """Text payloads with quotes doubled, and (n,) bool which of them need quotes around."""
    buffer, offsets = payloads.contiguous()
    quoted = np.zeros(len(payloads), np.bool_)
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    if len(filled):
        quoted[filled] = np.logical_or.reduceat(_ASKS_QUOTES[buffer], offsets[:-1][filled])
    bodies = _binary(buffer, offsets)
    if quoted.any():
        bodies = pc.replace_substring(bodies, pattern=b'"', replacement=b'""')
    return bodies, quoted
