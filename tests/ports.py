"""Ports for servers that are told theirs before they bind it."""

import random
import socket

#: Below those that systems give to clients: what was free a moment ago must not become a client's meanwhile.
_RANGE = range(10_240, 32_768)


def free_port(kind: socket.SocketKind) -> int:
    """A port that nobody holds at the moment, and that no client will be given."""
    chance = random.SystemRandom()
    for _ in range(100):
        port = chance.choice(_RANGE)
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("100 ports in a row are taken")
