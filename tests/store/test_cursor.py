"""A cursor gives each row once, however the stores grow and forget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.messages import Peer
from gdlab.store import Cursor, Limit, Store

NS = 1_700_000_000_000_000_000


def grow(store, numbers):
    peer = store.peer_code(Peer("127.0.0.1", 50000))
    for number in numbers:
        store.append(NS + number, peer, b"%08d" % number, wire_bytes=36)


def taken(cursor, stores):
    return [
        (store, int(time_ns) - NS)
        for store, _, block in cursor.new([each.snapshot() for each in stores])
        for time_ns in block.columns.time_ns
    ]


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(0, 300), min_size=2, max_size=2), max_size=8))
def test_every_row_of_every_store_comes_once_and_in_order(growth):
    stores = [Store("udp://127.0.0.1:1"), Store("udp://127.0.0.1:2")]
    cursor, seen, written = Cursor(), [], [0, 0]
    for amounts in growth:
        for store, amount in enumerate(amounts):
            grow(stores[store], range(written[store], written[store] + amount))
            written[store] += amount
        seen += taken(cursor, stores)
    for store in (0, 1):
        assert [number for of, number in seen if of == store] == list(range(written[store]))
    assert taken(cursor, stores) == []


def test_a_cursor_may_begin_behind_what_is_there():
    store = Store("udp://127.0.0.1:1")
    grow(store, range(10))
    cursor = Cursor([store.snapshot()])
    grow(store, range(10, 13))
    assert taken(cursor, [store]) == [(0, 10), (0, 11), (0, 12)]


def test_rows_that_went_before_the_reader_came_are_passed_over():
    store = Store("udp://127.0.0.1:1", Limit(rows=1000))
    cursor = Cursor()
    grow(store, range(50_000))
    numbers = [number for _, number in taken(cursor, [store])]
    assert numbers == list(range(50_000 - len(numbers), 50_000))
    assert len(numbers) < 50_000


def test_rows_are_counted_without_being_looked_at_and_given_again_on_demand():
    store = Store("udp://127.0.0.1:1")
    cursor = Cursor()
    grow(store, range(7))
    assert cursor.pass_over(0, store.snapshot()) == 7
    assert cursor.pass_over(0, store.snapshot()) == 0
    cursor.rewind(2)
    assert taken(cursor, [store]) == [(0, 5), (0, 6)]
    cursor.rewind(100)
    assert len(taken(cursor, [store])) == 7
