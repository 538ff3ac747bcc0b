"""The scripted programs of the blog, against plain sockets and against a capture."""

import json
import socket

import pytest

import gdlab as gd
from gdlab import probe
from gdlab.peers import GREETING, AnswerGame, ChatSender
from tests.waiting import limit, wait_until


@pytest.fixture
def server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(limit(5))
        yield sock


def test_the_game_greets_until_it_is_answered_then_sends_numbered_probes(server):
    with AnswerGame(server.getsockname()[1], fps=500) as game:
        for _ in range(3):
            payload, sender = server.recvfrom(1000)
            assert payload == GREETING == b"The answer is... 42!"
        server.sendto(b"hi", sender)
        while payload == GREETING:
            payload = server.recv(1000)
        first = probe.parse(payload)
        second = probe.parse(server.recv(1000))
        assert not first.is_pong
        assert second.seq > first.seq
        assert second.t_us >= first.t_us
        assert game.answer == b"hi"
    assert not game.running
    assert game.error is None


def test_the_game_answers_a_ping_in_a_frame(server):
    with AnswerGame(server.getsockname()[1], fps=500, every=10**6):
        _, sender = server.recvfrom(1000)
        server.sendto(probe.ping(7, 123_000), sender)
        while (found := probe.parse(server.recv(1000))) is None or not found.is_pong:
            pass
    assert (found.seq, found.t_us) == (7, 123)


def test_the_game_ends_by_itself(server):
    game = AnswerGame(server.getsockname()[1], fps=200, seconds=0.05).start()
    wait_until(lambda: not game.running)
    assert game.frames >= 1
    game.stop()


def test_nobody_listening_does_not_end_the_game(server):
    port = server.getsockname()[1]
    server.close()
    with AnswerGame(port, fps=500) as game:
        wait_until(lambda: game.frames > 10)
        assert game.running
        assert game.error is None


def test_the_chat_says_what_the_blog_says(server):
    with ChatSender(server.getsockname()[1], every_s=0.001, count=3):
        chats = [json.loads(server.recv(1000)) for _ in range(4)]
    assert chats == [["PIDs", "Greetings! 9527"]] + [["CHAT", f"Hello from python {n}"] for n in (1, 2, 3)]


def test_a_capture_and_the_game_play_together_and_round_trips_come_out():
    with gd.listen("udp://127.0.0.1:0", reply=b"hi", ping=0.01) as cap:
        port = int(cap.addresses[0].rpartition(":")[2])
        with AnswerGame(port, fps=200) as game:
            wait_until(lambda: game.received > 30)
        assert game.answer == b"hi"
    from gdlab import analysis

    trips = analysis.round_trips(cap.df)
    assert len(trips) >= 10


@pytest.mark.parametrize("fps", [0, -1, 5000])
def test_impossible_frame_rates_are_refused(fps, server):
    with pytest.raises(ValueError, match="fps"):
        AnswerGame(server.getsockname()[1], fps=fps)
