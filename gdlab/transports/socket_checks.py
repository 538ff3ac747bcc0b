"""What this machine's sockets can do, tried out on loopback."""

from __future__ import annotations

import socket
import sys
import threading
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.errors import GdlabError
from gdlab.messages import Peer, TimeSource
from gdlab.transports.address import Address, parse
from gdlab.transports.datagrams import RECEIVE_BUFFER_BYTES
from gdlab.transports.ports import bind_error

#: How long a datagram may take from one socket of this machine to another.
_ARRIVES_WITHIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Reception:
    """How a UDP listener of gdlab receives here.

    Attributes
    ----------
    time_source : the source of the timestamp of a datagram.
    late_us : how much later it was seen than it was stamped, microseconds.
    batched : datagrams are taken many at a time.
    asked_bytes, buffer_bytes : the receive buffer that was asked for, and that the system granted.
    """

    time_source: TimeSource
    late_us: float
    batched: bool
    asked_bytes: int
    buffer_bytes: int


def port_problem(address: str) -> GdlabError | None:
    """Why a port of this machine cannot be listened on, as `gdlab.listen` would say; None where it can.

    Nothing is listened on while this is found out, so that no game takes it for a listener.
    """
    parsed = parse(address)
    kind = socket.SOCK_DGRAM if parsed.transport == "udp" else socket.SOCK_STREAM
    try:
        _try_to_bind(parsed, kind)
    except OSError as error:
        return bind_error(error, parsed)
    return None


def _try_to_bind(address: Address, kind: socket.SocketKind) -> None:
    for family, host in address.families():
        with socket.socket(family, kind) as sock:
            if sys.platform == "win32":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            elif kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, address.port))


def has_ipv6_loopback() -> bool:
    """Whether ``::1`` can be listened on."""
    return socket.has_ipv6 and port_problem("udp://[::1]:0") is None


def reception() -> Reception:
    """Send a datagram to a listener of our own, and say how it came.

    Raises
    ------
    OSError, GdlabError : no datagram could be sent or received, even within this machine.
    """
    from gdlab.transports.batch import available
    from gdlab.transports.udp import UdpListener

    sink = _One()
    listener = UdpListener.at(parse("udp://127.0.0.1:0"), sink)
    try:
        listener.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"gdlab.doctor", ("127.0.0.1", listener.address.port))
        if not sink.came.wait(_ARRIVES_WITHIN_S):
            raise OSError(f"a datagram to ourselves did not arrive within {_ARRIVES_WITHIN_S:g} s")
        return Reception(
            sink.time_source,
            max(0.0, (sink.seen_ns - sink.time_ns) / 1000),
            available(),
            RECEIVE_BUFFER_BYTES,
            listener.statistics().receive_buffer_bytes,
        )
    finally:
        listener.close()


class _One:
    """A sink that keeps the times of one datagram."""

    def __init__(self) -> None:
        self.came = threading.Event()
        self.time_source = TimeSource.USER
        self.time_ns = self.seen_ns = 0

    def peer_code(self, peer: Peer | str | None) -> int:
        """Return any number: there is one sender."""
        return 0

    def append(self, time_ns: int, *args: Any, **kwargs: Any) -> None:
        """Keep its time, and who took it."""
        self.time_source, self.time_ns, self.seen_ns = kwargs["time_source"], time_ns, clock.now_ns()
        self.came.set()

    def withdraw(self, *_args: Any) -> int:
        """Datagrams are not cut out of anything."""
        return 0

    def streams(self, *_args: Any) -> tuple[()]:
        """Datagrams are no stream."""
        return ()

    def extend(self, time_ns: npt.NDArray[np.int64], *args: Any, **kwargs: Any) -> None:
        """Keep the time of the first; only the kernel's stamps come in batches."""
        self.append(int(time_ns[0]), time_source=TimeSource.KERNEL)
