"""The sockets of a TCP or WebSocket relay: for each client a connection to the server, bytes passing unchanged."""

from __future__ import annotations

import contextlib
import errno
import re
import selectors
import socket
import struct
import time
from typing import Any, Final

from gdlab.facts import PEER, SYSTEM, US, Fact, Reason
from gdlab.impair import UP, WAYS, Copy
from gdlab.impair.stalls import StreamPipeline
from gdlab.messages import TimeSource
from gdlab.transports.address import Address
from gdlab.transports.binding import bind_all
from gdlab.transports.datagrams import LINUX, SO_TIMESTAMPNS, stamp_and_drops
from gdlab.transports.origins import is_welcome
from gdlab.transports.relaying import wire
from gdlab.transports.relaying.datagram_core import resolve, too_many
from gdlab.transports.relaying.files import raise_file_limit
from gdlab.transports.relaying.units import Units, units
from gdlab.transports.relaying.worker import Worker

_READ_BYTES: Final = 64 * 1024
#: So much of one way may be on the line or unsent before its sender is left waiting.
_MOST_WAITING_BYTES: Final = 4 * 2**20
_LEAST_BUFFER_BYTES: Final = 16 * 1024
_ANCILLARY_BYTES: Final = socket.CMSG_SPACE(16) if LINUX else 0
_RESET: Final = struct.pack("ii", 1, 0)
_ORIGIN: Final = re.compile(rb"^origin:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Half:
    """One direction of a connection: from a socket, through the network, to the other socket."""

    __slots__ = (
        "ended",
        "finished",
        "flags",
        "last_ns",
        "name",
        "on_line",
        "sink",
        "source",
        "units",
        "unsent",
        "way",
    )

    def __init__(self, way: int, source: socket.socket, sink: socket.socket, cut: Units) -> None:
        self.way = way
        self.name = WAYS[way]
        self.flags = wire.DOWN if way != UP else 0
        self.source = source
        self.sink = sink
        self.units = cut
        self.on_line = 0  # bytes
        self.last_ns = 0
        self.unsent = bytearray()
        self.ended = False  # its sender sends nothing more
        self.finished = False  # and that has been handed on


class Connection:
    """A client, and what stands for it at the server."""

    def __init__(
        self, number: int, client: socket.socket, server: socket.socket, up: Units, down: Units
    ) -> None:
        self.number = number
        self.client = client
        self.server = server
        self.up = Half(0, client, server, up)
        self.down = Half(1, server, client, down)
        self.connected = False
        self.checked = False
        self.masks: dict[socket.socket, int] = {}
        self.fed_ns = 0


class StreamCore:
    """TCP and WebSocket.

    Raises
    ------
    PortInUse, PortForbidden, AddressError, RelayError : it cannot listen, or does not know the server's address.
    """

    def __init__(self, worker: Worker, first: dict[str, Any]) -> None:
        raise_file_limit()
        self._worker = worker
        self._transport = first["transport"]
        self._framing = first["framing"]
        self._target = resolve(first["to_host"], first["to_port"], socket.SOCK_STREAM)
        self._max_clients = int(first["max_clients"])
        address = Address("tcp", first["host"], first["port"])
        bound = bind_all(address, socket.SOCK_STREAM, lambda _sock: None)
        self._fronts = bound.sockets
        self.address = f"{self._transport}://{str(bound.address).partition('://')[2]}"
        self._connections: dict[int, Connection] = {}
        self._count = 0
        self._selector: selectors.BaseSelector | None = None

    @property
    def clients(self) -> int:
        """See `Core`."""
        return len(self._connections)

    def register(self, selector: selectors.BaseSelector) -> None:
        """See `Core`."""
        self._selector = selector
        for front in self._fronts:
            selector.register(front, selectors.EVENT_READ, lambda _mask, front=front: self._accept(front))

    # ---- connections

    def _accept(self, front: socket.socket) -> None:
        try:
            client, source = front.accept()
        except OSError:
            return
        now = time.time_ns()
        if len(self._connections) >= self._max_clients:
            self._worker.outlet.tell(
                event="error", time=now, peer=list(source[:2]), fact=too_many(self._max_clients)
            )
            _reset(client)
            return
        family, target = self._target
        server = socket.socket(family, socket.SOCK_STREAM)
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if LINUX:
                sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._shrink_buffers(client, server)
        code = server.connect_ex(target)
        self._count += 1
        cut = [units(self._transport, self._framing) for _ in WAYS]
        connection = Connection(self._count, client, server, *cut)
        self._connections[connection.number] = connection
        for way in WAYS:
            self._worker.path.pipe(connection.number, way)
        self._worker.outlet.tell(
            event="client",
            time=now,
            client=connection.number,
            peer=list(source[:2]),
            local=list(server.getsockname()[:2]),
            server=list(target[:2]),
        )
        if code not in {0, errno.EINPROGRESS, errno.EWOULDBLOCK, 10035}:
            self._unreachable(connection, code)
            return
        self._watch(connection)

    def _shrink_buffers(self, client: socket.socket, server: socket.socket) -> None:
        """With a bottleneck what waits must wait in it, not in megabytes of the kernel's."""
        links = self._worker.path.links
        for way, source, sink in (("up", client, server), ("down", server, client)):
            link = links[way]
            if link.rate_kbps:
                limit = link.queue_bytes or round(link.rate_kbps / 8 * (link.queue_ms or 200.0))
                size = max(_LEAST_BUFFER_BYTES, limit)
                source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
                sink.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def _watch(self, connection: Connection) -> None:
        """Set what the selector waits for, by what each side can take."""
        if self._selector is None or connection.number not in self._connections:
            return
        for sock, reads, writes in (
            (connection.client, connection.up, connection.down),
            (connection.server, connection.down, connection.up),
        ):
            mask = 0
            waits_to_connect = sock is connection.server and not connection.connected
            if not reads.ended and not waits_to_connect and not self._is_full(connection, reads):
                mask |= selectors.EVENT_READ
            if writes.unsent or waits_to_connect:
                mask |= selectors.EVENT_WRITE
            before = connection.masks.get(sock, 0)
            if mask == before:
                continue
            connection.masks[sock] = mask
            if not before:
                self._selector.register(
                    sock, mask, lambda ready, sock=sock: self._ready(connection, sock, ready)
                )
            elif not mask:
                self._selector.unregister(sock)
            else:
                self._selector.modify(
                    sock, mask, lambda ready, sock=sock: self._ready(connection, sock, ready)
                )

    def _is_full(self, connection: Connection, half: Half) -> bool:
        if half.on_line + len(half.unsent) > _MOST_WAITING_BYTES:
            return True
        pipe = self._worker.path.pipe(connection.number, half.name)
        pipe.queue.settle(time.time_ns())
        return isinstance(pipe, StreamPipeline) and pipe.is_full

    def _ready(self, connection: Connection, sock: socket.socket, ready: int) -> None:
        if connection.number not in self._connections:
            return
        if sock is connection.server and not connection.connected:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._unreachable(connection, code)
                return
            connection.connected = True
        if ready & selectors.EVENT_WRITE:
            self._drain(connection, connection.up if sock is connection.server else connection.down)
        if ready & selectors.EVENT_READ:
            self._read(connection, connection.up if sock is connection.client else connection.down)
        self._watch(connection)

    def _unreachable(self, connection: Connection, code: int) -> None:
        fact = Fact(Reason.NOBODY_LISTENS, SYSTEM, code)
        self._worker.outlet.tell(
            event="error", time=time.time_ns(), client=connection.number, at_server=True, fact=fact
        )
        self._drop(connection, fact, reset=True)

    # ---- bytes

    def _read(self, connection: Connection, half: Half) -> None:
        try:
            if LINUX:
                chunk, ancillary, _, _ = half.source.recvmsg(_READ_BYTES, _ANCILLARY_BYTES)
                time_ns, source, _ = stamp_and_drops(ancillary)
            else:
                chunk = half.source.recv(_READ_BYTES)
                time_ns, source = time.time_ns(), TimeSource.USER
        except BlockingIOError:
            return
        except OSError as error:
            why = _broken(half, error)
            self._worker.later(
                self._behind(connection, half), lambda: self._drop(connection, why, reset=True)
            )
            half.ended = True
            return
        if not chunk:
            self._end(connection, half)
            return
        # What came before the socket was asked for stamps has none of the kernel's, and is stamped when it is read.
        half.last_ns = connection.fed_ns = time_ns = max(time_ns, half.last_ns)
        kernel = wire.KERNEL if source is TimeSource.KERNEL else 0
        self._worker.outlet.row(time_ns, connection.number, chunk, half.flags | kernel)
        for unit in half.units.feed(chunk):
            if not self._pass(connection, half, unit, time_ns):
                return

    def _pass(self, connection: Connection, half: Half, unit: bytes, time_ns: int) -> bool:
        if self._transport == "ws" and half.way == UP and not connection.checked:
            connection.checked = True
            if not self._welcome(connection, unit):
                return False
        half.on_line += len(unit)
        self._worker.arrive(connection.number, half.name, time_ns, unit)
        return True

    def _welcome(self, connection: Connection, head: bytes) -> bool:
        found = _ORIGIN.search(head)
        origin = found[1].decode("latin-1") if found else None
        if is_welcome(origin, connection.client.getsockname()[0]):
            return True
        fact = Fact(Reason.REFUSED_ORIGIN, US, said=origin or "", case="relay")
        self._worker.outlet.tell(event="error", time=time.time_ns(), client=connection.number, fact=fact)
        self._drop(connection, fact, reset=True)
        return False

    def _end(self, connection: Connection, half: Half) -> None:
        half.ended = True
        if rest := half.units.rest():
            self._pass(connection, half, rest, time.time_ns())
        self._worker.later(self._behind(connection, half), lambda: self._finish(connection, half))

    def _behind(self, connection: Connection, half: Half) -> int:
        """When the end of a way arrives: behind its last byte, and after its delay."""
        pipe = self._worker.path.pipe(connection.number, half.name)
        return max(time.time_ns() + round(pipe.link.delay_ms * 1e6), pipe.last_release)

    def _finish(self, connection: Connection, half: Half) -> None:
        if connection.number not in self._connections:
            return
        half.finished = True
        if not half.unsent:
            self._shut(connection, half)

    def _shut(self, connection: Connection, half: Half) -> None:
        with contextlib.suppress(OSError):
            half.sink.shutdown(socket.SHUT_WR)
        if all(each.finished and not each.unsent for each in (connection.up, connection.down)):
            self._drop(connection, Fact(Reason.PEER_CLOSED, PEER, case="both"))

    def send(self, copy: Copy) -> bool:
        """See `Core`."""
        connection = self._connections.get(copy.client)
        if connection is None:
            return False
        half = connection.up if copy.way == UP else connection.down
        copy.sent = time.time_ns()
        half.on_line -= copy.size
        half.unsent += copy.handle
        self._worker.outlet.row(copy.sent, copy.client, copy.handle, half.flags | wire.OUT)
        if connection.connected or half.way != UP:
            self._drain(connection, half)
        self._watch(connection)
        return True

    def _drain(self, connection: Connection, half: Half) -> None:
        if half.unsent:
            try:
                sent = half.sink.send(half.unsent)
                del half.unsent[:sent]
            except BlockingIOError:
                return
            except OSError as error:
                self._drop(connection, _broken(half, error), reset=True)
                return
        if half.finished and not half.unsent:
            self._shut(connection, half)

    def housekeep(self, now_ns: int) -> None:
        """See `Core`."""
        for connection in list(self._connections.values()):
            for half in (connection.up, connection.down):
                if half.units.held_bytes and now_ns - connection.fed_ns > 1_000_000_000:
                    self._pass(connection, half, half.units.rest(), now_ns)
            self._watch(connection)

    def _drop(self, connection: Connection, why: Fact, *, reset: bool = False) -> None:
        if self._connections.pop(connection.number, None) is None:
            return
        for sock in (connection.client, connection.server):
            if connection.masks.get(sock) and self._selector is not None:
                self._selector.unregister(sock)
            if reset:
                _reset(sock)
            else:
                sock.close()
        self._worker.outlet.tell(event="close", time=time.time_ns(), client=connection.number, fact=why)
        self._worker.path.forget(connection.number)

    def close(self) -> None:
        """See `Core`."""
        for connection in list(self._connections.values()):
            self._drop(connection, Fact(Reason.STOPPED, US), reset=True)
        for front in self._fronts:
            front.close()


def _broken(half: Half, error: OSError) -> Fact:
    """One side reset its connection: the other one is reset, too."""
    return Fact(Reason.BROKEN, PEER, error.errno, said=f"{half.name}, {error.strerror or error}")


def _reset(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()
