"""The TCP and WebSocket listeners against what one writes by hand: ``python -m bench streams``.

Every contender takes the same bytes from the same sender. The listeners capture: every message is a row with stamp,
peer, kind and wire size; the C program keeps stamp, size and payload, the Python ones append the payload to a list.
Then what Nagle's algorithm costs, and memory and processor time of many connections in one listener.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from websockets.asyncio.server import serve

import gdlab
from bench.native import helper
from bench.rounds import Contender, InvariantBroken, Metric, Result, Table, Target, interleave
from gdlab import probe
from gdlab.store import Store
from gdlab.transports import EndpointOptions, listener, parse

ASYNCIO = "bare asyncio server of websockets"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASK = b"\1\2\3\4"


def masked(payload: bytes) -> bytes:
    size = len(payload)
    head = bytes([0x82, 0x80 | size]) if size < 126 else struct.pack(">BBH", 0x82, 0xFE, size)
    stream = (MASK * (size // 4 + 1))[:size]
    return head + MASK + bytes(a ^ b for a, b in zip(payload, stream, strict=True))


def prefixed(payload: bytes) -> bytes:
    return struct.pack("<I", len(payload)) + payload


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.0005)


class ByC:
    """A C program, for TCP."""

    def __init__(self, count: int) -> None:
        binary, _ = helper()
        self.process = subprocess.Popen(
            [str(binary), "frames", str(count)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())

    def wait(self, count: int) -> None:
        assert self.process.stdout
        assert int(self.process.stdout.readline()) == count

    def close(self) -> None:
        with self.process:
            self.process.wait(10)


class ByLoop:
    """A thread with a slicing loop, for TCP."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        unpack = struct.Struct("<I").unpack_from
        connection, _ = self.server.accept()
        rest, add = b"", self.messages.append
        with connection:
            while chunk := connection.recv(128 * 1024):
                data = rest + chunk
                at, size = 0, len(data)
                while at + 4 <= size:
                    (length,) = unpack(data, at)
                    if at + 4 + length > size:
                        break
                    add(data[at + 4 : at + 4 + length])
                    at += 4 + length
                rest = data[at:]

    def wait(self, count: int) -> None:
        until(lambda: len(self.messages) >= count)

    def close(self) -> None:
        self.thread.join()
        self.server.close()


class ByLibrary:
    """The `websockets` library's asyncio server, in a thread of its own."""

    def __init__(self) -> None:
        self.messages: list[object] = []
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.run(),))
        self.thread.start()
        self.ready.wait()

    async def run(self) -> None:
        self.stopped = asyncio.Event()

        async def handle(connection):
            async for message in connection:
                self.messages.append(message)

        async with serve(handle, "127.0.0.1", 0, compression=None) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self.ready.set()
            await self.stopped.wait()

    def wait(self, count: int) -> None:
        until(lambda: len(self.messages) >= count)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()
        self.loop.close()


class ByGdlab:
    """A listener of gdlab with its store."""

    def __init__(self, address: str) -> None:
        self.store = Store(address)
        self.listener = listener(parse(address), self.store, EndpointOptions(framing="u32le"))
        self.listener.start()
        self.port = self.listener.address.port

    def wait(self, count: int) -> None:
        until(lambda: self.store.received >= count)

    def close(self) -> None:
        self.listener.close()


def measured(
    make: Callable[[], ByC | ByLoop | ByLibrary | ByGdlab], wire: bytes, count: int, hello: bytes
) -> Result:
    """Messages a second, from the first byte sent to the last message received."""
    server = make()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        if hello:
            sock.sendall(hello)
            while not sock.recv(4096).endswith(b"\r\n\r\n"):
                pass
        begin = time.perf_counter()
        sock.sendall(wire)
        server.wait(count)
        took = time.perf_counter() - begin
    server.close()
    return {"k_per_s": count / took / 1e3}


def payloads(count: int, *, mixed: bool) -> list[bytes]:
    chance = random.Random(1)
    sizes = (chance.randrange(20, 200, 4) if mixed else 64 for _ in range(count))
    return [b"\x1b\0\0\0" + chance.randbytes(size - 4) for size in sizes]  # as a Godot Dictionary begins


RATE = Metric("k_per_s", "1000/s", 0, ratio=True)


def comparisons(rounds: int) -> Iterator[Table]:
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    _, no_c = helper()
    for mixed in (False, True):
        size = "20 to 200 bytes" if mixed else "64 bytes"
        count = 400_000
        wire = b"".join(map(prefixed, payloads(count, mixed=mixed)))
        contenders = {
            "gdlab": lambda: ByGdlab("tcp://127.0.0.1:0"),
            "Python loop": ByLoop,
            "C": lambda count=count: ByC(count),
        }
        results, missing = interleave(
            [
                Contender(
                    name,
                    lambda make=make, wire=wire, count=count: measured(make, wire, count, b""),
                    no_c if name == "C" else "",
                )
                for name, make in contenders.items()
            ],
            rounds,
        )
        yield Table(
            f"TCP messages with a u32 length, {size}",
            [RATE],
            "Python loop",
            results,
            missing,
            notes=[
                "gdlab and the Python programs share their process with the sender; the C program does not"
            ],
        )
    for mixed in (False, True):
        size = "20 to 200 bytes" if mixed else "64 bytes"
        count = 100_000
        wire = b"".join(map(masked, payloads(count, mixed=mixed)))
        results, missing = interleave(
            [
                Contender(
                    name, lambda make=make, wire=wire, count=count: measured(make, wire, count, HANDSHAKE)
                )
                for name, make in (
                    ("gdlab", lambda: ByGdlab("ws://127.0.0.1:0")),
                    (ASYNCIO, ByLibrary),
                )
            ],
            rounds,
        )
        yield Table(
            f"WebSocket messages one way, {size}",
            [RATE],
            ASYNCIO,
            results,
            missing,
            [Target("gdlab", "k_per_s", least=1, against=ASYNCIO)],
        )


def two_writes(*, nodelay: bool, count: int = 40) -> Result:
    """Round trips of pings that follow at once on another message, to a peer that answers the ping.

    With Nagle's algorithm the ping waits until the message before it is acknowledged, which the peer's system puts
    off, as it hopes to send the acknowledgement with data: 40 ms on Linux (RFC 896, RFC 1122 section 4.2.3.2).
    """
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        capture = stack.enter_context(gdlab.connect(address, framing="lines", nodelay=nodelay))
        sock = stack.enter_context(server.accept()[0])
        stream = stack.enter_context(sock.makefile("rb"))
        for number in range(count):
            capture.send("the position")
            capture.send(probe.ping(number, time.time_ns()))
            stream.readline()
            sock.sendall(stream.readline())
            capture.wait_sync(number + 1, timeout=10)
        trips = gdlab.analysis.round_trips(capture.df).rtt_ms
        told = "nagle" in set(capture.findings()["rule"])
    if told is nodelay:
        raise InvariantBroken(f"with TCP_NODELAY {nodelay} the finding about Nagle was given: {told}")
    return {"median_ms": float(trips.median()), "longest_ms": float(trips.max())}


@contextlib.contextmanager
def connections(port: int, count: int, hello: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if hello:
                sock.sendall(hello)
            opened.append(sock)
        if hello:
            for sock in opened:
                while not sock.recv(4096).endswith(b"\r\n\r\n"):
                    pass
        yield opened


def resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def many(scheme: str, frame: Callable[[bytes], bytes], hello: bytes, count: int, active: int) -> Result:
    """What `count` connections in one listener take, idle and with `active` of them sending 60 times per second."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = ByGdlab(f"{scheme}://127.0.0.1:0")
    server.listener.options = EndpointOptions(framing="u32le", max_connections=count + 1)
    before = resident_bytes()
    with connections(server.port, count, hello) as opened:
        while server.listener.statistics().connections < count:
            time.sleep(0.01)
        each = (resident_bytes() - before) / count
        began = time.process_time()
        time.sleep(2)
        idle = (time.process_time() - began) / 2
        message = frame(b"x" * 64)
        own, sent, begin = time.thread_time(), 0, time.perf_counter()
        began = time.process_time()
        for tick in range(120):  # 2 s of 60 frames
            for sock in opened[:active]:
                sock.send(message)
            sent += active
            time.sleep(max(0.0, begin + (tick + 1) / 60 - time.perf_counter()))
        server.wait(sent)
        elapsed = time.perf_counter() - begin
        busy = (time.process_time() - began - (time.thread_time() - own)) / elapsed
    server.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return {"bytes_each": each, "idle_percent": idle * 100, "busy_percent": busy * 100}


def apart(scheme: str, count: int, active: int) -> Result:
    """`many` in a process of its own, whose memory nobody has used before."""
    command = [sys.executable, "-m", "bench.streams", scheme, str(count), str(active)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    result: Result = json.loads(done.stdout)
    return result


def tables(rounds: int) -> Iterator[Table]:
    yield from comparisons(rounds)
    if sys.platform == "linux":
        results, missing = interleave(
            [
                Contender(name, lambda nodelay=nodelay: two_writes(nodelay=nodelay))
                for name, nodelay in (("TCP_NODELAY", True), ("Nagle's algorithm", False))
            ],
            rounds,
        )
        yield Table(
            "TCP round trips of the second of two messages",
            [Metric("median_ms", "median, ms", 2, ratio=True), Metric("longest_ms", "longest, ms", 1)],
            "Nagle's algorithm",
            results,
            missing,
            [Target("TCP_NODELAY", "median_ms", most=0.2, against="Nagle's algorithm")],
            ["the finding about Nagle is given for the one capture and not for the other"],
        )
    count, active = 1000, 200
    results, missing = interleave(
        [
            Contender(name, lambda scheme=scheme: apart(scheme, count, active))
            for name, scheme in (("TCP", "tcp"), ("WebSocket", "ws"))
        ],
        1,
    )
    yield Table(
        f"{count} connections in one listener",
        [
            Metric("bytes_each", "bytes each", 0),
            Metric("idle_percent", "idle, % of a core", 2),
            Metric("busy_percent", f"{active} at 60/s, % of a core", 1),
        ],
        "TCP",
        results,
        missing,
    )


if __name__ == "__main__":
    kind, size, busy = sys.argv[1:]
    beginning = {"tcp": (prefixed, b""), "ws": (masked, HANDSHAKE)}[kind]
    print(json.dumps(many(kind, *beginning, int(size), int(busy))))
