"""Parquet: every table comes back equal, others can read it, damage is said."""

import contextlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

import gdlab as gd
from gdlab.errors import LoadError
from gdlab.files import load, write_csv, write_parquet
from gdlab.messages import SCHEMA
from gdlab.store import table
from tests.files.tables import AWKWARD, NO_PYARROW, TABLES, table_of
from tests.same import assert_same
from tests.waiting import limit


def awkward():
    return table_of([{"payload": payload, "detail": payload[:50].decode("latin-1")} for payload in AWKWARD])


@pytest.mark.slow
@given(TABLES)
@settings(max_examples=50)
def test_any_table_comes_back_equal(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("parquet") / "run.parquet"
    write_parquet(table, path)
    loaded = load(path)
    pd.testing.assert_frame_equal(loaded.table, table)
    assert loaded.notes == ()


def test_awkward_and_empty_tables_come_back_equal(tmp_path):
    for wanted in (awkward(), table.empty()):
        path = write_parquet(wanted, tmp_path / "run.parquet", provenance={"limit": "1 GiB"})
        loaded = load(path)
        pd.testing.assert_frame_equal(loaded.table, wanted)
        assert loaded.provenance["provenance"] == {"limit": "1 GiB"}


@pytest.mark.slow
def test_several_row_groups_come_back_equal(tmp_path):
    some = table_of([{"payload": b"%d" % n, "peer": f"p{n // 100}"} for n in range(700)])
    wanted = some.iloc[np.arange(70_000) // 100].reset_index(drop=True)
    told = []
    path = write_parquet(wanted, tmp_path / "run.parquet", progress=lambda *numbers: told.append(numbers))
    assert_same(load(path).table, wanted)
    assert told == [(65_536, 70_000), (70_000, 70_000)]


def test_pandas_reads_the_values_without_gdlab(tmp_path):
    path = write_parquet(table_of([{"payload": b"\0\xff", "detail": "d"}]), tmp_path / "run.parquet")
    (row,) = pd.read_parquet(path).to_dict("records")
    assert row["payload"] == b"\0\xff"
    assert row["time"] == pd.Timestamp(1_700_000_000_123_456_789, tz="UTC")
    assert (row["peer"], row["detail"], row["size_bytes"]) == ("127.0.0.1:50000", "d", 2)


def test_what_a_csv_has_beside_it_is_inside_so_that_a_folder_of_them_can_be_read(tmp_path):
    for name in ("one", "two"):
        path = write_parquet(awkward(), tmp_path / f"{name}.parquet")
    assert json.loads(pq.read_schema(path).metadata[b"gdlab"])["rows"] == len(awkward())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one.parquet", "two.parquet"]
    assert len(pd.read_parquet(tmp_path)) == 2 * len(awkward())


def test_the_sidecar_of_a_csv_of_the_same_name_stays(tmp_path):
    csv_path = write_csv(awkward(), tmp_path / "run.csv")
    path = write_parquet(awkward(), tmp_path / "run.parquet")
    assert load(csv_path).notes == load(path).notes == ()


def test_peers_are_anonymised(tmp_path):
    path = write_parquet(
        table_of([{"peer": "10.1.2.3:4", "detail": "10.1.2.3:4"}]), tmp_path / "r", anonymise=True
    )
    assert load(path).table.peer[0] == load(path).table.detail[0] == "P01"
    assert b"10.1.2.3" not in path.read_bytes()


def test_a_file_cut_or_changed_is_refused_or_equal(tmp_path):
    path = write_parquet(awkward(), tmp_path / "run.parquet")
    whole = path.read_bytes()
    for length in range(4, len(whole), 997):
        path.write_bytes(whole[:length])
        with pytest.raises(LoadError, match="cut short"):
            load(path)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for position in range(4, len(whole), 499):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with contextlib.suppress(LoadError):
            loaded = load(path)
            if position < footer:  # the values have checksums, the description has none
                pd.testing.assert_frame_equal(loaded.table, awkward())


def test_foreign_parquet_loads_if_it_has_the_columns_and_is_refused_otherwise(tmp_path):
    path = tmp_path / "run.parquet"
    frame = table_of([{"payload": b"x"}])
    plain = frame.assign(payload=frame.payload.astype(object), value=1.5)
    plain.astype({c.name: object for c in SCHEMA if c.dtype == "category"}).to_parquet(path)
    loaded = load(path)
    pd.testing.assert_frame_equal(loaded.table, frame)
    assert "not written by gdlab" in loaded.notes[0]
    assert "value" in loaded.notes[1]
    for bad, said in (
        (plain.drop(columns="peer"), "no column 'peer'"),
        (plain.assign(peer=3), "'peer' does not hold text"),
        (plain.assign(peer=None), "'peer' has missing"),
        (plain.assign(size_bytes="x"), "'size_bytes' is"),
    ):
        pq.write_table(pa.Table.from_pandas(bad), path)
        with pytest.raises(LoadError, match=said):
            load(path)


@pytest.mark.slow
def test_without_pyarrow_the_message_says_what_to_install(tmp_path):
    path = write_parquet(awkward(), tmp_path / "run.parquet")
    program = (
        "from gdlab.errors import MissingDependency; from gdlab.files import Spill, load, write_parquet\n"
        "from gdlab.store import table\n"
        "asks = (load, sys.argv[1]), (write_parquet, table.empty(), 'x.parquet'), (Spill, 'x')\n"
        "for ask, *arguments in asks:\n"
        "    try: ask(*arguments)\n"
        "    except MissingDependency as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", NO_PYARROW + program, path],
        capture_output=True,
        text=True,
        check=True,
        timeout=limit(60),
    )
    assert done.stdout.count("pip install 'gdlab[arrow]'") == 3


def changed(tmp_path, change):
    """A file of a sample whose Arrow table was changed."""
    path = gd.sample("three-players").to_parquet(tmp_path / "sample.parquet")
    pq.write_table(change(pq.read_table(path)), path)
    return path


@pytest.mark.slow
def test_twenty_million_rows_in_a_few_bytes_are_refused_by_the_footer(tmp_path):
    path = changed(tmp_path, lambda table: table.slice(0, 1))
    schema = pq.read_schema(path)
    # Of few columns and values that are missing, which are quickly written: it is refused before any is looked at.
    schema = pa.schema([schema.field("time"), schema.field("payload")], schema.metadata)
    many = pa.table([pa.nulls(2_000_000, each.type) for each in schema], schema=schema)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(many)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(LoadError, match="20000000 rows"):
        gd.load(path)


def test_two_columns_of_one_name_are_refused_with_the_name(tmp_path):
    path = changed(tmp_path, lambda table: table.append_column("payload", table["payload"]))
    with pytest.raises(LoadError, match="more than one column payload"):
        gd.load(path)


def test_a_name_that_is_no_text_is_refused(tmp_path):
    path = gd.sample("three-players").to_parquet(tmp_path / "sample.parquet")
    path.write_bytes(path.read_bytes().replace(b"endpoint", b"endp\xff\xfent"))
    with pytest.raises(LoadError, match="damaged"):
        gd.load(path)


def used(recording, folder):
    """What a user does with a recording, whatever it holds."""
    recording.findings()
    recording.sequence()
    recording.jitter()
    recording.decoded()
    assert len(recording.rates())
    assert repr(recording)
    assert recording._repr_html_()
    assert len(gd.load(recording.to_csv(folder / "again.csv")).df) == len(recording.df)


def test_payloads_that_are_all_missing_stop_nothing(tmp_path):
    def without(table):
        kind = table.schema.field("payload").type
        return table.set_column(table.column_names.index("payload"), "payload", pa.nulls(len(table), kind))

    recording = gd.load(changed(tmp_path, without))
    assert recording.df.payload.isna().all()
    used(recording, tmp_path)


def test_times_centuries_apart_stop_nothing(tmp_path):
    def apart(table):
        times = table["time"].to_numpy().astype("int64").copy()
        times[0], times[-1] = -(2**63) + 10, 2**63 - 10
        column = pa.array(times).cast(pa.timestamp("ns", "UTC"))
        return table.set_column(table.column_names.index("time"), "time", column)

    used(gd.load(changed(tmp_path, apart)), tmp_path)
