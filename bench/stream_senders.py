"""Who sends to the stream servers: wires made beforehand, so that sending costs next to nothing."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import random
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

from bench.rounds import Result, bring, check

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_masks = random.Random(2)

#: A reply that does not come is a fault of the server.
PATIENCE_S = 30


def payloads(count: int, *, mixed: bool) -> list[bytes]:
    """Messages as games write them, 64 bytes each or 20 to 200; they begin as a Godot Dictionary does."""
    chance = random.Random(1)
    sizes = (chance.randrange(20, 201) if mixed else 64 for _ in range(count))
    return [b"\x1b\0\0\0" + chance.randbytes(size - 4) for size in sizes]


def masked(payload: bytes) -> bytes:
    """A frame as a client sends it, with a mask of its own."""
    size = len(payload)
    head = bytes([0x82, 0x80 | size]) if size < 126 else struct.pack(">BBH", 0x82, 0xFE, size)
    mask = _masks.randbytes(4)
    stream = (mask * (size // 4 + 1))[:size]
    hidden = int.from_bytes(payload, "little") ^ int.from_bytes(stream, "little")
    return head + mask + hidden.to_bytes(size, "little")


def unmasked(payload: bytes) -> bytes:
    return bytes([0x82, len(payload)]) + payload


def prefixed(payload: bytes) -> bytes:
    return struct.pack("<I", len(payload)) + payload


class Server:
    """A contender in a process of its own: one of `bench.stream_servers`."""

    def __init__(self, name: str, *modes: str) -> None:
        self.name = name
        self.hello = b"" if name in TCP_SERVERS else HANDSHAKE
        command = [sys.executable, "-m", "bench.stream_servers", name, *modes]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.line())

    def line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        check(bool(line), f"{self.name} ended unexpectedly")
        return line

    def tell(self, line: object) -> None:
        assert self.process.stdin
        print(line, file=self.process.stdin, flush=True)

    def look(self) -> dict[str, float]:
        self.tell("look")
        found: dict[str, float] = json.loads(self.line())
        return found

    @contextlib.contextmanager
    def connections(self, count: int = 1) -> Iterator[list[socket.socket]]:
        with contextlib.ExitStack() as stack:
            opened = []
            for _ in range(count):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", self.port)))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(PATIENCE_S)
                sock.sendall(self.hello)
                opened.append(sock)
            for sock in opened if self.hello else []:
                while not sock.recv(4096).endswith(b"\r\n\r\n"):
                    pass
            yield opened

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process as process:
            assert process.stdin
            process.stdin.close()
            process.wait(10)


TCP_SERVERS = ("gdlab tcp", "Python loop", "Python loop, replies joined", "asyncio streams")
#: What a contender needs beside what is always there.
NEEDS = {
    "bare websockets": "websockets",
    "picows": "picows",
    "picows, times kept": "picows",
    "aiohttp": "aiohttp",
}


def lacking(name: str) -> str:
    """Why a contender cannot take part; empty where it can."""
    needed = NEEDS.get(name)
    if needed and importlib.util.find_spec(needed) is None:
        return bring(needed)
    return ""


def sent(server: Server, wire: bytes, count: int) -> Result:
    """Send all, and wait until the server has it: thousands of messages per second, and their processor time."""
    server.tell(count)
    server.line()
    with server.connections() as (sock,):
        began = time.perf_counter()
        sock.sendall(wire)
        used = json.loads(server.line())
        took = time.perf_counter() - began
    return figures(count, took, used["cpu_s"])


def echoed(server: Server, wire: bytes, wanted: bytes, count: int, window: int) -> Result:
    """Send messages of one size, at most `window` ahead of the answers, and check each answer."""
    each, back_each = len(wire) // count, len(wanted) // count
    server.tell(count)
    server.line()
    view, got = memoryview(wire), bytearray(len(wanted) + 4096)
    into = memoryview(got)
    with server.connections() as (sock,):
        began = time.perf_counter()
        ahead, back = min(window, count), 0
        sock.sendall(view[: ahead * each])
        while back < len(wanted):
            size = sock.recv_into(into[back:])
            check(size > 0, f"{server.name} has closed the connection")
            back += size
            more = min(back // back_each + window, count)
            if more > ahead:
                sock.sendall(view[ahead * each : more * each])
                ahead = more
        took = time.perf_counter() - began
        server.tell("done")
        used = json.loads(server.line())
    check(got[:back] == wanted, f"{server.name} answered something else")
    return figures(count, took, used["cpu_s"])


def figures(count: int, took_s: float, cpu_s: float) -> Result:
    return {"k_per_s": count / took_s / 1e3, "us_each": 1e6 * cpu_s / count}


def steady(server: Server, message: bytes, count: int, active: int, *, spread: bool) -> Result:
    """What `count` connections cost, idle and with `active` of them sending 60 times per second for 2 s.

    Parameters
    ----------
    spread : each at its own moment of the frame, as machines do; else all at the same, as in a laboratory.
    """
    before = server.look()["bytes"]
    ticks = 120
    server.tell(0)
    server.line(), server.line()
    with server.connections(count) as opened:
        time.sleep(0.5)
        each = (server.look()["bytes"] - before) / count
        idle_s = server.look()["cpu_s"]
        time.sleep(2)
        idle_s = server.look()["cpu_s"] - idle_s
        senders = opened[:active]
        server.tell(f"{active * ticks} 0.02")
        server.line()
        begin = time.perf_counter()
        paced(senders, message, ticks, begin, groups=20 if spread else 1)
        used = json.loads(server.line())
        elapsed = time.perf_counter() - begin
    return {
        "bytes_each": each,
        "idle_percent": 50 * idle_s,
        "busy_percent": 100 * used["cpu_s"] / elapsed,
        "us_each": 1e6 * used["cpu_s"] / (active * ticks),
    }


def paced(senders: Sequence[Any], message: bytes, ticks: int, begin: float, groups: int) -> None:
    step = 1 / 60 / groups
    for number in range(ticks * groups):
        time.sleep(max(0.0, begin + number * step - time.perf_counter()))
        for sock in senders[number % groups :: groups]:
            sock.send(message)


def paced_to(port: int, count: int, ticks: int) -> None:
    """Connections to a listener at a port of this machine, each of which sends 60 messages per second."""
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
        for sock in senders:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        paced(senders, prefixed(b"x" * 64), ticks, time.perf_counter(), groups=20)
