"""The TCP and WebSocket listeners against what one writes by hand, as ratios: ``python bench/streams.py [--quick]``.

Each round runs every contender once over the same bytes from the same sender, one after another, so that a machine
that changes speed does so for all; the figure is the median of the ratios of the rounds. The listeners capture: every
message is a row with stamp, peer, kind and wire size; the others append the payload to a list. The last table is
memory and processor time of many connections in one listener.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import resource
import socket
import statistics
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from websockets.asyncio.server import serve

from gdlab.store import Store
from gdlab.transports import StreamOptions, listener, parse

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

    def count(self) -> int:
        return len(self.messages)

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

    def count(self) -> int:
        return len(self.messages)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()
        self.loop.close()


class ByGdlab:
    """A listener of gdlab with its store."""

    def __init__(self, address: str) -> None:
        self.store = Store(address)
        self.listener = listener(parse(address), self.store, options=StreamOptions(framing="u32le"))
        self.listener.start()
        self.port = self.listener.address.port

    def count(self) -> int:
        return self.store.received

    def close(self) -> None:
        self.listener.close()


def seconds(make: Callable[[], ByLoop | ByLibrary | ByGdlab], wire: bytes, count: int, hello: bytes) -> float:
    """From the first byte sent to the last message received."""
    server = make()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        if hello:
            sock.sendall(hello)
            while not sock.recv(4096).endswith(b"\r\n\r\n"):
                pass
        begin = time.perf_counter()
        sock.sendall(wire)
        while server.count() < count:
            time.sleep(0.0005)
        took = time.perf_counter() - begin
    server.close()
    return took


def payloads(count: int, *, mixed: bool) -> list[bytes]:
    chance = random.Random(1)
    sizes = (chance.randrange(20, 200, 4) if mixed else 64 for _ in range(count))
    return [b"\x1b\0\0\0" + chance.randbytes(size - 4) for size in sizes]  # as a Godot Dictionary begins


def compare(rounds: int, count: int) -> None:
    print(f"{'messages':<34}{'gdlab k/s':>10}{'by hand k/s':>13}{'ratio':>8}")
    cases = [
        ("TCP, u32 length", prefixed, b"", lambda: ByGdlab("tcp://127.0.0.1:0"), ByLoop),
        ("WebSocket", masked, HANDSHAKE, lambda: ByGdlab("ws://127.0.0.1:0"), ByLibrary),
    ]
    for name, frame, hello, ours, theirs in cases:
        for mixed in (False, True):
            number = count if frame is prefixed else count // 4
            wire = b"".join(map(frame, payloads(number, mixed=mixed)))
            times = [
                (seconds(ours, wire, number, hello), seconds(theirs, wire, number, hello))
                for _ in range(rounds)
            ]
            own, other = (statistics.median(column) for column in zip(*times, strict=True))
            ratio = statistics.median(theirs / ours for ours, theirs in times)
            size = "20 to 200 bytes" if mixed else "64 bytes"
            print(
                f"{name + ', ' + size:<34}{number / own / 1e3:>10.0f}{number / other / 1e3:>13.0f}{ratio:>8.2f}"
            )


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


def many(count: int, active: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"\n{'connections':<34}{'bytes each':>12}{'idle CPU %':>12}{f'{active} at 60/s, CPU %':>24}")
    for name, scheme, frame, hello in (("TCP", "tcp", prefixed, b""), ("WebSocket", "ws", masked, HANDSHAKE)):
        server = ByGdlab(f"{scheme}://127.0.0.1:0")
        server.listener.options = StreamOptions(framing="u32le", max_connections=count + 1)
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
            while server.count() < sent:
                time.sleep(0.01)
            elapsed = time.perf_counter() - begin
            busy = (time.process_time() - began - (time.thread_time() - own)) / elapsed
        server.close()
        print(f"{f'{name}, {count}':<34}{each:>12.0f}{idle * 100:>12.2f}{busy * 100:>24.1f}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and messages")
    quick = parser.parse_args().quick
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    compare(rounds=3 if quick else 7, count=100_000 if quick else 400_000)
    many(count=200 if quick else 1000, active=50 if quick else 200)


if __name__ == "__main__":
    main()
