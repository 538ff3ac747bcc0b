"""Spilled captures: what was flushed can be loaded whatever happens, and what is missing is said."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.errors import FolderUnusable, LoadError
from gdlab.facts import Fact, Reason
from gdlab.files import Spill, load
from gdlab.messages import Event
from gdlab.store import Limit, Store, table
from tests.files.killed import check
from tests.files.small_disk import CANNOT
from tests.files.tables import AWKWARD
from tests.waiting import limit, wait_until

ROOT = Path(__file__).parents[2]
NS = 10**18


def add(store, numbers):
    for number in numbers:
        fact = None if number % 5 else Fact(Reason.SYSTEM_ERROR, said="d")
        store.append(NS + number, store.peer_code(f"p{number % 7}"), b"%d" % number, fact=fact)


def test_a_closed_capture_loads_as_the_table_was(tmp_path):
    store = Store("udp://127.0.0.1:4242")
    with Spill(tmp_path / "new" / "spill", provenance={"limit": "64 MiB"}) as spill:
        spill.add(store)
        for number, payload in enumerate(AWKWARD):
            store.append(
                NS + number,
                store.peer_code(f"p{number}"),
                payload,
                fact=Fact(Reason.SYSTEM_ERROR, said=f"=d{number}\0"),
            )
            spill.flush()
    loaded = load(tmp_path / "new" / "spill")
    pd.testing.assert_frame_equal(loaded.table, table.build([store.snapshot()]))
    assert loaded.notes == ()
    assert loaded.provenance["provenance"] == {"limit": "64 MiB"}
    assert loaded.provenance["rows"] == len(AWKWARD)
    assert spill.statistics().rows == len(AWKWARD)
    assert spill.statistics().bytes <= sum(
        file.stat().st_size for file in (tmp_path / "new" / "spill").iterdir()
    )
    assert spill.status == ""


def test_rows_are_written_after_the_interval_without_being_asked(tmp_path):
    store = Store("e")
    with Spill(tmp_path, interval_s=0.01) as spill:
        spill.add(store)
        add(store, range(10))
        wait_until(lambda: spill.statistics().rows == 10)
        loaded = load(tmp_path)
        assert list(loaded.table.payload) == [b"%d" % number for number in range(10)]
        assert "was not closed properly" in loaded.notes[0]
        assert "0.01 s" in loaded.notes[0]


@pytest.mark.slow
def test_a_full_block_is_written_at_once_so_that_memory_can_be_small(tmp_path):
    store = Store("e", Limit(rows=800))  # blocks of 100 rows
    with Spill(tmp_path, interval_s=1e6) as spill:
        spill.add(store)
        wait_until(lambda: not spill._wake.is_set())
        for start in range(0, 5000, 100):
            add(store, range(start, start + 100))
            wait_until(lambda start=start: spill.statistics().rows >= start)
    assert spill.statistics().missed_rows == 0
    assert list(load(tmp_path).table.payload) == [b"%d" % number for number in range(5000)]
    assert len(store.snapshot()) <= 801


def test_several_endpoints_come_back_in_order_of_time(tmp_path):
    stores = [Store("udp://127.0.0.1:1"), Store("tcp://127.0.0.1:2")]
    with Spill(tmp_path) as spill:
        for store in stores:
            spill.add(store)
        for number in range(100):
            add(stores[number % 2], [number])
            if number % 9 == 0:
                spill.flush()
    loaded = load(tmp_path)
    assert list(loaded.table.payload) == [b"%d" % number for number in range(100)]
    assert list(loaded.table.endpoint[:2]) == ["udp://127.0.0.1:1", "tcp://127.0.0.1:2"]
    assert loaded.notes == ()


def test_rows_that_memory_dropped_before_they_were_written_are_a_gap_row(tmp_path):
    store = Store("e", Limit(rows=80))
    add(store, range(1000))
    with Spill(tmp_path, interval_s=1e6) as spill:
        spill.add(store)
    loaded = load(tmp_path).table
    kept = table.build([store.snapshot()])
    told = ["reason", "detail"]
    pd.testing.assert_frame_equal(loaded.drop(columns=told), kept.drop(columns=told))
    assert (loaded.reason[0], kept.reason[0]) == (Reason.SPILL_MISSED, Reason.EVICTED)
    assert loaded["count"][0] == kept["count"][0] == 1000 - (len(kept) - 1)
    assert loaded.event[0] == kept.event[0] == Event.GAP
    assert "before the disk had taken them" in loaded.detail[0]
    assert f"gdlab.load({str(tmp_path)!r})" in kept.detail[0]
    assert "limit" not in kept.detail[0]
    assert spill.statistics().missed_rows == 1000 - (len(loaded) - 1)
    assert f"{spill.statistics().missed_rows} rows" in spill.status


def test_two_captures_may_share_a_folder(tmp_path):
    for start in (0, 5):
        store = Store("e")
        with Spill(tmp_path) as spill:
            spill.add(store)
            add(store, range(start, start + 5))
    loaded = load(tmp_path)
    assert list(loaded.table.payload) == [b"%d" % number for number in range(10)]
    assert "2 captures" in loaded.notes[0]
    assert len(loaded.provenance["captures"]) == 2


def test_a_receiving_thread_never_waits_for_the_disk(tmp_path):
    """The writer goes on although a flush holds the spill's lock for as long as it likes."""
    store = Store("e", Limit(rows=80))
    with Spill(tmp_path, interval_s=1e6) as spill:
        spill.add(store)
        with spill._lock:
            writer = threading.Thread(target=add, args=(store, range(5000)))
            writer.start()
            writer.join(20)
            assert not writer.is_alive()
    gap, *rows = load(tmp_path).table.to_dict("records")
    assert gap["event"] == "gap"
    assert rows[-1]["payload"] == b"4999"


def written(tmp_path, rows=300, flushes=10):
    store = Store("e")
    with Spill(tmp_path, interval_s=1e6) as spill:
        spill.add(store)
        for part in np.array_split(np.arange(rows), flushes):
            add(store, part.tolist())
            spill.flush()
    (file,) = tmp_path.glob("*.arrow")
    return file


@pytest.mark.slow
def test_a_stream_cut_anywhere_gives_all_rows_before_the_cut(tmp_path):
    file = written(tmp_path)
    whole = file.read_bytes()
    counts = []
    for length in range(0, len(whole) - 8, 199):  # the last 8 bytes are the mark of the end
        file.write_bytes(whole[:length])
        loaded = load(tmp_path)
        count = len(loaded.table)
        assert list(loaded.table.payload) == [b"%d" % number for number in range(count)]
        assert count == 300 or any("its description states 300" in note for note in loaded.notes)
        counts.append(count)
    assert counts == sorted(counts)
    assert {0, 30, 150, 270} <= set(counts)


@pytest.mark.slow
def test_damage_is_said_and_what_is_before_it_loads(tmp_path):
    file = written(tmp_path)
    whole = file.read_bytes()
    for position in range(0, len(whole), 331):
        file.write_bytes(whole[:position] + b"\xff" * 16 + whole[position + 16 :])
        load(tmp_path)  # values may differ, but nothing fails
    file.write_bytes(b"garbage")
    loaded = load(tmp_path)
    assert len(loaded.table) == 0
    assert any("damaged" in note for note in loaded.notes)


def test_folders_without_a_capture_are_refused(tmp_path):
    with pytest.raises(LoadError, match="folder without a spilled capture"):
        load(tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error_for_the_caller(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Spill(tmp_path / "file" / "spill")
    with pytest.raises(OSError, match="file"):
        Spill(tmp_path / "file")


def run(module, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the killed captures are forks")
def test_after_a_kill_at_any_moment_all_that_was_flushed_is_there(tmp_path):
    flushed = run("tests.files.killed", tmp_path, 8, 1)
    assert len(flushed) == 8
    for number, rows in enumerate(flushed):
        check(tmp_path / str(number), int(rows))


DISKS = [(100_000, True), (100_000, False), (800, True)]


@pytest.fixture(scope="module")
def full_disks(tmp_path_factory):
    """The folders of captures whose disk was full for a while, or to the end, and what is known of them."""
    folders = [tmp_path_factory.mktemp("disk") for _ in DISKS]
    asked = [
        (folder, rows, "yes" if recovers else "no")
        for folder, (rows, recovers) in zip(folders, DISKS, strict=True)
    ]
    told = run("tests.files.full_disk", *(word for words in asked for word in words))
    return dict(zip(DISKS, zip(folders, map(json.loads, told), strict=True), strict=True))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
@pytest.mark.parametrize(("rows_kept", "recovers"), DISKS)
def test_a_full_disk_damages_nothing_and_the_user_is_told(full_disks, rows_kept, recovers):
    folder, result = full_disks[rows_kept, recovers]
    assert "too large" in result["told"][0]
    assert "goes on in memory" in result["told"][0]
    assert 0 < result["while_full"] < result["received"]
    loaded = load(folder)
    messages = loaded.table[loaded.table.event == "message"]
    numbers = [int(payload) for payload in messages.payload]
    assert numbers[: result["while_full"]] == list(range(result["while_full"]))
    assert len(set(numbers)) == len(numbers)
    if recovers:
        assert numbers[-1] == result["received"] - 1
        assert len(numbers) + result["statistics"] == result["received"]
        assert (loaded.table.event == "gap").sum() == (result["statistics"] > 0) == (rows_kept == 800)
        assert loaded.notes == ()
    else:
        assert len(messages) == result["while_full"]
        assert result["kept"] == result["received"]
        assert any("was not closed properly" in note for note in loaded.notes)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="file systems of one's own need Linux's unshare")
def test_a_real_file_system_that_fills_up_and_has_room_again(tmp_path):
    program = [sys.executable, "-m", "tests.files.small_disk", str(tmp_path)]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    if done.returncode == CANNOT or "unshare" in done.stderr:
        pytest.skip("this system lets nobody mount a file system of their own")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["is_full"]
    assert "No space left on device" in result["told"][0]
    assert "goes on in memory" in result["told"][0]
    assert result["told"][-1] == ""
    assert result["errors"] == 2
    written = len(result["while_full"])
    assert 0 < written < result["received"]
    assert result["while_full"] == list(range(written))
    assert result["afterwards"] == list(range(result["received"]))
    assert result["notes"] == []


def _remove(folder):
    """Remove a folder; the thread that spills may write there at this very moment."""
    wait_until(lambda: shutil.rmtree(folder, ignore_errors=True) or not folder.exists())


def test_a_folder_removed_while_running_is_made_anew_with_what_memory_has(tmp_path):
    folder = tmp_path / "run"
    store = Store("udp://127.0.0.1:4242")
    with Spill(folder, interval_s=3600) as spill:
        spill.add(store)
        add(store, range(50))
        spill.flush()
        assert spill.status == ""
        _remove(folder)
        add(store, range(50, 60))
        spill.flush()
        assert "50 rows" in spill.status
        assert "removed" in spill.status
        assert spill.statistics().rows == 60
        add(store, range(60, 70))
    loaded = load(folder)
    assert len(loaded.table) == 70
    assert loaded.notes == ()


def test_a_folder_removed_before_the_first_row_is_made_anew(tmp_path):
    folder = tmp_path / "run"
    store = Store("udp://127.0.0.1:4242")
    with Spill(folder, interval_s=3600) as spill:
        spill.add(store)
        spill.flush()
        _remove(folder)
        add(store, range(10))
    assert spill.status == ""
    assert len(load(folder).table) == 10


def test_a_folder_that_goes_while_rows_are_written_is_said_and_made_anew(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    store = Store("udp://127.0.0.1:4242")
    with Spill(folder, interval_s=3600) as spill:
        spill.add(store)
        spill.flush()
        with monkeypatch.context() as patched:
            patched.setattr(spill, "_restore", lambda: shutil.rmtree(folder))
            add(store, range(10))
            spill.flush()
        assert "the disk did not take the rows" in spill.status
        assert spill.statistics().rows == 0
        spill.flush()
        assert spill.status == ""
    assert len(load(folder).table) == 10


@pytest.mark.parametrize("rows", [0, 5])
def test_a_capture_that_did_not_end_in_order_has_a_finding_and_claims_no_silence(tmp_path, rows):
    store = Store("udp://127.0.0.1:4242")
    spill = Spill(tmp_path / "run", interval_s=3600)
    spill.add(store)
    add(store, range(rows))
    spill.flush()
    cut = gd.load(shutil.copytree(tmp_path / "run", tmp_path / "cut"))  # as a kill would leave it
    spill.close()
    again = gd.load(cut.to_csv(tmp_path / "cut.csv"))
    both = gd.load([tmp_path / "cut", tmp_path / "run"])
    for unfinished in (cut, again, both):
        rules = unfinished.findings()["rule"].tolist()
        assert "cut-off" in rules
        assert "nothing-arrived" not in rules
    whole = gd.load(tmp_path / "run").findings()["rule"].tolist()
    assert "cut-off" not in whole
    assert ("nothing-arrived" in whole) == (rows == 0)


def framed(store, texts, word):
    for number, payload in enumerate(texts):
        store.append(NS + number, store.peer_code("p"), payload, word=word)


@pytest.mark.parametrize("kept", [0, 3])
def test_rows_that_a_guess_has_taken_back_are_not_loaded(tmp_path, kept):
    store = Store("tcp://127.0.0.1:4242")
    with Spill(tmp_path, interval_s=3600) as spill:
        spill.add(store)
        add(store, range(kept))
        framed(store, [b"a", b"b", b"c"], "u8")
        add(store, [20])
        spill.flush()
        framed(store, [b"d"], "u8")
        store.withdraw()
        spill.flush()  # a moment at which the stream has no rows at all
        framed(store, [b"abcd"], "raw")
        spill.flush()
        assert spill.statistics().rows == kept + 2
        store.withdraw()
        framed(store, [b"ab", b"cd"], "u16le")
    loaded = load(tmp_path)
    pd.testing.assert_frame_equal(loaded.table, table.build([store.snapshot()]))
    assert loaded.notes == ()


def test_rows_taken_back_for_good_are_not_loaded(tmp_path):
    store = Store("tcp://127.0.0.1:4242")
    with Spill(tmp_path, interval_s=3600) as spill:
        spill.add(store)
        add(store, range(4))
        framed(store, [b"a", b"b", b"c"], "u8")
        spill.flush()
        store.withdraw()
    assert list(load(tmp_path).table.payload) == [b"0", b"1", b"2", b"3"]


@pytest.mark.slow
def test_what_memory_has_dropped_stays_when_rows_are_taken_back(tmp_path):
    store = Store("tcp://127.0.0.1:4242", Limit(rows=30))
    with Spill(tmp_path, interval_s=3600) as spill:
        spill.add(store)
        for number in range(100):
            framed(store, [b"%d" % number], "u8")
            spill.flush()
        evicted = store.snapshot().evicted.rows
        store.withdraw()
        framed(store, [b"all"], "raw")
    loaded = load(tmp_path)
    assert sorted(loaded.table.payload) == sorted([*(b"%d" % number for number in range(evicted)), b"all"])
    assert evicted > 50
    assert loaded.notes == ()


@pytest.mark.slow
def test_a_capture_read_in_another_framing_is_so_on_the_disk_too(tmp_path):
    """While it runs, after a pause, and when it has been stopped."""
    with gd.listen("tcp://127.0.0.1:0", framing="raw", spill=tmp_path) as capture:

        def arrived(recorded):
            rows = recorded[(recorded.event == "message") & (recorded.direction == "in")]
            return sorted(rows.payload)

        with gd.connect(capture.addresses[0], framing="raw") as game:
            game.send(b"\2ab\1c")
            wait_until(lambda: capture.statistics().received == 1)
        wait_until(lambda: capture.spilled.rows >= 2)
        capture.reframe("u8")
        wait_until(lambda: arrived(gd.load(tmp_path).df) == [b"ab", b"c"])
        capture.stop()
        capture.start()
        with gd.connect(capture.addresses[0], framing="raw") as game:
            game.send(b"\1d")
            wait_until(lambda: capture.statistics().received == 3)
        capture.reframe("fixed:1")
        capture.stop()
        loaded = gd.load(tmp_path)
        assert arrived(loaded.df) == arrived(capture.df) == sorted(b"%c" % one for one in b"\2ab\1c\1d")
        capture.reframe("u8")
        again = gd.load(tmp_path)
        assert arrived(again.df) == [b"ab", b"c", b"d"]
        assert again.notes == ()


def test_a_folder_that_cannot_be_used_is_named_and_nothing_is_left_running(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FolderUnusable, match=r"cannot be kept in .*Nothing was started") as caught:
            gd.listen("udp://127.0.0.1:0", spill=folder)
        assert isinstance(caught.value, OSError)
        assert str(folder) in str(caught.value)
    assert gd.stop_all() == 0
