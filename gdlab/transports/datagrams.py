"""Taking datagrams from a socket: what a receiver gives, and the portable one, which takes them one by one."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.messages import TimeSource

if TYPE_CHECKING:  # it brings pandas, which a relay's process does without
    from gdlab.payloads import Int64, UInt8

#: The socket's address of a sender, as `socket.recvfrom` returns it.
Source: TypeAlias = tuple[Any, ...]

MAX_DATAGRAM_BYTES: Final = 65_535

#: Datagrams that the portable receiver takes from one socket before the others, timers and calls have their turn.
TURN: Final = 512

#: Asked of the system; it grants what it allows.
RECEIVE_BUFFER_BYTES: Final = 32 * 2**20

# Linux's socket options that Python has no names for (asm-generic/socket.h; not so numbered on parisc and sparc).
LINUX: Final = sys.platform == "linux"
SO_RXQ_OVFL: Final = 40
_SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = getattr(socket, "SO_TIMESTAMPNS", 35)
_ANCILLARY_BYTES = socket.CMSG_SPACE(16) + socket.CMSG_SPACE(4) if hasattr(socket, "CMSG_SPACE") else 0
_TIMESPEC = struct.Struct("@ll")
# The older option with microseconds, which macOS has as well, for everybody (bsd/sys/socket.h); Linux numbers the
# option and its control message alike.
MACOS: Final = sys.platform == "darwin"
SO_TIMESTAMP: Final = 0x0400 if MACOS else 29
SCM_TIMESTAMP: Final = 0x02 if MACOS else SO_TIMESTAMP
#: The microseconds have 32 bits on macOS, and what stands behind them may be anything; of Linux's 64 the first 32 do.
_TIMEVAL = struct.Struct("@li")
_COUNTER = struct.Struct("@I")


class Datagram(NamedTuple):
    """One datagram.

    `drops` is the kernel's 32-bit count of what it had dropped at this socket before this datagram was queued; None
    where it says nothing, which it does while the count is 0.
    """

    payload: bytes
    source: Source
    time_ns: int
    time_source: TimeSource
    drops: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Many datagrams, column by column; all with the kernel's stamp.

    Attributes
    ----------
    time_ns, sizes : (n,) int64.
    payloads : uint8, one behind the other. They are overwritten when the receiver goes on.
    sources : the different senders.
    source : (n,) which of them sent each datagram.
    drops : (n,) uint32 as in `Datagram`, 0 where the kernel says nothing; None where all are 0.
    """

    time_ns: Int64
    sizes: Int64
    payloads: UInt8
    sources: Sequence[Source]
    source: npt.NDArray[np.intp]
    drops: npt.NDArray[np.uint32] | None

    def __len__(self) -> int:
        return len(self.sizes)


class Receiver(Protocol):
    """Takes datagrams from one non-blocking socket; used by one thread, which also owns the socket.

    Attributes
    ----------
    turn : how many datagrams one call of `receive` takes at most; fewer mean that no more had arrived.
    remark : what the user should know of it; mostly nothing.
    """

    turn: int
    remark: str

    def receive(self) -> Iterator[Datagram | Batch]:
        """Take what has arrived, in order."""


class OneByOne:
    """A system call for each datagram: works everywhere, and what is not yet asked for stays with the kernel."""

    turn = TURN

    def __init__(self, sock: socket.socket, remark: str = "") -> None:
        self.remark = remark
        self._sock = sock

    def receive(self) -> Iterator[Datagram]:
        """Take what has arrived, in order."""
        for _ in range(self.turn):
            ancillary: list[tuple[int, int, bytes]] = []
            try:
                if _ANCILLARY_BYTES:
                    payload, ancillary, _, source = self._sock.recvmsg(MAX_DATAGRAM_BYTES, _ANCILLARY_BYTES)
                else:
                    payload, source = self._sock.recvfrom(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                # Windows, about an answer of ours that found nobody, or was on its way for too long.
                if isinstance(error, ConnectionError) or error.errno == errno.ENETRESET:
                    continue
                raise
            yield Datagram(payload, source, *stamp_and_drops(ancillary))


def stamp_and_drops(ancillary: Sequence[tuple[int, int, bytes]]) -> tuple[int, TimeSource, int | None]:
    """Read the control messages of one datagram; without a stamp of the kernel's the time is taken now."""
    time_ns, time_source, drops = 0, TimeSource.USER, None
    for level, kind, data in ancillary:
        if level != socket.SOL_SOCKET:
            continue
        if kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            time_ns, time_source = seconds * 1_000_000_000 + nanoseconds, TimeSource.KERNEL
        elif kind == SCM_TIMESTAMP and len(data) >= _TIMEVAL.size:
            seconds, microseconds = _TIMEVAL.unpack_from(data)
            time_ns, time_source = seconds * 1_000_000_000 + microseconds * 1000, TimeSource.KERNEL
        elif kind == SO_RXQ_OVFL and len(data) >= _COUNTER.size:
            drops = _COUNTER.unpack_from(data)[0]
    kernel = time_source is TimeSource.KERNEL
    return time_ns - clock.stepped_ns() if kernel else clock.now_ns(), time_source, drops


def grow_receive_buffer(sock: socket.socket, size: int = RECEIVE_BUFFER_BYTES) -> None:
    """Ask for a large receive buffer: the kernel's default holds 256 small datagrams, gone in a blink of the GIL."""
    if LINUX:
        with contextlib.suppress(OSError):  # not root
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
            return
    while size > sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF):
        # Linux grants silently less; BSD and macOS refuse what is too much.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            return
        size //= 2


def prepare_datagrams(sock: socket.socket, size: int = RECEIVE_BUFFER_BYTES) -> None:
    """Set the options of a datagram socket: a large receive buffer, the kernel's stamps and its count of drops."""
    grow_receive_buffer(sock, size)
    if LINUX:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    elif MACOS:
        with contextlib.suppress(OSError):  # rows then have the time at which they were read
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
