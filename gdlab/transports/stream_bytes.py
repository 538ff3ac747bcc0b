"""The bytes of stream connections: one thread reads, writes and ends them all.

What arrives on a connection goes to its session, and what the session makes of it to `act`. A fault in one connection
ends that one; whatever a peer sends or leaves unread, the others go on being served, and what the peers make us keep
is bounded.
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
from collections.abc import Callable, Iterable, Iterator

from gdlab import clock
from gdlab.facts import PEER, US, Fact, Reason
from gdlab.messages import Event, Peer, TimeSource
from gdlab.transports.bound import Bound
from gdlab.transports.connections import (
    READ_BYTES,
    READS_TOGETHER,
    Connection,
    Phase,
    broken_by,
    prepare_stream,
)
from gdlab.transports.effects import Effect
from gdlab.transports.gathering import Gathering
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.session import LINGER_S, Link, Read, Session
from gdlab.transports.sink import Sink

log = logging.getLogger(__name__)

_READ = selectors.EVENT_READ
_WRITE = selectors.EVENT_WRITE
_RESET_ON_CLOSE = struct.pack("@ii", 1, 0)


class StreamBytes(Gathering):
    """An endpoint with connections."""

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._connections: dict[Connection, None] = {}
        self._open = 0
        self._held_bytes = 0
        self._numbers = itertools.count()  # of the connections' timers

    @abstractmethod
    def _new_session(self, link: Link) -> Session:
        """Make the protocol of a new connection."""

    @abstractmethod
    def act(self, connection: Connection, effects: Iterable[Effect]) -> None:
        """Do what follows from what happened on a connection."""

    def _gone(self, connection: Connection) -> None:
        """React to the end of a connection."""

    def _note_end(self, connection: Connection, event: Event, fact: Fact) -> None:
        # Who was not let in is known by what it asked for. It may be the making of the session that failed.
        session = None if connection.was_open else getattr(connection, "session", None)
        request = b"" if session is None or fact is not connection.reason else session.request
        self.sink.append(clock.now_ns(), connection.code, request, event=event, fact=fact)

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
        ready = functools.partial(self._ready, connection)
        self._loop.watch(self, sock, _READ, ready, self._reads, connection)
        with self._guarded(connection):
            link = Link(self.address, self.options, peer, connection.own_host, connection.ipv6)
            connection.session = self._new_session(link)
            # What came before we knew of the connection has an earlier stamp than now; its opening was no later.
            arrived = self._receive(connection)
            if connection.closed:
                return
            began_ns = min(clock.now_ns(), arrived[1]) if arrived else clock.now_ns()
            self.act(connection, connection.session.begin(began_ns))
            if arrived:
                self._take(connection, *arrived)

    def finish(self, connection: Connection, reason: Fact) -> None:
        """End a connection in order: what waits is sent, then our side ends, then the peer's."""
        if connection.phase in (Phase.ENDING, Phase.CLOSED):
            return
        self._leave(connection)
        connection.phase = Phase.ENDING
        connection.reason = connection.reason or reason
        self._note_end(connection, Event.CLOSE if connection.was_open else Event.ERROR, connection.reason)
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
            self._note_end(connection, Event.CLOSE if connection.was_open else Event.ERROR, connection.reason)
        lost = connection.unsent + (len(connection.waiting) if ending else 0)
        if lost:
            self._note_end(
                connection, Event.ERROR, Fact.of(Reason.UNSENT, by=reason.by, count=lost, cause=reason)
            )
        if connection.not_sent:
            fact = Fact.of(
                Reason.NOT_SENT, by=reason.by, count=connection.not_sent, case="many", cause=reason
            )
            self._note_end(connection, Event.ERROR, fact)
        if (
            connection.ignored and self.address.transport == "tcp"
        ):  # of a WebSocket, its answer to our close frame
            fact = Fact(Reason.SKIPPED, US, count=connection.ignored, case="after")
            self._note_end(connection, Event.GAP, fact)
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
        except Exception as error:  # noqa: BLE001 (it is logged, and ends the connection)
            self._failed_at(connection, error)

    def _failed_at(self, connection: Connection, error: Exception) -> None:
        log.error("%s: connection of %s", self.address, connection.peer, exc_info=error)
        fact = Fact.of(Reason.INTERNAL, by=US, error=f"{type(error).__name__}: {error}")
        self.drop(connection, fact)

    def _ready(self, connection: Connection, events: int) -> None:
        if connection.phase is Phase.CLOSED:  # by an event before, in the same round
            return
        try:  # as `_guarded`, which costs a tenth of what a small message does
            if events & _READ:
                self._read(connection)
            if events & _WRITE and not connection.closed:
                self._flush(connection)
        except Exception as error:  # noqa: BLE001 (it is logged, and ends the connection)
            self._failed_at(connection, error)

    def _read(self, connection: Connection) -> int:
        """Take one chunk; return its size, 0 where nothing more can be read now."""
        arrived = self._receive(connection)
        return 0 if arrived is None else self._take_read(connection, *arrived)

    def _take_read(self, connection: Connection, chunk: bytes, time_ns: int, time_source: TimeSource) -> int:
        size = len(chunk)
        full = size == READ_BYTES and not self._answers and connection.phase is Phase.OPEN
        if full and connection.session.takes_ahead:
            return self._read_on(connection, Read(chunk, time_ns, time_source))
        return size if self._take(connection, chunk, time_ns, time_source) else 0

    def _read_on(self, connection: Connection, read: Read) -> int:
        """Take a full read together with what has arrived behind it, as a flood is cheaper to take in larger parts."""
        reads, size, broken = [read], READ_BYTES, None
        try:
            while len(reads) < READS_TOGETHER and len(reads[-1].chunk) == READ_BYTES:
                reads.append(Read(*connection.receive(self._buffers)))
                size += len(reads[-1].chunk)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            broken = error
        came = rest = [each for each in reads if each.chunk]
        times = [connection.last_read_ns, *(each.time_ns for each in came)]
        if times == sorted(times) and len({each.time_source for each in came}) == 1:
            taken, rest = connection.session.take_ahead(came)
            self.act(connection, taken)
            if not rest:
                connection.last_read_ns = times[-1]
                self._count_held(connection)
        for each in (*rest, *reads[len(came) :]):
            self._take(connection, *each)
        if broken is not None:
            self.drop(connection, broken_by(broken))
        return 0 if connection.closed or connection.end_received else size

    def _receive(self, connection: Connection) -> tuple[bytes, int, TimeSource] | None:
        try:
            return connection.receive(self._buffers)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self.drop(connection, broken_by(error))
            return None

    def _take(self, connection: Connection, chunk: bytes, time_ns: int, time_source: TimeSource) -> bool:
        phase = connection.phase
        if phase is Phase.CLOSED:
            return False
        if not chunk:
            connection.end_received = True
            if phase is not Phase.ENDING:
                self.act(connection, connection.session.end())
                self._count_held(connection)
            if not connection.closed:
                self._flush(connection)
            return False
        # Where the kernel has just begun to stamp, the reads before have our own time, which is later.
        if time_ns < connection.last_read_ns:
            time_ns, time_source = connection.last_read_ns, TimeSource.USER
        connection.last_read_ns = time_ns
        if phase is Phase.ENDING:
            connection.ignored += len(chunk)
        else:
            taken = connection.session.receive(chunk, time_ns, time_source, one_by_one=self._answers)
            self.act(connection, taken)
            self._count_held(connection)
        return not connection.closed

    def _count_held(self, connection: Connection) -> None:
        if connection.phase is Phase.CLOSED:
            return
        held = connection.session.held_bytes
        if held == connection.held_bytes:
            return
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
        self._spoke_s = time.monotonic()
        if connection.unsendable:
            connection.unsent += len(data)
            return
        waiting = len(connection.waiting)
        most = min(self.options.max_waiting_bytes, self.options.max_unsent_bytes)
        if waiting and waiting + len(data) > most:
            connection.unsent += len(data)
            self._read_to_the_end(
                connection,
                Fact.of(
                    Reason.SLOW_READER,
                    by=US,
                    limit="max_waiting_bytes"
                    if most == self.options.max_waiting_bytes
                    else "max_unsent_bytes",
                    waiting=waiting,
                    most=most,
                ),
                reset=True,
            )
            return
        try:
            connection.send(data)
        except OSError as error:
            connection.unsent += len(data)
            self._read_to_the_end(connection, broken_by(error))
            return
        self._watch(connection)
        if connection.waiting:
            self._keep_unsent_bounds()

    def _keep_unsent_bounds(self) -> None:
        """Close the connection for which most waits where all together pass the limit."""
        waiting = [one for one in self._connections if one.waiting]
        total = sum(len(one.waiting) for one in waiting)
        if len(waiting) > 1 and total > self.options.max_unsent_bytes:
            slowest = max(waiting, key=lambda one: len(one.waiting))
            fact = Fact.of(
                Reason.SLOW_READER,
                by=US,
                limit="max_unsent_bytes",
                case="all",
                waiting=total,
                most=self.options.max_unsent_bytes,
            )
            self._read_to_the_end(slowest, fact, reset=True)

    def _flush(self, connection: Connection) -> None:
        """Send more of what waits; at the end of an ending connection close our side, then all of it."""
        try:
            connection.flush()
            if connection.phase is Phase.ENDING and not connection.waiting and not connection.end_sent:
                connection.end_sent = True
                connection.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if connection.unsendable:
                self.drop(connection, broken_by(error))
            else:
                self._read_to_the_end(connection, broken_by(error))
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
        connection.reason = connection.reason or reason  # also where the endpoint stops meanwhile
        connection.unsent += len(connection.waiting)
        connection.waiting = bytearray()
        # Not at once: it may be an answer to one of many messages of a read that failed.
        self._loop.call(self, functools.partial(self._read_rest, connection, reason, reset=reset))

    def _read_rest(
        self, connection: Connection, reason: Fact, *, reset: bool, most: int | None = None
    ) -> None:
        # Read by read, so that the others have their turns; and no more than the kernel can have held, as a peer that
        # reads nothing may send for ever.
        with self._guarded(connection):
            left = connection.room_bytes if most is None else most
            size = self._read(connection) if left > 0 else 0
            if size:
                go_on = functools.partial(self._read_rest, connection, reason, reset=reset, most=left - size)
                self.later(connection, 0, go_on)
                return
        self.drop(connection, reason, reset=reset)

    def _read_all(self, connection: Connection) -> None:
        """Take what the kernel holds of a connection by now."""
        left = connection.room_bytes
        while left > 0 and connection.phase in (Phase.OPENING, Phase.OPEN):
            size = self._read(connection)
            if not size:
                return
            left -= size

    def _watch(self, connection: Connection) -> None:
        """Ask the selector for what there is to wait for; an ended direction would be reported for ever."""
        events = (0 if connection.end_received else _READ) | (_WRITE if connection.waiting else 0)
        if events == connection.events:
            return
        ready = functools.partial(self._ready, connection)
        self._loop.watch(self, connection.sock, events, ready, self._reads, connection)
        connection.events = events
