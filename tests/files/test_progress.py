"""Progress: the caller's function hears all; a bar appears only where tqdm is and the work takes long."""

import sys
import types

import pytest

import gdlab as gd
from gdlab.files import Spill, load, progress, unpack, write_csv
from gdlab.files.progress import Progress
from gdlab.store.store import Store


@pytest.fixture
def bars(monkeypatch):
    """Stands for tqdm, which gdlab does not depend on; collects the bars."""
    made = []

    class Bar:
        def __init__(self, **options):
            self.options, self.done, self.closed = options, options["initial"], False
            made.append(self)

        def update(self, rows):
            self.done += rows

        def close(self):
            self.closed = True

    module = types.ModuleType("tqdm.auto")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    return made


def test_the_function_hears_every_batch_and_no_bar_appears(bars, monkeypatch):
    monkeypatch.setattr(progress, "_BAR_AFTER_S", -1)
    told = []
    with Progress(10, "writing", lambda done, total: told.append((done, total))) as shown:
        for _ in range(5):
            shown.advance(2)
    assert told == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]
    assert bars == []


def test_long_work_shows_a_bar_and_takes_it_away_after_an_interrupt(bars, monkeypatch):
    monkeypatch.setattr(progress, "_BAR_AFTER_S", -1)

    def work():
        with Progress(10, "writing a.csv") as shown:
            shown.advance(4)
            shown.advance(3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    (bar,) = bars
    assert (bar.options["total"], bar.options["desc"], bar.done, bar.closed) == (10, "writing a.csv", 7, True)


def test_short_work_shows_none(bars, monkeypatch):
    monkeypatch.setattr(progress, "_BAR_AFTER_S", 1e9)
    with Progress(10, "writing") as shown:
        shown.advance(4)
    assert bars == []


def test_without_tqdm_nothing_happens(monkeypatch):
    monkeypatch.setattr(progress, "_BAR_AFTER_S", -1)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with Progress(10, "writing") as shown:
        shown.advance(4)
        shown.advance(4)
        assert shown.done == 8


@pytest.mark.parametrize("form", ["gz", "spill"])
def test_a_long_unpacking_and_a_spilled_capture_show_a_bar(tmp_path, monkeypatch, bars, form):
    table = gd.sample("three-players").df
    if form == "spill":
        path = tmp_path / "run"
        store = Store("udp://127.0.0.1:1")
        with Spill(path) as spill:
            spill.add(store)
            for number in range(30):
                store.append(10**18 + number, store.peer_code("p"), b"x" * 10_000)
                spill.flush()
    else:
        path = write_csv(table, tmp_path / f"run.csv.{form}")
        monkeypatch.setattr(unpack, "_AT_ONCE", 100)
    monkeypatch.setattr(progress, "_BAR_AFTER_S", -1.0)
    load(path)
    label = "reading run" if form == "spill" else f"unpacking run.csv.{form}"
    assert label in [bar.options["desc"] for bar in bars]
    assert all(bar.closed for bar in bars)
