"""What other programs make of captures and of their files: each form read by each program, row by row as it is."""

from __future__ import annotations

import warnings

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pytest

import gdlab as gd
from gdlab.files import Spill
from gdlab.store import Store

ROWS = 40
NS = 1_764_000_000_000_000_000


def store():
    found = Store("udp://127.0.0.1:4242")
    for number in range(ROWS):
        found.append(NS + number * 10**6, found.peer_code(f"10.0.0.{number % 3}:1"), b"%d" % number)
    return found


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """A recording in every form that a capture has."""
    folder = tmp_path_factory.mktemp("forms")
    parts = Spill(folder / "running", interval_s=3600, parts_s=3600)
    source = store()
    parts.add(source)
    parts.flush()
    # Two periods are over while the capture runs on.
    for _ in range(2):
        parts._parts._next = 0.0
        parts.flush()
    recording = gd.load(folder / "running")
    assert len(recording) == ROWS
    many = folder / "many"
    many.mkdir()
    for number in range(4):
        recording.df.iloc[number * 10 : number * 10 + 10].gdlab.to_parquet(many / f"{number}.parquet")
    yield {
        "recording": recording,
        "table": recording.df,
        "csv": recording.to_csv(folder / "run.csv"),
        "parquet": recording.to_parquet(folder / "run.parquet"),
        "folder": many,
        "running": folder / "running",
    }
    parts.close()


def read(engine, form, what):
    """Sizes and payloads in order of time, as the program has them."""
    if engine == "pandas":
        if form == "csv":
            # As text: a payload such as 007 is no number.
            table = pd.read_csv(what, dtype={"payload": str})
        else:
            table = what.df if form == "recording" else what if form == "table" else pd.read_parquet(what)
        return list(table.sort_values("time")[["size_bytes", "payload"]].itertuples(index=False, name=None))
    if engine == "pyarrow":
        if form == "csv":
            options = pyarrow.csv.ConvertOptions(column_types={"payload": pa.string()})
            table = pyarrow.csv.read_csv(what, convert_options=options)
        elif form in ("recording", "table"):
            table = pa.table(what) if form == "recording" else pa.Table.from_pandas(what)
        else:
            table = pyarrow.dataset.dataset(what, format="parquet").to_table()
        rows = table.sort_by("time").select(["size_bytes", "payload"]).to_pylist()
        return [(row["size_bytes"], row["payload"]) for row in rows]
    if engine == "polars":
        polars = pytest.importorskip("polars")
        if form == "csv":
            table = polars.read_csv(what, schema_overrides={"payload": polars.String})
        elif form in ("recording", "table"):
            table = polars.DataFrame(what) if form == "recording" else polars.from_pandas(what)
        else:
            # Of a folder polars takes each file, also those that are passed over elsewhere.
            table = polars.scan_parquet(f"{what}/**/*.parquet" if what.is_dir() else what).collect()
        return table.sort("time").select("size_bytes", "payload").rows()
    if engine == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        with duckdb.connect() as connection:
            if form in ("recording", "table"):
                source = "what"
                assert what is not None
            elif form == "csv":
                source = f"read_csv('{what}', types={{'payload': 'varchar'}})"
            else:
                source = (
                    f"read_parquet('{what}/**/*.parquet')" if what.is_dir() else f"read_parquet('{what}')"
                )
            return connection.execute(f"select size_bytes, payload from {source} order by time").fetchall()
    dask = pytest.importorskip("dask")
    frames = pytest.importorskip("dask.dataframe")
    with dask.config.set(scheduler="synchronous"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's own, about pandas
        if form == "csv":
            table = frames.read_csv(str(what), dtype={"payload": str}).compute()
        elif form in ("recording", "table"):
            table = frames.from_pandas(what.df if form == "recording" else what, npartitions=3).compute()
        else:
            table = frames.read_parquet(str(what)).compute()
    return list(table.sort_values("time")[["size_bytes", "payload"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("form", ["recording", "table", "csv", "parquet", "folder", "running"])
@pytest.mark.parametrize("engine", ["pandas", "pyarrow", "polars", "duckdb", "dask"])
def test_every_program_reads_every_form(forms, engine, form):
    rows = read(engine, form, forms[form])
    payloads = [each.encode() if isinstance(each, str) else bytes(each) for _, each in rows]
    assert payloads == [b"%d" % number for number in range(ROWS)]
    assert [size for size, _ in rows] == [len(payload) for payload in payloads]


@pytest.mark.parametrize("engine", ["pyarrow", "polars", "duckdb"])
def test_programs_take_a_running_capture_by_its_arrow_stream(engine):
    import socket

    from tests.waiting import limit

    with gd.listen("udp://127.0.0.1:0") as cap, socket.socket(type=socket.SOCK_DGRAM) as sender:
        for number in range(ROWS):
            sender.sendto(b"%d" % number, ("127.0.0.1", cap.port))
        cap.wait_sync(ROWS, timeout=limit(5))
        rows = read(engine, "recording", cap)
    assert [bytes(payload) for _, payload in rows] == [b"%d" % number for number in range(ROWS)]
