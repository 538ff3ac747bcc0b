"""Rows of a stream: made of what its reader cut out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gdlab.facts import Fact, Reason
from gdlab.framing import Batch, FrameTable, Together
from gdlab.messages import Event, TimeSource, guess_kind
from gdlab.packed import packed
from gdlab.payloads import Int64
from gdlab.transports.effects import Arrived, ManyArrived, Noted
from gdlab.transports.text_or_binary import BINARY, are_binary, guess_kinds

#: So many frames of one read are written to the sink together; fewer where their answers are, too.
_MANY: Final = 16
_MANY_ASKING: Final = 4


class StreamRows:
    """Makes the rows of one connection.

    Parameters
    ----------
    overhead : bytes of headers on the wire beside a message.

    Attributes
    ----------
    about : what the first message's row is to tell of a guess; written once.
    """

    def __init__(self, overhead: int) -> None:
        self._overhead = overhead
        self.about: Fact | None = None
        self._told: Fact | None = None

    def of(
        self, batch: Batch, time_source: TimeSource, *, one_by_one: bool, asks: bool = True
    ) -> Iterator[Arrived | ManyArrived | Noted]:
        """Rows of what one read completed, its messages one by one if that is wanted."""
        time_ns = batch.time_ns
        table, before, word = batch.table, batch.before, batch.first_word
        if before is not None:
            yield self._message(
                before.payload, before.header_bytes, time_ns, time_source, word, asks=asks and one_by_one
            )
            word = batch.word
        if table is not None:
            first = int(word != batch.word or self._told is not self.about)
            if first:
                payload = table.data[int(table.offsets[0]) : int(table.offsets[0] + table.lengths[0])]
                header_bytes = int(table.header_bytes[0])
                yield self._message(
                    payload, header_bytes, time_ns, time_source, word, asks=asks and one_by_one
                )
            rest = FrameTable(
                table.data, table.offsets[first:], table.lengths[first:], table.header_bytes[first:]
            )
            if len(rest.lengths):
                yield self._columns(rest, time_ns, time_source, batch.word, asks=asks and one_by_one)
        frames, words = batch.frames, batch.words
        if (
            len(frames) >= (_MANY_ASKING if one_by_one else _MANY)
            and self._told is self.about
            and len(set(words)) == 1
            and not any(frame.flaw for frame in frames)
        ):
            table = FrameTable.of(frames)
            yield self._columns(table, time_ns, time_source, words[0], asks=asks and one_by_one)
            return
        for (payload, header_bytes, flaw), word in zip(frames, words, strict=True):
            if flaw is None:
                yield self._message(
                    payload, header_bytes, time_ns, time_source, word, asks=asks and one_by_one
                )
                continue
            yield Noted(
                Event.GAP if flaw.reason is Reason.SKIPPED else Event.ERROR,
                flaw._replace(limit="max_message_bytes") if flaw.limit else flaw,
                payload,
                time_ns,
                time_source,
                word,
            )

    def _message(
        self,
        payload: bytes,
        header_bytes: int,
        time_ns: int,
        time_source: TimeSource,
        word: str,
        *,
        asks: bool,
    ) -> Arrived:
        wire = self._overhead + len(payload) + header_bytes
        fact = None
        if self._told is not self.about:
            fact = self._told = self.about
        return Arrived(payload, guess_kind(payload), wire, time_ns, time_source, fact, word, asks)

    def of_one(self, payload: bytes, size: int, time_ns: int, time_source: TimeSource, word: str) -> Arrived:
        """The row of a read that was one frame of `size` bytes."""
        header_bytes = size - len(payload)
        return self._message(payload, header_bytes, time_ns, time_source, word, asks=True)

    def of_together(self, many: Together, time_source: TimeSource) -> ManyArrived:
        """Rows of what several reads completed; nothing is to be told of a guess."""
        rows = self._columns(many.table, many.time_ns, time_source, many.word, asks=False)
        return rows._replace(words=many.words)

    @property
    def has_told(self) -> bool:
        """Whether nothing is to be told with the next message."""
        return self._told is self.about

    def _columns(
        self,
        table: FrameTable,
        time_ns: int | Int64,
        time_source: TimeSource,
        word: str,
        *,
        asks: bool,
    ) -> ManyArrived:
        wires = table.lengths + table.header_bytes
        wires += self._overhead
        if not asks:
            # What the frames lie in is kept as it came, if little of it is not payload, and nothing is moved.
            first = int(table.offsets[0])
            size = int(table.offsets[-1]) + int(table.lengths[-1]) - first
            lie_in = np.frombuffer(table.data, np.uint8, size, first)
            starts = table.offsets - first
            if 4 * int(table.lengths.sum()) >= 3 * size and are_binary(lie_in, starts, table.lengths):
                kinds = np.full(len(starts), BINARY, np.int8)
                return ManyArrived(
                    lie_in, table.lengths, wires, kinds, time_ns, time_source, word, asks, starts
                )
        payloads = packed(table.data, table.offsets, table.lengths)
        kinds = guess_kinds(payloads, table.lengths)
        return ManyArrived(payloads, table.lengths, wires, kinds, time_ns, time_source, word, asks)
