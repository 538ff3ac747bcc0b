"""One large file as a data set: read by pieces, and the same in all answers as read whole."""

import gzip
import pickle

import pandas as pd
import pyarrow.parquet as pq
import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.errors import LoadError
from gdlab.files import budget, pieces, write_csv
from tests.files.tables import AWKWARD, table_of

NS = 1_700_000_000_123_456_789


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_BYTES", 20_000)


def rows():
    payloads = [*AWKWARD[:-2], b'{"seq": 1}', b'two\nlines, "quoted"\r\n', b"\n" * 40]
    return table_of(
        [
            {
                "time": NS + number * 10**7,
                "peer": f"10.0.0.{number % 3}:5",
                "payload": payloads[number % len(payloads)],
            }
            for number in range(1500)
        ]
    )


@pytest.fixture(params=["csv", "parquet"])
def large(request, tmp_path):
    told = {"limit": "none", "statistics": {"received": 1500}}
    path = write_csv(rows(), tmp_path / "run.csv", provenance=told)
    if request.param == "csv":
        return path
    path = gd.load(path).to_parquet(tmp_path / "run.parquet")
    pq.write_table(pq.read_table(path), path, row_group_size=100)
    return path


@pytest.mark.slow
def test_a_large_file_is_read_by_pieces_and_says_the_same(large):
    whole, by_pieces = gd.load(large), gd.dataset(large)
    assert len(by_pieces.files) > 2
    pd.testing.assert_frame_equal(by_pieces.df(), whole.df)
    pd.testing.assert_frame_equal(by_pieces.conversations(), analysis.conversations(whole.df))
    told = [each.about.get("provenance") for each in by_pieces._whole()]
    assert told[0]["statistics"] == {"received": 1500}
    assert set(map(bool, told[1:])) == {False}


def test_no_piece_is_much_larger_than_it_may_be(large):
    for name in pieces.of(large):
        assert len(pieces.read(name).table) < 600
        again = pickle.loads(pickle.dumps(name))
        assert (again, again.path, again.begin, again.end) == (name, name.path, name.begin, name.end)


def test_a_file_that_does_not_fit_the_memory_is_refused_with_its_size_and_the_way_out(large, monkeypatch):
    monkeypatch.setattr(budget, "free_bytes", lambda: 1000)
    with pytest.raises(LoadError, match=r"MiB are free\. gd\.dataset\('.*'\) reads it in pieces"):
        gd.load(large)


@pytest.mark.slow
def test_sql_reads_pieces_too(large):
    pytest.importorskip("duckdb")
    found = gd.dataset(large).sql("select count(*) as n, sum(size_bytes) as bytes from messages")
    assert found.iloc[0].tolist() == [1500, int(gd.load(large).df["size_bytes"].sum())]


def test_a_packet_capture_that_does_not_fit_is_refused_with_the_way_out(tmp_path, monkeypatch):
    path = gd.sample("udp-60fps").to_pcapng(tmp_path / "run.pcapng")
    packed = tmp_path / "run.pcapng.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setattr(budget, "free_bytes", lambda: 1000)
    with pytest.raises(LoadError, match=r"gd\.dataset\('.*run\.pcapng'\) reads it in pieces"):
        gd.load(path)
    with pytest.raises(LoadError, match=r"Unpack it; gd\.dataset\('.*run\.pcapng'\) then reads"):
        gd.load(packed)
