"""A game of four clients with a packed format of its own, whose truth is known, while gdlab pings it."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

#: What the game sends, as its author would write it down.
FORMATS = {1: "<B type, B id, H seq, 3f pos", 2: "<B type, B id, I asked_us, I answered_us"}
CLIENTS = 4
HZ = 60
#: Positions that each client numbers; after every fourth one it sends an answer as well.
NUMBERED = 60
ANSWER_EVERY = 4


@dataclass
class Client:
    """One client, and what it did."""

    number: int
    seed: int
    late_us: int
    lost: int = 0
    duplicates: int = 0
    moves: list[tuple[int, float, float, float]] = field(default_factory=list)
    answers: list[tuple[int, int]] = field(default_factory=list)
    pings: int = 0
    echoed: int = 0

    def play(self, port: int) -> None:
        """Send at 60 Hz, and send back every ping but each third."""
        drawn = random.Random(self.seed)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", port))
            due = time.monotonic()
            for seq in range(NUMBERED):
                self._speak(sock, drawn, seq)
                due += 1 / HZ
                self._hear(sock, due)
            self._hear(sock, due + 0.1)

    def _speak(self, sock: socket.socket, drawn: random.Random, seq: int) -> None:
        if 0 < seq < NUMBERED - 1 and drawn.random() < 0.1:
            self.lost += 1
            return
        move = (seq, seq * 0.5, float(self.number), -1.25)
        times = 2 if drawn.random() < 0.1 else 1
        self.duplicates += times - 1
        for _ in range(times):
            sock.send(struct.pack("<BBH3f", 1, self.number, *move))
            self.moves.append(move)
        if seq % ANSWER_EVERY == 0:
            answer = (1_000_000 + seq * 1000, 1_000_000 + seq * 1000 + self.late_us + seq)
            sock.send(struct.pack("<BBII", 2, self.number, *answer))
            self.answers.append(answer)

    def _hear(self, sock: socket.socket, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                data = sock.recv(2000)
            except TimeoutError:
                return
            self.pings += 1
            if self.pings % 3:
                sock.send(data)
                self.echoed += 1


def play(port: int, *, seed: int, late_us: int) -> list[Client]:
    """Let all clients play at once; return what they did."""
    clients = [Client(number, seed * 100 + number, late_us) for number in range(CLIENTS)]
    threads = [threading.Thread(target=client.play, args=(port,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients
