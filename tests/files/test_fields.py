"""Decoded fields in files: typed columns that every tool reads with the same values."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.codecs import decode
from gdlab.files import TableError, write_fields_csv
from tests.codecs.tables import table_of
from tests.waiting import limit

MESSAGES = [
    {"seq": 1, "pos": {"x": 0.5, "y": -1.25}, "name": "=cmd()", "up": True, "mix": 1},
    {"seq": 2**40, "pos": {"x": 1e-3, "y": 2.0}, "name": '名, "q"', "up": False, "mix": "two"},
    {"seq": 3, "pos": {"x": 7.0, "y": 0.1}, "name": "line\nbreak", "up": True, "mix": [1, {"a": None}]},
]


@pytest.fixture
def table():
    """Three messages and something that is none of them."""
    payloads = [*(json.dumps(message).encode() for message in MESSAGES), b"{broken"]
    made = table_of(*payloads).assign(
        time=pd.to_datetime([10, 1_500_000_010, 250_000_000_010, 300_000_000_010], utc=True),
        endpoint="udp://127.0.0.1:4242",
        peer=["127.0.0.1:5", "127.0.0.1:5", "127.0.0.1:6", "127.0.0.1:6"],
        direction="in",
        kind="text",
    )
    return decode(made, "json")


def expected(frame):
    return frame[["t_s", "v.seq", "v.pos.x", "v.up"]].to_dict("list")


def same(found):
    assert found["t_s"] == pytest.approx([0.0, 1.5, 250.0, 300.0])
    assert found["v.seq"][:3] == [1, 2**40, 3]
    assert found["v.pos.x"][:3] == [0.5, 1e-3, 7.0]
    assert [bool(each) for each in found["v.up"][:3]] == [True, False, True]


def test_pandas_reads_the_same_values(table, tmp_path):
    path = table.gdlab.to_csv(tmp_path / "run.csv", decoded=True)
    frame = pd.read_csv(path, parse_dates=["time"], dtype_backend="numpy_nullable")
    same(expected(frame))
    assert str(frame["time"].dt.tz) == "UTC"
    assert frame["time"].iloc[1] == pd.Timestamp(1_500_000_010, tz="UTC")
    assert frame["v.name"].tolist()[:3] == ["'=cmd()", '名, "q"', "line\nbreak"]  # guarded
    assert frame["v.mix"].tolist()[:2] == ["1", "two"]
    assert frame["decode_error"].notna().tolist() == [False, False, False, True]
    assert "payload" not in frame.columns


def test_a_table_that_is_decoded_is_written_so_unasked(table, tmp_path):
    asked = table.gdlab.to_csv(tmp_path / "asked.csv", decoded=True)
    unasked = table.gdlab.to_csv(tmp_path / "unasked.csv", sep=",")
    assert unasked.read_text() == asked.read_text()
    pq = pytest.importorskip("pyarrow.parquet")
    names = pq.read_schema(table.gdlab.to_parquet(tmp_path / "run.parquet")).names
    assert "v.seq" in names
    assert "payload" not in names


def test_parquet_has_the_types(table, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    path = table.gdlab.to_parquet(tmp_path / "run.parquet", decoded=True)
    data = pq.read_table(path)
    types = {field.name: str(field.type) for field in data.schema}
    assert (types["t_s"], types["v.seq"], types["v.pos.x"], types["v.up"]) == (
        "double",
        "int64",
        "double",
        "bool",
    )
    assert types["time"].startswith("timestamp[ns, tz=UTC")
    same({name: data[name].to_pylist() for name in ("t_s", "v.seq", "v.pos.x", "v.up")})


@pytest.mark.parametrize("module", ["polars", "duckdb"])
def test_other_tools_read_the_same_values(table, tmp_path, module):
    tool = pytest.importorskip(module)
    path = table.gdlab.to_csv(tmp_path / "run.csv", decoded=True)
    if module == "polars":
        same(tool.read_csv(path).to_dict(as_series=False))
    else:
        same(tool.sql(f"select * from read_csv('{path}')").df().to_dict("list"))


def test_arrow_reads_the_same_values(table, tmp_path):
    csv = pytest.importorskip("pyarrow.csv")
    path = table.gdlab.to_csv(tmp_path / "run.csv", decoded=True)
    data = csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True))
    same({name: data[name].to_pylist() for name in ("t_s", "v.seq", "v.pos.x", "v.up")})


@pytest.mark.parametrize("module", ["pandas", "polars", "duckdb"])
def test_other_tools_read_the_same_values_from_parquet(table, tmp_path, module):
    pytest.importorskip("pyarrow")
    tool = pytest.importorskip(module)
    path = table.gdlab.to_parquet(tmp_path / "run.parquet", decoded=True)
    if module == "pandas":
        same(expected(tool.read_parquet(path)))
    elif module == "polars":
        same(tool.read_parquet(path).to_dict(as_series=False))
    else:
        same(tool.sql(f"select * from read_parquet('{path}')").df().to_dict("list"))


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize(
    ("options", "asked"),
    [({}, "CSV:44,34,76,1"), ({"sep": ";", "decimal": ",", "excel": True}, "CSV:59,34,76,1,,1031")],
    ids=["English", "German"],
)
def test_libreoffice_reads_the_same_values(table, tmp_path, options, asked):
    """Numbers are cells with numbers in a workbook that Excel opens as well; 1031 is the number of German settings."""
    openpyxl = pytest.importorskip("openpyxl")
    path = table.gdlab.to_csv(tmp_path / "run.csv", decoded=True, **options)
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    subprocess.run(
        ["soffice", home, "--headless", f"--infilter={asked}", "--convert-to", "xlsx", path.name],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=limit(120),
    )
    rows = [
        [cell.value for cell in row]
        for row in openpyxl.load_workbook(tmp_path / "run.xlsx").active.iter_rows()
    ]
    found = {name: list(values) for name, *values in zip(*rows, strict=True)}
    if options:  # in German flags have other names, and so are text
        found["v.up"] = [{"true": True, "false": False, None: None}[each] for each in found["v.up"]]
    same(found)
    assert {type(each) for each in found["v.seq"][:3]} == {int}
    assert {type(each) for each in found["v.up"][:3]} == {bool}
    assert found["v.name"][1:3] == ['名, "q"', "line\nbreak"]
    assert found["v.name"][0].lstrip("'") == "=cmd()"  # no formula


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_reads_the_same_values(table, tmp_path):
    path = table.gdlab.to_csv(tmp_path / "run.csv", decoded=True)
    code = """
        fields <- read.csv(commandArgs(TRUE)[1], check.names=FALSE, na.strings="")
        fields[["v.up"]] <- as.logical(fields[["v.up"]])
        for (name in c("t_s", "v.seq", "v.pos.x", "v.up"))
            cat(class(fields[[name]]), sprintf("%.17g", as.numeric(fields[[name]])), "\\n")
    """
    told = subprocess.run(
        ["Rscript", "-e", code, str(path)], capture_output=True, text=True, timeout=limit(60), check=True
    ).stdout
    columns = [line.split() for line in told.splitlines()]
    assert [kind for kind, *_ in columns] == ["numeric", "numeric", "numeric", "logical"]
    t_s, seq, x, up = ([float(each) for each in values if each != "NA"] for _, *values in columns)
    same({"t_s": t_s, "v.seq": seq, "v.pos.x": x, "v.up": up})


def test_a_spreadsheet_of_another_setting_gets_its_separators(table, tmp_path):
    path = table.gdlab.to_csv(tmp_path / "run.csv", decoded=True, sep=";", decimal=",", excel=True)
    text = path.read_bytes()
    assert text.startswith(b"\xef\xbb\xbft_s;time;")
    frame = pd.read_csv(path, sep=";", decimal=",", dtype_backend="numpy_nullable")
    same(expected(frame))


@pytest.mark.slow
def test_a_workbook_is_refused_with_the_call_that_makes_one(table, tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="is no name for a CSV file") as refused:
        table.gdlab.to_csv("run.xlsx", decoded=True)
    table.gdlab.to_csv("run.csv", decoded=True)
    call = str(refused.value).rpartition(": ")[2]
    eval(call, {"pandas": pd})
    same(expected(pd.read_excel("run.xlsx")))


def test_the_sidecar_says_what_is_in_the_file(table, tmp_path):
    table.gdlab.to_csv(tmp_path / "run.csv", decoded=True)
    about = json.loads((tmp_path / "run.gdlab.json").read_text(encoding="utf-8"))
    assert about["rows"] == 4
    assert about["columns"]["v.seq"] == "Int64"


def test_a_capture_writes_its_fields_and_refuses_what_would_be_damaged(tmp_path):
    run = gd.sample("tcp-json")
    path = run.to_csv(tmp_path / "run.csv", decoded=True)
    assert len(pd.read_csv(path)) == run.decoded().codec.notna().sum()
    with pytest.raises(ValueError, match="no name for a CSV file"):
        run.to_csv(tmp_path / "run.xlsx")
    with pytest.raises(ValueError, match="to_parquet writes Parquet"):
        run.to_csv(tmp_path / "run.parquet", decoded=True)
    with pytest.raises(ValueError, match="go with decoded=True"):
        run.to_csv(tmp_path / "run.csv", sep=";")
    with pytest.raises(ValueError, match="could not be told from numbers"):
        run.to_csv(tmp_path / "x.csv", decoded=True, decimal=",")
    with pytest.raises(TableError, match="not decoded"):
        write_fields_csv(run.df, tmp_path / "x.csv")


def test_an_empty_capture_has_a_header(tmp_path):
    with gd.listen("udp://127.0.0.1:0", restart=True) as cap:
        path = cap.to_csv(tmp_path / "none.csv", decoded=True)
    assert path.read_text(encoding="utf-8").startswith("t_s,time,endpoint,peer")
    assert np.array_equal(pd.read_csv(path).index, pd.RangeIndex(0))
