"""Rows of a table as lines of CSV, a batch at a time.

There are two ways to the same bytes: one with pyarrow, which joins whole columns, and a plain one of Python strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from gdlab.payloads import PayloadArray
from gdlab.store import cells, conform, times

_QUOTED = re.compile('[",\r\n]')


def quote(cell: str) -> str:
    """Quote a cell where RFC 4180 asks for it."""
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def text_cell(text: str, guarded: bool) -> str:
    """The cell of a text that is not a payload."""
    cell = cells.escape(text)
    return quote(cells.guard(cell) if guarded else cell)


def encoder(guarded: bool) -> Callable[[pd.DataFrame], bytes]:
    """Return the faster function that can be had, from part of a table (see `conform`) to lines of CSV."""
    return lambda part: plain(part, guarded)


def plain(part: pd.DataFrame, guarded: bool) -> bytes:
    """Lines of CSV, row by row."""
    stamps = times.render(conform.time_ns(part)).view(f"S{times.WIDTH}").ravel().astype(str).tolist()
    prefixes, which = _categories(part, guarded)
    payload = _payload_cells(conform.payloads(part), guarded)
    details = [text_cell(detail, guarded) if detail else "" for detail in part["detail"].to_numpy(object)]
    lines = [
        f"{stamp},{prefixes[code]},{size},{wire},{cell},{detail}\n"
        for stamp, code, size, wire, cell, detail in zip(
            stamps,
            which.tolist(),
            part["size_bytes"].to_list(),
            part["wire_bytes"].to_list(),
            payload,
            details,
            strict=True,
        )
    ]
    return "".join(lines).encode()


def _categories(part: pd.DataFrame, guarded: bool) -> tuple[list[str], Any]:
    """The cells of the categorical columns, which stand side by side, joined: there are few different ones.

    Returns
    -------
    texts : the different combinations.
    which : (n,) which of them each row has.
    """
    combined = np.zeros(len(part), np.int64)
    for name in conform.CATEGORICAL:
        # Renumbered at each step, so that the product of many categories cannot pass 64 bits.
        codes = part[name].cat.codes.to_numpy()
        combined = combined * len(part[name].cat.categories) + codes
        _, first, combined = np.unique(combined, return_index=True, return_inverse=True)
    columns = [
        [text_cell(text, guarded) for text in part[name].iloc[first].astype(object)]
        for name in conform.CATEGORICAL
    ]
    return [",".join(row) for row in zip(*columns, strict=True)], combined


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
