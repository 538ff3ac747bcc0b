"""Pings matched as rows arrive: the same round trips as the analysis of the whole table finds."""

import numpy as np
import pytest

from gdlab import analysis, probe
from gdlab.live import round_trips
from gdlab.live.round_trips import RoundTrips
from gdlab.messages import Direction
from gdlab.store import Store
from gdlab.store.table import build

NS = 1_767_225_600_000_000_000
MS = 10**6


def talk(store, seq, sent_ns, rtt_ns, peer="p", *, echo=False):
    """A ping of ours and its answer; without `rtt_ns` there is none."""
    code = store.peer_code(peer)
    ping = probe.ping(seq, sent_ns)
    store.append(sent_ns, code, ping, direction=Direction.OUT)
    if rtt_ns is not None:
        back = ping if echo else probe.answer(ping, sent_ns, sent_ns)
        store.append(sent_ns + rtt_ns, code, back)


def test_round_trips_are_those_of_the_whole_table_however_the_rows_come():
    rng, store, trips = np.random.default_rng(3), Store("udp://127.0.0.1:1"), RoundTrips(seconds=1000)
    for seq in range(200):
        rtt = None if seq % 17 == 0 else int(rng.integers(1, 40)) * MS
        talk(store, seq, NS + seq * 50 * MS, rtt, f"peer {seq % 3}", echo=seq % 2 == 0)
        store.append(NS + seq * 50 * MS, 0, b"noise" * 10)
        if seq % 7 == 0:
            trips.follow([store.snapshot()], NS + seq * 50 * MS)
    end_ns = NS + 60 * 10**9
    trips.follow([store.snapshot()], end_ns)
    truth = analysis.round_trips(build([store.snapshot()]))
    answered = truth[truth.outcome == "answered"]
    found = sorted((trip.peer, round(trip.rtt_ms, 6)) for trip in trips.recent())
    assert found == sorted(zip(answered.peer, answered.rtt_ms.round(6), strict=True))
    assert trips.sent == 200
    assert trips.answered == len(answered)
    assert trips.unanswered == 200 - len(answered)
    assert trips.peers == (3, 3)


def test_only_the_last_seconds_are_kept():
    store, trips = Store("udp://127.0.0.1:1"), RoundTrips(seconds=10)
    for seq in range(30):
        talk(store, seq, NS + seq * 10**9, MS)
    trips.follow([store.snapshot()], NS + 30 * 10**9)
    assert len(trips.recent()) == 10
    assert trips.answered == 30


def test_an_answer_after_two_seconds_counts_as_none():
    store, trips = Store("udp://127.0.0.1:1"), RoundTrips(100)
    talk(store, 1, NS, 2001 * MS)
    trips.follow([store.snapshot()], NS + 3 * 10**9)
    assert (trips.answered, trips.unanswered) == (0, 1)


def test_a_peers_own_pings_are_not_ours():
    store, trips = Store("udp://127.0.0.1:1"), RoundTrips()
    code = store.peer_code("p")
    ping = probe.ping(4, NS)
    store.append(NS, code, ping)
    store.append(NS + MS, code, probe.answer(ping, NS, NS), direction=Direction.OUT)
    trips.follow([store.snapshot()], NS + MS)
    assert (trips.sent, trips.answered, trips.theirs) == (0, 0, 1)


def test_a_peer_that_never_answers_is_told_from_one_that_does():
    store, trips = Store("udp://127.0.0.1:1"), RoundTrips()
    talk(store, 1, NS, MS, "good")
    talk(store, 1, NS, None, "mute")
    trips.follow([store.snapshot()], NS + 10**9)
    assert trips.peers == (2, 1)


@pytest.mark.parametrize(
    "payload", [b'{"probe"' + b"x" * 60, b'{"probe": "ping", "seq": -1, "t_us": 1}      ', b'{"probe"' * 9]
)
def test_what_only_looks_like_a_probe_is_nothing(payload):
    store, trips = Store("udp://127.0.0.1:1"), RoundTrips()
    store.append(NS, store.peer_code("p"), payload)
    trips.follow([store.snapshot()], NS)
    assert (trips.sent, trips.answered, trips.theirs) == (0, 0, 0)


def test_a_flood_of_probes_is_passed_over_and_waiting_is_bounded(monkeypatch):
    monkeypatch.setattr(round_trips, "PER_TURN", 50)
    monkeypatch.setattr(round_trips, "WAITING", 20)
    store, trips = Store("udp://127.0.0.1:1"), RoundTrips()
    for seq in range(200):
        talk(store, seq, NS + seq, None)
    trips.follow([store.snapshot()], NS + 1000)
    assert trips.passed_over == 150
    assert trips.sent == 50
    assert len(trips._waiting) == 20
