"""The connecting side of the transports: `gdlab.connect`."""

from __future__ import annotations

import errno
import functools
import os
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from typing import Final

from gdlab import clock
from gdlab.errors import NotConnected
from gdlab.facts import PEER, SYSTEM, US, Fact, Reason
from gdlab.framing import FramingLike
from gdlab.messages import Direction, Event, Peer
from gdlab.transports import multicast
from gdlab.transports.address import Address, group_of
from gdlab.transports.attention import Taken
from gdlab.transports.bound import Bound
from gdlab.transports.connections import Connection
from gdlab.transports.datagrams import Receiver, Source, prepare_datagrams
from gdlab.transports.effects import Opened
from gdlab.transports.encoding import Outgoing
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.session import Link
from gdlab.transports.sink import Sink
from gdlab.transports.states import State
from gdlab.transports.stream_endpoint import StreamEndpoint
from gdlab.transports.tcp import reframe
from gdlab.transports.tcp_session import TcpSession
from gdlab.transports.udp import UdpListener, best_receiver
from gdlab.transports.websocket_sides import ClientSession
from gdlab.words import sentence

#: Pauses between attempts to connect again; the last one is used from then on.
RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)

_IN_PROGRESS: Final = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)}


def _resolve(address: Address, kind: socket.SocketKind) -> tuple[tuple[socket.AddressFamily, Source], ...]:
    """Find the addresses behind a host name, those of IPv4 first: most games listen there only.

    Raises
    ------
    NotConnected : there is no such host.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=kind)
    except OSError as error:
        raise NotConnected(
            f"{address}: no host is called {address.host!r} ({error.strerror or error}); for a game on this machine "
            f"write {address.transport}://127.0.0.1:{address.port}"
        ) from error
    places = ((family, source) for family, _, _, _, source in found)
    return tuple(sorted(places, key=lambda one: one[0] != socket.AF_INET))


class StreamClient(StreamEndpoint):
    """Connects, and serves its one connection as a listener serves its many.

    It ends when the connection does; with `StreamOptions.reconnect` it tries again, first at once and then at longer
    and longer intervals. Every failed attempt is a row of event `error`.
    """

    is_client = True

    @property
    def doing(self) -> str:
        """Whether the connection is there."""
        return "connected to" if self._open else "connecting to"

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._candidates = bound.candidates
        self._connecting: socket.socket | None = None
        self._attempts = 0  # since a connection was last open
        self._settled = threading.Event()
        self._problem: Fact | None = None
        self._stopped_early = False

    @classmethod
    def bind(cls, address: Address) -> Bound:
        """Find the peer; nothing is opened before the start."""
        return Bound(address, candidates=_resolve(address, socket.SOCK_STREAM))

    def wait_ready(self) -> None:
        """Wait for the first attempt to come to its end.

        Raises
        ------
        NotConnected : it failed, and is not to be repeated.
        """
        # The thread keeps the deadlines of connecting and of the handshake; this one is for a reply that hangs.
        self._settled.wait(self.options.connect_s + self.options.handshake_s + 1)
        if self._stopped_early:
            raise NotConnected(f"no connection to {self.address}: it was stopped before")
        if self._problem and not self.options.reconnect:
            raise NotConnected(f"no connection to {self.address}: {sentence(self._problem)}")

    # ---- attempts

    def _register(self) -> None:
        self._after(0, self._attempt)

    def _attempt(self) -> None:
        self._attempts += 1
        self._try(0, None)

    def _try(self, candidate: int, problem: Fact | None) -> None:
        """Connect to one of the addresses, the next one if that fails."""
        if self._state is not State.LISTENING:
            return
        if candidate == len(self._candidates):
            self._failed(problem or _refusal(errno.EADDRNOTAVAIL))
            return
        family, source = self._candidates[candidate]
        again = functools.partial(self._try, candidate + 1)
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        code = sock.connect_ex(source)
        if code not in _IN_PROGRESS:
            sock.close()
            again(_refusal(code))
            return
        self._connecting = sock

        def settle(problem: Fact | None) -> None:
            self._connecting = None
            self._loop.watch(self, sock, 0)
            if problem:
                sock.close()
                again(problem)
            else:
                self._adopt(sock, source)

        def ready(_events: int) -> None:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            settle(_refusal(code) if code else None)

        def expire() -> None:
            if self._connecting is sock:
                settle(Fact.of(Reason.NO_ANSWER, seconds=self.options.connect_s))

        self._loop.watch(self, sock, selectors.EVENT_WRITE, ready)
        self._after(self.options.connect_s, expire)

    def _failed(self, problem: Fact) -> None:
        """Note that an attempt came to nothing, and try again or end."""
        self._problem = problem
        pause_s = RETRY_S[min(self._attempts, len(RETRY_S)) - 1]
        self.sink.append(
            clock.now_ns(),
            event=Event.ERROR,
            direction=Direction.OUT,
            fact=Fact.of(
                Reason.CONNECT_FAILED,
                by=problem.by,
                code=problem.code,
                case="again" if self.options.reconnect else "",
                attempt=self._attempts,
                pause_s=pause_s,
                cause=problem,
            ),
        )
        self._settled.set()
        if self.options.reconnect:
            self._after(pause_s, self._attempt)
        else:
            self._end()

    def opened(self, connection: Connection, opened: Opened) -> None:
        """Note that the connection is ready for messages."""
        own = connection.sock.getsockname()
        fact = Fact.of(
            Reason.OPENED,
            by=US,
            case="out",
            own=str(Peer(own[0], own[1])),
            attempt=self._attempts,
            subprotocol=dict(opened.fact.more).get("subprotocol", ""),
        )
        self._attempts, self._problem = 0, None
        super().opened(connection, opened._replace(fact=fact))
        self._settled.set()

    def _gone(self, connection: Connection) -> None:
        if self._state is not State.LISTENING:
            return
        if not connection.was_open:
            self._failed(connection.reason or Fact(Reason.PEER_CLOSED, PEER))
        elif self.options.reconnect:
            self._after(RETRY_S[0], self._attempt)
        else:
            self._end()

    def _close_sockets(self) -> None:
        super()._close_sockets()
        sock, self._connecting = self._connecting, None
        if sock is not None:
            self._loop.watch(self, sock, 0)
            sock.close()
        self._stopped_early = self._problem is None and not self._settled.is_set()
        self._settled.set()


class TcpClient(StreamClient):
    """A TCP connection to a game's `TCPServer`."""

    def _new_session(self, link: Link) -> TcpSession:
        return TcpSession(link)

    def _reframe(self, choice: FramingLike) -> None:
        reframe(self, choice)


class WebSocketClient(StreamClient):
    """A WebSocket connection to a game's server."""

    def _new_session(self, link: Link) -> ClientSession:
        return ClientSession(link)


class UdpClient(UdpListener):
    """A socket of our own that sends to one address and receives what comes back from there."""

    is_client = True

    @property
    def doing(self) -> str:
        """UDP knows no connections."""
        return "sending to"

    def __init__(
        self,
        bound: Bound,
        sink: Sink,
        options: EndpointOptions | None = None,
        *,
        loop: Loop | None = None,
        receiver: Callable[[socket.socket], Receiver] = best_receiver,
    ) -> None:
        super().__init__(bound, sink, options, loop=loop, receiver=receiver)
        self._target = bound.candidates[0][1]

    @classmethod
    def bind(cls, address: Address) -> Bound:
        """Open a socket that sends to one address only."""
        family, target = _resolve(address, socket.SOCK_DGRAM)[0]
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            prepare_datagrams(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            group = group_of(str(target[0]))
            if group is not None:
                # The system has made a number of what stood behind a "%".
                scope = int(target[3]) if len(target) > 3 else 0
                multicast.send_by(
                    sock, group, address.interface or (socket.if_indextoname(scope) if scope else "")
                )
            sock.connect(target)
        except OSError as error:
            sock.close()
            raise NotConnected(f"nothing can be sent to {address}: {error.strerror or error}") from error
        return Bound(address, (sock,), ((family, target),))

    def _look(self, sock: socket.socket) -> Taken:
        self._note_refusal(sock)
        return super()._look(sock)

    def _gathering(self, sock: socket.socket, receiver: Receiver) -> Callable[[], bool]:
        def gather() -> bool:
            self._note_refusal(sock)  # which receiving would take away
            return receiver.gather()

        return gather

    def _beside(self, sock: socket.socket, wait: Callable[[], bool]) -> Callable[[], bool]:
        self._note_refusal(sock)  # as above

        def waits() -> bool:
            there = wait()
            self._note_refusal(sock)
            return there

        return waits

    def _send(self, outgoing: Outgoing, peer: tuple[socket.socket, Source]) -> Fact | None:
        self._note_refusal(peer[0])  # it would fail this datagram, which it does not concern
        return super()._send(outgoing, peer)

    def _put(self, sock: socket.socket, payload: bytes, source: Source) -> None:
        sock.send(payload)  # macOS wants no address where there is but one

    def _not_put(self, sock: socket.socket, error: OSError) -> None:
        if error.errno == errno.ECONNREFUSED:  # of an answer before it in the same batch
            self._write_refusal()

    def _note_refusal(self, sock: socket.socket) -> None:
        """Make a row of the system's note that a datagram of ours found nobody (ICMP port unreachable)."""
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._write_refusal()

    def _write_refusal(self) -> None:
        self.sink.append(
            clock.now_ns(),
            self._known(self._target)[0],
            event=Event.ERROR,
            fact=Fact.of(Reason.UNREACHABLE, by=SYSTEM, address=str(self.address)),
        )

    def _ping_targets(self) -> list[tuple[socket.socket, Source]]:
        return [(sock, self._target) for sock in self._sockets]

    def _targets(self) -> list[tuple[socket.socket, Source]]:
        return self._ping_targets()

    def _send_targets(self) -> list[tuple[socket.socket, Source]]:
        return self._ping_targets()


def _refusal(code: int) -> Fact:
    """Why the system did not connect."""
    if code == errno.ECONNREFUSED or (sys.platform == "win32" and code == 10061):
        return Fact(Reason.NOBODY_LISTENS, SYSTEM, code)
    return Fact(Reason.SYSTEM_ERROR, SYSTEM, code, said=os.strerror(code))
