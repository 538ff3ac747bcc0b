"""From snapshots to the DataFrame that users see, and its empty form; the schema is that of `messages`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gdlab.messages import CATEGORIES, Direction, Event, Kind, Stamp
from gdlab.payloads import PayloadArray
from gdlab.store.blocks import Block, Columns
from gdlab.store.store import Snapshot

#: Text columns hold Python strings: what a peer wrote must fit, whether pyarrow is installed or not.
STRING = pd.StringDtype("python")


def build(snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    """One time-ordered table of the rows of several stores.

    Parameters
    ----------
    snapshots : one per store; none gives the empty table.

    Returns
    -------
    DataFrame with the columns of `messages.SCHEMA`, in order of `time` (rows of equal time keep the order in which
    they were written), index 0 to n - 1.
    """
    peers: dict[str, int] = {"": 0}
    endpoints: dict[str, int] = {}
    blocks: list[Block] = []
    peer_codes: list[Any] = []
    endpoint_codes: list[Any] = []
    for snapshot in snapshots:
        endpoint = endpoints.setdefault(snapshot.endpoint, len(endpoints))
        translate = np.array([peers.setdefault(peer, len(peers)) for peer in snapshot.peers], np.int32)
        identical = bool(np.all(translate == np.arange(len(translate))))
        for block in ((_gap_row(snapshot),) if snapshot.evicted.rows else ()) + snapshot.blocks:
            blocks.append(block)
            peer_codes.append(block.columns.peer if identical else translate[block.columns.peer])
            endpoint_codes.append(
                np.full(len(block), endpoint, np.int8 if len(endpoints) < 128 else np.int32)
            )

    def joined(parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0, np.int8)

    def column(name: str) -> Any:
        return joined([getattr(block.columns, name) for block in blocks])

    def category(values: Any, categories: Sequence[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(
            values, categories=pd.Index(list(categories), dtype=object), validate=False
        )

    time_ns = column("time_ns").astype(np.int64, copy=False)
    table = pd.DataFrame(
        {
            "time": pd.DatetimeIndex(time_ns.view("datetime64[ns]"), tz="UTC"),
            "stamp": category(column("stamp"), CATEGORIES["stamp"]),
            "endpoint": category(joined(endpoint_codes), list(endpoints)),
            "peer": category(joined(peer_codes), list(peers)),
            "direction": category(column("direction"), CATEGORIES["direction"]),
            "event": category(column("event"), CATEGORIES["event"]),
            "kind": category(column("kind"), CATEGORIES["kind"]),
            "size_bytes": column("size").astype(np.int64),
            "wire_bytes": column("wire").astype(np.int64),
            "payload": _payloads(blocks),
            "detail": _details(blocks, len(time_ns)),
        },
        copy=False,
    )
    if len(time_ns) > 1 and bool(np.any(time_ns[1:] < time_ns[:-1])):
        # A reply is stamped when it is sent, what queued up meanwhile was stamped before that.
        table = table.take(np.argsort(time_ns, kind="stable")).reset_index(drop=True)
    return table


def empty() -> pd.DataFrame:
    """Return a table with the columns and dtypes of a capture, and no rows."""
    return build(())


def _payloads(blocks: Sequence[Block]) -> PayloadArray:
    if not blocks:
        return PayloadArray([], np.empty(0, np.int64), np.empty(0, np.int64))
    bases = np.cumsum([0, *(len(block.arena) for block in blocks)])
    addresses = [
        block.columns.offset.astype(np.int64) + base for block, base in zip(blocks, bases, strict=False)
    ]
    sizes = [block.columns.size.astype(np.int64) for block in blocks]
    return PayloadArray([block.arena for block in blocks], np.concatenate(addresses), np.concatenate(sizes))


def _details(blocks: Sequence[Block], rows: int) -> Any:
    values = np.full(rows, "", object)
    at = 0
    for block in blocks:
        if len(block.details) > 1:
            told = np.flatnonzero(block.columns.detail)
            texts = np.array(block.details, object)
            values[at + told] = texts[block.columns.detail[told]]
        at += len(block)
    return pd.array(values, dtype=STRING)


def _gap_row(snapshot: Snapshot) -> Block:
    """Say in the table itself that its beginning is missing."""
    evicted = snapshot.evicted

    def code(column: str, value: str) -> Any:
        return np.array([CATEGORIES[column].index(value)], np.int8)

    return Block(
        Columns(
            time_ns=np.array([evicted.until_ns]),
            offset=np.zeros(1, np.uint32),
            size=np.zeros(1, np.uint32),
            wire=np.zeros(1, np.uint32),
            peer=np.zeros(1, np.int32),
            detail=np.ones(1, np.int32),
            stamp=code("stamp", Stamp.USER),
            direction=code("direction", Direction.IN),
            event=code("event", Event.GAP),
            kind=code("kind", Kind.TEXT),
        ),
        np.empty(0, np.uint8),
        (
            "",
            (
                f"{evicted.rows} rows ({evicted.payload_bytes} payload bytes) dropped: the store keeps "
                f"{snapshot.limit}; give listen(limit=...) more to keep more"
            ),
        ),
    )
