"""Running totals: the same as counting the whole table, however the rows come."""

import numpy as np
import pytest

from gdlab import analysis
from gdlab.facts import SYSTEM, US, Fact, Reason
from gdlab.live.peer_totals import EventCounts, Tallies
from gdlab.messages import Direction, Event
from gdlab.store import Limit, Store
from gdlab.store.table import build

START_NS = 1_767_225_600_000_000_000
SECOND = 10**9


def fill(store, rows, seed):
    rng = np.random.default_rng(seed)
    peers = [store.peer_code(f"127.0.0.1:{5000 + number}") for number in range(7)]
    for number in range(rows):
        event = Event.ERROR if rng.random() < 0.1 else Event.MESSAGE
        store.append(
            START_NS + store.snapshot().end * SECOND // 50 + number,
            peers[rng.integers(len(peers))],
            b"x" * int(rng.integers(0, 50)),
            direction=Direction.OUT if rng.random() < 0.3 else Direction.IN,
            event=event,
        )


def test_totals_are_those_of_the_whole_table_however_the_rows_come():
    stores = [Store("udp://127.0.0.1:1"), Store("udp://127.0.0.1:2")]
    tallies = Tallies()
    for seed in range(6):
        for store in stores:
            fill(store, seed * 20, seed)
        tallies.follow([store.snapshot() for store in stores], START_NS + seed * SECOND)
    truth = analysis.conversations(build([store.snapshot() for store in stores]))
    talks = {(talk.endpoint, talk.peer): talk for talk in tallies.talks()}
    assert len(talks) == len(truth)
    for row in truth.itertuples():
        talk = talks[row.endpoint, row.peer]
        assert talk.messages_in == row.messages_in
        assert talk.messages_out == row.messages_out
        assert talk.bytes_in == row.bytes_in
        assert talk.bytes_out == row.bytes_out
        assert talk.errors == row.errors
        assert talk.last_ns == row.last.value


def test_each_row_is_looked_at_once():
    store, tallies = Store("udp://127.0.0.1:1"), Tallies()
    fill(store, 100, 1)
    for _ in range(5):
        tallies.follow([store.snapshot()], START_NS)
    heard = sum(talk.messages_in + talk.messages_out + talk.errors for talk in tallies.talks())
    assert heard == 100


def test_rates_are_of_the_last_two_seconds():
    store, tallies = Store("udp://127.0.0.1:1"), Tallies()
    peer = store.peer_code("a")
    for second in range(8):
        for _ in range(60 if second < 6 else 0):
            store.append(START_NS, peer, b"1234567890")
        tallies.follow([store.snapshot()], START_NS + second * SECOND)
        if second == 4:
            (talk,) = tallies.talks()
            assert talk.rate_hz == pytest.approx(60)
            assert talk.rate_bytes_s == pytest.approx(600)
    (talk,) = tallies.talks()
    assert talk.rate_hz == 0


def test_connections_are_open_until_they_are_closed():
    store, tallies = Store("tcp://127.0.0.1:1"), Tallies()
    one, two = store.peer_code("one"), store.peer_code("two")
    store.append(START_NS, one, event=Event.OPEN)
    store.append(START_NS, two, event=Event.OPEN)
    store.append(START_NS, one, event=Event.CLOSE)
    tallies.follow([store.snapshot()], START_NS)
    assert [talk.is_open for talk in tallies.talks()] == [False, True]


def test_without_connections_none_is_open_or_closed():
    store, tallies = Store("udp://127.0.0.1:1"), Tallies()
    store.append(START_NS, store.peer_code("one"), b"x")
    tallies.follow([store.snapshot()], START_NS)
    assert [talk.is_open for talk in tallies.talks()] == [None]


def test_rows_that_were_evicted_in_between_are_missing_and_nothing_breaks():
    store, tallies = Store("udp://127.0.0.1:1", Limit(rows=80)), Tallies()
    fill(store, 30, 1)
    tallies.follow([store.snapshot()], START_NS)
    fill(store, 500, 2)
    tallies.follow([store.snapshot()], START_NS)
    counted = sum(talk.messages_in + talk.messages_out + talk.errors for talk in tallies.talks())
    assert 30 <= counted <= 30 + 80


def test_troubles_are_counted_by_what_they_were():
    store, counts = Store("tcp://127.0.0.1:1"), EventCounts()
    for number in range(3):
        store.append(
            START_NS,
            event=Event.ERROR,
            fact=Fact(Reason.REFUSED_LIMIT, US, limit="max_connections").also(there=number, most=2),
        )
        counts.follow([store.snapshot()])
    store.append(START_NS, event=Event.ERROR, fact=Fact(Reason.REPLY_RAISED, US).also(error="KeyError: 1"))
    store.append(START_NS, event=Event.ERROR)
    store.append(START_NS, event=Event.GAP, fact=Fact(Reason.KERNEL_DROP, SYSTEM, count=5).also(buffer=1000))
    store.append(START_NS, event=Event.OPEN)
    counts.follow([store.snapshot()])
    assert counts.errors == {
        Reason.REFUSED_LIMIT: 3,
        Reason.REPLY_RAISED: 1,
        None: 1,
    }
    assert (counts.gaps, counts.opened, counts.closed, counts.last_error) == (1, 1, 0, None)
