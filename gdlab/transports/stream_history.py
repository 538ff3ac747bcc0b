"""Streams put together again from the rows that they became, to be read in another framing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from gdlab.framing import Batch, Frame, FramingLike, Read, StreamReader, fact_of
from gdlab.framing.marks import parsed, raw_of
from gdlab.messages import TimeSource, wire_bytes
from gdlab.store.streams import StreamRow
from gdlab.transports.effects import Arrived, ManyArrived, Noted
from gdlab.transports.sink import Sink
from gdlab.transports.stream_rows import StreamRows


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
        rows = StreamRows(stream.overhead)
        rows.about = fact_of(reader.guess) if reader.guess is not None else None
        for batch in batches:
            for row in rows.of(batch, stream.time_source, one_by_one=False):
                put(sink, stream.peer, row)


def _add(reads: list[Read], data: bytes, time_ns: int) -> None:
    if not data:
        return
    if reads and reads[-1].time_ns == time_ns:
        reads[-1] = Read(reads[-1].data + data, time_ns)
    else:
        reads.append(Read(data, time_ns))


def put(sink: Sink, peer: int, row: Arrived | ManyArrived | Noted) -> None:
    """Write a row of a connection, or many."""
    if isinstance(row, Arrived):
        sink.append(
            row.time_ns,
            peer,
            row.payload,
            kind=row.kind,
            time_source=row.time_source,
            wire_bytes=row.wire_bytes,
            fact=row.fact,
            word=row.word,
        )
    elif isinstance(row, ManyArrived):
        count = len(row.sizes)
        sink.extend(
            np.full(count, row.time_ns, np.int64),
            np.full(count, peer, np.int32),
            row.sizes,
            row.payloads,
            row.wire_bytes,
            row.kinds,
            time_source=row.time_source,
            word=row.word,
            starts=row.starts,
            words=row.words,
        )
    else:
        sink.append(
            row.time_ns,
            peer,
            row.payload,
            event=row.event,
            time_source=row.time_source,
            fact=row.fact,
            word=row.word,
        )
