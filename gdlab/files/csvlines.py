"""Rows of a table as lines of CSV, one by one; `csvarrow` makes the same bytes faster."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from gdlab.files import cells, times
from gdlab.files import to_schema as conform
from gdlab.payloads import PayloadArray

_QUOTED = re.compile('[",\r\n]')


def quote(cell: str) -> str:
    """Quote a cell where RFC 4180 asks for it."""
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def text_cell(text: str, guarded: bool) -> str:
    """The cell of a text that is not a payload."""
    cell = cells.escape(text)
    return quote(cells.guard(cell) if guarded else cell)


def lines(part: pd.DataFrame, guarded: bool) -> bytes:
    """Lines of CSV, row by row."""
    stamps = times.render(conform.time_ns(part)).view(f"S{times.WIDTH}").ravel().astype(str).tolist()
    prefixes, which = category_cells(part, guarded)
    payload = _payload_cells(conform.payloads(part), guarded)
    joined = [
        f"{stamp},{prefixes[code]},{size},{wire},{cell},{tail}\n"
        for stamp, code, size, wire, cell, tail in zip(
            stamps,
            which.tolist(),
            part["size_bytes"].to_list(),
            part["wire_bytes"].to_list(),
            payload,
            tail_cells(part, guarded),
            strict=True,
        )
    ]
    return "".join(joined).encode()


def tail_cells(part: pd.DataFrame, guarded: bool) -> list[str]:
    """The cells behind the payload, joined, of each row: what happened, which few rows have."""
    rows = len(part)
    cells_ = [",,,,"] * rows
    some = part["detail"].to_numpy(object) != ""
    for name in ("reason", "by"):
        told = np.array([category != "" for category in part[name].cat.categories], np.bool_)
        some |= told[part[name].cat.codes.to_numpy()]
    for name in conform.NULLABLE:
        some |= part[name].notna().to_numpy()
    found = part[some]
    texts = [found[name].astype(object).to_list() for name in ("reason", "by", "detail")]
    numbers = [["" if value is pd.NA else str(value) for value in found[name]] for name in conform.NULLABLE]
    known: dict[tuple[str, ...], str] = {}
    for row, reason, by, detail, code, count in zip(
        np.flatnonzero(some).tolist(), *texts, *numbers, strict=True
    ):
        key = (reason, by, detail, code, count)
        joined = known.get(key)
        if joined is None:
            joined = known[key] = ",".join(
                [text_cell(reason, guarded), text_cell(by, guarded), code, count, text_cell(detail, guarded)]
            )
        cells_[row] = joined
    return cells_


def category_cells(part: pd.DataFrame, guarded: bool) -> tuple[list[str], Any]:
    """The cells of the categorical columns before the payload, side by side, joined: there are few different ones.

    Returns
    -------
    texts : the different combinations.
    which : (n,) which of them each row has.
    """
    columns = [part[name].array for name in conform.LEADING]
    combined = np.zeros(len(part), np.int64)
    combinations = 1
    for column in columns:
        combined = combined * len(column.categories) + column.codes
        combinations *= len(column.categories)
    if combinations <= 1 << 20:
        present = np.zeros(combinations, np.bool_)
        present[combined] = True
        which = (np.cumsum(present) - 1)[combined]
        first = np.zeros(np.count_nonzero(present), np.int64)
        first[which] = np.arange(len(part))
    else:  # of so many categories the product may pass 64 bits: renumber after each column
        which = np.zeros(len(part), np.int64)
        for column in columns:
            _, first, which = np.unique(
                which * len(column.categories) + column.codes, return_index=True, return_inverse=True
            )
    rows = zip(*(column[first].astype(object) for column in columns), strict=True)
    return [",".join(text_cell(text, guarded) for text in row) for row in rows], which


def _payload_cells(payloads: PayloadArray, guarded: bool) -> list[str]:
    """The cells `payload_as` and `payload`, with the comma between."""
    text = cells.textual(payloads)
    found: list[str] = []
    for payload, is_text in zip(payloads, text.tolist(), strict=True):
        if is_text:
            cell = payload.decode()
            found.append("text," + quote(cells.guard(cell) if guarded else cell))
        else:
            found.append("," if payload is pd.NA else "hex," + payload.hex())
    return found
