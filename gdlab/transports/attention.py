"""How a datagram socket is attended to: woken by each datagram, after naps, or by staying at it."""

from __future__ import annotations

import functools
import math
import selectors
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from gdlab.transports.loop import Loop, Tenant
from gdlab.transports.naps import Naps


class Taken(NamedTuple):
    """What one look at a socket found: how many datagrams, their payload bytes, and whether more are waiting."""

    datagrams: int
    payload_bytes: int
    full: bool


class Attention:
    """Has a loop look at one socket; used by the loop's thread, but for `naps_now`.

    Parameters
    ----------
    tenant, loop : who looks, on which thread.
    look : takes and hands over what has arrived, at most one turn.
    gather : takes what has arrived to hand it over with the next look; False where that has to be now.
    stay : takes what comes, as `Receiver.stay`, to hand it over with the next look; None where naps do that.
    most : how many datagrams a turn is.
    nobody_waits : whether no answer is waited for, so that rows may come late.
    """

    def __init__(
        self,
        tenant: Tenant,
        loop: Loop,
        sock: socket.socket,
        look: Callable[[], Taken],
        *,
        gather: Callable[[], bool],
        stay: Callable[[Callable[[], bool]], bool] | None,
        most: Callable[[], int],
        nobody_waits: Callable[[], bool],
    ) -> None:
        self._tenant, self._loop, self._sock = tenant, loop, sock
        self._look, self._gather, self._stay = look, gather, stay
        self._most, self._nobody_waits = most, nobody_waits
        # Where it stays the buffer does not fill.
        self.naps = Naps(math.inf if stay else sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        #: Whether it naps or stays, so that rows may be missing; any thread may ask.
        self.lags = False
        self._nap = 0  # its number
        self._looking = False
        self._ended = False
        self._watch()

    def look(self) -> None:
        """Hand over what has arrived by now; what came to be rows late before does so afterwards."""
        taken = self._take()
        if self._ended:
            return
        nap_s = 0.0
        if self._nobody_waits():
            nap_s = self.naps.looked(
                time.monotonic(), taken.datagrams, taken.payload_bytes, full=taken.full, most=self._most()
            )
        if not nap_s:
            self._wake()
            return
        if not self.lags:
            self.lags = True
            if self._stay is None:
                self._loop.watch(self._tenant, self._sock, 0)
        self._begin(nap_s)

    def rise(self) -> None:
        """Hand over what has arrived, and have the next datagram be a row at once."""
        if self.lags and not self._looking:
            self._take()
            if not self._ended:
                self._wake()

    def end(self) -> None:
        """Attend to it no longer; before it is closed."""
        self._ended, self.lags = True, False
        self._loop.watch(self._tenant, self._sock, 0)

    def _take(self) -> Taken:
        self._looking = True  # an answer that it sends asks to rise
        try:
            return self._look()
        finally:
            self._looking = False

    def _wake(self) -> None:
        if self.lags:
            self.lags = False
            if self._stay is None:
                self._watch()

    def _watch(self) -> None:
        self._loop.watch(self._tenant, self._sock, selectors.EVENT_READ, lambda _events: self._readable())

    def _readable(self) -> None:
        """React to something at the socket."""
        # It is stayed at until there is something else to do, which the end of staying is, too.
        if not (self.lags and self._stay and self._stay(self._loop.beside(self._sock))):
            self.look()

    def _begin(self, nap_s: float) -> None:
        # The end that was due before this look, if there is one, is none any more.
        self._nap += 1
        self._loop.after(self._tenant, nap_s, functools.partial(self._end_nap, self._nap))

    def _end_nap(self, nap: int) -> None:
        if not self.lags or nap != self._nap:
            return
        while (nap_s := self.naps.ended(now_s := time.monotonic())) and self._gather():
            if not self._loop.rest(nap_s):  # there is something else to do, which the nap goes on beside
                self._begin(max(0.0, now_s + nap_s - time.monotonic()))
                return
        self.look()
