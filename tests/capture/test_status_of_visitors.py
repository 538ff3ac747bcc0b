"""What the status and a wait that ends tell of visitors who fail, and of bytes that wait."""

import socket
import struct

import pytest

import gdlab
from gdlab.errors import WaitTimeout
from tests.waiting import wait_until


def connect(capture):
    return socket.create_connection(("127.0.0.1", int(capture.addresses[0].rpartition(":")[2])))


def test_bytes_of_a_message_that_is_on_its_way_are_counted_and_shown():
    with gdlab.listen("tcp://127.0.0.1:0", framing="u32le") as capture, connect(capture) as sock:
        sock.sendall(struct.pack("<I", 5_000_000) + bytes(2996))
        wait_until(lambda: capture.statistics().waiting_bytes == 3000)
        assert capture.statistics().awaited_bytes == 5_000_004
        assert "bytes of a message of" in capture.status.text
        with pytest.raises(WaitTimeout, match="not a whole message yet"):
            capture.wait_sync(timeout=0.05)


def test_a_visitor_who_is_refused_is_in_the_hint_and_in_the_wait():
    with gdlab.listen("ws://127.0.0.1:0") as capture:
        with connect(capture) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: capture.statistics().errors == 1)
        assert "what went wrong last: refused" in capture.status.hint
        with pytest.raises(WaitTimeout, match="went wrong last: refused"):
            capture.wait_sync(timeout=0.05)


def test_a_visitor_who_leaves_without_a_message_is_told_of():
    with gdlab.listen("tcp://127.0.0.1:0") as capture:
        connect(capture).close()
        wait_until(lambda: "close" in set(capture.df.event))
        assert "1 peer connected and left without a message" in capture.status.hint


def test_a_visitor_whose_handshake_is_not_complete_has_not_left():
    """A game that connects and does not call poll() gets no further."""
    with gdlab.listen("ws://127.0.0.1:0") as capture, connect(capture) as sock:
        wait_until(lambda: capture.statistics().opening == 1)
        assert "1 peer connected, and the WebSocket handshake is not complete" in capture.status.hint
        sock.sendall(b"GET / HTTP/1.1\r\nHost")
        with pytest.raises(WaitTimeout, match="handshake is not complete"):
            capture.wait_sync(timeout=0.05)


def test_datagrams_that_nobody_takes_are_in_the_hint():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with gdlab.connect(f"udp://127.0.0.1:{port}") as capture:
        capture.send(b"hello")
        wait_until(lambda: capture.statistics().errors)
        assert "nobody listens" in capture.status.hint


def test_pings_that_nothing_answers_are_in_the_hint_with_what_to_paste():
    with (
        gdlab.listen("udp://127.0.0.1:0", ping=0.05, restart=True) as capture,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game,
    ):
        game.connect(("127.0.0.1", capture.port))
        game.send(b"hello")
        wait_until(lambda: "nothing answers the pings" in capture.status.hint)
        assert 'cap.gdscript("echo")' in capture.status.hint
        game.send(game.recv(2000))
        wait_until(lambda: "pings" not in capture.status.hint)
