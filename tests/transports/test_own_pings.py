"""Pings know whether anything has come back."""

from __future__ import annotations

from gdlab.messages import Direction
from gdlab.store import Limit, Store
from gdlab.transports.own_pings import PATIENCE_NS, MarkingSink, OwnPings


def sent(count):
    """Pings of which the first was sent at time 0, and the sink that marks them."""
    pings = OwnPings()
    payloads = [pings.make(n, as_variant=False) for n in range(count)]
    return pings, MarkingSink(Store("udp://127.0.0.1:1", Limit(rows=100)), pings), payloads


def test_pings_are_unanswered_once_an_answer_would_be_late():
    assert OwnPings().unanswered(PATIENCE_NS * 9) == 0
    pings, sink, payloads = sent(3)
    sink.append(1, payload=payloads[0], direction=Direction.OUT)
    sink.append(2, payload=b'{"probe": "of its own"}')
    assert pings.unanswered(PATIENCE_NS - 1) == 0
    assert pings.unanswered(PATIENCE_NS) == 3


def test_one_answer_is_enough():
    pings, sink, payloads = sent(3)
    sink.append(1, payload=payloads[1])
    assert pings.unanswered(PATIENCE_NS * 9) == 0
