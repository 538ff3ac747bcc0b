"""Rows of streams: writing what a reader cut, and putting a stream together again from the rows it became."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from gdlab.facts import Fact, Reason
from gdlab.framing import Batch, Frame, FrameTable, FramingLike, Read, StreamReader, fact_of
from gdlab.framing.marks import parsed, raw_of
from gdlab.messages import Event, Kind, TimeSource, guess_kind, wire_bytes
from gdlab.payloads import UInt8
from gdlab.store.store import StreamRow
from gdlab.transports.sink import Sink
from gdlab.transports.text_or_binary import guess_kinds

#: Bytes of framing between two payloads that are cut out by the column.
_SMALL_GAP: Final = 8

#: So many frames of one read are written to the sink together.
_MANY: Final = 16


class Received(NamedTuple):
    """A message that was written, as a reply needs it."""

    payload: bytes
    kind: Kind
    wire_bytes: int
    time_ns: int
    time_source: TimeSource


class StreamWriter:
    """Writes the rows of one connection.

    Parameters
    ----------
    overhead : bytes of headers on the wire beside a message.

    Attributes
    ----------
    sink : where they go.
    about : what the first message's row is to tell of a guess; written once.
    """

    def __init__(self, sink: Sink, peer: int, overhead: int) -> None:
        self.sink = sink
        self._peer = peer
        self._overhead = overhead
        self.about: Fact | None = None
        self._told: Fact | None = None

    def write(self, batch: Batch, time_source: TimeSource, *, one_by_one: bool) -> Iterator[Received]:
        """Write what one read completed, and give its messages if they are wanted one by one."""
        time_ns = batch.time_ns
        table = batch.table
        if table is not None:
            first = int(batch.first_word != batch.word or self._told is not self.about)
            if first:
                payload = table.data[int(table.offsets[0]) : int(table.offsets[0] + table.lengths[0])]
                self._message(payload, int(table.header_bytes[0]), time_ns, time_source, batch.first_word)
            rest = FrameTable(
                table.data, table.offsets[first:], table.lengths[first:], table.header_bytes[first:]
            )
            self._columns(rest, time_ns, time_source, batch.word)
        frames, words = batch.frames, batch.words
        if (
            not one_by_one
            and len(frames) >= _MANY
            and self._told is self.about
            and len(set(words)) == 1
            and not any(frame.flaw for frame in frames)
        ):
            self._columns(FrameTable.of(frames), time_ns, time_source, words[0])
            return
        for (payload, header_bytes, flaw), word in zip(frames, words, strict=True):
            if flaw is None:
                row = self._message(payload, header_bytes, time_ns, time_source, word)
                if one_by_one:
                    yield row
                continue
            self.sink.append(
                time_ns,
                self._peer,
                payload,
                event=Event.GAP if flaw.reason is Reason.SKIPPED else Event.ERROR,
                time_source=time_source,
                fact=flaw._replace(limit="max_message_bytes") if flaw.limit else flaw,
                word=word,
            )

    def _message(
        self, payload: bytes, header_bytes: int, time_ns: int, time_source: TimeSource, word: str
    ) -> Received:
        kind = guess_kind(payload)
        wire = self._overhead + len(payload) + header_bytes
        fact = None
        if self._told is not self.about:
            fact = self._told = self.about
        self.sink.append(
            time_ns,
            self._peer,
            payload,
            kind=kind,
            time_source=time_source,
            wire_bytes=wire,
            fact=fact,
            word=word,
        )
        return Received(payload, kind, wire, time_ns, time_source)

    def _columns(self, table: FrameTable, time_ns: int, time_source: TimeSource, word: str) -> None:
        count = len(table.lengths)
        if not count:
            return
        payloads = _payloads(table)
        self.sink.extend(
            np.full(count, time_ns, np.int64),
            np.full(count, self._peer, np.int32),
            table.lengths,
            payloads,
            table.lengths + table.header_bytes + self._overhead,
            guess_kinds(payloads, table.lengths),
            time_source=time_source,
            word=word,
        )


@dataclass(slots=True)
class Stream:
    """What came on one connection.

    Attributes
    ----------
    peer : its number.
    began_ns : when it was opened, as far as that is known.
    overhead : bytes of headers on the wire beside a message.
    complete : nothing is missing between the reads.
    """

    peer: int
    began_ns: int
    overhead: int = wire_bytes("tcp", 0)
    time_source: TimeSource = TimeSource.USER
    reads: list[Read] = field(default_factory=list)
    complete: bool = True


def history(rows: Iterable[StreamRow], began_ns: int = 0) -> list[Stream]:
    """Put streams together again, read by read, from the rows that they became.

    Rows of one time are one read. What was dropped is missing; everything else is as it came.
    """
    streams: list[Stream] = []
    open_now: dict[int, Stream] = {}
    for peer, time_ns, time_source, word, payload, wire in rows:
        if not word:
            open_now[peer] = Stream(peer, time_ns)
            streams.append(open_now[peer])
            continue
        stream = open_now.get(peer)
        if stream is None:
            stream = open_now[peer] = Stream(peer, began_ns or time_ns)
            streams.append(stream)
        stream.time_source = time_source
        mark = parsed(word)
        stream.complete = stream.complete and not mark.hole
        raw = raw_of(mark, payload)
        if wire > len(raw):
            stream.overhead = wire - len(raw)
        at = 0
        for count, before in mark.reads:
            _add(stream.reads, raw[at : at + count], time_ns - before)
            at += count
        _add(stream.reads, raw[at:], time_ns)
    return [stream for stream in streams if stream.reads]


def rewrite(sink: Sink, streams: Iterable[Stream], choice: FramingLike, *, max_message_bytes: int) -> None:
    """Write the rows of streams that have ended, read in another framing."""
    for stream in streams:
        reader = StreamReader(choice, max_frame_bytes=max_message_bytes)
        taken = reader.replay(stream.reads)
        batches = list(taken.batches)
        if taken.failed or taken.error:
            last = stream.reads[-1]
            if reader.rest:
                batches.append(
                    Batch(last.time_ns, [Frame(reader.rest, 0, taken.failed or taken.error)], ["raw"])
                )
        else:
            ended = reader.end()
            batches = [*([] if ended.withdrawn else batches), *ended.batches]
        writer = StreamWriter(sink, stream.peer, stream.overhead)
        writer.about = fact_of(reader.guess) if reader.guess is not None else None
        for batch in batches:
            for _ in writer.write(batch, stream.time_source, one_by_one=False):
                pass


def _add(reads: list[Read], data: bytes, time_ns: int) -> None:
    if not data:
        return
    if reads and reads[-1].time_ns == time_ns:
        reads[-1] = Read(reads[-1].data + data, time_ns)
    else:
        reads.append(Read(data, time_ns))


def _payloads(table: FrameTable) -> UInt8:
    """The payloads of a table without their framing, one behind the other."""
    offsets, lengths = table.offsets, table.lengths
    size, first = int(lengths[0]), int(offsets[0])
    ends = offsets + lengths
    if bool(np.all(lengths == size)) and len(offsets) > 1:
        stride = int(offsets[1]) - first
        if bool(np.all(np.diff(offsets) == stride)):
            return np.ndarray((len(offsets), size), np.uint8, table.data, first, (stride, 1)).reshape(-1)
    between = offsets[1:] - ends[:-1]
    if len(between) and 0 <= between[0] <= _SMALL_GAP and bool(np.all(between == between[0])):
        # Leaving out the few bytes between costs a third of joining slices.
        data = np.frombuffer(table.data, np.uint8, int(ends[-1]) - first, first)
        keep = np.ones(len(data), np.bool_)
        for at in range(int(between[0])):
            keep[ends[:-1] - first + at] = False
        return data[keep]
    view = memoryview(table.data)
    parts = [view[at:end] for at, end in zip(offsets.tolist(), ends.tolist(), strict=True)]
    return np.frombuffer(b"".join(parts), np.uint8)
