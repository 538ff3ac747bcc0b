"""What the stream endpoints of both sides do with what their sessions hand back: rows, answers, and the end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import numpy as np

from gdlab import clock
from gdlab.errors import FramingError, NotSent
from gdlab.facts import US, Fact, Reason
from gdlab.messages import CATEGORIES, Direction, Event, Kind, Message, Peer, TimeSource
from gdlab.transports.bound import Bound
from gdlab.transports.connections import Connection, Phase
from gdlab.transports.effects import (
    AfterReading,
    Again,
    Arrived,
    Drop,
    Effect,
    Ending,
    Finish,
    Later,
    ManyArrived,
    Noted,
    Opened,
    Withdrawn,
    Write,
)
from gdlab.transports.encoding import Outgoing
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.replies import Close
from gdlab.transports.session import ManyEncoded
from gdlab.transports.sink import Sink
from gdlab.transports.states import EndpointStatistics
from gdlab.transports.stream_bytes import StreamBytes
from gdlab.transports.stream_history import history, put

#: A message followed at once by the end of the connection is lost in Godot, whose `poll` takes both in one frame and
#: is then no longer open (seen in 4.6.3; godotengine/godot 107442). So long, six frames, is it given to read it.
LAST_MESSAGE_S: Final = 0.1

#: Answers to the messages of one read wait for each other so long, and until they are so many bytes.
GATHER_S: Final = 0.002
GATHER_BYTES: Final = 64 * 1024

_KINDS: Final = tuple(map(Kind, CATEGORIES["kind"]))

#: When the endpoint stops, what has arrived is answered for so long; behind that it is only read.
_ANSWERED_S: Final = 0.5

#: When the endpoint stops, all of them together are given so long.
_STOP_S: Final = 0.5

_STOPPED: Final = Fact(Reason.STOPPED, US)
_ENDING: Final = Fact(Reason.ENDING)


class StreamEndpoint(StreamBytes):
    """Base of all TCP and WebSocket endpoints, of both sides.

    Rows: `open` when the protocol is ready, `message`, `close` with the reason, `error` for what could not be
    understood, sent or let in. The time of a message is that of the read which completed it; on Linux the kernel's
    stamp of the last segment of that read. So it is exact where a read held one message, and for several messages in
    one read it is the arrival of the last.
    """

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        # Answers to messages of one read, which are sent together.
        self._gathered: list[Outgoing] = []
        self._gathered_for: Connection | None = None

    @property
    def connections(self) -> list[Connection]:
        """All that have not been closed."""
        return list(self._connections)

    # ---- acting on what happened

    def act(self, connection: Connection, effects: Iterable[Effect]) -> None:
        """Do what follows from what happened on a connection, one thing after the other."""
        for effect in effects:
            if isinstance(effect, Arrived):
                self._messages += 1
                put(self.sink, connection.code, effect)
                if effect.asks and self._answers and connection.phase is Phase.OPEN:
                    self._answer_to(connection, effect)
            elif isinstance(effect, (ManyArrived, Noted)):
                put(self.sink, connection.code, effect)
                if isinstance(effect, ManyArrived):
                    self._messages += len(effect.sizes)
                    if effect.asks and self._answers:
                        self._answer_to_many(connection, effect)
            elif isinstance(effect, Write):
                self.write(connection, effect.data)
            else:
                self._change(connection, effect)

    def _change(
        self,
        connection: Connection,
        effect: Opened | Ending | Finish | Drop | Later | AfterReading | Withdrawn | Again,
    ) -> None:
        """Act on what concerns the connection's life, or its rows as a whole."""
        if isinstance(effect, Opened):
            self.opened(connection, effect)
        elif isinstance(effect, Ending):
            connection.reason = connection.reason or effect.reason
        elif isinstance(effect, Finish):
            self.finish(connection, effect.reason)
            if effect.at_once and not connection.waiting:
                self.drop(connection, effect.reason)
        elif isinstance(effect, Drop):
            self.drop(connection, effect.reason, reset=effect.reset)
        elif isinstance(effect, Later):
            self._act_later(connection, effect.delay_s, effect)
        elif isinstance(effect, AfterReading):
            wait_s = _reading_s(connection)
            if wait_s > 0:
                self._act_later(connection, wait_s, effect)
            else:
                self.act(connection, effect.go_on())
        elif isinstance(effect, Withdrawn):
            self.sink.withdraw(connection.code, connection.began_ns)
        else:
            streams = history(self.sink.streams(connection.code, connection.began_ns), connection.began_ns)
            self.sink.withdraw(connection.code, connection.began_ns)
            self.act(connection, effect.go_on(streams[-1].reads if streams else ()))

    def _act_later(self, connection: Connection, delay_s: float, effect: Later | AfterReading) -> None:
        self.later(connection, delay_s, lambda: self.act(connection, effect.go_on()))

    def opened(self, connection: Connection, opened: Opened) -> None:
        """Note that a connection is ready for messages."""
        fact, time_ns, request = opened
        connection.phase = Phase.OPEN
        connection.was_open = True
        connection.began_ns = time_ns or clock.now_ns()
        self._open += 1
        self.sink.append(connection.began_ns, connection.code, request, event=Event.OPEN, fact=fact)

    def _answer_to(self, connection: Connection, arrived: Arrived) -> None:
        message = Message(
            arrived.time_ns,
            self._name,
            connection.peer,
            arrived.payload,
            kind=arrived.kind,
            time_source=arrived.time_source,
            wire_bytes=arrived.wire_bytes,
        )
        self._answer(message, connection, connection.code)

    def _answer_to_many(self, connection: Connection, arrived: ManyArrived) -> None:
        """Answer each in turn, and send the answers together."""
        time_ns, time_source, name, peer = arrived.time_ns, arrived.time_source, self._name, connection.peer
        assert isinstance(time_ns, int)  # noqa: S101 (where messages are answered they are of one read)
        data, at, own = arrived.payloads.tobytes(), 0, self._pings
        gathered, until, held = self._gathered, 0.0, 0
        most = min(GATHER_BYTES, self.options.max_waiting_bytes // 8)
        self._send_gathered()
        if self._echoes and not own and len(data) <= most and self._echo(connection, arrived):
            return
        self._gathered_for = connection
        for size, kind, wire in zip(
            arrived.sizes.tolist(), arrived.kinds.tolist(), arrived.wire_bytes.tolist(), strict=True
        ):
            payload = data[at : at + size]
            at += size
            if not self._answers or connection.phase is not Phase.OPEN:
                break
            if own and own.knows(payload):
                continue
            short = self._short
            if short is not None:
                said = [short(payload, _KINDS[kind])]
            else:
                message = Message(
                    time_ns, name, peer, payload, kind=_KINDS[kind], time_source=time_source, wire_bytes=wire
                )
                said = self._reply_of(message, connection, connection.code)
            for one in said:
                gathered.append(one)
                held += len(one.payload)
            if not until:
                until = time.monotonic() + GATHER_S
            elif held > most or time.monotonic() > until:
                self._send_gathered()
                until, held = 0.0, 0
        self._send_gathered()

    def _send_gathered(self) -> None:
        if not self._gathered:
            return
        answers, connection = self._gathered.copy(), self._gathered_for
        self._gathered.clear()
        assert connection is not None  # noqa: S101 (whoever gathers says for whom)
        able = _can_be_sent(connection) and len(answers) > 1
        many = connection.session.encode_many(answers) if able else None
        if many is None:
            for answer in answers:
                self._send(answer, connection)
            return
        self._send_many(many, connection)

    def _echo(self, connection: Connection, arrived: ManyArrived) -> bool:
        """Send messages back as they are; False where they are to be answered one by one."""
        if not _can_be_sent(connection):
            return False
        many = connection.session.encode_columns(arrived.payloads, arrived.sizes, arrived.kinds)
        if many is not None:
            self._send_many(many, connection)
        return many is not None

    def _send_many(self, many: ManyEncoded, connection: Connection) -> None:
        count = len(many.sizes)
        self.sink.extend(
            np.full(count, clock.now_ns(), np.int64),
            np.full(count, connection.code, np.int32),
            many.sizes,
            many.payloads,
            many.wire_bytes,
            many.kinds,
            time_source=TimeSource.USER,
            direction=Direction.OUT,
        )
        connection.last_sent_s = time.monotonic()
        self.write(connection, many.data)

    # ---- sending

    def _send(self, outgoing: Outgoing, peer: Connection) -> Fact | None:
        self._send_gathered()  # they came first
        if peer.phase is not Phase.OPEN:
            ending = Fact.of(Reason.ENDING, case="ended", cause=peer.reason) if peer.reason else _ENDING
            return Fact.of(Reason.NOT_SENT, by=ending.by, cause=ending)
        if peer.unsendable:
            peer.not_sent += 1
            return Fact.of(Reason.NOT_SENT, by=_ENDING.by, cause=_ENDING)
        try:
            encoded = peer.session.encode(outgoing)
        except (FramingError, NotSent) as error:
            cause = error.fact or _ENDING
            problem = Fact.of(Reason.NOT_SENT, by=cause.by, cause=cause)
            self.sink.append(
                clock.now_ns(),
                peer.code,
                outgoing.payload,
                direction=Direction.OUT,
                event=Event.ERROR,
                kind=outgoing.kind,
                fact=problem,
            )
            return problem
        self.sink.append(
            clock.now_ns(),
            peer.code,
            encoded.payload,
            direction=Direction.OUT,
            kind=encoded.kind,
            wire_bytes=encoded.wire_bytes,
            fact=encoded.fact,
        )
        peer.last_sent_s = time.monotonic()
        self.write(peer, encoded.data)
        return None

    def _has_room(self, target: Connection) -> bool:
        return len(target.waiting) <= self.options.max_waiting_bytes // 2

    def _ping_targets(self) -> list[Connection]:
        return [connection for connection in self._connections if connection.phase is Phase.OPEN]

    def _may_ping(self, target: Connection) -> bool:
        return target.session.can_ask

    def _takes_only_variants(self, target: Connection) -> bool:
        return target.session.takes_only_variants

    def _close_peer(self, peer: Connection, closing: Close) -> None:
        if peer.phase is Phase.OPEN:
            with self._guarded(peer):
                self._read_all(peer)
                self._take_leave(peer, closing)

    def _take_leave(self, peer: Connection, closing: Close) -> None:
        if peer.phase is Phase.OPEN:  # what was read may have ended it
            cause = closing.reason or "the reply function wanted it"
            case = "code" if self.address.transport == "ws" else ""
            fact = Fact.of(
                Reason.WE_CLOSED, by=US, code=closing.code if case else None, case=case, cause=cause
            )
            self.act(peer, peer.session.take_leave(fact, closing.code, closing.reason))

    def _peer_of(self, target: Connection) -> tuple[Peer, int]:
        return target.peer, target.code

    # ---- ending

    def _let_all_in(self) -> None:
        """Adopt the connections that the system has made and nobody has taken yet."""

    def _finish(self) -> None:
        # What had arrived when stop was pressed belongs to the capture.
        reply, until = self._reply, time.monotonic() + _ANSWERED_S
        if reply is not None:
            self._short, self._echoes = None, False
            self._reply = lambda message: reply(message) if time.monotonic() < until else ()
        self._let_all_in()
        for connection in list(self._connections):
            with self._guarded(connection):
                self._read_all(connection)
        waits = [0.0]
        for connection in self._ping_targets():
            with self._guarded(connection):
                waits.append(_reading_s(connection))
                self.act(connection, connection.session.take_leave(_STOPPED))
        for connection in list(self._connections):
            if connection.phase is not Phase.OPEN and not connection.was_open:
                self.drop(connection, _STOPPED)
        deadline = time.monotonic() + max(waits) + _STOP_S
        while self._connections and time.monotonic() < deadline:
            self._loop.turn(0.05)
        for connection in list(self._connections):
            self.drop(connection, _STOPPED)
        self._write_wholes()

    def _close_sockets(self) -> None:
        for connection in list(self._connections):
            self.drop(connection, _STOPPED)

    def statistics(self) -> EndpointStatistics:
        """Return how many connections are open; a stream loses nothing in the kernel."""
        there = list(self._connections)
        sessions = [getattr(connection, "session", None) for connection in there]
        waiting = [session.waiting for session in sessions if session is not None]
        return EndpointStatistics(
            connections=self._open,
            waiting_bytes=sum(held for held, _ in waiting),
            awaited_bytes=max((awaited for held, awaited in waiting if held), default=0),
            unsent_bytes=sum(len(connection.waiting) for connection in there),
            opening=sum(1 for connection in there if connection.phase is Phase.OPENING),
        )


def _can_be_sent(connection: Connection) -> bool:
    return connection.phase is Phase.OPEN and not connection.unsendable


def _reading_s(connection: Connection) -> float:
    """In how many seconds the peer has had the time to read the last message."""
    if not connection.last_sent_s:
        return 0.0
    return connection.last_sent_s + LAST_MESSAGE_S - time.monotonic()
