from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import gdlab as gd
from gdlab.datasets.measured import TooLarge
from gdlab.errors import LoadError
from gdlab.files import write_pcapng
from tests.datasets.played import SERVERS, played, spread


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    spread(played(1, lasted_s=40), folder / "night", "server")
    write_pcapng(played(2, lasted_s=20), folder / "other.pcapng")
    (folder / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    (folder / "empty.csv").write_bytes(b"")
    return folder


def test_nothing_is_read_until_it_is_asked(tmp_path):
    path = tmp_path / "gone.csv"
    path.write_bytes(b"")
    found = gd.dataset(f"{tmp_path}/**/*")
    path.unlink()
    assert repr(found) == "<Dataset: 1 file, not looked at yet>"
    assert "not looked at" in found._repr_html_()
    assert "there is no file" in found.files["broken"].iloc[0]


@pytest.mark.slow
def test_it_lists_files_spans_endpoints_and_what_is_broken_with_the_reason(folder):
    found = gd.dataset(folder)
    files = found.files.set_index(found.files["path"].str.rsplit("/", n=1).str[-1])
    whole = played(1, lasted_s=40)
    mine = whole[whole["endpoint"] == SERVERS[0]]
    row = files.loc["part-0.parquet"]
    assert (row["rows"], row["first"], row["last"]) == (len(mine), mine["time"].min(), mine["time"].max())
    assert row["endpoints"] == (SERVERS[0],)
    assert row["peers"] == mine.loc[mine["peer"] != "", "peer"].nunique()
    assert files.loc["part-1.csv", "endpoints"] == (SERVERS[1],)
    broken = found.broken.set_index(found.broken["path"].str.rsplit("/", n=1).str[-1])["broken"]
    assert set(broken.index) == {"broken.parquet", "empty.csv"}
    assert "damaged or cut short" in broken["broken.parquet"]
    assert "empty" in broken["empty.csv"]
    assert len(found) == files["rows"].sum()
    assert "(2 broken)" in repr(found)


@pytest.mark.slow
def test_a_part_of_the_rows_is_what_filtering_all_of_them_gives(folder):
    found = gd.dataset(folder / "night")
    whole = gd.load(folder / "night").df
    middle = whole["time"].iloc[len(whole) // 2]
    assert_frame_equal(
        found.df(columns=["time", "size_bytes"], since=middle),
        whole.loc[whole["time"] >= middle, ["time", "size_bytes"]].reset_index(drop=True),
    )
    assert_frame_equal(found.df(until=middle), whole[whole["time"] < middle].reset_index(drop=True))
    peer = whole["peer"].iloc[0]
    assert_frame_equal(found.df(peer=str(peer)), whole[whole["peer"] == peer].reset_index(drop=True))
    chosen = found.df(where="v.seq < 10")
    assert len(chosen)
    assert (chosen["v.seq"] < 10).all()
    with pytest.raises(KeyError, match="no columns nonsense"):
        found.df(columns=["nonsense"])


def test_what_would_not_fit_is_refused_with_its_size(folder):
    found = gd.dataset(folder / "night", most_bytes=60_000)
    with pytest.raises(TooLarge, match=r"would take about \d+ MiB .* 0 MiB are allowed.*since="):
        found.df()
    with pytest.raises(TooLarge, match="quantiles"):
        found.inter_arrival()
    # What needs no table is measured all the same.
    assert len(found.rates(bin_s=1)) > 0
    assert len(found.df(columns=["time"], since=found.files["last"].max() - pd.Timedelta("1s"))) > 0


def test_only_broken_files_are_refused_with_the_first_reason(tmp_path):
    (tmp_path / "one.csv").write_bytes(b"")
    with pytest.raises(LoadError, match=r"none of 1 files can be read; the first: .*empty"):
        gd.dataset(tmp_path).rates()
    with pytest.raises(LoadError, match="names no file"):
        gd.dataset(f"{tmp_path}/*.parquet")


@pytest.mark.slow
def test_sql_sees_all_rows_of_all_kinds_of_files(folder):
    pytest.importorskip("duckdb")
    found = gd.dataset(folder)
    answer = found.sql("select endpoint, count(*) as n, sum(size_bytes) as bytes from messages group by 1")
    whole = found.df()
    expected = whole.groupby(whole["endpoint"].astype(str))["size_bytes"].agg(["size", "sum"])
    got = answer.set_index("endpoint").sort_index()
    assert got["n"].tolist() == expected["size"].tolist()
    assert got["bytes"].tolist() == expected["sum"].tolist()
    assert found.sql("select count(*) from messages where direction = 'in'").iloc[0, 0] == (
        (whole["direction"] == "in").sum()
    )


def test_pings_that_no_file_marks_are_told_by_what_is_in_them(folder):
    # A packet capture of another program knows nothing of our pings.
    found = gd.dataset(folder / "other.pcapng", rows_at_once=200)
    whole = gd.load(folder / "other.pcapng").df
    assert (whole["reason"] == "probe").any()
    assert_frame_equal(found.rates(bin_s=1), gd.analysis.rates(whole, bin_s=1), check_exact=True)
    assert_frame_equal(found.conversations(), gd.analysis.conversations(whole), check_exact=True)


def test_progress_is_told_in_parts(folder):
    told = []
    gd.dataset(folder / "night", progress=lambda done, total: told.append((done, total))).conversations()
    assert told[0] == (1, 2)
    assert told[-1] == (2, 2)


@pytest.mark.slow
def test_work_is_interrupted_between_two_parts_and_what_was_given_is_taken_back(folder):
    def stop(done, _total):
        if done == 2:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        for executor in (None, pool):
            found = gd.dataset(folder, executor=executor)
            assert len(found)
            found._progress = stop
            with pytest.raises(KeyboardInterrupt):
                found.conversations()
            found._progress = None
            assert len(found.conversations())
