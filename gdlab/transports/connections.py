"""One stream connection: its socket, and what waits to be sent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from enum import Enum

from gdlab import clock
from gdlab.facts import PEER, SYSTEM, Fact, Reason
from gdlab.messages import Peer, TimeSource
from gdlab.transports.datagrams import LINUX, SO_TIMESTAMPNS, TIMESPEC, stamp_and_drops
from gdlab.transports.session import Session

#: What one read takes at most, before the other connections have their turn.
READ_BYTES = 128 * 1024

#: So many full reads are taken together where nobody waits for an answer: each of them has a time of its own.
READS_TOGETHER = 4

_ANCILLARY_BYTES = socket.CMSG_SPACE(16) if LINUX else 0


class Phase(Enum):
    """Where a connection is in its life."""

    OPENING = "opening"  # the handshake of its protocol is not complete
    OPEN = "open"
    ENDING = "ending"  # what waits is still sent, what arrives is only counted
    CLOSED = "closed"


class Connection:
    """A connected socket with a bounded queue of what its peer has not yet taken; one thread's own.

    Attributes
    ----------
    began_ns : when it was opened, as its rows have it; 0 before that.
    own_host : the address of this machine that it is connected to.
    waiting : what the kernel did not take yet.
    timers : what is to be done later, unless it is closed by then.
    session : its protocol, as long as it is not closed.
    end_received, end_sent : one side has said that it sends nothing more.
    reason : why it ends, as soon as that is decided; the first reason counts.
    held_bytes : what its session held after the last read.
    last_read_ns : time of the last read; a stream has an order, so no later one has an earlier time.
    last_message_ns : time of the last read that completed a message, while nothing is answered.
    unsendable : sending has failed; what has arrived is still read. unsent : bytes of messages with a row that were to
        be sent then. not_sent : messages after that, which have no row. ignored : bytes that came after we ended it.
    last_sent_s : when a message was last sent, by the monotonic clock; 0 before the first.
    """

    __slots__ = (
        "began_ns",
        "code",
        "end_received",
        "end_sent",
        "events",
        "held_bytes",
        "ignored",
        "ipv6",
        "last_message_ns",
        "last_read_ns",
        "last_sent_s",
        "not_sent",
        "own_host",
        "peer",
        "phase",
        "reason",
        "session",
        "sock",
        "timers",
        "unsendable",
        "unsent",
        "waiting",
        "was_open",
    )

    session: Session

    def __init__(self, sock: socket.socket, peer: Peer, code: int) -> None:
        self.sock = sock
        self.peer = peer
        self.code = code
        self.began_ns = 0
        self.own_host = str(sock.getsockname()[0])
        self.ipv6 = sock.family == socket.AF_INET6
        self.phase = Phase.OPENING
        self.was_open = False
        self.waiting = bytearray()
        self.timers: dict[int, Callable[[], None]] = {}
        self.end_received = self.end_sent = False
        self.reason: Fact | None = None
        self.events = 0
        self.held_bytes = 0
        self.last_sent_s = 0.0
        self.last_read_ns = self.last_message_ns = 0
        self.unsendable = False
        self.unsent = 0
        self.not_sent = 0
        self.ignored = 0

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self.phase is Phase.CLOSED

    @property
    def room_bytes(self) -> int:
        """How many bytes the kernel can hold of what the peer has sent."""
        return 0 if self.closed else self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    def receive(
        self, buffers: list[memoryview], stepped_ns: int | None = None
    ) -> tuple[bytes, int, TimeSource]:
        """Read what has arrived, at most the buffer's size; empty when the peer has said that it sends nothing more.

        On Linux the time is the kernel's stamp of the last segment in it, else it is taken right after reading.

        Parameters
        ----------
        stepped_ns : what `clock.stepped_ns` has just said, for who reads many.

        Raises
        ------
        BlockingIOError : nothing has arrived. OSError : the connection is broken.
        """
        if _ANCILLARY_BYTES:
            size, ancillary, _, _ = self.sock.recvmsg_into(buffers, _ANCILLARY_BYTES)
            for _, kind, stamp in ancillary:  # one; the loop of many connections comes here for each message
                if kind == SO_TIMESTAMPNS and len(stamp) == TIMESPEC.size:
                    seconds, nanoseconds = TIMESPEC.unpack(stamp)
                    time_ns = seconds * 1_000_000_000 + nanoseconds
                    time_ns -= clock.taken_off(time_ns) if stepped_ns is None else stepped_ns
                    return buffers[0][:size].tobytes(), time_ns, TimeSource.KERNEL
            time_ns, time_source, _ = stamp_and_drops(ancillary)
        else:
            size = self.sock.recv_into(buffers[0])
            time_ns, time_source = clock.now_ns(), TimeSource.USER
        return buffers[0][:size].tobytes(), time_ns, time_source

    def send(self, data: bytes) -> None:
        """Give data to the kernel; what it does not take waits.

        Raises
        ------
        OSError : the connection is broken.
        """
        sent = 0
        if not self.waiting:
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                sent = 0
        if sent < len(data):
            self.waiting += data[sent:] if sent else data

    def flush(self) -> None:
        """Give the kernel more of what waits.

        Raises
        ------
        OSError : the connection is broken.
        """
        while self.waiting:
            try:
                with memoryview(self.waiting) as view:
                    sent = self.sock.send(view[: 4 * READ_BYTES])
            except BlockingIOError:
                return
            del self.waiting[:sent]


def prepare_stream(sock: socket.socket, *, nodelay: bool) -> None:
    """Set the options of a stream socket: no waiting for more (Nagle), and the kernel's stamps where there are any."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if LINUX:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def broken_by(error: OSError) -> Fact:
    """Why a connection has ended that the system says is broken."""
    # A reset that comes after the peer's end is shown as a broken pipe.
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return Fact(Reason.PEER_RESET, PEER)
    return Fact(Reason.BROKEN, SYSTEM, error.errno, said=error.strerror or str(error))
