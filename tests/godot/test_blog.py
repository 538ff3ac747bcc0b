"""The blog's programs, run by a real engine: what gdlab must understand, traps included.

Their fixed ports are replaced by free ones, so that two test runs on one machine do not meet.
"""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from gdlab import godot
from gdlab.errors import WaitTimeout
from tests.waiting import limit

if TYPE_CHECKING:
    from gdlab.godot import Engine

BLOG = Path(__file__).parents[1] / "data" / "blog"


def program(name: str, port: int, to: int) -> str:
    text = (BLOG / name).read_text(encoding="utf-8")
    assert str(port) in text
    return text.replace(str(port), str(to))


def test_the_udp_client_sends_until_it_is_answered(engine: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(limit(30))
        text = program("udp_client.gd", 4242, sock.getsockname()[1])
        with godot.start(source=text, engine=engine, time_limit_s=60) as game:
            for _ in range(3):
                payload, peer = sock.recvfrom(65536)
                assert payload == b"The answer is... 42!"
            sock.sendto(b"Thanks, 42 it is", peer)
            game.wait_for("Connected: Thanks, 42 it is", limit(30))
            assert game.errors == []


def test_the_udp_server_prints_what_it_accepts(engine: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    chat = json.dumps(["PIDs", "Greetings! 9527"])
    with (
        godot.start(source=program("udp_server.gd", 4243, port), engine=engine, time_limit_s=60) as game,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.bind(("127.0.0.1", 0))
        for _ in range(300):  # it says nothing when it listens: ask until it answers
            sock.sendto(chat.encode(), ("127.0.0.1", port))
            with contextlib.suppress(WaitTimeout):
                game.wait_for("Received data", 0.1)
                break
        game.wait_for(f"Received data: {chat}", limit(5))
        game.wait_for(f"Accepted peer: 127.0.0.1:{sock.getsockname()[1]}", limit(5))
        assert game.errors == []


def test_the_tcp_client_prints_what_it_reads(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(limit(30))
        text = program("tcp_client.gd", 50007, server.getsockname()[1])
        with godot.start(source=text, engine=engine, time_limit_s=60) as game:
            connection, _ = server.accept()
            with connection:
                game.wait_for("Connected to host.", limit(30))
                connection.sendall(b"hi~")
                game.wait_for("Datahi~", limit(30))
            game.wait_for("Disconnected from host.", limit(30))
            assert game.errors == []


def test_all_of_them_compile_in_this_engine(engine: Engine) -> None:
    names = sorted(path.name for path in BLOG.glob("*.gd"))
    assert names == ["tcp_client.gd", "udp_client.gd", "udp_server.gd", "websocket_client.gd"]
    script = "func _initialize():\n"
    for name in names:
        script += f"\tprint(load({json.dumps(str(BLOG / name))}).can_instantiate())\n"
    run = godot.run(source=script + "\tquit()\n", engine=engine)
    assert run.prints == ["true"] * 4, run.table.to_string()
