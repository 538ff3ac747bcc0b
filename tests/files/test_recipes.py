"""The recipes of the guide for other programs, run as they stand there: leading zeros and nanoseconds stay."""

import csv
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from gdlab.files import load, write_csv
from tests.files.tables import table_of
from tests.waiting import limit

NS = 1_700_000_000_123_456_789
PAYLOADS = [
    b"007",
    b"NA",
    b"null",
    b"",
    b"1e5",
    b"=1+1",
    b"\x00\x01",
    '\u4e16\u754c, "q"\nline'.encode(),
    b"-0",
]
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "files.md"


def rows():
    return table_of([{"time": NS + number, "payload": payload} for number, payload in enumerate(PAYLOADS)])


@pytest.fixture(autouse=True)
def run1(tmp_path, monkeypatch):
    """The file of the recipes, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return write_csv(rows(), tmp_path / "run1.csv")


def recipe(name, language):
    """The code that stands behind a name in the guide."""
    text = GUIDE.read_text(encoding="utf-8")
    return re.search(rf"^{name}.*?^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]


def run(code, **names):
    exec(compile(code, GUIDE.name, "exec"), names)
    return names["table"]


def assert_kept(times_ns, sizes, payloads):
    assert list(times_ns) == [NS + number for number in range(len(PAYLOADS))]
    assert list(sizes) == [len(payload) for payload in PAYLOADS]
    assert list(payloads)[:5] == ["007", "NA", "null", "", "1e5"]
    assert list(payloads)[-1] == "-0"


def test_pandas():
    cap = SimpleNamespace(df=rows())
    table = run(recipe("pandas:", "python"), cap=cap)
    assert_kept(table["time"].astype("int64"), table["size_bytes"], table["payload"])


def test_polars():
    pytest.importorskip("polars")
    table = run(recipe("Polars:", "py"))
    assert_kept(table["time"].dt.timestamp("ns"), table["size_bytes"], table["payload"])


def test_duckdb():
    pytest.importorskip("duckdb")
    table = run(recipe("DuckDB", "py"))
    ns, sizes, payloads = zip(*table.project("epoch_ns(time), size_bytes, payload").fetchall(), strict=True)
    assert_kept(ns, sizes, payloads)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r():
    code = "\n".join(line for line in recipe("R, ", "r").splitlines() if "nanotime" not in line)
    code += "\nwriteLines(c(table$time, table$size_bytes, table$payload[c(1:5, 9)]))"
    told = subprocess.run(
        ["Rscript", "-e", code], capture_output=True, text=True, timeout=limit(60), check=True
    )
    lines = told.stdout.splitlines()
    n = len(PAYLOADS)
    times = pd.to_datetime(pd.Series(lines[:n]), format="ISO8601", utc=True)
    assert_kept(times.astype("int64"), map(int, lines[n : 2 * n]), lines[2 * n :])


def test_excel(tmp_path):
    """What Excel's import makes without looking for types: cells of text, in a file whose mark says UTF-8."""
    openpyxl = pytest.importorskip("openpyxl")
    path = write_csv(rows(), tmp_path / "excel.csv", excel=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    book = openpyxl.Workbook()
    with path.open(newline="", encoding="utf-8-sig") as file:
        head, *cells = csv.reader(file)
    book.active.append(head)
    numbers = [head.index("size_bytes"), head.index("wire_bytes")]
    for line in cells:
        for at in numbers:
            line[at] = int(line[at])
        book.active.append(line)
    for row in book.active.iter_rows(min_row=2):
        for cell in row:
            if isinstance(cell.value, str):  # a payload that begins as a formula is text there, too
                cell.data_type = "s"
    book.save(tmp_path / "book.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx").active
    shown = [["" if value is None else value for value in row] for row in sheet.iter_rows(values_only=True)]
    payload, time = head.index("payload"), head.index("time")
    times = pd.to_datetime(pd.Series([row[time] for row in shown[1:]]), format="ISO8601", utc=True)
    assert_kept(
        times.astype("int64"), [row[numbers[0]] for row in shown[1:]], [row[payload] for row in shown[1:]]
    )
    # And back, as Excel writes it in most of Europe.
    again = tmp_path / "again.csv"
    with again.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=";").writerows(shown)
    assert list(load(again).table["payload"]) == PAYLOADS
