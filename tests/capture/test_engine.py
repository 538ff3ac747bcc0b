"""Captures of a real Godot: the blog's programs with the blog's own port, and our own sender."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import godot
from gdlab.errors import PortInUse
from tests.waiting import limit, wait_until

BLOG = Path(__file__).parents[1] / "data" / "blog"


@pytest.fixture
def blogs_port():
    """Return a function that listens on one of the blog's own ports; somebody else may hold it for a while."""
    captures = []

    def listen(port, **options):
        def free():
            try:
                captures.append(gd.listen(f"udp://127.0.0.1:{port}", **options))
            except PortInUse:
                return False
            return True

        wait_until(free, 60)
        return captures[-1]

    yield listen
    for capture in captures:
        capture.stop()


def test_the_blogs_udp_client_is_answered_and_prints_it(engine, blogs_port):
    cap = blogs_port(4242, reply=b"hi from gdlab")
    with godot.start(BLOG / "udp_client.gd", engine=engine, time_limit_s=60) as game:
        game.wait_for("Connected: hi from gdlab", limit(30))
        assert game.errors == []
    assert cap.df.payload.iloc[0] == b"The answer is... 42!"
    assert cap.df.query("direction == 'out'").payload.iloc[0] == b"hi from gdlab"


def test_the_blogs_python_chat_is_captured(blogs_port):
    cap = blogs_port(4243)
    with subprocess.Popen([sys.executable, BLOG / "udp_client.py"]) as chat:
        cap.wait_sync(2, timeout=limit(30))
        chat.terminate()
    assert [json.loads(payload) for payload in cap.df.payload[:2]] == [
        ["PIDs", "Greetings! 9527"],
        ["CHAT", "Hello from python 1"],
    ]


@pytest.mark.parametrize("form", ["text", "probe", "var"])
def test_a_thousand_numbered_datagrams_arrive_complete_in_order_and_with_their_texts(engine, form):
    with gd.listen("udp://127.0.0.1:0") as cap:
        port = cap.addresses[0].rpartition(":")[2]
        run = godot.run(
            godot.script("udp_sender"),
            args=[f"port={port}", "count=1000", "rate=1000/s", f"form={form}"],
            engine=engine,
            time_limit_s=60,
        )
        assert run.ok, run.reason
        cap.wait_sync(1000, timeout=limit(10))
    payloads = list(cap.df.query("event == 'message'").payload)
    assert cap.statistics().dropped == 0
    if form == "text":
        assert payloads == [b"Hello from Godot %d" % number for number in range(1, 1001)]
    elif form == "probe":
        assert [json.loads(payload)["seq"] for payload in payloads] == list(range(1, 1001))
    else:
        assert [int(re.search(rb"Hello from Godot (\d+)", payload)[1]) for payload in payloads] == list(
            range(1, 1001)
        )
    assert cap.df.time.is_monotonic_increasing
    assert set(cap.df.time_source) == ({"kernel"} if sys.platform == "linux" else {"user"})


def test_godots_own_pings_come_back_and_it_prints_their_round_trips(engine):
    with gd.listen("udp://127.0.0.1:0", reply=lambda message: message.payload) as cap:
        port = cap.addresses[0].rpartition(":")[2]
        run = godot.run(
            godot.script("udp_sender"),
            args=[f"port={port}", "count=20", "form=probe"],
            engine=engine,
            time_limit_s=60,
        )
        assert run.ok, run.reason
    answers = [line for line in run.prints if line.startswith("answer ")]
    assert len(answers) == 20
    assert "after" in answers[0]
