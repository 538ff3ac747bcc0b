"""Receivers that are compared, each in a process of its own: `python -m bench.contenders NAME RECEIVE_BUFFER`.

Prints its port. For each line on stdin, the seconds for which the main thread computes meanwhile, it takes what is
queued or arrives until 1 s passes without any (2 s before the first), and prints one line of JSON.
"""

import array
import asyncio
import fcntl
import json
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable

import numpy as np

IDLE_S = 1.0  # on a busy machine the sender itself may rest for some hundred ms
FIRST_S = 2.0


def grow(sock: socket.socket, size: int) -> None:
    """Set the receive buffer, beyond the system's bound where we may."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, 33, size)  # SO_RCVBUFFORCE
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def drops(sock: socket.socket) -> int:
    """The kernel's count of datagrams dropped at this socket."""
    return int(struct.unpack("@9I", sock.getsockopt(socket.SOL_SOCKET, 55, 36))[8])  # SO_MEMINFO


def is_queued(sock: socket.socket) -> bool:
    """Whether a datagram (none is empty here) waits at this socket."""
    size = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, size)
    return size[0] > 0


def compute(seconds: float) -> int:
    """What a user's cell does: pure Python, holding the interpreter's lock."""
    end, value = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for number in range(10_000):
            value = (value * 31 + number) & 0xFFFF
    return value


def errors_us(stamps: np.ndarray, sent: np.ndarray) -> dict[str, float]:
    """How far the stamps are from the times that the sender wrote into its datagrams."""
    if not len(stamps):
        return {}
    error = np.abs(stamps - sent) / 1000
    return {"stamp_p50_us": float(np.median(error)), "stamp_p99_us": float(np.percentile(error, 99))}


class ByHand:
    """A socket in a thread, and a list of tuples: `take` is what differs."""

    def __init__(self, receive_buffer: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        grow(self.sock, receive_buffer)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.rows: list[tuple[int, tuple[str, int], bytes]] = []
        self.cpu_s = 0.0

    def _measured(self) -> None:
        begin = time.thread_time()
        self.take()
        self.cpu_s = time.thread_time() - begin

    def take(self) -> None:
        raise NotImplementedError

    def run(self, busy_s: float) -> dict[str, float]:
        self.rows = []
        thread = threading.Thread(target=self._measured)
        thread.start()
        compute(busy_s)
        thread.join()
        sent = np.array([struct.unpack_from("=q", data, 8)[0] for _, _, data in self.rows], np.int64)
        stamps = np.array([row[0] for row in self.rows], np.int64)
        return {
            "count": len(self.rows),
            "cpu_s": self.cpu_s,
            "wall_s": (stamps[-1] - stamps[0]) / 1e9 if len(stamps) else 0.0,
            "drops": drops(self.sock),
            **errors_us(stamps, sent),
        }


class Loop(ByHand):
    """`recvfrom` in a loop."""

    def take(self) -> None:
        patience = struct.pack("@ll", *divmod(int(IDLE_S * 1e6), 1_000_000))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        append, recvfrom, now = self.rows.append, self.sock.recvfrom, time.time_ns
        deadline = time.monotonic() + FIRST_S
        while True:
            try:
                data, peer = recvfrom(65_535)
            except BlockingIOError:
                if self.rows or time.monotonic() > deadline:
                    return
                continue
            append((now(), peer, data))


class Asyncio(ByHand):
    """A `DatagramProtocol`."""

    def take(self) -> None:
        rows = self.rows

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                rows.append((time.time_ns(), addr, data))

        async def receive() -> None:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(Protocol, sock=self.sock.dup())
            seen, deadline = -1, time.monotonic() + FIRST_S
            while len(rows) != seen or (not rows and time.monotonic() < deadline):
                seen = len(rows)
                await asyncio.sleep(IDLE_S)
            transport.close()

        self.sock.setblocking(False)
        asyncio.run(receive())


class EchoLoop(ByHand):
    """`recvfrom` and `sendto` in a loop, storing nothing."""

    count = 0

    def take(self) -> None:
        patience = struct.pack("@ll", *divmod(int(IDLE_S * 1e6), 1_000_000))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        recvfrom, sendto = self.sock.recvfrom, self.sock.sendto
        deadline = time.monotonic() + FIRST_S
        self.count = count = 0
        while True:
            try:
                data, peer = recvfrom(65_535)
            except BlockingIOError:
                if count or time.monotonic() > deadline:
                    self.count = count
                    return
                continue
            sendto(data, peer)
            count += 1

    def run(self, busy_s: float) -> dict[str, float]:
        return {**super().run(busy_s), "count": self.count}


class EchoAsyncio(EchoLoop):
    """A `DatagramProtocol` that sends back, storing nothing."""

    def take(self) -> None:
        self.count = 0

        class Protocol(asyncio.DatagramProtocol):
            def connection_made(protocol, transport: asyncio.DatagramTransport) -> None:  # noqa: N805
                protocol.transport = transport

            def datagram_received(protocol, data: bytes, addr: tuple[str, int]) -> None:  # noqa: N805
                protocol.transport.sendto(data, addr)
                self.count += 1

        async def receive() -> None:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(Protocol, sock=self.sock.dup())
            seen, deadline = -1, time.monotonic() + FIRST_S
            while self.count != seen or (not self.count and time.monotonic() < deadline):
                seen = self.count
                await asyncio.sleep(IDLE_S)
            transport.close()

        self.sock.setblocking(False)
        asyncio.run(receive())


class Gdlab:
    """gdlab's listener with its store; the thread is held while nothing is asked for.

    Parameters
    ----------
    portable : one by one, with the kernel's stamps (as on macOS). unstamped : without them (as on Windows).
    echo : each is sent back, and both ways are stored.
    """

    def __init__(
        self, receive_buffer: int, *, portable: bool = False, unstamped: bool = False, echo: bool = False
    ) -> None:
        from gdlab.store import Store
        from gdlab.transports import EndpointOptions, UdpListener, datagrams, parse, replies
        from gdlab.transports.datagrams import OneByOne
        from gdlab.transports.udp import best_receiver

        if unstamped:
            datagrams._ANCILLARY_BYTES = 0
        self.echo = echo
        self.store = Store("bench")
        bound = UdpListener.bind(parse("udp://127.0.0.1:0"))
        self.listener = UdpListener(
            bound,
            self.store,
            EndpointOptions(reply=replies.echo if echo else None),
            receiver=OneByOne if portable or unstamped else best_receiver,
        )
        for sock in self.listener._sockets:
            grow(sock, receive_buffer)
        self.port = self.listener.address.port
        self.listener.start()
        if (
            portable
        ):  # macOS stamps in microseconds, and tells no datagram of those that were dropped before it
            datagrams._USUAL_STAMP = datagrams.SCM_TIMESTAMP
            for sock in self.listener._sockets:
                sock.setsockopt(socket.SOL_SOCKET, datagrams.SO_TIMESTAMP, 1)
                sock.setsockopt(socket.SOL_SOCKET, datagrams.SO_RXQ_OVFL, 0)
        self.release = threading.Event()
        self.told_drops = 0
        self.cpu_s = 0.0
        self.hold()

    def hold(self) -> None:
        """Return when the thread has stopped receiving."""
        entered, release = threading.Event(), threading.Event()

        def wait() -> None:
            self.cpu_s += time.thread_time()
            entered.set()
            release.wait()
            self.cpu_s -= time.thread_time()

        self.listener.call(wait)
        entered.wait()
        self.release = release

    def run(self, busy_s: float) -> dict[str, float]:
        from gdlab.store import Store, table

        # A new store each time, as the others begin a new list, so that all reuse the memory of the time before.
        self.listener.sink = self.store = Store("bench")
        self.listener._peers.clear()
        told, self.told_drops = self.told_drops, 0
        self.cpu_s = 0.0
        self.release.set()
        compute(busy_s)
        seen, deadline = -1, time.monotonic() + FIRST_S
        while (
            self.store.received != seen
            or (not seen and time.monotonic() < deadline)
            or any(map(is_queued, self.listener._sockets))
        ):
            seen = self.store.received
            time.sleep(IDLE_S)
        self.hold()
        count = self.store.received
        rows = table.build([self.store.snapshot()])
        rows = rows[(rows.event == "message") & (rows.direction == "in")].tail(count)
        self.told_drops = told + self.store.statistics().lost_before_us
        wall_s, figures = 0.0, {}
        if count == len(rows) and count:
            buffer, offsets = rows.payload.array.contiguous()
            at = offsets[:-1, None] + np.arange(8, 16)
            stamps = rows.time.array.asi8
            figures = errors_us(stamps, np.ascontiguousarray(buffer[at]).view(np.int64)[:, 0])
            wall_s = (stamps[-1] - stamps[0]) / 1e9
        return {
            "count": count,
            "cpu_s": self.cpu_s,
            "wall_s": wall_s,
            "drops": self.listener.statistics().kernel_drops or 0,
            "told_drops": self.told_drops,
            **({"sent": self.store.statistics().sent} if self.echo else figures),
        }

    def close(self) -> None:
        self.release.set()
        self.listener.close()


MAKERS: dict[str, Callable[[int], ByHand | Gdlab]] = {
    "recvfrom loop": Loop,
    "asyncio": Asyncio,
    "gdlab": Gdlab,
    "gdlab as on macOS": lambda size: Gdlab(size, portable=True),
    "gdlab as on Windows": lambda size: Gdlab(size, unstamped=True),
    "echo loop": EchoLoop,
    "echo asyncio": EchoAsyncio,
    "gdlab echo": lambda size: Gdlab(size, echo=True),
}


def main() -> None:
    """Serve the commands on stdin."""
    contender = MAKERS[sys.argv[1]](int(sys.argv[2]))
    print(contender.port, flush=True)
    for line in sys.stdin:
        print(json.dumps(contender.run(float(line))), flush=True)
    if isinstance(contender, Gdlab):
        contender.close()


if __name__ == "__main__":
    main()
