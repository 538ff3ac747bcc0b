"""The store: what went in comes out in the table, bounds hold, nothing leaves without being counted."""

import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.facts import PEER, Fact, Reason
from gdlab.messages import CATEGORIES, SCHEMA, Direction, Event, Kind, Peer, TimeSource
from gdlab.store import Limit, LimitError, Store, table
from gdlab.store.store import MAX_PEERS, OTHER_PEERS
from tests.some import some

NS = 1_700_000_000_000_000_000


def filled(count: int, limit: Limit | None = None, size: int = 8) -> Store:
    store = Store("udp://127.0.0.1:4242", limit or Limit())
    peer = store.peer_code(Peer("127.0.0.1", 50000))
    for number in range(count):
        store.append(NS + number, peer, b"%0*d" % (size, number), wire_bytes=size + 28)
    return store


def test_the_empty_table_has_the_documented_columns_and_dtypes():
    empty = table.empty()
    assert [(name, dtype.name) for name, dtype in empty.dtypes.items()] == [(c.name, c.dtype) for c in SCHEMA]
    assert len(empty) == 0
    for column, categories in CATEGORIES.items():
        assert tuple(empty[column].cat.categories) == categories


def test_a_row_comes_out_as_it_went_in():
    store = Store("udp://127.0.0.1:4242")
    store.append(
        2**63 - 1,
        store.peer_code(Peer("::1", 9)),
        b"\x00\xff",
        direction=Direction.OUT,
        event=Event.ERROR,
        kind=Kind.BINARY,
        time_source=TimeSource.KERNEL,
        wire_bytes=50,
        word="u32le reads=1@2",
        fact=Fact(Reason.INCOMPLETE, PEER, case="line"),
    )
    (row,) = table.build([store.snapshot()]).to_dict("records")
    assert row.pop("time").value == 2**63 - 1
    assert row == {
        "time_source": "kernel",
        "endpoint": "udp://127.0.0.1:4242",
        "peer": "[::1]:9",
        "direction": "out",
        "event": "error",
        "kind": "binary",
        "framing": "u32le reads=1@2",
        "size_bytes": 2,
        "wire_bytes": 50,
        "payload": b"\x00\xff",
        "reason": "incomplete",
        "by": "peer",
        "code": None,
        "count": 1,
        "detail": "the stream ended before the line feed",
    }


@pytest.mark.slow
@given(
    st.lists(st.lists(st.binary(max_size=40), max_size=30), max_size=8),
    st.sampled_from([Limit(), Limit(rows=64), Limit(rows=20), Limit(bytes=1 << 14)]),
)
def test_batches_and_single_rows_make_the_same_table(batches, limit):
    one, many = Store("e", limit), Store("e", limit)
    number = 0
    for batch in batches:
        times = np.arange(number, number + len(batch)) + NS
        number += len(batch)
        for time_ns, payload in zip(times.tolist(), batch, strict=True):
            one.append(
                time_ns,
                one.peer_code("p"),
                payload,
                time_source=TimeSource.KERNEL,
                wire_bytes=len(payload) + 28,
            )
        sizes = np.array([len(payload) for payload in batch], np.int64)
        joined = np.frombuffer(b"".join(batch), np.uint8)
        peers, kinds = np.full(len(batch), many.peer_code("p")), np.ones(len(batch), np.int8)
        many.extend(times, peers, sizes, joined, sizes + 28, kinds)
    a, b = table.build([one.snapshot()]), table.build([many.snapshot()])
    if limit == Limit():
        pd.testing.assert_frame_equal(a, b) if number else None
        assert list(b.payload) == [payload for batch in batches for payload in batch]
    assert one.statistics().received == many.statistics().received == number
    for store, built in ((one, a), (many, b)):
        messages = (built.event == "message").sum()
        assert messages + store.statistics().evicted_rows == number


@pytest.mark.parametrize("rows", some([1, 7, 8, 100, 1000], every=2))
def test_the_row_bound_holds_and_what_went_is_said_in_the_first_row(rows):
    store = filled(2500, Limit(rows=rows))
    built = table.build([store.snapshot()])
    kept = built[built.event == "message"]
    assert len(kept) <= rows
    assert len(kept) >= rows * 7 // 8
    assert kept.payload.iloc[-1] == b"00002499"
    gap = built.iloc[0]
    assert gap.event == "gap"
    assert gap.detail.startswith(f"{2500 - len(kept)} rows ")
    assert f"{rows} rows" in gap.detail
    assert store.statistics().evicted_rows == 2500 - len(kept)
    assert gap.time.value == NS + 2500 - len(kept) - 1  # the last that went


def test_the_memory_bound_holds_with_payloads_of_any_size():
    limit = Limit(bytes=1 << 20)
    store = Store("e", limit)
    for number in range(300):
        store.append(NS + number, 0, bytes(number * 137 % 70_000))
        assert store.statistics().bytes_kept <= limit.bytes
    built = table.build([store.snapshot()])
    assert (built.event == "message").sum() + store.statistics().evicted_rows == 300


def test_a_payload_larger_than_a_block_is_kept_whole():
    store = Store("e", Limit(rows=100))
    huge = bytes(range(256)) * 50_000
    store.append(NS, 0, b"before")
    store.append(NS + 1, 0, huge)
    store.append(NS + 2, 0, b"after")
    assert list(table.build([store.snapshot()]).payload) == [b"before", huge, b"after"]


def test_the_age_bound_drops_what_is_older():
    store = Store("e", Limit(seconds=80))
    for second in range(600):
        store.append(NS + second * 10**9, 0, b"x")
    built = table.build([store.snapshot()])
    kept = built[built.event == "message"].time
    age = kept.iloc[-1] - kept.iloc[0]
    assert pd.Timedelta(seconds=80) <= age <= pd.Timedelta(seconds=80 + 2 * 80 / 8)
    assert built.event.iloc[0] == "gap"
    assert len(kept) + store.statistics().evicted_rows == 600


def test_a_snapshot_does_not_change_and_copies_nothing_that_is_sealed():
    store = filled(100, Limit(rows=400))
    before = store.snapshot()
    first = table.build([before])
    peer = store.peer_code("new")
    for _ in range(1000):
        store.append(NS, peer, b"later")
    pd.testing.assert_frame_equal(table.build([before]), first)
    a, b = filled(3000, Limit(rows=10_000)), None
    b = (a.snapshot(), a.snapshot())
    assert b[0].blocks[0] is b[1].blocks[0]
    assert np.shares_memory(b[0].blocks[-1].arena, b[1].blocks[-1].arena)


def test_tables_cannot_reach_into_the_store():
    store = filled(3)
    columns = store.snapshot().blocks[0].columns
    for column in columns:
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0
    built = table.build([store.snapshot()])
    built["size_bytes"] = 0
    assert table.build([store.snapshot()]).size_bytes.tolist() == [8, 8, 8]


def test_tail_is_the_end_of_the_table():
    store = filled(1000, Limit(rows=4000))
    whole = table.build([store.snapshot()])
    for rows in (0, 1, 499, 500, 501, 1000, 2000):
        tail = table.build([store.snapshot().tail(rows)])
        assert list(tail.payload) == list(whole.payload)[max(0, 1000 - rows) :]


def test_several_stores_make_one_table_in_order_of_time():
    a, b = Store("udp://127.0.0.1:1"), Store("udp://127.0.0.1:2")
    for number in range(10):
        store = (a, b)[number % 2]
        store.append(NS + number, store.peer_code(f"peer{number % 3}"), b"%d" % number)
    built = table.build([b.snapshot(), a.snapshot()])
    assert list(built.payload) == [b"%d" % number for number in range(10)]
    assert list(built.endpoint) == ["udp://127.0.0.1:1", "udp://127.0.0.1:2"] * 5
    assert list(built.peer) == [f"peer{number % 3}" for number in range(10)]
    assert built.index.tolist() == list(range(10))


def test_a_flood_of_peers_ends_in_one_common_peer():
    store = Store("e")
    codes = [store.peer_code(Peer("10.0.0.1", port)) for port in range(MAX_PEERS + 500)]
    assert codes[-1] == codes[-2] == store.peer_code(Peer("10.9.9.9", 1))
    assert codes[0] == store.peer_code(Peer("10.0.0.1", 0))
    store.append(NS, codes[-1], b"x")
    assert list(table.build([store.snapshot()]).peer) == [OTHER_PEERS]


@pytest.mark.parametrize("text", ["a\nb", "nul\x00", "\ud800lone", "\u202ereversed", "tab\t"])
def test_notes_are_one_printable_line(text):
    store = Store("e")
    store.append(NS, fact=Fact(Reason.SYSTEM_ERROR, said=text))
    note = table.build([store.snapshot()]).detail.iloc[0]
    assert note.isprintable()
    assert note.encode("ascii").decode("unicode_escape").encode("utf-8", "surrogatepass") == text.encode(
        "utf-8", "surrogatepass"
    )


def test_readers_beside_the_writer_see_only_whole_rows():
    store = Store("e", Limit(rows=2000))
    stop = threading.Event()
    problems: list[str] = []

    def read() -> None:
        while not stop.is_set():
            built = table.build([store.snapshot()])
            messages = built[built.event == "message"]
            numbers = [int(payload) for payload in messages.payload]
            if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
                problems.append(f"{numbers[:3]}...{numbers[-3:]}")
            if not (messages.size_bytes == [len(p) for p in messages.payload]).all():
                problems.append("sizes")

    reader = threading.Thread(target=read)
    reader.start()
    peer = store.peer_code("p")
    for number in range(30_000):
        store.append(NS + number, peer, b"%d" % number)
    stop.set()
    reader.join()
    assert not problems


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (100_000, Limit(rows=100_000)),
        ("100_000", Limit(rows=100_000)),
        ("64MiB", Limit(bytes=64 * 2**20)),
        ("1.5 GB", Limit(bytes=1_500_000_000)),
        ("10min", Limit(seconds=600)),
        ("10 min, 64 MiB, 500 rows", Limit(rows=500, bytes=64 * 2**20, seconds=600)),
    ],
)
def test_limits_are_written_as_people_write_them(text, limit):
    assert Limit.parse(text) == limit


@pytest.mark.parametrize("text", ["", "lots", "-5", "10 parsecs", "0", 0, "5,"])
def test_a_limit_that_is_not_one_says_what_would_be(text):
    with pytest.raises(LimitError, match="limit"):
        Limit.parse(text)
