"""A relay for TCP and WebSocket: bytes pass unchanged, loss is a stall."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import threading
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect
from websockets.sync.server import serve

import gdlab as gd
from gdlab.errors import LinkError
from gdlab.impair import Path
from tests.relays.games import wait_for_row
from tests.waiting import wait_until


@contextmanager
def tcp_echo():
    """A server that sends everything back, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def one(sock: socket.socket) -> None:
            with sock, contextlib.suppress(ConnectionError):
                while data := sock.recv(65536):
                    sock.sendall(data)

        def run() -> None:
            while not ended.is_set():
                try:
                    sock, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(sock,), daemon=True).start()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            with socket.create_connection(listening.getsockname()):
                pass
            thread.join(5)


def dial(px) -> socket.socket:
    host, _, port = px.address.partition("//")[2].rpartition(":")
    sock = socket.create_connection((host, int(port)))
    sock.settimeout(20)
    return sock


@pytest.mark.slow
def test_a_stream_arrives_whole_whatever_the_link_does() -> None:
    link = gd.Link(delay_ms=3, jitter_ms=2, loss=0.01)
    data = random.Random(1).randbytes(2_000_000)
    with (
        tcp_echo() as to,
        gd.relay("tcp://127.0.0.1:0", to=to, up=link, down=gd.Link(delay_ms=2), framing="raw", seed=1) as px,
        dial(px) as client,
    ):
        threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR))).start()
        back = bytearray()
        while chunk := client.recv(65536):
            back += chunk
        assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
        wait_for_row(px, "close", 2)
        table = px.df
        for endpoint in table["endpoint"].unique():
            for direction in ("in", "out"):
                rows = table[(table["endpoint"] == endpoint) & (table["direction"] == direction)]
                assert b"".join(rows["payload"]) == data
        assert set(px.truth["fate"].unique()) == {"passed"}


def test_loss_on_a_stream_is_a_stall_by_message() -> None:
    link = gd.Link(delay_ms=10, loss=0.2)
    with (
        tcp_echo() as to,
        gd.relay("tcp://127.0.0.1:0", to=to, up=link, framing="lines", seed=4) as px,
        dial(px) as client,
    ):
        for number in range(60):
            client.sendall(b"line %d\n" % number)
        got = b""
        while got.count(b"\n") < 60:
            got += client.recv(65536)
        assert got.split(b"\n")[:60] == [b"line %d" % number for number in range(60)]
        px.wait_sync(120)
        up = px.truth.query("way == 'up'")
        assert up["n"].tolist() == list(range(60))
        resent = up[up["resends"] > 0]
        # The same messages in every run: fates belong to numbers.
        path = Path(4, link, gd.Link(), streams=True)
        lost = [c.n for n in range(60) for c in path.arrive(1, "up", n, 8) if c.resends]
        assert resent["n"].tolist() == lost
        assert (resent["stall_ms"] >= 10).all()
        assert resent["also"].str.contains("resent").all()
        assert len(resent) > 3
        lines = px.df.query("event == 'message' and direction == 'in'")["payload"]
        assert lines.tolist()[:2] == [b"line 0", b"line 1"]
        assert "stalls, nothing missing" in repr(px)


def test_what_no_network_does_to_a_stream_is_refused() -> None:
    with tcp_echo() as to:
        for name in ("duplicate", "reorder", "damage"):
            with pytest.raises(LinkError, match="never lost, doubled"):
                gd.relay("tcp://127.0.0.1:0", to=to, up=gd.Link(**{name: 0.1}))
        with gd.relay("tcp://127.0.0.1:0", to=to) as px, pytest.raises(LinkError, match="TCP sends again"):
            px.set(duplicate=0.5)


def test_a_server_that_refuses_is_a_row_and_resets_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with gd.relay("tcp://127.0.0.1:0", to=f"tcp://127.0.0.1:{port}") as px:
        with dial(px) as client, pytest.raises(ConnectionResetError):
            client.recv(1)
        assert "nobody listens" in wait_for_row(px, "error")


@pytest.mark.slow
def test_a_bottleneck_makes_the_sender_wait_and_loses_nothing() -> None:
    link = gd.Link(rate_kbps=4000, queue_ms=50)
    data = bytes(100_000)
    with tcp_echo() as to, gd.relay("tcp://127.0.0.1:0", to=to, up=link) as px, dial(px) as client:
        client.sendall(data)
        got = 0
        while got < len(data):
            got += len(client.recv(65536))
        wait_until(lambda: px.truth.query("way == 'up'")["size_bytes"].sum() == len(data))
        truth = px.truth.query("way == 'up'")
        lasted_s = (truth["release"].max() - truth["time"].min()).total_seconds()
        assert lasted_s >= len(data) * 8 / 4e6


def test_a_websocket_passes_unchanged_and_is_read_along() -> None:
    def answer(connection) -> None:
        for message in connection:
            connection.send(message)

    with serve(answer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.socket.getsockname()[1]
        link = gd.Link(delay_ms=5, loss=0.1)
        with gd.relay("ws://127.0.0.1:0", to=f"ws://127.0.0.1:{port}", up=link, down=link, seed=2) as px:
            sent = [f"text {n}" if n % 2 else bytes([n]) * (200 * n) for n in range(40)]
            with connect(px.address, compression=None) as client:
                for message in sent:
                    client.send(message)
                assert [client.recv(timeout=20) for _ in sent] == sent
                client.close(4001, "bye")
            wait_for_row(px, "close", 3)
            table = px.df
            messages = table[table["event"] == "message"]
            as_bytes = [m.encode() if isinstance(m, str) else m for m in sent]
            for endpoint in messages["endpoint"].unique():
                for direction in ("in", "out"):
                    rows = messages[(messages["endpoint"] == endpoint) & (messages["direction"] == direction)]
                    assert list(rows["payload"]) == as_bytes
                    assert list(rows["kind"]) == ["text" if isinstance(m, str) else "binary" for m in sent]
            assert table["detail"].str.contains("4001 bye").any()
        server.shutdown()
        thread.join(5)


def test_a_foreign_web_page_may_not_come_through() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        gd.relay("ws://127.0.0.1:0", to=f"ws://127.0.0.1:{server.getsockname()[1]}") as px,
        dial(px) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        assert "evil.example" in wait_for_row(px, "error")
