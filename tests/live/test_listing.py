"""Every row of a capture, a page at a time: in any order, filtered, over several stores, while rows are evicted."""

import numpy as np
import pytest

from gdlab.live.listing import Listing, as_key, from_key
from gdlab.store import Limit, Store

START = 1_800_000_000 * 10**9


def filled(rows, *, first=0, step=1, limit=None, peers=3):
    store = Store(f"udp://127.0.0.1:{first}", **({"limit": limit} if limit else {}))
    codes = [store.peer_code(f"127.0.0.1:{9 - number}") for number in range(peers)]
    for number in range(rows):
        store.append(START + first + number * step * 1000, codes[number % peers], b"%d" % (number * 7 % 101))
    return store


def listed(listing, *stores):
    while listing.follow([store.snapshot() for store in stores]):
        pass
    return listing


def test_a_place_is_a_row_without_any_index():
    store = filled(1000)
    listing = listed(Listing(), store)
    assert len(listing) == 1000
    assert [row.payload for row in listing.page(500, 3)] == [b"%d" % (n * 7 % 101) for n in (500, 501, 502)]
    assert listing.page(5000, 3) == []
    assert listing.place_of(START + 700 * 1000) == 700
    assert from_key(as_key(listing.page(3, 1)[0])) == (0, 3)


def test_rows_that_arrive_later_are_listed_too():
    store = filled(10)
    listing = listed(Listing(), store)
    store.append(START + 10**9, store.peer_code("127.0.0.1:9"), b"late")
    assert [row.payload for row in listed(listing, store).page(10, 5)] == [b"late"]


def test_several_stores_are_one_list_in_the_order_of_time():
    one, other = filled(100, step=2), filled(100, first=1000, step=2)
    listing = listed(Listing(), one, other)
    times = [row.time_ns for row in listing.page(0, 200)]
    assert len(times) == 200
    assert times == sorted(times)


@pytest.mark.parametrize("column", ["time", "peer", "size_bytes"])
@pytest.mark.parametrize("descending", [False, True])
def test_it_is_sorted_by_a_column(column, descending):
    listing = listed(Listing(), filled(300))
    listing.sort(column, descending=descending)
    name = {"time": "time_ns"}.get(column, column)
    values = [getattr(row, name) for row in listing.page(0, 300)]
    assert values == sorted(values, reverse=descending)
    listing.sort(None)
    assert listing.page(0, 1)[0].time_ns == START


def test_what_cannot_be_sorted_is_refused_with_what_can():
    with pytest.raises(ValueError, match="sort by one of time, peer"):
        Listing().sort("payload")


def test_a_filter_and_a_range_leave_the_rest_out_and_say_how_far_they_are():
    store = filled(5000)
    listing = Listing()
    listing.choose(
        matches=lambda rows: [row.size_bytes == 2 for row in rows], between_ns=(START, START + 2_000_000)
    )
    assert listing.follow([store.snapshot()], budget_s=0.0)  # there is more to search
    before = listing.progress
    assert 0 < before.searched < 2001
    listed(listing, store)
    wanted = sum(len(b"%d" % (n * 7 % 101)) == 2 for n in range(2001))
    assert listing.progress.matched == len(listing) == wanted
    assert all(row.size_bytes == 2 for row in listing.page(0, 5000))
    assert listing.progress.rows == 5000


def test_evicted_rows_leave_the_list():
    store = filled(1000, limit=Limit(rows=100))
    listing = listed(Listing(), store)
    kept = len(listing)
    assert 0 < kept <= 100
    assert listing.page(0, 1)[0].time_ns == START + (1000 - kept) * 1000
    assert np.all(np.diff([row.time_ns for row in listing.page(0, kept)]) > 0)
