"""The listening side of stream transports: lets connections in, up to a limit."""

from __future__ import annotations

import errno
import functools
import selectors
import socket
import sys
from typing import Final

from gdlab import clock
from gdlab.facts import SYSTEM, US, Fact, Reason
from gdlab.messages import Event, Peer
from gdlab.transports.address import Address
from gdlab.transports.binding import bind_all
from gdlab.transports.bound import Bound
from gdlab.transports.datagrams import LINUX, SO_TIMESTAMPNS
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.sink import Sink
from gdlab.transports.stream_endpoint import StreamEndpoint

#: Connections let in before those that are there have their turn.
_TURN: Final = 64

#: Of them at the end: more than a system keeps waiting (4,096 on Linux).
_LAST_TURNS: Final = 64

#: When the system has no more files or memory for a connection, it is asked again so much later.
_RETRY_S: Final = 0.2

#: Windows has nothing better than `select`, which Python builds there for 512 sockets; a few are the listener's own.
MOST_CONNECTIONS: Final = 500 if sys.platform == "win32" else sys.maxsize

_EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class StreamListener(StreamEndpoint):
    """Listens, and serves every connection that comes, all in one thread."""

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._sockets = bound.sockets

    @classmethod
    def bind(cls, address: Address) -> Bound:
        """Bind the sockets of an address, one or two."""
        return bind_all(address, socket.SOCK_STREAM, _prepare)

    def _register(self) -> None:
        for sock in self._sockets:
            self._let_in(sock)

    def _let_in(self, sock: socket.socket) -> None:
        if sock in self._sockets:
            self._loop.watch(self, sock, selectors.EVENT_READ, functools.partial(self._accept, sock))

    def _accept(self, listening: socket.socket, _events: int = 0) -> bool:
        """Let in whoever waits; return whether there may be more of them."""
        for _ in range(_TURN):
            try:
                sock, source = listening.accept()
            except (BlockingIOError, InterruptedError):
                return False
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    continue  # this one was gone before it was let in
                self.sink.append(
                    clock.now_ns(),
                    event=Event.ERROR,
                    fact=Fact.of(
                        Reason.OUT_OF_FILES,
                        by=SYSTEM,
                        code=error.errno,
                        said=error.strerror or str(error),
                        there=len(self._connections),
                    ),
                )
                self._loop.watch(self, listening, 0)
                self._after(_RETRY_S, functools.partial(self._let_in, listening))
                return False
            most = min(self.options.max_connections, MOST_CONNECTIONS)
            if len(self._connections) < most:
                self._adopt(sock, source)
                continue
            sock.close()
            self.sink.append(
                clock.now_ns(),
                self.sink.peer_code(Peer(source[0], source[1])),
                event=Event.ERROR,
                fact=_refused(len(self._connections), most, self.options.max_connections),
            )
        return True

    def _let_all_in(self) -> None:
        for sock in self._sockets:
            for _ in range(_LAST_TURNS):
                if not self._accept(sock):
                    break
        self._stop_listening()

    def _close_sockets(self) -> None:
        super()._close_sockets()
        self._stop_listening()

    def _stop_listening(self) -> None:
        sockets, self._sockets = self._sockets, ()
        for sock in sockets:
            self._loop.watch(self, sock, 0)
            sock.close()


def _refused(there: int, most: int, chosen: int) -> Fact:
    if most == chosen:
        return Fact.of(Reason.REFUSED_LIMIT, by=US, limit="max_connections", there=there, most=most)
    return Fact.of(Reason.REFUSED_LIMIT, by=SYSTEM, case="system", there=there, most=most)


def _prepare(sock: socket.socket) -> None:
    if (
        LINUX
    ):  # early, as the kernel begins to stamp a moment after it was first asked; connections inherit it
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
