"""Our GDScript, run by a real engine against plain sockets."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

from gdlab import godot
from tests.waiting import limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.godot import Engine, Game


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        # Room for all of a test's datagrams, however late this process gets to run.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind(("127.0.0.1", 0))
        made.settimeout(limit(30))
        yield made


def sender(engine: Engine, sock: socket.socket, *options: str) -> Game:
    port = sock.getsockname()[1]
    return godot.start(
        godot.script("udp_sender"), args=[f"port={port}", *options], engine=engine, time_limit_s=60
    )


def receiver(engine: Engine, *options: str) -> tuple[Game, int]:
    game = godot.start(
        godot.script("udp_receiver"), args=["port=0", *options], engine=engine, time_limit_s=60
    )
    line = game.wait_for("listening on 127.0.0.1:", limit(30))
    return game, int(line.text.rpartition(":")[2])


def test_a_thousand_numbered_datagrams_arrive_complete_in_order_with_their_texts(
    engine: Engine, sock: socket.socket
) -> None:
    with sender(engine, sock, "count=1000", "rate=1000/s", "text=Hello {n}, ünï 你好", "linger=0") as game:
        got = [sock.recv(65536).decode() for _ in range(1000)]
        run = game.wait(30)
    assert got == [f"Hello {n}, ünï 你好" for n in range(1, 1001)]
    total = sum(len(text.encode()) for text in got)
    assert run.ok, run.reason
    assert run.prints[0].startswith("sending 1000 datagrams to 127.0.0.1:")
    assert re.fullmatch(
        rf"sent 1000 datagrams, {total} bytes, in \d+\.\d+ s; 0 refused; 0 answers", run.prints[-1]
    )


def test_a_rate_may_be_given_per_frame(engine: Engine, sock: socket.socket) -> None:
    with sender(engine, sock, "count=30", "rate=10/frame", "linger=0") as game:
        assert [sock.recv(100).decode() for _ in range(30)] == [f"Hello from Godot {n}" for n in range(1, 31)]
        assert game.wait(30).ok


def test_the_probe_is_json_and_its_answers_are_timed(engine: Engine, sock: socket.socket) -> None:
    with sender(engine, sock, "count=3", "rate=1/frame", "form=probe") as game:
        probes = []
        for _ in range(3):
            payload, peer = sock.recvfrom(65536)
            probes.append(json.loads(payload))
            sock.sendto(payload, peer)
        run = game.wait(30)
    assert [list(probe) for probe in probes] == [["probe", "seq", "t_us"]] * 3
    assert [(probe["probe"], probe["seq"]) for probe in probes] == [("ping", 1), ("ping", 2), ("ping", 3)]
    times = [probe["t_us"] for probe in probes]
    assert all(isinstance(t_us, int) for t_us in times)
    assert times == sorted(times)
    assert run.prints[-1].endswith("3 answers")
    pattern = r'answer \d: \{"probe":"ping","seq":\d,"t_us":\d+\} after \d+\.\d{3} ms'
    assert all(re.fullmatch(pattern, text) for text in run.prints[1:-1]), run.prints


def test_a_variant_is_one(engine: Engine, sock: socket.socket) -> None:
    with sender(engine, sock, "count=1", "form=var", "text=x{n}") as game:
        payload, peer = sock.recvfrom(65536)
        sock.sendto(payload, peer)
        run = game.wait(30)
    assert payload[:8] == bytes.fromhex("1b00000003000000"), "a Dictionary of three entries"
    assert b"seq" in payload
    assert b"x1\0\0" in payload
    assert re.fullmatch(r'answer 1: \{ "seq": 1, "t_us": \d+, "text": "x1" \}', run.prints[1])


def test_nobody_listening_is_said(engine: Engine, sock: socket.socket) -> None:
    port = sock.getsockname()[1]
    sock.close()
    run = godot.run(
        godot.script("udp_sender"),
        args=[f"port={port}", "count=5", "rate=1/frame"],
        engine=engine,
        time_limit_s=60,
    )
    assert f"nobody listens on 127.0.0.1:{port} (going on sending)" in run.table["text"].tolist()
    assert run.ok


@pytest.mark.parametrize(
    ("name", "option", "words"),
    [
        ("udp_sender", "bogus", "unknown argument bogus; there are host port"),
        ("udp_sender", "rate=3", "rate is 3; it must be like 500/s or 10/frame"),
        ("udp_sender", "form=xml", "form is xml; it must be text, probe or var"),
        ("udp_receiver", "answer=maybe", "answer is maybe; it must be none, echo or pong"),
    ],
)
def test_bad_arguments_are_refused_in_words(engine: Engine, name: str, option: str, words: str) -> None:
    run = godot.run(godot.script(name), args=[option], engine=engine, time_limit_s=60)
    assert run.exit_code == 2
    assert words in run.table["text"].str.cat(sep="\n")


def test_the_receiver_prints_what_was_sent_and_by_whom(engine: Engine, sock: socket.socket) -> None:
    name = f"127.0.0.1:{sock.getsockname()[1]}"
    game, port = receiver(engine, "count=6")
    with game:
        for payload in (b"Hello", "ünï 你好\n2".encode(), b"\x00\xff", b"", b"\xc3", b"last"):
            sock.sendto(payload, ("127.0.0.1", port))
        run = game.wait(30)
    assert run.prints[1:] == [
        f"from {name}, 5 bytes: Hello",
        f"from {name}, 14 bytes: ünï 你好\\n2",
        f"from {name}, 2 bytes: 0x00ff",
        f"from {name}, 0 bytes: ",
        f"from {name}, 1 bytes: 0xc3",
        f"from {name}, 4 bytes: last",
        "received 6 datagrams, 26 bytes, from 1 senders",
    ]
    assert run.ok, run.reason


def test_a_burst_of_datagrams_is_drained(engine: Engine, sock: socket.socket) -> None:
    game, port = receiver(engine, "count=200")
    with game:
        for number in range(200):
            sock.sendto(b"burst %d" % number, ("127.0.0.1", port))
        run = game.wait(30)
    assert [text.rpartition(": ")[2] for text in run.prints[1:-1]] == [f"burst {n}" for n in range(200)]


def test_the_receiver_echoes_and_answers_probes(engine: Engine, sock: socket.socket) -> None:
    ping = b'{"probe": "ping", "seq": 17, "t_us": 123456789}'
    game, port = receiver(engine, "answer=pong")
    with game:
        for payload in (b"\x00\xff", b"[1, 2", b'{"probe": 3}'):
            sock.sendto(payload, ("127.0.0.1", port))
            assert sock.recv(100) == payload
        sock.sendto(ping, ("127.0.0.1", port))
        assert sock.recv(100) == b'{"probe":"pong","seq":17,"t_us":123456789}'
        assert game.errors == []
    game, port = receiver(engine, "answer=echo")
    with game:
        sock.sendto(ping, ("127.0.0.1", port))
        assert sock.recv(100) == ping


def test_the_receiver_ends_when_it_is_quiet(engine: Engine, sock: socket.socket) -> None:
    game, port = receiver(engine, "quiet=0.2")
    with game:
        sock.sendto(b"one", ("127.0.0.1", port))
        assert game.wait(30).prints[-1] == "received 1 datagrams, 3 bytes, from 1 senders"


def test_a_taken_port_is_said(engine: Engine, sock: socket.socket) -> None:
    port = sock.getsockname()[1]
    run = godot.run(godot.script("udp_receiver"), args=[f"port={port}"], engine=engine, time_limit_s=60)
    assert run.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in run.table["text"].str.cat(sep="\n")


def test_the_sender_and_the_receiver_understand_each_other(engine: Engine) -> None:
    game, port = receiver(engine, "count=50", "answer=pong")
    options = [f"port={port}", "count=50", "rate=200/s", "form=probe"]
    with game:
        sent = godot.run(godot.script("udp_sender"), args=options, engine=engine, time_limit_s=60)
        assert game.wait(30).ok
    assert sent.ok, sent.reason
    assert sent.prints[-1].endswith("0 refused; 50 answers")
