"""Random and mutated handshakes, frames and segments against running listeners: ``python bench/fuzz_streams.py``.

Ends with an error as soon as a listener has stopped, has a fault of its own in a row, does not serve a well-behaved
client beside the others within two seconds, or makes the process grow beyond its bound. Then thousands of clients
connect and vanish at every stage; every one must have left its rows.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import random
import socket
import struct
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd

from gdlab.framing import encode
from gdlab.store import Limit, Store, table
from gdlab.transports import EndpointOptions, listener, parse

HANDSHAKE = (
    b"GET /chat?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    b"Origin: http://localhost:8060\r\n\r\n"
)
PLAIN = HANDSHAKE.replace(b"Sec-WebSocket-Extensions: permessage-deflate\r\n", b"")
MOST_GROWTH_BYTES = 400 * 2**20


def frame(opcode: int, payload: bytes, *, fin: bool = True, mask: bytes = b"\1\2\3\4") -> bytes:
    size = len(payload)
    head = bytes([opcode | (0x80 if fin else 0), 0x80 | size]) if size < 126 else b""
    head = head or struct.pack(">BBH", opcode | (0x80 if fin else 0), 0xFE, size)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


FRAMES = [
    frame(1, b"hello"),
    frame(2, bytes(200)),
    frame(1, b"part", fin=False),
    frame(0, b"rest"),
    frame(9, b"ping"),
    frame(10, b""),
    frame(8, b"\3\xe8bye"),
    frame(1, b"\xff\xfe"),
]
SEGMENTS = [
    encode("put_var", b"\2\0\0\0\7\0\0\0"),
    encode("put_utf8_string", b"text"),
    b'{"a": [1, 2, {"b": null}]}\n',
    b"a line\r\n",
    b"[" * 200,
    bytes(64),
    b"\xff" * 9,
    b"GET / HTTP/1.1\r\n\r\n",
]


def mutated(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([0, 1, 1, 2, 5])):
        at = chance.randrange(len(changed) + 1)
        action = chance.randrange(5)
        if action == 0 and at < len(changed):
            changed[at] = chance.randrange(256)
        elif action == 1:
            changed[at:at] = chance.randbytes(chance.randrange(1, 30))
        elif action == 2:
            del changed[at : at + chance.randrange(1, 30)]
        elif action == 3:
            changed[at:at] = changed[: chance.randrange(1, 60)]
        else:
            changed[at : at + 8] = struct.pack(
                ">Q", chance.choice([0, 1, 125, 2**16, 2**31, 2**63 - 1, 2**64 - 1])
            )
    return bytes(changed)


def resident_bytes() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(
        int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS:")
    )


class Steady:
    """A client that behaves, and wants to be served all the while."""

    def __init__(self, port: int, *, websocket: bool) -> None:
        self.websocket = websocket
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=2)
        if websocket:
            self.sock.sendall(PLAIN)
            while not self.sock.recv(4096).endswith(b"\r\n\r\n"):
                pass
        else:
            self.sock.sendall(b"a line\n")
            assert self.sock.recv(100) == b"a line\n"

    def ask(self) -> float:
        begin = time.perf_counter()
        self.sock.sendall(frame(1, b"well?") if self.websocket else b"well?\n")
        assert self.sock.recv(100)[-6:].strip().endswith(b"well?")
        return time.perf_counter() - begin


def attack(chance: random.Random, port: int, *, websocket: bool) -> int:
    """One hostile connection; return how many inputs it was."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=2)
    inputs = 0
    with contextlib.closing(sock), contextlib.suppress(OSError):
        if websocket:
            handshake = chance.choice([HANDSHAKE, PLAIN])
            if chance.random() < 0.4:
                sock.sendall(mutated(chance, handshake))
                inputs += 1
            else:
                sock.sendall(handshake)
                if chance.random() < 0.5:
                    sock.recv(2048)
        for _ in range(chance.randrange(1, 25)):
            what = chance.choice(FRAMES if websocket else SEGMENTS)
            inputs += 1
            sock.sendall(
                mutated(chance, what) if chance.random() < 0.9 else chance.randbytes(chance.randrange(300))
            )
        if chance.random() < 0.3:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    return inputs


def last_rows(rows: pd.DataFrame) -> collections.Counter[str]:
    """How connections ended: `close`, `refused`, or `error` before they were open."""
    ends: collections.Counter[str] = collections.Counter()
    opened = set()
    for peer, event, detail in zip(rows.peer, rows.event, rows.detail, strict=True):
        if event == "open":
            opened.add(peer)
        elif event == "close":
            opened.remove(peer)
            ends["closed"] += 1
        elif event == "error" and peer not in opened:
            ends["refused" if detail.startswith("refused:") else "never open"] += 1
    return ends


def storm(chance: random.Random, scheme: str, count: int) -> None:
    """Clients that connect and vanish; each must be counted, and the listener must then have nothing left of them."""
    store = Store(scheme, Limit.parse(str(10 * count)))
    made = listener(parse(f"{scheme}://127.0.0.1:0"), store, EndpointOptions(max_connections=50))
    made.start()
    begin, before = time.perf_counter(), resident_bytes()
    beginnings = [b"", HANDSHAKE[:40], PLAIN, PLAIN + FRAMES[0], PLAIN + FRAMES[1][:7]]
    waiting: list[socket.socket] = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", made.address.port), timeout=5)
        with contextlib.suppress(OSError):
            sock.sendall(chance.choice(beginnings))
            if chance.random() < 0.5:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
        waiting.append(sock)
        if len(waiting) > 80:  # more than the listener takes: some are refused
            waiting.pop(chance.randrange(len(waiting))).close()
    for sock in waiting:
        sock.close()
    deadline = time.monotonic() + 30
    while True:
        rows = table.build([store.snapshot()])
        ends = last_rows(rows)
        if sum(ends.values()) >= count or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    left = made.statistics().connections
    made.close()
    assert not rows.detail.str.contains("internal error in gdlab").any()
    assert sum(ends.values()) == count, f"{ends} are not {count}"
    assert left == 0
    took, growth = time.perf_counter() - begin, (resident_bytes() - before) / 2**20
    print(
        f"{scheme}: {count} clients vanished in {took:.0f} s, each with its last row: {dict(ends)}; "
        f"memory grew by {growth:.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="hostile inputs in all")
    parser.add_argument("--vanishing", type=int, default=10_000, help="clients of each transport that vanish")
    parser.add_argument("--seed", type=int, default=1)
    choices = parser.parse_args()
    chance = random.Random(choices.seed)
    options = EndpointOptions(max_message_bytes=100_000, handshake_s=1.0)
    # With compression on offer the library reads every frame, without it most are taken by us.
    kinds = [("ws", replace(options, compression=True)), ("ws", options), ("tcp", options)]
    stores = [Store(scheme, Limit.parse("50000")) for scheme, _ in kinds]
    listeners = [
        listener(parse(f"{scheme}://127.0.0.1:0"), store, replace(choice, reply=lambda m: m.payload))
        for (scheme, choice), store in zip(kinds, stores, strict=True)
    ]
    for one in listeners:
        one.start()
    steady = [
        Steady(one.address.port, websocket=scheme == "ws")
        for one, (scheme, _) in zip(listeners, kinds, strict=True)
    ]
    before, begin = resident_bytes(), time.perf_counter()
    inputs = attacks = 0
    slowest = 0.0
    try:
        while inputs < choices.count:
            which = attacks % len(kinds)
            inputs += attack(chance, listeners[which].address.port, websocket=kinds[which][0] == "ws")
            attacks += 1
            if attacks % 200 == 0:
                slowest = max(slowest, *(client.ask() for client in steady))
                for one in listeners:
                    assert one.error is None, one.error
                growth = resident_bytes() - before
                assert growth < MOST_GROWTH_BYTES, f"grew by {growth} bytes"
        for client in steady:
            client.sock.close()
    finally:
        for one in listeners:
            one.close()
    for store in stores:
        rows = table.build([store.snapshot()])
        faults = rows[rows.detail.str.contains("internal error in gdlab")]
        assert faults.empty, faults.detail.iloc[0]
    took, growth = time.perf_counter() - begin, (resident_bytes() - before) / 2**20
    rows = sum(store.statistics().rows_kept + store.statistics().evicted_rows for store in stores)
    print(
        f"{inputs} hostile inputs in {attacks} connections, {took:.0f} s, seed {choices.seed}, {rows} rows: no fault"
    )
    print(f"others waited at most {slowest * 1e3:.0f} ms; memory grew by {growth:.0f} MiB")
    for scheme in ("tcp", "ws"):
        storm(chance, scheme, choices.vanishing)


if __name__ == "__main__":
    main()
