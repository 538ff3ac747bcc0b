"""Rows of WebSocket messages: what a read brought, one by one or in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gdlab.messages import Kind, TimeSource
from gdlab.payloads import Int64
from gdlab.transports.effects import Arrived, ManyArrived
from gdlab.transports.session import Whole
from gdlab.transports.wsframes import Messages
from gdlab.transports.wsmaking import BINARY_CODE, EXTENDED_BYTES, TEXT_CODE

#: So many messages of one read are written to the sink together; fewer where their answers are, too.
_MANY: Final = 16
_MANY_ASKING: Final = 4


class WebSocketRows:
    """Makes the rows of one connection.

    Parameters
    ----------
    overhead : what a short frame takes on the wire beside its payload.
    """

    def __init__(self, overhead: int) -> None:
        self._overhead = overhead

    def of_one(self, payload: bytes, text: bool, time_ns: int, time_source: TimeSource) -> Arrived:
        """The row of a message of one frame."""
        size = len(payload)
        wire = self._overhead + (size if size < EXTENDED_BYTES else size + 2)
        return Arrived(payload, Kind.TEXT if text else Kind.BINARY, wire, time_ns, time_source)

    def of_whole(self, payload: bytes, text: bool) -> Whole:
        """The same, of a read that was just this message."""
        size = len(payload)
        wire = self._overhead + (size if size < EXTENDED_BYTES else size + 2)
        return payload, wire, "", Kind.TEXT if text else Kind.BINARY

    def of_columns(
        self, many: Messages, time_ns: int | Int64, time_source: TimeSource, *, asks: bool = False
    ) -> ManyArrived:
        """The rows of messages of one frame each, of less than 64 KiB."""
        payloads, sizes, texts, _, starts = many
        wires = sizes + self._overhead
        wires += 2 * (sizes >= EXTENDED_BYTES)
        kinds = np.where(texts, TEXT_CODE, BINARY_CODE)
        return ManyArrived(payloads, sizes, wires, kinds, time_ns, time_source, asks=asks, starts=starts)

    def of_list(
        self,
        payloads: Sequence[bytes],
        texts: Sequence[bool],
        time_ns: int,
        time_source: TimeSource,
        *,
        one_by_one: bool,
        wires: Sequence[int] | None = None,
    ) -> Iterator[Arrived | ManyArrived]:
        """The rows of messages, in columns where there are many; `wires` where they are not of one frame each."""
        if len(payloads) >= (_MANY_ASKING if one_by_one else _MANY):
            sizes = np.array(list(map(len, payloads)), np.int64)
            joined = np.frombuffer(b"".join(payloads), np.uint8)
            found = Messages(joined, sizes, np.array(texts), sizes)
            many = self.of_columns(found, time_ns, time_source, asks=one_by_one)
            yield many if wires is None else many._replace(wire_bytes=np.array(wires, np.int64))
            return
        for index, payload in enumerate(payloads):
            row = self.of_one(payload, texts[index], time_ns, time_source)
            yield row if wires is None else row._replace(wire_bytes=wires[index])
