"""The blog's Godot programs: its own scripts in the real engine, and the scripted ones, with the same other side."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import godot
from gdlab.godot import Level
from gdlab.peers import (
    BlogTCPClient,
    BlogUDPClient,
    BlogUDPServer,
    BlogWebSocketClient,
)
from tests.peers.ws_server import CLOSE, TEXT, Server, close_frame, frame
from tests.ports import free_port
from tests.waiting import limit, wait_until

BLOG = Path(__file__).parents[1] / "data" / "blog"
SCENE = Path(__file__).parent / "websocket_scene.gd"


@pytest.fixture(params=["scripted", pytest.param("engine", marks=pytest.mark.godot)])
def real(request):
    """The engine that runs the blog's scripts, or None for the scripted programs."""
    return request.getfixturevalue("engine") if request.param == "engine" else None


class Script:
    """One of the blog's scripts in the engine, with another port than its own."""

    def __init__(self, name, port, to, engine):
        text = (BLOG / name).read_text(encoding="utf-8")
        assert str(port) in text
        self.game = godot.start(source=text.replace(str(port), str(to)), engine=engine, time_limit_s=60)

    @property
    def prints(self):
        return [entry.text for entry in self.game.entries if entry.level is Level.PRINT]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.game.stop()
        assert self.game.errors == []


def test_the_udp_server_prints_the_first_datagram_of_a_burst(real):
    port = free_port(socket.SOCK_DGRAM)
    with (
        Script("udp_server.gd", 4243, port, real) if real else BlogUDPServer(port) as program,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as burst,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as single,
    ):
        for sock in (burst, single):
            sock.connect(("127.0.0.1", port))

        def listens():
            with contextlib.suppress(ConnectionRefusedError):
                single.send(b"there?")
            return "Received data: there?" in program.prints

        wait_until(listens, 30)
        for number in range(5):
            burst.send(b"burst %d" % number)
        wait_until(lambda: "Received data: burst 0" in program.prints)
        single.send(b"single")
        wait_until(lambda: "Received data: single" in program.prints)
        host, own = burst.getsockname()
        at = program.prints.index("Received data: burst 0")
        assert program.prints[at - 1] == f"Accepted peer: {host}:{own}"
        # All five in one frame as a rule; never more than that a frame began between two of them.
        assert 1 <= sum("burst" in line for line in program.prints) <= 2


def test_the_udp_client_sends_until_it_is_answered(real):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(limit(30))
        port = server.getsockname()[1]
        with Script("udp_client.gd", 4242, port, real) if real else BlogUDPClient(port) as program:
            for _ in range(3):
                payload, sender = server.recvfrom(100)
                assert payload == b"The answer is... 42!"
            server.sendto("grüße".encode(), sender)
            server.sendto(b"again", sender)
            wait_until(lambda: "Connected: again" in program.prints)
            assert [line for line in program.prints if "Connected" in line] == [
                "Connected: grüße",
                "Connected: again",
            ]


def test_the_tcp_client_prints_its_status_and_what_it_reads(real):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(limit(30))
        port = server.getsockname()[1]
        with Script("tcp_client.gd", 50007, port, real) if real else BlogTCPClient(port) as program:
            connection, _ = server.accept()
            with connection:
                wait_until(lambda: "Connected to host." in program.prints)
                connection.sendall(b"hi~")
                wait_until(lambda: "Datahi~" in program.prints)
                connection.sendall(b"one\0two")
            wait_until(lambda: "Disconnected from host." in program.prints)
            # Whether a frame saw the status CONNECTING is a matter of luck.
            assert [line for line in program.prints if line != "Connecting to host."] == [
                "0",
                f"Connecting to 127.0.0.1:{port}",
                "Connected to host.",
                "available bytes: 3",
                "Datahi~",
                "available bytes: 7",
                "Dataone",
                "Disconnected from host.",
            ]


def test_the_tcp_client_where_nobody_listens(real):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with Script("tcp_client.gd", 50007, port, real) if real else BlogTCPClient(port) as program:
            wait_until(lambda: "Error with socket stream." in program.prints, 30)


class Scene(Script):
    """The blog's WebSocket script in the engine, in a scene."""

    def __init__(self, folder, port, text, engine):
        script = folder / "websocket_client.gd"
        source = (BLOG / script.name).read_text(encoding="utf-8")
        assert "localhost:5000" in source
        script.write_text(source.replace("5000", str(port)), encoding="utf-8")
        env = {"BLOG_SCRIPT": str(script), "BLOG_TEXT": text}
        self.game = godot.start(source=SCENE.read_text(), env=env, engine=engine, time_limit_s=60)

    @property
    def label(self):
        return next(line.removeprefix("label: ") for line in self.prints if line.startswith("label: "))


@contextlib.contextmanager
def websocket_client(real, port, text, folder):
    if real:
        with Scene(folder, port, text, real) as program:
            yield program
    else:
        with BlogWebSocketClient(f"ws://localhost:{port}") as program:
            wait_until(program.is_open)
            program.press(text)
            yield program


def test_the_websocket_client_sends_prints_and_says_how_it_ended(real, tmp_path):
    with contextlib.closing(Server()) as server:

        def serve():
            server.accept()
            wait_until(server.has_request)
            server.send(server.answer())

        thread = threading.Thread(target=serve)
        thread.start()
        with websocket_client(real, server.port, "Hello", tmp_path) as program:
            thread.join(30)
            wait_until(server.has_data)
            assert server.receive() == (0x80 | TEXT, b"Hello")
            server.send(frame(TEXT, b"Got our msg: Hello"))
            wait_until(lambda: any(line.startswith("Packet: [71, 111, 116") for line in program.prints))
            server.send(close_frame(1001, b"bye"))
            end = "WebSocket closed with code: 1001, reason bye. Clean: true"
            wait_until(lambda: end in program.prints)
            assert server.receive()[0] == 0x80 | CLOSE
            wait_until(lambda: not real or any("label: " in line for line in program.prints))
            assert program.label == "Packet: Got our msg: Hello"
            said = [line for line in program.prints if line in {"Hello", end} or line.startswith("Packet: ")]
            assert said == ["Hello", f"Packet: {list(b'Got our msg: Hello')}", end]


def test_the_udp_client_talks_to_a_capture():
    with gd.listen("udp://127.0.0.1:0", reply=b"Thanks") as cap:
        port = int(cap.addresses[0].rpartition(":")[2])
        with BlogUDPClient(port) as program:
            wait_until(lambda: program.connected)
        assert program.prints[0] == "Connected: Thanks"
        assert program.error is None


def test_a_program_frame_by_frame():
    program = BlogUDPServer(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", program.port))
        for number in range(300):
            sock.send(b"%d" % number)
            if number % 10 == 9:
                program.step()
    assert program.frames == 30
    assert [line for line in program.prints if "Received" in line] == [
        f"Received data: {number}" for number in range(0, 300, 10)
    ]
    program.stop()
    assert program.port == 0
    with BlogUDPServer(0) as running, pytest.raises(RuntimeError, match="running"):
        running.step()


def test_sending_with_the_tcp_client():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(limit(5))
        program = BlogTCPClient(server.getsockname()[1])
        assert not program.send(b"too early")
        assert program.prints[-1] == "Error: Stream is not currently connected."
        with contextlib.closing(server.accept()[0]) as connection:
            wait_until(lambda: (program.step(), "Connected to host." in program.prints)[1])
            assert program.send(b"hello")
            assert connection.recv(5, socket.MSG_WAITALL) == b"hello"
        program.stop()


def test_the_websocket_client_where_nobody_listens():
    with contextlib.closing(Server()) as server:
        port = server.port
    with BlogWebSocketClient(f"ws://127.0.0.1:{port}") as program:
        wait_until(lambda: not program.processing)
        program.press("anyone?")
        wait_until(lambda: "anyone?" in program.prints)
    assert program.prints == ["WebSocket closed with code: -1, reason . Clean: false", "anyone?"]
