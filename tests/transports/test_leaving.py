"""Peers that send all they have and leave without reading: what this system has received of them is a row."""

import contextlib
import socket
import struct
import sys
import threading

import pytest

from gdlab.transports.replies import Close
from tests.some import some
from tests.transports.clients import TcpClient, UdpClient, WebSocketClient, listening, rows
from tests.waiting import limit, wait_until

CLIENTS, MESSAGES = 30, 200

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what waits to be sent")


def leave(sock):
    """Close, when all that was sent has come to the other side's system: what waits here would be lost here."""
    from fcntl import ioctl
    from termios import TIOCOUTQ

    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wait_until(lambda: not struct.unpack("i", ioctl(sock, TIOCOUTQ, bytes(4)))[0])
    sock.close()


def visit(made, kind):
    """All clients at once; each sends its messages and leaves."""
    failed = []

    def one():
        try:
            client = WebSocketClient(made.address.port) if kind == "ws" else TcpClient(made.address.port)
            for number in range(MESSAGES):
                client.send(b'{"seq": %d}' % number)
            leave(client.sock)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=one) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(limit(30))
    assert not failed


def kinds(table):
    """Messages that came, answers that are rows, answers that are counted, pings that are rows."""
    came = table[(table.event == "message") & (table.direction == "in")]
    sent = table[(table.event == "message") & (table.direction == "out")]
    missing = table[(table.reason == "not_sent") & (table.event == "error")]
    return len(came), int((sent.reason != "probe").sum()), int(missing["count"].fillna(1).sum())


@only_linux
@pytest.mark.parametrize("kind", ["tcp", "ws"])
@pytest.mark.parametrize(
    "reply",
    some(["got it", None, lambda message: message.payload], every=3),
    ids=["text", "none", "echo"],
)
def test_clients_that_leave_without_reading_are_whole(kind, reply):
    choices = {"framing": "u32le"} if kind == "tcp" else {"ping": 0.002}
    with listening(f"{kind}://127.0.0.1:0", reply=reply, **choices) as (made, store):
        visit(made, kind)
        wait_until(lambda: len(rows(store).query("event == 'close'")) == CLIENTS, 30)
        table = rows(store)
    came, answered, missing = kinds(table)
    assert came == CLIENTS * MESSAGES
    assert answered + missing == (came if reply else 0)


@only_linux
@pytest.mark.parametrize("kind", ["tcp", "ws"])
def test_what_has_arrived_when_the_capture_stops_is_whole(kind):
    """Also of clients that have not been let in yet; a slow reply function holds up nothing."""
    busy, release = threading.Event(), threading.Event()
    choices = {"framing": "u32le"} if kind == "tcp" else {}
    clients = 20 if kind == "tcp" else 0

    def slow(message):
        threading.Event().wait(0.01)
        return message.payload

    with contextlib.ExitStack() as stack:
        with listening(f"{kind}://127.0.0.1:0", reply=slow, **choices) as (made, store):
            early = [
                stack.enter_context((WebSocketClient if kind == "ws" else TcpClient)(made.address.port))
                for _ in range(5)
            ]
            wait_until(lambda: made.statistics().connections == 5)
            made.call(lambda: busy.set() or release.wait(limit(10)))
            assert busy.wait(limit(10))
            late = [stack.enter_context(TcpClient(made.address.port)) for _ in range(clients)]
            for client in (*early, *late):
                for number in range(100):
                    client.send(b"%d" % number)
            threading.Timer(0.05, release.set).start()
        assert kinds(rows(store))[0] == 100 * (5 + clients)


@only_linux
def test_what_had_arrived_when_a_reply_ends_the_connection_is_whole():
    busy, release = threading.Event(), threading.Event()
    with (
        listening("tcp://127.0.0.1:0", framing="u32le", reply=Close(1000, "")) as (made, store),
        TcpClient(made.address.port) as client,
    ):
        wait_until(lambda: made.statistics().connections == 1)
        made.call(lambda: busy.set() or release.wait(limit(10)))
        assert busy.wait(limit(10))
        for _ in range(3):  # more than is read at a time
            client.send(bytes(60_000))
        release.set()
        wait_until(lambda: len(rows(store).query("event == 'close'")))
    assert kinds(rows(store))[0] == 3


def test_bytes_behind_a_broken_stream_are_counted():
    with (
        listening("tcp://127.0.0.1:0", framing="put_var") as (made, store),
        TcpClient(made.address.port) as client,
    ):
        client.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait_until(lambda: len(rows(store).query("event == 'close'")))
        client.sock.sendall(b"and more")
        client.sock.shutdown(socket.SHUT_WR)
        wait_until(lambda: made.statistics().connections == 0 and not made.connections)
    gap = rows(store).query("event == 'gap'").iloc[0]
    assert (gap["reason"], gap["count"]) == ("skipped", 8)
    assert gap["detail"] == "8 bytes that came after the end of the connection were not read"


def test_a_stop_that_takes_long_names_the_function_that_does_not_return(caplog, monkeypatch):
    monkeypatch.setattr("gdlab.transports.life.CLOSE_DEADLINE_S", 0.05)
    busy, release = threading.Event(), threading.Event()

    def thinks_for_long(message):
        busy.set()
        release.wait(limit(10))

    with listening("udp://127.0.0.1:0", reply=thinks_for_long) as (made, _):
        with UdpClient(made.address.port) as client:
            client.send(b"?")
            assert busy.wait(limit(10))
        made.close()
        release.set()
        assert made._ended.wait(limit(10))
    assert "thinks_for_long" in caplog.text
    assert "test_leaving.py, line" in caplog.text
