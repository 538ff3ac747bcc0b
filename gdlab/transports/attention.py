"""How a datagram socket is attended to: woken by each datagram, or after naps."""

from __future__ import annotations

import functools
import selectors
import socket
import struct
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from gdlab.transports.datagrams import LINUX
from gdlab.transports.loop import Loop, Tenant
from gdlab.transports.naps import Naps

#: Linux: nine 32-bit counters of a socket (include/uapi/linux/sock_diag.h).
_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("@9I")
_FILLED, _DROPS = 0, 8


class Memory(NamedTuple):
    """What the kernel counts at a socket: bytes that its receive buffer holds, datagrams dropped for want of room."""

    filled_bytes: int
    drops: int


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
    look : takes what has arrived, at most one turn.
    most : how many datagrams a turn is.
    may_nap : whether nobody waits for an answer.
    """

    def __init__(
        self,
        tenant: Tenant,
        loop: Loop,
        sock: socket.socket,
        look: Callable[[], Taken],
        *,
        most: Callable[[], int],
        may_nap: Callable[[], bool],
    ) -> None:
        self._tenant, self._loop, self._sock = tenant, loop, sock
        self._look, self._most, self._may_nap = look, most, may_nap
        self.naps = Naps(sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        #: Whether it naps this moment; any thread may ask.
        self.naps_now = False
        self._nap = 0  # the number of the next peek
        self._ended = False
        self._watch()

    def look(self) -> None:
        """Take what has arrived now; a nap goes on afterwards as it would have."""
        taken = self._look()
        if self._ended:
            return
        wait_s = 0.0
        if self._may_nap():
            wait_s = self.naps.looked(
                time.monotonic(), taken.datagrams, taken.payload_bytes, full=taken.full, most=self._most()
            )
        if not wait_s:
            self.rise()
            return
        if not self.naps_now:
            self._loop.watch(self._tenant, self._sock, 0)
            self.naps_now = True
        # The peek that was due before this look, if there is one, is not made.
        self._nap += 1
        self._peek_after(wait_s)

    def rise(self) -> None:
        """End a nap: be woken by the next datagram, or by one that waits already."""
        if self.naps_now:
            self.naps_now = False
            self._watch()

    def end(self) -> None:
        """Attend to it no longer; before it is closed."""
        self._ended, self.naps_now = True, False
        self._loop.watch(self._tenant, self._sock, 0)

    def _watch(self) -> None:
        self._loop.watch(self._tenant, self._sock, selectors.EVENT_READ, lambda _events: self.look())

    def _peek_after(self, wait_s: float) -> None:
        self._loop.after(self._tenant, wait_s, functools.partial(self._peek, self._nap))

    def _peek(self, nap: int) -> None:
        if not self.naps_now or nap != self._nap:
            return  # it has been ended since
        counted = memory(self._sock)
        wait_s = self.naps.peeked(time.monotonic(), counted and counted.filled_bytes)
        if wait_s:
            self._peek_after(wait_s)
        else:
            self.look()


def memory(sock: socket.socket) -> Memory | None:
    """What the kernel counts at a socket (`SO_MEMINFO`, Linux 4.12 on); None where it does not tell."""
    if not LINUX:
        return None
    try:
        counters = _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))
    except (OSError, struct.error):
        return None
    return Memory(counters[_FILLED], counters[_DROPS])
