"""Tables that are built again and again: equal to those built at once, and nobody's change reaches another."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab.facts import Fact, Reason
from gdlab.messages import Direction, Event, Peer
from gdlab.store import Limit, Store, table
from tests.same import assert_same

NS = 1_700_000_000_000_000_000

shared = pytest.mark.skipif(not table.COPY_ON_WRITE, reason="before pandas 3 every table is made anew")

# What may happen between two looks: (store, how many rows, step of time in ns, event)
happenings = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 40),
        st.integers(-3, 5),
        st.sampled_from(["message", "note", "batch"]),
    ),
    max_size=12,
)


def happen(store: Store, at: int, rows: int, step: int, what: str) -> int:
    """Write rows of distinct times, which may go backwards, and return the time after them."""
    if what == "batch":
        times = NS + (at + np.arange(rows)) * 1000 + id_of(store)
        sizes = np.full(rows, 3, np.int64)
        peers = np.full(rows, store.peer_code(f"peer{at}"))
        store.extend(
            times, peers, sizes, np.full(3 * rows, 65, np.uint8), sizes + 28, np.zeros(rows, np.int8)
        )
        return at + rows
    for number in range(rows):
        payload = b"%d" % (at + number)
        time_ns = NS + (at + step * number) * 1000 + id_of(store)
        if what == "note":
            store.append(time_ns, event=Event.GAP, fact=Fact(Reason.KERNEL_DROP, count=number).also(buffer=1))
        else:
            store.append(time_ns, store.peer_code(Peer("::1", number)), payload, direction=Direction.OUT)
    return at + abs(step) * rows


def id_of(store: Store) -> int:
    return int(store.endpoint[-1])


@pytest.mark.slow
@settings(max_examples=35, deadline=None)
@given(happenings, st.sampled_from([Limit(), Limit(rows=30), Limit(bytes=1 << 13)]), st.booleans())
def test_tables_built_bit_by_bit_equal_those_built_at_once(happened, limit, hold):
    stores = [Store("udp://127.0.0.1:1", limit), Store("udp://127.0.0.1:2", limit)]
    builder = table.Builder()
    held: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    at = 0
    for which, rows, step, what in happened:
        at = happen(stores[which], at, rows, step, what)
        snapshots = [store.snapshot() for store in stores]
        built = builder.build(snapshots)
        order = ["time", "endpoint", "payload", "detail"]
        # Rows of equal time stand in the order in which they were written, as far as the looks could tell.
        assert_same(comparable(built, order), comparable(table.build(snapshots), order))
        assert built.time.is_monotonic_increasing
        if hold:
            held.append((built, built.copy(deep=True)))
    for built, copy in held:
        assert_same(built, copy)


def comparable(built: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    assert built.index.tolist() == list(range(len(built)))
    plain = built.astype({"peer": object, "endpoint": object, "payload": object})
    return plain.sort_values(order, kind="stable").reset_index(drop=True)


def filled(rows: int) -> Store:
    store = Store("udp://127.0.0.1:4242")
    for number in range(rows):
        store.append(NS + number, store.peer_code("peer"), b"%d" % number, wire_bytes=30)
    return store


@shared
def test_only_what_is_new_is_built_while_the_last_table_is_held():
    store, builder = filled(1000), table.Builder()
    first = builder.build([store.snapshot()])
    for number in range(100):
        store.append(NS + 1000 + number, 0, b"new")
    second = builder.build([store.snapshot()])
    assert np.shares_memory(first.size_bytes.to_numpy(), second.size_bytes.to_numpy())
    assert (len(first), len(second)) == (1000, 1100)
    assert list(second.payload)[998:1002] == [b"998", b"999", b"new", b"new"]


@shared
def test_tables_that_nobody_holds_take_no_memory():
    gc.freeze()  # to look through all that other tests have left takes long
    store, builder = filled(1000), table.Builder()
    built = builder.build([store.snapshot()])
    memory = weakref.ref(builder._last())
    assert memory() is not None
    del built
    gc.collect()
    gc.unfreeze()
    assert memory() is None


EDITS = {
    "time": pd.Timestamp(5, tz="UTC"),
    "time_source": "kernel",
    "peer": "",
    "kind": "text",
    "framing": "",
    "size_bytes": 7,
    "wire_bytes": 7,
    "reason": "paused",
    "by": "us",
    "code": 7,
    "count": 7,
    "detail": "mine",
}


@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("notes", [False, True])
def test_a_table_can_be_changed_and_nobody_else_sees_it(column, notes):
    store, builder = filled(20), table.Builder()
    if notes:
        store.append(NS + 20, event=Event.GAP, fact=Fact(Reason.PAUSED).also(seconds=1))
    expected = table.build([store.snapshot()])
    before = builder.build([store.snapshot()])
    mine = builder.build([store.snapshot()])
    mine.loc[3, column] = EDITS[column]
    assert mine[column].iloc[3] == EDITS[column]
    for built in (before, builder.build([store.snapshot()]), table.build([store.snapshot()])):
        assert_same(built, expected)


def test_a_table_of_the_function_can_be_changed_too():
    store = filled(20)
    expected = table.build([store.snapshot()])
    for column, value in EDITS.items():
        mine = table.build([store.snapshot()])
        mine.loc[3, column] = value
        assert mine[column].iloc[3] == value
        assert list(mine.payload) == list(expected.payload)
    pd.testing.assert_frame_equal(table.build([store.snapshot()]), expected)


def test_the_usual_operations_work_on_every_column():
    built = table.Builder().build([filled(50).snapshot()])
    assert built.detail.str.len().sum() == 0
    assert (built.detail == "").all()
    assert built.detail.isna().sum() == 0
    assert built.sort_values("size_bytes", ascending=False).size_bytes.iloc[0] == 2
    assert built.groupby("kind", observed=True).size_bytes.sum().iloc[0] == 90
    assert len(built.drop_duplicates("detail")) == 1
    assert built.iloc[5:9].detail.tolist() == [""] * 4
    assert built.copy().detail.tolist() == [""] * 50
    assert len(pd.concat([built, built])) == 100
    assert built.detail.astype("category").cat.categories.tolist() == [""]
    assert built.set_index("time").resample("1s").size_bytes.sum().iloc[0] == 90
    assert built.detail.unique().tolist() == [""]
    assert built.merge(built, on="time").shape[0] == 50
    assert "detail" in built.to_csv()
    assert built.describe(include="all").loc["count", "detail"] == 50
    assert built.detail.fillna("x").iloc[0] == ""
    assert built.detail.value_counts().iloc[0] == 50
    assert built.detail.map({"": "e"}).tolist() == ["e"] * 50
