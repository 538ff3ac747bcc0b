"""A game with a known truth: numbered messages of which some are lost, doubled or out of order, while gdlab pings.

200 seeds, dealt out to the transports, are tested by `tests/capture/test_own_probes.py`;
``python -m tests.planted 1000`` runs as many over each as you like.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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


def play(cap: gd.Capture, transport: str, truth: Truth, codec: str = "json") -> str:
    """Send the messages, and echo everything that comes back: the pings. Return the address they came from."""
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
            return address_of(sock)
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
            return address_of(sock)
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
            return address_of(ws.socket)


def address_of(sock: socket.socket) -> str:
    """A peer as tables name it."""
    host, port = sock.getsockname()[:2]
    return f"{host}:{port}"


def capture(transport: str, codec: str) -> gd.Capture:
    """A listener that pings fast."""
    framing = ("put_var" if codec == "variant" else "u32le") if transport == "tcp" else "auto"
    return gd.listen(f"{transport}://127.0.0.1:0", ping=0.01, framing=framing, restart=True)


def check(seeds: Sequence[int], transport: str, codec: str) -> list[int]:
    """Play truths side by side, each as a player of its own, and compare; how many pings each answered meanwhile."""
    truths = [plant(seed) for seed in seeds]
    with capture(transport, codec) as cap:
        with ThreadPoolExecutor(len(seeds)) as pool:  # they wait most of the time
            players = list(pool.map(lambda truth: play(cap, transport, truth, codec), truths))
        wait_until(lambda: cap.statistics().received >= sum(len(truth.numbers) for truth in truths))
        cap.stop()
        arrivals = cap.inter_arrival().groupby("peer", observed=True).size()
        sequence = cap.sequence(seq="v.seq").set_index("peer")
        rates = cap.rates(by=("direction", "peer"))
        came = rates[rates.direction == "in"].groupby("peer", observed=True).messages.sum()
        decoded = cap.decoded()
        numbered = decoded[decoded["v.seq"].notna()].groupby("peer", observed=True).size()
        heard = cap.conversations().set_index("peer").messages_in
        trips = cap.round_trips()
        answered = trips[trips.outcome == "answered"].groupby("peer", observed=True).size()
    assert set(rates.direction) == {"in"}  # our pings are no traffic of the game
    for seed, truth, player in zip(seeds, truths, players, strict=True):
        found, expected = sequence.loc[player], len(truth.numbers)
        told = (int(found.lost), int(found.duplicates), int(found.reordered), int(found.messages))
        planted = (truth.lost, truth.duplicates, truth.reordered, expected)
        assert told == planted, (seed, transport, codec, told, truth)
        assert arrivals[player] == came[player] == numbered[player] == heard[player] == expected, seed
    return [int(answered.get(player, 0)) for player in players]


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for name in ("udp", "tcp", "ws"):
        answered = [
            number
            for first in range(0, count, 50)
            for parity, codec in enumerate(("json", "variant"))
            for number in check(range(first + parity, min(first + 50, count), 2), name, codec)
        ]
        print(f"{name}: {count} seeds exact, {sum(answered)} pings answered in between")
