"""Captures handed to other engines without glue."""

import pandas as pd
import pyarrow as pa
import pytest

import gdlab as gd
from gdlab.files import handover, write_parquet
from tests.files.tables import AWKWARD, table_of


@pytest.fixture(scope="module")
def recording():
    return gd.sample("three-players")


def test_pyarrow_takes_a_recording_a_capture_and_a_table(recording):
    found = pa.table(recording)
    assert found.num_rows == len(recording)
    assert found.column("payload").to_pylist() == list(recording.df.payload)
    with gd.listen("udp://127.0.0.1:0") as cap:
        assert pa.table(cap).schema.names == list(cap.df.columns)
    back = pa.Table.from_pandas(recording.df).to_pandas()
    assert back.payload.dtype == "payload"


def test_payloads_are_not_copied(recording):
    table = table_of([{"payload": b"x" * 1000} for _ in range(100)])
    before = pa.total_allocated_bytes()
    batches = list(handover.stream(table))
    assert pa.total_allocated_bytes() - before < 100 * 1000
    assert batches[0].column("payload").to_pylist() == [b"x" * 1000] * 100


def test_awkward_payloads_arrive_whole():
    table = table_of([{"payload": payload} for payload in AWKWARD])
    assert pa.table(handover.stream(table)).column("payload").to_pylist() == list(AWKWARD)


@pytest.mark.slow
def test_polars_takes_a_recording(recording):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(recording)
    assert frame.shape == recording.df.shape
    assert frame["payload"].to_list() == list(recording.df.payload)


def test_duckdb_takes_a_recording_and_its_table(recording):
    duckdb = pytest.importorskip("duckdb")
    df = recording.df  # noqa: F841 (the query names it)
    wanted = len(recording)
    assert duckdb.sql("select count(*) from df").fetchall() == [(wanted,)]
    assert duckdb.sql("select count(*) from recording").fetchall() == [(wanted,)]
    assert duckdb.sql("select payload from df limit 1").fetchall() == [(recording.df.payload[0],)]


def test_folders_of_parquet_are_read_by_every_engine(recording, tmp_path):
    for number in range(3):
        write_parquet(recording.df, tmp_path / f"part{number}.parquet")
    rows = 3 * len(recording)
    assert len(pd.read_parquet(tmp_path)) == rows
    assert len(gd.load(tmp_path)) == rows
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select count(*) from '{tmp_path}/*.parquet'").fetchall() == [(rows,)]
    pl = pytest.importorskip("polars")
    assert pl.scan_parquet(tmp_path).select(pl.len()).collect().item() == rows
