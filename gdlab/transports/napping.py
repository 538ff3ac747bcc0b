"""An endpoint whose datagrams may lie with the kernel for a while, where nobody waits for them."""

from __future__ import annotations

import contextlib
import functools
import socket
import time
from abc import abstractmethod
from collections.abc import Callable

from gdlab.errors import EndpointClosed
from gdlab.transports.attention import Attention, Taken
from gdlab.transports.bound import Bound
from gdlab.transports.datagrams import Receiver
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.promptness import CATCH_UP_S, Promptness
from gdlab.transports.sink import Sink


class Napping(Promptness):
    """Looks at its sockets; its parameters are those of `Endpoint`."""

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._attentions: dict[socket.socket, Attention] = {}

    @abstractmethod
    def _look(self, sock: socket.socket) -> Taken:
        """Take and hand over what has arrived."""

    def _gathering(self, _sock: socket.socket, receiver: Receiver) -> Callable[[], bool]:
        """What takes what has arrived to hand it over with the next look; it is False where that has to be now."""
        return receiver.gather

    def _beside(self, _sock: socket.socket, wait: Callable[[], bool]) -> Callable[[], bool]:
        """What waits for a datagram where the listener stays at the socket."""
        return wait

    def _attend(self, sock: socket.socket, receiver: Receiver) -> None:
        """Begin to look at a socket; only where the kernel stamps what arrives the looks may be late."""

        def stay(wait: Callable[[], bool]) -> bool:
            return receiver.stay(self._beside(sock, wait))

        self._attentions[sock] = Attention(
            self,
            self._loop,
            sock,
            functools.partial(self._look, sock),
            gather=self._gathering(sock, receiver),
            stay=None if receiver.stamped else stay,
            most=lambda: receiver.turn,
            nobody_waits=self._nobody_waits,
        )

    def _attend_no_longer(self) -> None:
        attentions, self._attentions = self._attentions, {}
        for attention in attentions.values():
            attention.end()

    def _spoke(self, sock: socket.socket) -> None:
        """Note that something was sent, which may be answered."""
        self._spoke_s = time.monotonic()
        self._attentions[sock].rise()

    def catch_up(self) -> None:
        """Have the rows of all that has arrived; whoever reads them need not know that they lag."""
        if any(each.lags for each in tuple(self._attentions.values())) and not self._loop.is_mine:
            with contextlib.suppress(EndpointClosed, TimeoutError):
                self._loop.ask(self, self._look_everywhere, CATCH_UP_S)

    def _look_everywhere(self) -> None:
        for attention in self._attentions.values():
            attention.look()

    def _rise(self) -> None:
        for attention in self._attentions.values():
            attention.rise()
