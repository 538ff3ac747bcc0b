"""A thousand clients at once."""

from __future__ import annotations

import contextlib
import socket

import pytest

import gdlab as gd
from tests.relays.games import udp_server
from tests.waiting import wait_until

MANY = 1000


@pytest.mark.slow
def test_a_thousand_clients_each_have_their_own_way() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in {-1, resource.RLIM_INFINITY} and hard < 2 * MANY:
        pytest.skip(f"this system lets a process have {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard > 0 else 4 * MANY, hard))
    try:
        with (
            udp_server() as (server, to),
            gd.relay("udp://127.0.0.1:0", to=to, max_clients=MANY, limit="64MiB") as px,
            contextlib.ExitStack() as stack,
        ):
            host, _, port = px.address.rpartition("//")[2].rpartition(":")
            clients = []
            for number in range(MANY):
                client = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                client.connect((host, int(port)))
                client.settimeout(20)
                client.send(b"%d" % number)
                clients.append(client)
            sources = {}
            for _ in range(MANY):
                payload, source = server.recvfrom(100)
                sources[source] = payload
            assert len(sources) == MANY
            for source, payload in sources.items():
                server.sendto(b"for " + payload, source)
            for number, client in enumerate(clients):
                assert client.recv(100) == b"for %d" % number
            px.wait_sync(2 * MANY)
            wait_until(lambda: len(px.clients) == MANY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
