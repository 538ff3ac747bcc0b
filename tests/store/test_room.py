"""Stores that keep to a limit together."""

import pytest

from gdlab.messages import Event
from gdlab.store import Limit, Room, Store, table

NS = 1_700_000_000_000_000_000
MS = 1_000_000


def room_of(limit, names=("a", "b")):
    room = Room(limit, len(names))
    return [Store(name, limit, room) for name in names]


def fill(store, count, start_ns, size=100):
    peer = store.peer_code("127.0.0.1:1")
    for number in range(count):
        store.append(start_ns + number * MS, peer, bytes(size))


@pytest.mark.parametrize("limit", [Limit(rows=1000), Limit(bytes=1 << 20)])
def test_the_limit_is_of_all_stores_together(limit):
    stores = room_of(limit)
    for turn in range(40):
        for store in stores:
            fill(store, 500, NS + turn * 1000 * MS)
    kept = [store.statistics() for store in stores]
    if limit.rows:
        assert 500 <= sum(each.rows_kept for each in kept) <= limit.rows
    else:
        assert limit.bytes // 2 <= sum(each.bytes_kept for each in kept) <= limit.bytes
    assert [each.rows_kept + each.evicted_rows for each in kept] == [20_000, 20_000]


def test_what_is_oldest_of_all_goes_first():
    quiet, busy = room_of(Limit(rows=1000))
    fill(quiet, 700, NS)
    before = quiet.version
    fill(busy, 5_000, NS + 10_000 * MS)
    assert quiet.statistics().rows_kept < 100
    assert quiet.version > before
    assert busy.statistics().rows_kept > 700
    rows = table.build([quiet.snapshot(), busy.snapshot()])
    gaps = rows[rows.event == Event.GAP]
    assert set(gaps.endpoint) == {"a", "b"}
    assert int(gaps["count"].sum()) + len(rows) - len(gaps) == 5_700


def test_the_age_is_against_the_newest_of_all():
    quiet, busy = room_of(Limit(seconds=1))
    fill(quiet, 2_000, NS)
    fill(busy, 100, NS + 60_000 * MS)
    fill(busy, 2_000, NS + 120_000 * MS)
    assert quiet.statistics().evicted_rows > 0
    assert busy.statistics().rows_kept <= 2_000
