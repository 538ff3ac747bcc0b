"""Closed parts of a capture that goes on: what every engine reads, and what a kill leaves."""

from __future__ import annotations

import pandas as pd
import pyarrow.dataset
import pytest

import gdlab as gd
from gdlab.files import Spill, load
from gdlab.files import parts as parting
from gdlab.files.sources import load_all
from gdlab.store import Store, table

NS = 1_764_000_000_000_000_000


@pytest.fixture
def clock(monkeypatch):
    """A clock of parts that goes on when it is told to."""

    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    found = Clock()
    monkeypatch.setattr(parting, "time", found)
    return found


def add(store, numbers):
    for number in numbers:
        store.append(NS + number * 10**9, store.peer_code(f"10.0.0.{number % 3}:1"), b"%d" % number)


def read(folder):
    """As engines read a folder: Parquet files, names with an underscore in front passed over."""
    return pyarrow.dataset.dataset(folder, format="parquet", partitioning="hive").to_table().to_pandas()


def test_parts_are_read_by_engines_while_the_capture_runs(tmp_path, clock):
    store = Store("udp://0.0.0.0:4242")
    with Spill(tmp_path, interval_s=3600, parts_s=60) as spill:
        spill.add(store)
        for minute in range(4):
            add(store, range(minute * 10, minute * 10 + 10))
            clock.now += 61
            spill.flush()
        # The newest part stays open: its rows may still be taken back.
        seen = read(tmp_path)
        assert sorted(map(bytes, seen["payload"])) == sorted(b"%d" % n for n in range(30))
        assert set(seen["server"]) == {"udp-0.0.0.0-4242"}
        assert set(seen["date"].astype(str)) == {"2025-11-24"}
        assert pd.read_parquet(tmp_path).shape[0] == 30
        # gdlab sees the open part as well.
        pd.testing.assert_frame_equal(load_all(tmp_path).table, table.build([store.snapshot()]))
    assert not (tmp_path / "_running").exists()
    assert sorted(map(bytes, read(tmp_path)["payload"])) == sorted(b"%d" % n for n in range(40))
    pd.testing.assert_frame_equal(load_all(tmp_path).table, table.build([store.snapshot()]))


def test_a_part_is_a_whole_file_of_its_own(tmp_path, clock):
    store = Store("udp://0.0.0.0:4242")
    with Spill(tmp_path, interval_s=3600, parts_s=60, provenance={"limit": "64 MiB"}) as spill:
        spill.add(store)
        add(store, range(10))
    (part,) = tmp_path.rglob("*.parquet")
    loaded = load(part)
    assert loaded.notes == ()
    assert loaded.provenance["provenance"] == {"limit": "64 MiB"}
    assert len(loaded.table) == 10


def test_what_a_kill_leaves_is_all_there(tmp_path, clock):
    store = Store("udp://0.0.0.0:4242")
    spill = Spill(tmp_path, interval_s=3600, parts_s=60)
    spill.add(store)
    for minute in range(3):
        add(store, range(minute * 10, minute * 10 + 10))
        clock.now += 61
        spill.flush()
    add(store, range(30, 35))
    spill.flush()
    # As a killed process leaves it: nothing is closed.
    found = load_all(tmp_path)
    pd.testing.assert_frame_equal(found.table, table.build([store.snapshot()]))
    assert any("was not closed properly" in note for note in found.notes)
    assert len(gd.dataset(tmp_path)) == 35
    spill.close()


@pytest.mark.parametrize("minutes", [1, 2, 4])
def test_rows_that_are_taken_back_are_in_no_part(tmp_path, clock, minutes):
    store = Store("tcp://0.0.0.0:4242")

    def framed(first, count, word):
        for number in range(first, first + count):
            store.append(NS + number, store.peer_code("p"), b"%d" % number, word=word)

    with Spill(tmp_path, interval_s=3600, parts_s=60) as spill:
        spill.add(store)
        add(store, range(3))
        for minute in range(minutes):
            framed(100 * minute, 5, "u8")
            clock.now += 61
            spill.flush()
        # A framing that was chosen later cuts everything anew, also what is in closed parts.
        store.withdraw()
        framed(1000, 7, "u16le")
        clock.now += 61
        spill.flush()
    expected = table.build([store.snapshot()])
    assert len(expected) == 10
    pd.testing.assert_frame_equal(load_all(tmp_path).table, expected)
    assert sorted(map(bytes, read(tmp_path)["payload"])) == sorted(map(bytes, expected["payload"]))


def test_a_period_that_is_none_is_refused(tmp_path):
    for text in ("0s", "1 fortnight", "", "-1min", "0.2s"):
        with pytest.raises(parting.PeriodError, match="a second or more"):
            gd.listen("udp://127.0.0.1:0", spill=tmp_path, parts=text)
    with pytest.raises(parting.PeriodError, match="spill="):
        gd.listen("udp://127.0.0.1:0", parts="1min")
    assert parting.period_s("1min") == 60
    assert parting.period_s("0.5h") == 1800
