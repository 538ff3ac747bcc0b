"""A table's TCP streams, read again in another framing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from gdlab.framing import DEFAULT_MAX_FRAME_BYTES, FramingLike, check_name
from gdlab.messages import Direction, Event, TimeSource
from gdlab.store import Limit, Store
from gdlab.store import table as tables
from gdlab.store.streams import StreamRow
from gdlab.transports.stream_history import history, rewrite

_KERNEL: Final = TimeSource.KERNEL


def reframed(table: pd.DataFrame, choice: FramingLike, *, both_ways: bool = False) -> pd.DataFrame:
    """Return the table with the messages that its TCP streams have in another framing.

    Parameters
    ----------
    table : of a capture. TCP rows of other programs' captures, which have no `framing`, are taken as they came.
    choice : as `gdlab.listen` takes it.
    both_ways : what was sent is a stream as it came, too, as in other programs' captures. gdlab's own rows of what it
        sent are messages already.

    Returns
    -------
    A new table; rows that were not cut out of a stream are as they were, in their places.

    Raises
    ------
    FramingError : there is no such framing.
    """
    from gdlab.files import to_schema

    check_name(choice)
    tcp = np.array([name.startswith("tcp:") for name in table["endpoint"].cat.categories], np.bool_)
    is_tcp = tcp[table["endpoint"].cat.codes.to_numpy()] if len(tcp) else np.zeros(len(table), np.bool_)
    framed = (table["framing"] != "").to_numpy(np.bool_)
    incoming = (table["direction"] == Direction.IN).to_numpy(np.bool_)
    chosen = np.ones(len(table), np.bool_) if both_ways else incoming
    message = (table["event"] == Event.MESSAGE).to_numpy(np.bool_)
    taken = is_tcp & chosen & (framed | message)
    # Behind bytes that were not captured a stream begins anew.
    opened = is_tcp & ~taken & table["event"].isin([Event.OPEN, Event.GAP, Event.ERROR]).to_numpy(np.bool_)
    parts = [table[~taken]]
    for endpoint in table["endpoint"][taken].unique():
        mine = (table["endpoint"] == endpoint).to_numpy(np.bool_)
        for outgoing in (False, True) if both_ways else (False,):
            way = mine & (incoming != outgoing) & taken
            if not way.any():
                continue
            store = Store(str(endpoint), Limit())
            breaks = (
                mine & opened & ((incoming != outgoing) | (table["event"] == Event.OPEN).to_numpy(np.bool_))
            )
            streams = history(_rows(table[way | breaks], store))
            rewrite(store, streams, choice, max_message_bytes=DEFAULT_MAX_FRAME_BYTES)
            part = tables.build([store.snapshot()])
            if outgoing:
                part["direction"] = part["direction"].where(part["event"] == "", Direction.OUT)
            parts.append(part)
    return to_schema.in_order(to_schema.concatenated(parts))


def _rows(table: pd.DataFrame, store: Store) -> Iterator[StreamRow]:
    from gdlab.files import to_schema

    columns = [table[name].astype(object) for name in ("peer", "time_source", "event", "framing")]
    for time_ns, payload, wire, peer, source, event, word in zip(
        to_schema.time_ns(table).tolist(), table["payload"], table["wire_bytes"], *columns, strict=True
    ):
        code = store.peer_code(peer)
        stamped = _KERNEL if source == _KERNEL else TimeSource.USER
        if event != Event.MESSAGE and not word:
            yield StreamRow(code, time_ns, stamped, "", b"")
        else:
            yield StreamRow(code, time_ns, stamped, word or "raw", b"" if payload is pd.NA else payload, wire)
