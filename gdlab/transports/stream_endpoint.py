"""The stream connections of an endpoint: one thread reads, answers and ends them all.

What arrives on a connection goes to its session (`connections.Session`), which knows the protocol and hands back
messages by `deliver`. A fault in one connection ends that one; whatever a peer sends or leaves unread, the others go
on being served, and what the peers make us keep is bounded.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import selectors
import socket
import struct
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.errors import FramingError, NotSent
from gdlab.facts import PEER, SYSTEM, US, Fact, Reason
from gdlab.messages import Direction, Event, Kind, Message, Peer, TimeSource
from gdlab.payloads import Int64, UInt8
from gdlab.transports.bound import Bound
from gdlab.transports.connections import READ_BYTES, Connection, Phase, Session, prepare_stream
from gdlab.transports.encoding import Outgoing
from gdlab.transports.endpoint import Endpoint
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.replies import Close
from gdlab.transports.sink import Sink
from gdlab.transports.states import EndpointStatistics
from gdlab.transports.text_or_binary import guess_kinds

log = logging.getLogger(__name__)

#: A connection that ends is given so long to take what waits and to end its side.
LINGER_S: Final = 5.0

#: When the endpoint stops, all of them together are given so long.
_STOP_S: Final = 0.5

#: How long an endpoint that stops goes on taking what its peers keep sending.
_LAST_TURN_S: Final = 0.5

_READ = selectors.EVENT_READ
_WRITE = selectors.EVENT_WRITE
_STOPPED: Final = Fact(Reason.STOPPED, US)
_ENDING: Final = Fact(Reason.ENDING)
_RESET_ON_CLOSE = struct.pack("@ii", 1, 0)


class StreamEndpoint(Endpoint):
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
        self._connections: dict[Connection, None] = {}
        self._open = 0
        self._held_bytes = 0
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._numbers = itertools.count()  # of the connections' timers

    @abstractmethod
    def _new_session(self, connection: Connection) -> Session:
        """Make the protocol of a new connection."""

    def _gone(self, connection: Connection) -> None:
        """React to the end of a connection."""

    # ---- from connected to closed

    def _adopt(self, sock: socket.socket, source: tuple[object, ...]) -> None:
        """Serve a connected socket from now on."""
        try:
            prepare_stream(sock, nodelay=self.options.nodelay)
            peer = Peer(str(source[0]), int(str(source[1])))
            connection = Connection(sock, peer, self.sink.peer_code(peer))
        except OSError:  # it was reset before we came to it; BSD says so here
            sock.close()
            return
        self._connections[connection] = None
        connection.events = _READ
        self._loop.watch(self, sock, _READ, functools.partial(self._ready, connection))
        with self._guarded(connection):
            connection.session = self._new_session(connection)
            # What came before we knew of the connection has an earlier stamp than now; its opening was no later.
            arrived = self._receive(connection)
            if connection.closed:
                return
            began_ns = min(clock.now_ns(), arrived[1]) if arrived else clock.now_ns()
            connection.session.begin(began_ns)
            if arrived:
                self._take(connection, *arrived)

    def opened(self, connection: Connection, fact: Fact, time_ns: int = 0) -> None:
        """Note that a connection is ready for messages, from `time_ns` on."""
        connection.phase = Phase.OPEN
        connection.was_open = True
        self._open += 1
        self.note(connection, Event.OPEN, fact, time_ns=time_ns)

    def finish(self, connection: Connection, reason: Fact) -> None:
        """End a connection in order: what waits is sent, then our side ends, then the peer's."""
        if connection.phase in (Phase.ENDING, Phase.CLOSED):
            return
        self._leave(connection)
        connection.phase = Phase.ENDING
        connection.reason = connection.reason or reason
        self.note(connection, Event.CLOSE if connection.was_open else Event.ERROR, connection.reason)
        self.later(
            connection, LINGER_S, functools.partial(self.drop, connection, Fact(Reason.LINGERED, PEER))
        )
        self._flush(connection)

    def drop(self, connection: Connection, reason: Fact, *, reset: bool = False) -> None:
        """Close a connection at once; what waits is lost. `reset` tells the peer so."""
        if connection.closed:
            return
        self._leave(connection)
        ending, connection.phase = connection.phase is Phase.ENDING, Phase.CLOSED
        self._held_bytes -= connection.held_bytes
        del self._connections[connection]
        self._loop.watch(self, connection.sock, 0)
        if reset:
            with contextlib.suppress(OSError):
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        connection.sock.close()
        if not ending:
            connection.reason = connection.reason or reason
            self.note(connection, Event.CLOSE if connection.was_open else Event.ERROR, connection.reason)
        lost = connection.unsent + (len(connection.waiting) if ending else 0)
        if lost:
            self.note(connection, Event.ERROR, Fact.of(Reason.UNSENT, by=reason.by, count=lost, cause=reason))
        # Timers that are not due yet still hold the connection; a storm of short ones must not hold all of them.
        connection.waiting = bytearray()
        connection.timers.clear()
        with contextlib.suppress(AttributeError):  # it may be the making of the session that failed
            del connection.session
        self._gone(connection)

    def later(self, connection: Connection, delay_s: float, function: Callable[[], None]) -> None:
        """Run a function after some seconds, unless the connection is closed by then."""
        number = next(self._numbers)
        connection.timers[number] = function

        def run() -> None:
            due = connection.timers.pop(number, None)
            if due is not None:
                with self._guarded(connection):
                    due()

        self._after(delay_s, run)

    def _leave(self, connection: Connection) -> None:
        if connection.phase is Phase.OPEN:
            self._open -= 1

    # ---- reading and writing

    @contextlib.contextmanager
    def _guarded(self, connection: Connection) -> Iterator[None]:
        """Keep a fault within its connection."""
        try:
            yield
        except Exception as error:
            log.exception("%s: connection of %s", self.address, connection.peer)
            fact = Fact.of(Reason.INTERNAL, by=US, error=f"{type(error).__name__}: {error}")
            self.drop(connection, fact)

    def _ready(self, connection: Connection, events: int) -> None:
        if connection.closed:  # by an event before, in the same round
            return
        with self._guarded(connection):
            if events & _READ:
                self._read(connection)
            if events & _WRITE and not connection.closed:
                self._flush(connection)

    def _read(self, connection: Connection) -> bool:
        """Take one chunk; return whether there was any."""
        arrived = self._receive(connection)
        return self._take(connection, *arrived) if arrived else False

    def _receive(self, connection: Connection) -> tuple[bytes, int, TimeSource] | None:
        try:
            return connection.receive(self._buffer)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self.drop(connection, _broken(error))
            return None

    def _take(self, connection: Connection, chunk: bytes, time_ns: int, time_source: TimeSource) -> bool:
        if connection.closed:
            return False
        if not chunk:
            connection.end_received = True
            if connection.phase is not Phase.ENDING:
                connection.session.end()
                self._count_held(connection)
            if not connection.closed:
                self._flush(connection)
            return False
        # Where the kernel has just begun to stamp, the reads before have our own time, which is later.
        if time_ns < connection.last_read_ns:
            time_ns, time_source = connection.last_read_ns, TimeSource.USER
        connection.last_read_ns = time_ns
        if connection.phase is not Phase.ENDING:
            connection.session.receive(chunk, time_ns, time_source)
            self._count_held(connection)
        return not connection.closed

    def _count_held(self, connection: Connection) -> None:
        if connection.closed:
            return
        held = connection.session.held_bytes
        self._held_bytes += held - connection.held_bytes
        connection.held_bytes = held
        if self._held_bytes > self.options.max_held_bytes:
            self.drop(
                connection,
                Fact.of(
                    Reason.HELD_TOO_MUCH,
                    by=US,
                    limit="max_held_bytes",
                    held=self._held_bytes,
                    most=self.options.max_held_bytes,
                ),
                reset=True,
            )

    def write(self, connection: Connection, data: bytes) -> None:
        """Send bytes; a peer that does not read them loses its connection when too much waits."""
        if not data or connection.end_sent or connection.closed:
            return
        if connection.unsendable:
            connection.unsent += len(data)
            return
        waiting = len(connection.waiting)
        if waiting and waiting + len(data) > self.options.max_waiting_bytes:
            connection.unsent += len(data)
            self._read_to_the_end(
                connection,
                Fact.of(
                    Reason.SLOW_READER,
                    by=US,
                    limit="max_waiting_bytes",
                    waiting=waiting,
                    most=self.options.max_waiting_bytes,
                ),
                reset=True,
            )
            return
        try:
            connection.send(data)
        except OSError as error:
            connection.unsent += len(data)
            self._read_to_the_end(connection, _broken(error))
            return
        self._watch(connection)

    def _flush(self, connection: Connection) -> None:
        """Send more of what waits; at the end of an ending connection close our side, then all of it."""
        try:
            connection.flush()
            if connection.phase is Phase.ENDING and not connection.waiting and not connection.end_sent:
                connection.end_sent = True
                connection.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if connection.unsendable:
                self.drop(connection, _broken(error))
            else:
                self._read_to_the_end(connection, _broken(error))
            return
        if connection.end_sent and connection.end_received:
            self.drop(connection, connection.reason or Fact(Reason.PEER_CLOSED, PEER))
            return
        self._watch(connection)

    def _read_to_the_end(self, connection: Connection, reason: Fact, *, reset: bool = False) -> None:
        """Close a connection that cannot be sent to, when all that the kernel has received is a row."""
        if connection.unsendable or connection.closed:
            return
        connection.unsendable = True
        connection.unsent += len(connection.waiting)
        connection.waiting = bytearray()
        # Not at once: it may be an answer to one of many messages of a read that failed.
        self._loop.call(self, functools.partial(self._read_rest, connection, reason, reset=reset))

    def _read_rest(self, connection: Connection, reason: Fact, *, reset: bool) -> None:
        until = time.monotonic() + _LAST_TURN_S
        with self._guarded(connection):
            while not connection.closed and self._read(connection) and time.monotonic() < until:
                pass
        self.drop(connection, reason, reset=reset)

    def _watch(self, connection: Connection) -> None:
        """Ask the selector for what there is to wait for; an ended direction would be reported for ever."""
        events = (0 if connection.end_received else _READ) | (_WRITE if connection.waiting else 0)
        if events == connection.events:
            return
        self._loop.watch(self, connection.sock, events, functools.partial(self._ready, connection))
        connection.events = events

    # ---- rows

    def note(
        self,
        connection: Connection,
        event: Event,
        fact: Fact | None = None,
        payload: bytes = b"",
        time_ns: int = 0,
        time_source: TimeSource = TimeSource.USER,
    ) -> None:
        """Write a row that is no message; of now, unless it concerns what was read at a known time."""
        self.sink.append(
            time_ns or clock.now_ns(),
            connection.code,
            payload,
            event=event,
            time_source=time_source,
            fact=fact,
        )

    def deliver(
        self,
        connection: Connection,
        payload: bytes,
        kind: Kind,
        wire_bytes: int,
        time_ns: int,
        time_source: TimeSource,
        fact: Fact | None = None,
    ) -> None:
        """Write a received message, and answer it."""
        self.sink.append(
            time_ns,
            connection.code,
            payload,
            kind=kind,
            time_source=time_source,
            wire_bytes=wire_bytes,
            fact=fact,
        )
        if self._answers and connection.phase is Phase.OPEN:
            self.answer(connection, payload, kind, wire_bytes, time_ns, time_source)

    def answer(
        self,
        connection: Connection,
        payload: bytes,
        kind: Kind,
        wire_bytes: int,
        time_ns: int,
        time_source: TimeSource,
    ) -> None:
        """Answer a received message, where messages are answered."""
        message = Message(
            time_ns,
            self._name,
            connection.peer,
            payload,
            kind=kind,
            time_source=time_source,
            wire_bytes=wire_bytes,
        )
        self._answer(message, connection, connection.code)

    @property
    def takes_columns(self) -> bool:
        """Whether many messages at once may go to `deliver_columns`, because none is answered."""
        return not self._answers

    def deliver_columns(
        self,
        connection: Connection,
        payloads: UInt8,
        sizes: Int64,
        wire_bytes: Int64,
        time_ns: int,
        time_source: TimeSource,
        kinds: npt.NDArray[np.int8] | None = None,
    ) -> None:
        """Write many received messages of one read, their payloads one behind the other.

        Parameters
        ----------
        sizes, wire_bytes : (n,) int64. kinds : (n,) codes of `kind`; guessed where None.
        """
        count = len(sizes)
        self.sink.extend(
            np.full(count, time_ns, np.int64),
            np.full(count, connection.code, np.int32),
            sizes,
            payloads,
            wire_bytes,
            guess_kinds(payloads, sizes) if kinds is None else kinds,
            time_source=time_source,
        )

    # ---- sending

    def _send(self, outgoing: Outgoing, peer: Connection) -> Fact | None:
        if peer.phase is not Phase.OPEN:
            ending = Fact.of(Reason.ENDING, case="ended", cause=peer.reason) if peer.reason else _ENDING
            return Fact.of(Reason.NOT_SENT, by=ending.by, cause=ending)
        if peer.unsendable:
            peer.unsent += len(outgoing.payload)
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
                cause = closing.reason or "the reply function wanted it"
                case = "code" if self.address.transport == "ws" else ""
                fact = Fact.of(
                    Reason.WE_CLOSED, by=US, code=closing.code if case else None, case=case, cause=cause
                )
                peer.session.take_leave(fact, closing.code, closing.reason)

    def _peer_of(self, target: Connection) -> tuple[Peer, int]:
        return target.peer, target.code

    # ---- ending

    def _finish(self) -> None:
        # What had arrived when stop was pressed belongs to the capture.
        until = time.monotonic() + _LAST_TURN_S
        for connection in list(self._connections):
            with self._guarded(connection):
                while connection.phase is Phase.OPEN and self._read(connection) and time.monotonic() < until:
                    pass
        waits = [0.0]
        for connection in self._ping_targets():
            with self._guarded(connection):
                waits.append(connection.session.take_leave(_STOPPED))
        for connection in list(self._connections):
            if connection.phase is not Phase.OPEN and not connection.was_open:
                self.drop(connection, _STOPPED)
        deadline = time.monotonic() + max(waits) + _STOP_S
        while self._connections and time.monotonic() < deadline:
            self._loop.turn(0.05)
        for connection in list(self._connections):
            self.drop(connection, _STOPPED)

    def _close_sockets(self) -> None:
        for connection in list(self._connections):
            self.drop(connection, _STOPPED)

    def statistics(self) -> EndpointStatistics:
        """Return how many connections are open; a stream loses nothing in the kernel."""
        sessions = [getattr(connection, "session", None) for connection in list(self._connections)]
        waiting = [session.waiting for session in sessions if session is not None]
        return EndpointStatistics(
            connections=self._open,
            waiting_bytes=sum(held for held, _ in waiting),
            awaited_bytes=max((awaited for held, awaited in waiting if held), default=0),
        )


def _broken(error: OSError) -> Fact:
    # A reset that comes after the peer's end is shown as a broken pipe.
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return Fact(Reason.PEER_RESET, PEER)
    return Fact(Reason.BROKEN, SYSTEM, error.errno, said=error.strerror or str(error))
