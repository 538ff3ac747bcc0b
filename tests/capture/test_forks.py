"""Captures in a process that forks: the parent goes on, and the child has none of them."""

import multiprocessing
import os
import sys

import pytest

import gdlab as gd
from gdlab.errors import EndpointClosed, WaitTimeout
from tests.waiting import limit

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def outcomes(answers, captures):
    """What the child finds; each call that waits would wait for a thread that is not there."""
    told = {"running": [cap.running for cap in captures], "rows": [len(cap.df) for cap in captures]}
    try:
        captures[0].wait_sync(1000, timeout=1000)
    except WaitTimeout as error:
        told["wait"] = type(error).__name__
    try:
        captures[1].send(b"x")
    except EndpointClosed as error:
        told["send"] = type(error).__name__
    told["stopped"] = gd.stop_all()
    for cap in captures:
        cap.stop()
    with gd.listen("udp://127.0.0.1:0") as own, gd.connect(own.addresses[0]) as peer:
        peer.send(b"in the child")
        told["own"] = len(own.wait_sync(1).df)
    answers.put(told)


def test_the_child_has_none_of_the_parents_captures_and_the_parent_keeps_all(tmp_path):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with (
        gd.listen("udp://127.0.0.1:0", spill=tmp_path / "spill") as udp,
        gd.listen("tcp://127.0.0.1:0", framing="lines", reply=b"yes") as tcp,
        gd.connect(udp.addresses[0]) as game,
        gd.connect(tcp.addresses[0], framing="lines") as client,
    ):
        game.send(b"before")
        client.send("before")
        udp.wait_sync(1)
        client.wait_sync(1)
        child = context.Process(target=outcomes, args=(answers, (udp, tcp)))
        child.start()
        told = answers.get(timeout=limit(30))
        child.join(limit(30))
        assert child.exitcode == 0
        rows = told.pop("rows")
        assert rows[0] == 1
        assert rows[1] >= 2
        assert told == {
            "running": [False, False],
            "wait": "WaitTimeout",
            "send": "EndpointClosed",
            "stopped": 0,
            "own": 1,
        }
        game.send(b"after")
        client.send("after")
        udp.wait_sync(2)
        client.wait_sync(2)
        assert udp.running
        assert tcp.running
    assert list(gd.load(tmp_path / "spill").df.payload) == [b"before", b"after"]


def test_a_child_that_ends_stops_nothing_of_the_parents():
    with gd.listen("udp://127.0.0.1:0") as cap, gd.connect(cap.addresses[0]) as game:
        child = multiprocessing.get_context("fork").Process(target=sys.exit, args=(0,))
        child.start()
        child.join(limit(30))
        assert child.exitcode == 0
        game.send(b"after")
        assert len(cap.wait_sync(1).df) == 1
