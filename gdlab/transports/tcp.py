"""The TCP listener."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from gdlab import framing
from gdlab.facts import PEER, US, Fact, Reason
from gdlab.framing import FramingLike, Read, StreamReader, Taken, fact_of
from gdlab.messages import TimeSource, guess_kind, wire_bytes
from gdlab.transports.connections import Connection, Encoded, Phase, Session
from gdlab.transports.encoding import VARIANT_FRAMINGS, Outgoing
from gdlab.transports.stream_endpoint import StreamEndpoint
from gdlab.transports.stream_listener import StreamListener
from gdlab.transports.stream_rows import StreamWriter, history, rewrite

#: A peer that is quiet for so long, while its framing is still to be found out, waits for an answer.
_SETTLE_S: Final = 0.05

#: Nothing is answered: it has been before.
_NEVER: Final = 1 << 63


class TcpSession(Session):
    """A framed byte stream.

    With the framing `auto` the first message's row has the evidence of what was guessed. A guess that fails is taken
    back: the rows of the stream are written anew, as they came. Until the framing is known, messages are sent
    without any.
    """

    def __init__(self, endpoint: StreamEndpoint, connection: Connection) -> None:
        self._endpoint = endpoint
        self._connection = connection
        options = endpoint.options
        self._reader = StreamReader(options.framing, max_frame_bytes=options.max_message_bytes)
        self._settles = False
        self._arrived = 0
        self._began_ns = 0
        self._time_source = TimeSource.USER  # of the last read
        self._overhead = wire_bytes("tcp", 0, ipv6=connection.ipv6)
        self._writer = StreamWriter(endpoint.sink, connection.code, self._overhead)

    def begin(self, time_ns: int) -> None:
        """Ready at once: TCP knows no handshake beyond the system's own."""
        self._began_ns = time_ns
        self._endpoint.opened(self._connection, Fact(Reason.OPENED, PEER), time_ns)

    def receive(self, chunk: bytes, time_ns: int, time_source: TimeSource) -> None:
        """Take the bytes of one read."""
        reader = self._reader
        self._arrived += 1
        self._time_source = time_source
        taken = reader.receive(chunk, time_ns, columns=self._endpoint.takes_columns)
        self._act(taken, since_ns=time_ns)
        if not (reader.is_settled or self._settles or self._connection.closed):
            self._settle_later()

    def end(self) -> None:
        """The peer's last byte has come."""
        self._act(self._reader.end())
        self._endpoint.finish(self._connection, Fact(Reason.PEER_CLOSED, PEER))

    def take_leave(self, reason: Fact, code: int = 0, said: str = "") -> float:
        """End the stream, which knows no code; what waits still goes out."""
        self._act(self._reader.end())
        connection = self._connection
        self._endpoint.finish(connection, reason)
        if not connection.waiting:
            self._endpoint.drop(connection, reason)
        return 0.0

    def encode(self, outgoing: Outgoing) -> Encoded:
        """Frame a message as the peer frames its own."""
        reader = self._reader
        payload = outgoing.in_framing(reader.name).payload
        data = framing.encode("raw" if reader.framing is None else reader.framing, payload)
        return Encoded(payload, data, guess_kind(payload), self._overhead + len(data))

    @property
    def can_ask(self) -> bool:
        """Whether the framing is known: a game that reads lengths would take a bare ping for one, and wait for ever."""
        return self._reader.is_known

    @property
    def takes_only_variants(self) -> bool:
        """Whether the peer reads with `get_var`, which prints an error about anything else."""
        return self._reader.name in VARIANT_FRAMINGS

    @property
    def held_bytes(self) -> int:
        """Memory of what is not yet complete."""
        return self._reader.kept_bytes

    @property
    def waiting(self) -> tuple[int, int]:
        """Bytes that wait for the rest of their message, and of how many, where that is known."""
        return self._reader.held_bytes, self._reader.waits_for

    @property
    def key(self) -> tuple[int, int]:
        """Peer and time of opening, by which its rows are known."""
        return self._connection.code, self._began_ns

    def reframe(self, choice: FramingLike, reads: Sequence[Read]) -> None:
        """Read the whole stream in another framing, and go on in it; its old rows have been taken back.

        Parameters
        ----------
        reads : what its rows held.
        """
        held = self._reader.held_reads()
        self._reader = StreamReader(choice, max_frame_bytes=self._endpoint.options.max_message_bytes)
        self._replay([*reads, *held])

    def _settle(self, arrived: int) -> None:
        """Decide with what there is, if nothing more came meanwhile."""
        self._settles = False
        if self._connection.phase is not Phase.OPEN or self._reader.is_settled:
            return
        if arrived != self._arrived and self._reader.framing is not None:
            self._settle_later()
            return
        self._act(self._reader.pause())

    def _settle_later(self) -> None:
        self._settles = True
        self._endpoint.later(self._connection, _SETTLE_S, functools.partial(self._settle, self._arrived))

    def _act(self, taken: Taken, since_ns: int = 0) -> None:
        """Write what a read made known, and answer it.

        Parameters
        ----------
        since_ns : where rows are written anew, only messages of this time on are answered; the others were.
        """
        if taken.withdrawn:
            self._endpoint.sink.withdraw(self._connection.code, self._began_ns)
        writer, endpoint, connection = self._writer, self._endpoint, self._connection
        writer.sink = endpoint.sink  # which marks the answers to our pings as soon as there are any
        found = self._reader.guess
        if taken.withdrawn:
            writer = self._writer = StreamWriter(endpoint.sink, connection.code, self._overhead)
        if found is not None and writer.about is None:
            writer.about = fact_of(found)
        for batch in taken.batches:
            for message in writer.write(batch, self._time_source, one_by_one=not endpoint.takes_columns):
                if connection.phase is Phase.OPEN and not (
                    batch.time_ns < since_ns and (taken.withdrawn or since_ns == _NEVER)
                ):
                    endpoint.answer(connection, *message)
        if taken.failed is not None:
            self._give_up_guess(taken.failed)
        elif taken.error is not None:
            endpoint.finish(connection, _closed_for(taken.error))

    def _give_up_guess(self, why: Fact) -> None:
        """Read a stream raw from its first byte, as its guessed framing has failed."""
        failed = self._reader.guess
        raw = StreamReader(
            "raw",
            max_frame_bytes=self._endpoint.options.max_message_bytes,
            guess=None if failed is None else failed._replace(name="raw", case="failed"),
        )
        self._again(raw, Fact.of(Reason.FRAMING_GUESSED, by=US, case="failed", framing="raw", cause=why))

    def _again(self, reader: StreamReader, about: Fact | None = None) -> None:
        """Read the stream again from its first byte, by a new reader."""
        sink, connection = self._endpoint.sink, self._connection
        streams = history(sink.streams(connection.code, self._began_ns), self._began_ns)
        reads = [*(streams[-1].reads if streams else ()), *self._reader.held_reads()]
        self._reader = reader
        sink.withdraw(connection.code, self._began_ns)
        self._replay(reads, about)

    def _replay(self, reads: Sequence[Read], about: Fact | None = None) -> None:
        """Write the rows of what has come, without answering it again."""
        reader = self._reader
        self._writer = StreamWriter(self._endpoint.sink, self._connection.code, self._overhead)
        self._writer.about = about
        taken = reader.replay(reads)
        self._act(taken._replace(withdrawn=False), since_ns=_NEVER)
        if not (reader.is_settled or self._settles):
            self._settle_later()


class TcpListener(StreamListener):
    """Receives framed messages from any number of TCP clients."""

    def _new_session(self, connection: Connection) -> TcpSession:
        return TcpSession(self, connection)

    def _reframe(self, choice: FramingLike) -> None:
        reframe(self, [connection.session for connection in self._connections], choice)


def reframe(endpoint: StreamEndpoint, sessions: Sequence[Session], choice: FramingLike) -> None:
    """Read all streams of an endpoint again, those that have ended and those that go on."""
    sink = endpoint.sink
    streams = history(sink.streams())
    going_on = {session.key: session for session in sessions if isinstance(session, TcpSession)}
    mine: dict[tuple[int, int], Sequence[Read]] = {}
    ended = []
    for stream in streams:
        key = stream.peer, stream.began_ns
        if key in going_on:
            mine[key] = stream.reads
        else:
            ended.append(stream)
    sink.withdraw()
    rewrite(sink, ended, choice, max_message_bytes=endpoint.options.max_message_bytes)
    for key, session in going_on.items():
        session.reframe(choice, mine.get(key, ()))


def _closed_for(cause: Fact) -> Fact:
    """Why we close a connection whose framing is lost."""
    if cause.limit:
        cause = cause._replace(limit="max_message_bytes")
    return Fact.of(Reason.WE_CLOSED, by=US, limit=cause.limit, cause=cause)


__all__ = ["Read", "TcpListener", "TcpSession"]
