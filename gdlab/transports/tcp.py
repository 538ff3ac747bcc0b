"""The TCP listener."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from gdlab import framing
from gdlab.errors import FramingError
from gdlab.facts import PEER, US, Fact, Reason
from gdlab.messages import Event, TimeSource, guess_kind, wire_bytes
from gdlab.payloads import UInt8
from gdlab.transports.connections import Connection, Encoded, Phase, Session
from gdlab.transports.encoding import Outgoing
from gdlab.transports.stream_endpoint import StreamEndpoint
from gdlab.transports.stream_listener import StreamListener

#: Larger chunks of small frames are taken by the column; for smaller ones the arrays cost more than they save.
_LARGE_BYTES: Final = 8 * 1024

#: A peer that is quiet for so long, while its framing is still to be guessed, waits for an answer.
_SETTLE_S: Final = 0.05

#: Bytes of framing between two payloads that are cut out by the column.
_SMALL_GAP: Final = 8

#: So many frames of one read are written to the sink together.
_MANY: Final = 16


class TcpSession(Session):
    """A framed byte stream.

    With the framing `auto` the first message's row says in `detail` what was guessed and why. Until it is known,
    messages are sent without any framing.
    """

    def __init__(self, endpoint: StreamEndpoint, connection: Connection) -> None:
        self._endpoint = endpoint
        self._connection = connection
        options = endpoint.options
        self._framer = framing.framer(options.framing, max_frame_bytes=options.max_message_bytes)
        self._to_tell = options.framing == "auto"
        self._settles = False
        self._reads = 0
        self._time_ns, self._time_source = 0, TimeSource.USER  # of the last read
        self._overhead = wire_bytes("tcp", 0, ipv6=connection.ipv6)

    def begin(self, time_ns: int) -> None:
        """Ready at once: TCP knows no handshake beyond the system's own."""
        self._endpoint.opened(self._connection, Fact(Reason.OPENED, PEER), time_ns)

    def receive(self, chunk: bytes, time_ns: int, time_source: TimeSource) -> None:
        """Take the bytes of one read."""
        framer = self._framer
        self._reads += 1
        self._time_ns, self._time_source = time_ns, time_source
        framer.receive_data(chunk)
        if len(chunk) > _LARGE_BYTES and self._takes_columns:
            self._deliver_table(framer.table())
        self._deliver_frames(framer.frames())
        if framer.state is framing.State.ERROR:
            self._endpoint.finish(self._connection, _closed_for(framer.error))
        elif framer.name == "auto" and not self._settles:
            self._settle_later()

    def end(self) -> None:
        """The peer's last byte has come."""
        self._end_frames()
        self._endpoint.finish(self._connection, Fact(Reason.PEER_CLOSED, PEER))

    def take_leave(self, reason: Fact) -> float:
        """End the stream; what waits still goes out."""
        self._end_frames()
        connection = self._connection
        self._endpoint.finish(connection, reason)
        if not connection.waiting:
            self._endpoint.drop(connection, reason)
        return 0.0

    def encode(self, outgoing: Outgoing) -> Encoded:
        """Frame a message as the peer frames its own."""
        name = self._framer.name
        payload = outgoing.in_framing(name).payload
        data = framing.encode("raw" if name == "auto" else name, payload)
        return Encoded(payload, data, guess_kind(payload), self._overhead + len(data))

    @property
    def can_ask(self) -> bool:
        """Whether the framing is known: a game that reads lengths would take a bare ping for one, and wait for ever."""
        return self._framer.name != "auto"

    @property
    def takes_only_variants(self) -> bool:
        """Whether the peer reads with `get_var`, which prints an error about anything else."""
        return self._framer.name in {"put_var", "put_var_be"}

    @property
    def held_bytes(self) -> int:
        """Bytes of the frame that is not yet complete."""
        return self._framer.held_bytes

    def _settle(self, reads: int) -> None:
        """Guess with what there is, if nothing more came meanwhile."""
        self._settles = False
        if self._connection.phase is not Phase.OPEN or self._framer.name != "auto":
            return
        if reads != self._reads:
            self._settle_later()
            return
        self._framer.settle()
        self._deliver_frames(self._framer.frames())

    def _settle_later(self) -> None:
        self._settles = True
        self._endpoint.later(self._connection, _SETTLE_S, functools.partial(self._settle, self._reads))

    def _end_frames(self) -> None:
        self._framer.end()
        self._deliver_frames(self._framer.frames())

    def _deliver_frames(self, frames: list[framing.Frame]) -> None:
        if len(frames) >= _MANY and self._takes_columns and not any(frame.flaw for frame in frames):
            self._deliver_table(framing.FrameTable.of(frames))
            return
        endpoint, connection = self._endpoint, self._connection
        for payload, header_bytes, flaw in frames:
            if flaw is None:
                wire = self._overhead + len(payload) + header_bytes
                fact = self._guessed()
                endpoint.deliver(
                    connection, payload, guess_kind(payload), wire, self._time_ns, self._time_source, fact
                )
            else:
                event = Event.GAP if flaw.reason is Reason.SKIPPED else Event.ERROR
                endpoint.note(connection, event, _ours(flaw), payload, self._time_ns, self._time_source)

    def _deliver_table(self, table: framing.FrameTable) -> None:
        if len(table.lengths):
            self._endpoint.deliver_columns(
                self._connection,
                _payloads(table),
                table.lengths,
                table.lengths + table.header_bytes + self._overhead,
                self._time_ns,
                self._time_source,
            )

    @property
    def _takes_columns(self) -> bool:
        return self._endpoint.takes_columns and not self._to_tell

    def _guessed(self) -> Fact | None:
        """What the first message's row has of a guessed framing."""
        if not self._to_tell:
            return None
        self._to_tell = False
        return self._framer.guess


class TcpListener(StreamListener):
    """Receives framed messages from any number of TCP clients."""

    def _new_session(self, connection: Connection) -> TcpSession:
        return TcpSession(self, connection)


def _ours(flaw: Fact) -> Fact:
    """A flaw as the endpoint has it, whose users set the limit under another name."""
    return flaw._replace(limit="max_message_bytes") if flaw.limit else flaw


def _closed_for(error: FramingError | None) -> Fact:
    """Why we close a connection whose framing is lost."""
    cause = error.fact if error else None
    if cause is None:
        return Fact(Reason.INTERNAL, US, more=(("error", str(error)),))
    return Fact.of(Reason.WE_CLOSED, by=US, limit=_ours(cause).limit, cause=_ours(cause))


def _payloads(table: framing.FrameTable) -> UInt8:
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
