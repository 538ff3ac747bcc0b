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
from gdlab.store.store import StreamRow
from gdlab.transports.stream_history import history, rewrite

_KERNEL: Final = TimeSource.KERNEL


def reframed(table: pd.DataFrame, choice: FramingLike) -> pd.DataFrame:
    """Return the table with the messages that its TCP streams have in another framing.

    Parameters
    ----------
    table : of a capture. TCP rows of other programs' captures, which have no `framing`, are taken as they came.
    choice : as `gdlab.listen` takes it.

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
    message = (table["event"] == Event.MESSAGE).to_numpy(np.bool_)
    taken = is_tcp & incoming & (framed | message)
    opened = is_tcp & (table["event"] == Event.OPEN).to_numpy(np.bool_)
    parts = [table[~taken]]
    for endpoint in table["endpoint"][taken].unique():
        mine = (table["endpoint"] == endpoint).to_numpy(np.bool_)
        store = Store(str(endpoint), Limit())
        streams = history(_rows(table[mine & (taken | opened)], store))
        rewrite(store, streams, choice, max_message_bytes=DEFAULT_MAX_FRAME_BYTES)
        parts.append(tables.build([store.snapshot()]))
    return to_schema.in_order(to_schema.concatenated(parts))


def _rows(table: pd.DataFrame, store: Store) -> Iterator[StreamRow]:
    from gdlab.files import to_schema

    columns = [table[name].astype(object) for name in ("peer", "time_source", "event", "framing")]
    for time_ns, payload, wire, peer, source, event, word in zip(
        to_schema.time_ns(table).tolist(), table["payload"], table["wire_bytes"], *columns, strict=True
    ):
        code = store.peer_code(peer)
        stamped = _KERNEL if source == _KERNEL else TimeSource.USER
        if event == Event.OPEN:
            yield StreamRow(code, time_ns, stamped, "", b"")
        else:
            yield StreamRow(code, time_ns, stamped, word or "raw", b"" if payload is pd.NA else payload, wire)
