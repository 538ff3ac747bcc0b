"""A game with a known truth: numbered messages of which some are lost, doubled or out of order, while gdlab pings.

200 seeds over each transport are tested by `tests/capture/test_own_probes.py`; ``python -m tests.planted 1000`` runs as
many as you like.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
from dataclasses import dataclass

from websockets.sync.client import connect as ws_connect

import gdlab as gd
from tests.waiting import wait_until

MESSAGES = 120


@dataclass(frozen=True)
class Truth:
    """What was planted: numbers in the order of sending, and what a perfect measure says of them."""

    numbers: list[int]
    lost: int
    duplicates: int
    reordered: int


def plant(seed: int) -> Truth:
    """Draw a truth; the first and the last number always arrive, as a loss there cannot be seen."""
    drawn = random.Random(seed)
    share = drawn.choice((0.0, 0.05, 0.2))
    kept = [n for n in range(MESSAGES) if n in (0, MESSAGES - 1) or drawn.random() >= share]
    numbers: list[int] = []
    doubled = 0
    for n in kept:
        numbers.append(n)
        if drawn.random() < 0.1:
            numbers.append(n)
            doubled += 1
    order = list(numbers)
    for at in range(2, len(order) - 2):
        if drawn.random() < 0.08:
            order[at], order[at + 1] = order[at + 1], order[at]
    highest, seen, reordered = -1, set(), 0
    for n in order:
        if n not in seen and n < highest:
            reordered += 1
        seen.add(n)
        highest = max(highest, n)
    return Truth(order, MESSAGES - len(kept), doubled, reordered)


def payload(number: int, codec: str) -> bytes:
    """A message of the game's own."""
    fields = {"seq": number, "pos": [number * 0.5, 1.0]}
    if codec == "variant":
        return gd.variant.dumps(fields)
    return b'{"seq": %d, "pos": [%g, 1.0]}' % (number, number * 0.5)


def play(cap: gd.Capture, transport: str, truth: Truth, codec: str = "json") -> None:
    """Send the messages, and echo everything that comes back: the pings."""
    every = max(1, len(truth.numbers) // 12)

    if transport == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", cap.port))
            for at, number in enumerate(truth.numbers):
                sock.send(payload(number, codec))
                sock.settimeout(0.02 if at % every == 0 else 0.0)
                try:
                    for _ in range(4):
                        sock.send(sock.recv(2000))
                except (TimeoutError, BlockingIOError):
                    pass
    elif transport == "tcp":
        with socket.create_connection(("127.0.0.1", cap.port)) as sock:
            for at, number in enumerate(truth.numbers):
                data = payload(number, codec)
                sock.sendall(struct.pack("<I", len(data)) + data)
                sock.settimeout(0.02 if at % every == 0 else 0.0)
                try:
                    for _ in range(4):
                        sock.sendall(sock.recv(2000))  # frames go back as they came, also in pieces
                except (TimeoutError, BlockingIOError):
                    pass
    else:
        with ws_connect(f"ws://127.0.0.1:{cap.port}", compression=None) as ws:
            for at, number in enumerate(truth.numbers):
                data = payload(number, codec)
                ws.send(data if codec == "variant" else data.decode())
                try:
                    for _ in range(4):
                        ws.send(ws.recv(timeout=0.02 if at % every == 0 else 0.0))
                except TimeoutError:
                    pass


def capture(transport: str, codec: str) -> gd.Capture:
    """A listener that pings fast."""
    framing = ("put_var" if codec == "variant" else "u32le") if transport == "tcp" else "auto"
    return gd.listen(f"{transport}://127.0.0.1:0", ping=0.01, framing=framing, restart=True)


def check(seed: int, transport: str, codec: str) -> int:
    """Play one truth and compare; return how many pings were answered meanwhile."""
    truth = plant(seed)
    with capture(transport, codec) as cap:
        play(cap, transport, truth, codec)
        expected = len(truth.numbers)
        wait_until(lambda: cap.statistics().received >= expected)
        cap.stop()
        assert len(cap.inter_arrival()) == expected
        found = cap.sequence(seq="v.seq").iloc[0]
        told = (int(found.lost), int(found.duplicates), int(found.reordered), int(found.messages))
        assert told == (truth.lost, truth.duplicates, truth.reordered, expected), (
            seed,
            transport,
            codec,
            told,
            truth,
        )
        rates = cap.rates(by=("direction",))
        assert rates.messages[rates.direction == "in"].sum() == expected
        assert set(rates.direction) == {"in"}  # our pings are no traffic of the game
        if "reason" in cap.df:
            decoded = cap.decoded()
            assert decoded["v.seq"].notna().sum() == expected
        assert int(cap.conversations().messages_in.iloc[0]) == expected
        return int((cap.round_trips().outcome == "answered").sum())


if __name__ == "__main__":
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for name in ("udp", "tcp", "ws"):
        answered = [check(seed, name, "variant" if seed % 2 else "json") for seed in range(seeds)]
        print(f"{name}: {seeds} seeds exact, {sum(answered)} pings answered in between")
