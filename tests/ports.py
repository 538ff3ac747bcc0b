"""Ports for servers that are told theirs before they bind it."""

import random
import socket

#: Below those that systems give to clients: what was free a moment ago must not become a client's meanwhile.
_RANGE = range(10_240, 32_768)


def bound(kind: socket.SocketKind) -> socket.socket:
    """A socket at a port that no client will be given; whoever closes it frees the port."""
    chance = random.SystemRandom()
    for _ in range(100):
        sock = socket.socket(socket.AF_INET, kind)
        try:
            sock.bind(("127.0.0.1", chance.choice(_RANGE)))
        except OSError:
            sock.close()
            continue
        return sock
    raise AssertionError("100 ports in a row are taken")


def free_port(kind: socket.SocketKind) -> int:
    """A port that nobody holds at the moment, and that no client will be given."""
    with bound(kind) as sock:
        port: int = sock.getsockname()[1]
    return port
