"""A table as the blocks of a store: what follows a running capture follows a loaded one by the same code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.facts import RECORDED, Fact, Reason
from gdlab.messages import CATEGORIES
from gdlab.store.blocks import Block, Columns
from gdlab.store.limits import Limit
from gdlab.store.snapshot import Evicted, Snapshot

#: Rows and payload bytes of one block; offsets in a block have 32 bits.
_BLOCK_ROWS: Final = 65_536
_BLOCK_BYTES: Final = 1 << 30


def held(table: pd.DataFrame) -> tuple[Snapshot, ...]:
    """Return a snapshot for each endpoint of a table with the columns of `messages.SCHEMA`.

    The payloads are copied once.
    What a row's `detail` tells is kept as it was written: it is shown, and not interpreted.
    """
    found = []
    endpoints = table["endpoint"].astype("category")
    for code, endpoint in enumerate(endpoints.cat.categories):
        rows = np.flatnonzero(endpoints.cat.codes.to_numpy() == code)
        if len(rows):
            part = table.iloc[rows]
            names = part["peer"].astype("category").cat.remove_unused_categories()
            peers = ("", *map(str, names.cat.categories))
            blocks = tuple(_blocks(part, names.cat.codes.to_numpy().astype(np.int32) + 1))
            found.append(Snapshot(str(endpoint), blocks, peers, Evicted(), Limit(), origin=table))
    return tuple(found)


def _blocks(table: pd.DataFrame, peers: npt.NDArray[np.int32]) -> Iterator[Block]:
    codes = {name: _codes(table, name) for name in ("time_source", "direction", "event", "kind")}
    times = table["time"].to_numpy("datetime64[ns]").astype(np.int64)
    facts, fact_codes = _facts(table)
    words, word_codes = _words(table)
    payloads = table["payload"].array
    sizes = table["size_bytes"].to_numpy(np.int64)
    first = 0
    while first < len(table):
        reach = int(np.searchsorted(np.cumsum(sizes[first : first + _BLOCK_ROWS]), _BLOCK_BYTES, "right"))
        rows = slice(first, first + max(1, reach))
        arena, lengths = _joined(payloads[rows])
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        yield Block(
            Columns(
                time_ns=times[rows],
                offset=offsets.astype(np.uint32),
                size=lengths.astype(np.uint32),
                wire=table["wire_bytes"].to_numpy(np.int64)[rows].astype(np.uint32),
                peer=peers[rows],
                fact=fact_codes[rows],
                word=word_codes[rows],
                **{name: values[rows] for name, values in codes.items()},
            ),
            arena,
            facts,
            words,
        )
        first = rows.stop


def _words(table: pd.DataFrame) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """How the rows were cut out of their streams, and its numbers; 0 is not at all."""
    if "framing" not in table:
        return ("",), np.zeros(len(table), np.int32)
    column = table["framing"].astype("category").cat.remove_unused_categories()
    names = ["", *(str(name) for name in column.cat.categories)]
    codes = column.cat.codes.to_numpy().astype(np.int32) + 1
    blank = np.flatnonzero([name == "" for name in names])
    codes[np.isin(codes, blank)] = 0
    return tuple(names), codes


def _joined(payloads: Any) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of some payloads one behind the other, and their lengths; a missing one is empty."""
    items = [bytes(each) if isinstance(each, (bytes, bytearray)) else b"" for each in payloads]
    lengths = np.array([len(each) for each in items], np.int64)
    return np.frombuffer(b"".join(items), np.uint8), lengths


def _codes(table: pd.DataFrame, name: str) -> npt.NDArray[np.int8]:
    """Positions in `messages.CATEGORIES`; what is none of them counts as the first."""
    places = pd.Index(CATEGORIES[name]).get_indexer(pd.Index(table[name].astype(str)))
    return np.maximum(places, 0).astype(np.int8)


def _facts(table: pd.DataFrame) -> tuple[tuple[Fact | None, ...], npt.NDArray[np.int32]]:
    """The distinct facts of a table, None first, and the place of each row's."""
    known: dict[Fact | None, int] = {None: 0}
    codes = np.zeros(len(table), np.int32)
    details = table["detail"].fillna("").to_numpy(object)
    reasons = table["reason"].astype(object).to_numpy()
    told = np.flatnonzero((details != "") | pd.Series(reasons).notna().to_numpy())
    by, code, count = (table[name].to_numpy(object) for name in ("by", "code", "count"))
    for row in told.tolist():
        fact = Fact(
            _reason(reasons[row]),
            "" if pd.isna(by[row]) else str(by[row]),
            None if pd.isna(code[row]) else int(code[row]),
            1 if pd.isna(count[row]) else int(count[row]),
            said=str(details[row]),
            case=RECORDED,
        )
        codes[row] = known.setdefault(fact, len(known))
    return tuple(known), codes


def _reason(value: Any) -> Reason:
    """The reason of a row; of one that has only words, the one that is counted without a name of its own."""
    try:
        return Reason(value)
    except ValueError:
        return Reason.INTERNAL
