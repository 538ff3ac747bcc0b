"""The UDP listener."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import sys
import time
from typing import Any, Final

from gdlab import clock
from gdlab.messages import Direction, Event, Message, Peer, Stamp, guess_kind, wire_bytes
from gdlab.transports.address import Address
from gdlab.transports.endpoint import Endpoint, EndpointStatistics
from gdlab.transports.ports import bind_error
from gdlab.transports.replies import Reply
from gdlab.transports.sink import Sink

#: Asked of the system; it grants what it allows, and `statistics` says what that was.
RECEIVE_BUFFER_BYTES: Final = 32 * 2**20

MAX_DATAGRAM_BYTES: Final = 65_535

_FREE_PORT_ATTEMPTS: Final = 20

#: Datagrams taken from one socket before the others, timers and calls have their turn.
_TURN: Final = 512

#: How long a listener that stops goes on taking what a flood keeps sending.
_LAST_TURN_S: Final = 0.5

# Linux's socket options that Python has no names for (asm-generic/socket.h; not so numbered on parisc and sparc).
_LINUX = sys.platform == "linux"
_SO_RXQ_OVFL = 40
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55
_SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
_ANCILLARY_BYTES = socket.CMSG_SPACE(16) + socket.CMSG_SPACE(4) if hasattr(socket, "CMSG_SPACE") else 0
_TIMESPEC = struct.Struct("@ll")
_COUNTER = struct.Struct("@I")

#: Known addresses before the cache is emptied; a flood of forged ones must not fill the memory.
_CACHED_PEERS: Final = 65_536


class UdpListener(Endpoint):
    """Receives datagrams: stamps each, stores it, and answers where a reply rule is set.

    On Linux the time is the kernel's stamp (`SO_TIMESTAMPNS`) and what the kernel drops for want of buffer is counted
    (`SO_RXQ_OVFL`) and becomes a `gap` row just before the next datagram. Elsewhere the time is taken right after the
    datagram was read, and drops cannot be seen.

    An ICMP "port unreachable" that an answer of ours provoked (which Windows reports as a connection reset on the
    next receive) concerns that answer alone and is left aside.
    """

    def __init__(self, address: Address, sink: Sink, *, reply: Reply | None = None) -> None:
        self._sockets: list[socket.socket] = []
        self._peers: dict[tuple[Any, ...], tuple[int, Peer]] = {}
        self._drops: dict[socket.socket, int] = {}
        self._last_statistics = EndpointStatistics()
        super().__init__(address, sink, reply=reply)
        self._endpoint = str(self.address)

    def _bind(self, address: Address) -> Address:
        # A free port of one family may be taken in the other; the next one will hardly be.
        attempts = _FREE_PORT_ATTEMPTS if address.port == 0 else 1
        for attempt in range(attempts):
            bound = address
            try:
                for family, host in address.families():
                    bound = self._bind_one(bound, family, host)
            except OSError as error:
                self._close_sockets()
                if error.errno == errno.EADDRINUSE and attempt < attempts - 1:
                    continue
                raise bind_error(error, bound) from error
            break
        return bound

    def _bind_one(self, address: Address, family: socket.AddressFamily, host: str) -> Address:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if sys.platform == "win32":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            _grow_receive_buffer(sock)
            if _LINUX:
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                sock.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            sock.bind((host, address.port))
        except OSError as error:
            sock.close()
            # A machine without IPv6 still has a loopback: one family is enough when both were asked for.
            missing = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
            if self._sockets and family == socket.AF_INET6 and error.errno in missing:
                return address
            raise
        self._sockets.append(sock)
        self._drops[sock] = 0
        return address.at(sock.getsockname()[1])

    def _register(self) -> None:
        for sock in self._sockets:
            self._selector.register(
                sock, selectors.EVENT_READ, lambda _events, sock=sock: self._receive(sock)
            )

    # ---- receiving

    def _receive(self, sock: socket.socket, turn: int = _TURN) -> int:
        """Take what has arrived, at most `turn` datagrams; return how many it were."""
        for taken in range(turn):
            try:
                if _ANCILLARY_BYTES:
                    payload, ancillary, _flags, source = sock.recvmsg(MAX_DATAGRAM_BYTES, _ANCILLARY_BYTES)
                else:
                    payload, source = sock.recvfrom(MAX_DATAGRAM_BYTES)
                    ancillary = []
            except BlockingIOError:
                return taken
            except ConnectionError:
                continue
            time_ns, stamp = clock.now_ns(), Stamp.USER
            for level, kind, data in ancillary:
                if level != socket.SOL_SOCKET:
                    continue
                if kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
                    seconds, nanoseconds = _TIMESPEC.unpack_from(data)
                    time_ns, stamp = seconds * 1_000_000_000 + nanoseconds, Stamp.KERNEL
                elif kind == _SO_RXQ_OVFL:
                    self._count_drops(sock, _COUNTER.unpack_from(data)[0], time_ns)
            self._arrived(sock, payload, source, time_ns, stamp)
        return turn

    def _arrived(
        self, sock: socket.socket, payload: bytes, source: tuple[Any, ...], time_ns: int, stamp: Stamp
    ) -> None:
        known = self._peers.get(source)
        if known is None:
            known = self._meet(source)
        code, peer = known
        kind = guess_kind(payload)
        wire = wire_bytes("udp", len(payload), ipv6=sock.family == socket.AF_INET6)
        self.sink.append(time_ns, code, payload, kind=kind, stamp=stamp, wire_bytes=wire)
        if self._reply is not None:
            message = Message(time_ns, self._endpoint, peer, payload, kind=kind, stamp=stamp, wire_bytes=wire)
            self._answer(message, (sock, source), code)

    def _meet(self, source: tuple[Any, ...]) -> tuple[int, Peer]:
        if len(self._peers) >= _CACHED_PEERS:
            self._peers.clear()
        peer = Peer(source[0], source[1])
        known = self._peers[source] = (self.sink.peer_code(peer), peer)
        return known

    def _count_drops(self, sock: socket.socket, counter: int, time_ns: int) -> None:
        """Turn a rise of the kernel's 32-bit counter into a row; it stands before the datagram that told of it."""
        new = (counter - self._drops[sock]) & 0xFFFF_FFFF
        if not new:
            return
        self._drops[sock] += new
        self.sink.append(
            time_ns,
            event=Event.GAP,
            stamp=Stamp.USER,
            lost=new,
            detail=f"{new} datagrams dropped by the kernel: the receive buffer of {_buffer_bytes(sock)} bytes was full",
        )

    # ---- sending

    def _send(self, payload: bytes, peer: tuple[socket.socket, tuple[Any, ...]]) -> None:
        sock, source = peer
        known = self._peers.get(source) or self._meet(source)
        wire = wire_bytes("udp", len(payload), ipv6=sock.family == socket.AF_INET6)
        try:
            sock.sendto(payload, source)
        except OSError as error:
            what = (
                f"{len(payload)} bytes do not fit into one datagram (65507 at most)"
                if error.errno == errno.EMSGSIZE
                else error.strerror or str(error)
            )
            event, detail = Event.ERROR, f"the answer was not sent: {what}"
        else:
            event, detail = Event.MESSAGE, ""
        self.sink.append(
            clock.now_ns(),
            known[0],
            payload,
            direction=Direction.OUT,
            event=event,
            kind=guess_kind(payload),
            wire_bytes=wire if event is Event.MESSAGE else 0,
            detail=detail,
        )

    # ---- ending

    def _finish(self) -> None:
        # What had arrived when stop was pressed belongs to the capture.
        deadline = time.monotonic() + _LAST_TURN_S
        for sock in self._sockets:
            while self._receive(sock) == _TURN and time.monotonic() < deadline:
                pass
            drops = _kernel_drops(sock)
            if drops is not None:
                self._count_drops(sock, drops, clock.now_ns())
        self._last_statistics = self.statistics()

    def _close_sockets(self) -> None:
        sockets, self._sockets = self._sockets, []
        for sock in sockets:
            sock.close()

    def statistics(self) -> EndpointStatistics:
        """Return drops and buffer size; after the end, as they last were."""
        sockets = list(self._sockets)
        try:
            drops = [_kernel_drops(sock) for sock in sockets]
            buffer_bytes = max(_buffer_bytes(sock) for sock in sockets)
        except (OSError, ValueError):  # closed, perhaps by its thread this very moment
            return self._last_statistics
        known = [count for count in drops if count is not None]
        return EndpointStatistics(sum(known) if known else None, buffer_bytes)


def _grow_receive_buffer(sock: socket.socket) -> None:
    """Ask for a large receive buffer: the kernel's default holds 256 small datagrams, gone in a blink of the GIL."""
    if _LINUX:
        with contextlib.suppress(OSError):  # not root
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
            return
    size = RECEIVE_BUFFER_BYTES
    while size > sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF):
        # Linux grants silently less; BSD and macOS refuse what is too much.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            return
        size //= 2


def _buffer_bytes(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def _kernel_drops(sock: socket.socket) -> int | None:
    """Return the kernel's count of datagrams dropped at this socket (`SO_MEMINFO`, Linux 4.12 on), or None."""
    if not _LINUX:
        return None
    try:
        return int(struct.unpack("@9I", sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[8])
    except (OSError, struct.error):
        return None
