"""Rows one by one: each once, bounded, and whole payloads on request."""

import pytest

from gdlab.facts import Fact, Reason
from gdlab.live import rows as module
from gdlab.live.rows import Follower, payload_of
from gdlab.messages import Event
from gdlab.store import Limit, Store

NS = 1_767_225_600_000_000_000


@pytest.fixture
def stores():
    return [Store("udp://127.0.0.1:1", Limit(rows=400)), Store("udp://127.0.0.1:2", Limit(rows=400))]


def snapshots(stores):
    return [store.snapshot() for store in stores]


def test_rows_of_several_stores_come_in_order_of_time_and_once(stores):
    follower = Follower()
    for number in range(10):
        stores[number % 2].append(NS + number, stores[number % 2].peer_code("p"), b"%d" % number)
    rows, passed = follower.new_rows(snapshots(stores), 100)
    assert [row.payload for row in rows] == [b"%d" % number for number in range(10)]
    assert passed == 0
    assert rows[0].peer == "p"
    assert rows[1].endpoint == "udp://127.0.0.1:2"
    assert follower.new_rows(snapshots(stores), 100) == ([], 0)
    stores[0].append(NS + 20, event=Event.ERROR, fact=Fact(Reason.REPLY_RAISED).also(error="oh"))
    (row,), _ = follower.new_rows(snapshots(stores), 100)
    assert (row.event, row.detail, row.key) == ("error", "the reply function raised oh", (0, 5))


def test_of_a_flood_the_newest_are_given_and_the_others_counted(stores):
    follower = Follower()
    for number in range(1000):
        stores[0].append(NS + number, 0, b"%d" % number)
    rows, passed = follower.new_rows(snapshots(stores), 30)
    assert [row.payload for row in rows] == [b"%d" % number for number in range(970, 1000)]
    assert passed == 970


def test_the_last_rows_can_be_had_once_more(stores):
    follower = Follower()
    for number in range(10):
        stores[0].append(NS + number, 0, b"%d" % number)
    follower.new_rows(snapshots(stores), 100)
    follower.rewind(3)
    rows, _ = follower.new_rows(snapshots(stores), 100)
    assert [row.payload for row in rows] == [b"7", b"8", b"9"]


def test_a_long_payload_is_fetched_while_the_capture_has_it(stores, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 4)
    stores[0].append(NS, 0, b"first")
    stores[0].append(NS, 0, b"a long payload")
    stores[0].append(NS, 0, b"abc")
    _, row, short = Follower().new_rows(snapshots(stores), 10)[0]
    assert (row.payload, row.size_bytes, row.is_whole) == (b"a lo", 14, False)
    assert payload_of(row, snapshots(stores)) == b"a long payload"
    assert payload_of(short, []) == b"abc"
    for number in range(1000):
        stores[0].append(NS + number, 0, b"%d" % number)
    assert payload_of(row, snapshots(stores)) is None
