"""CSV: every table comes back equal, other programs read the same, and what is damaged is said."""

import contextlib
import csv
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gdlab.errors import LoadError
from gdlab.facts import Fact, Reason
from gdlab.files import TableError, csvarrow, csvlines, load, write_csv
from gdlab.files.cells import FORMULA_STARTS
from gdlab.files.csvwrite import HEADER
from gdlab.files.sidecar import path_for
from gdlab.messages import SCHEMA
from gdlab.store import Store, table
from tests.files.tables import ANY_TEXT, AWKWARD, NO_PYARROW, TABLES, table_of
from tests.same import assert_same
from tests.waiting import limit


def awkward():
    return table_of(
        [{"payload": payload, "detail": payload[:50].decode("latin-1")} for payload in AWKWARD]
        + [{"time": 2**63 - 1, "size_bytes": 2**63 - 1, "wire_bytes": -(2**63)}, {"time": -(2**63) + 1}]
        + [{"payload": None, "peer": "=cmd|' /C calc'!A0", "endpoint": "@x", "detail": "\ud800'"}]
    )


def read_plainly(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def taken_for_a_number(payload, size):
    return isinstance(payload, bytes) and payload.hex().isdecimal() and len(payload) < size


@pytest.mark.slow
@settings(max_examples=60)
@given(TABLES, st.booleans())
def test_any_table_comes_back_equal(tmp_path_factory, table, raw):
    # Digits that are shorter than the size tells are what a spreadsheet makes of a payload; no capture of
    # ours contradicts itself so.
    rows = zip(table.payload, table.size_bytes, strict=True)
    assume(not any(taken_for_a_number(payload, size) for payload, size in rows))
    path = tmp_path_factory.mktemp("csv") / "run.csv"
    write_csv(table, path, raw=raw)
    loaded = load(path)
    assert_same(loaded.table, table)
    assert loaded.notes == ()


@pytest.mark.parametrize("raw", [False, True])
def test_awkward_values_come_back_equal(tmp_path, raw):
    path = write_csv(awkward(), tmp_path / "run.csv", raw=raw)
    pd.testing.assert_frame_equal(load(path).table, awkward())


@pytest.mark.slow
def test_a_table_of_several_batches_comes_back_equal(tmp_path):
    store = Store("udp://127.0.0.1:4242")
    for number in range(7000):
        store.append(
            10**18 + number,
            store.peer_code(f"p{number % 3}"),
            b"%d" % number,
            fact=None if number % 7 else Fact(Reason.SYSTEM_ERROR, said="=x"),
        )
    built = table.build([store.snapshot()]).iloc[np.arange(70_000) // 10].reset_index(drop=True)
    told = []
    path = write_csv(built, tmp_path / "run.csv", progress=lambda done, total: told.append((done, total)))
    assert_same(load(path).table, built)
    assert told == [(65_536, 70_000), (70_000, 70_000)]


def test_an_empty_table_comes_back_with_its_dtypes(tmp_path):
    path = write_csv(table.empty(), tmp_path / "run.csv")
    loaded = load(path)
    pd.testing.assert_frame_equal(loaded.table, table.empty())
    assert [(name, dtype.name) for name, dtype in loaded.table.dtypes.items()] == [
        (c.name, c.dtype) for c in SCHEMA
    ]


def test_the_first_line_has_the_columns_of_the_schema_and_how_the_payload_stands(tmp_path):
    path = write_csv(table_of([{"payload": b"hi, you"}]), tmp_path / "run.csv")
    assert path.read_bytes() == (
        b"time,time_source,endpoint,peer,direction,event,kind,framing,size_bytes,wire_bytes,payload_as,payload,"
        b"reason,by,code,count,detail\n"
        b"2023-11-14T22:13:20.123456789Z,user,udp://127.0.0.1:4242,127.0.0.1:50000,in,message,text,,7,35,text,"
        b'"hi, you",,,,,\n'
    )
    assert tuple(path.read_text().splitlines()[0].split(",")) == HEADER
    assert [name for name in HEADER if name != "payload_as"] == [column.name for column in SCHEMA]


def test_the_readers_of_python_pandas_and_arrow_agree_and_change_nothing(tmp_path):
    import pyarrow as pa
    import pyarrow.csv

    wanted = awkward()
    wanted = wanted[
        wanted.size_bytes != 76_800
    ]  # Python's csv takes cells to 131,072 characters, unless told
    path = write_csv(wanted, tmp_path / "run.csv")
    rows = read_plainly(path)
    with path.open(encoding="utf-8") as file:  # universal newlines, as most people open files
        assert list(csv.reader(file)) == rows
    by_pandas = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert [list(by_pandas.columns), *by_pandas.to_numpy(object).tolist()] == rows
    by_arrow = pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(HEADER, pa.string())),
    )
    assert [list(row.values()) for row in by_arrow.to_pylist()] == rows[1:]


@pytest.mark.slow
@given(ANY_TEXT)
@example("=1+1")
@example("\uff1d1+1")
@example("\ud800=1+1")
def test_no_cell_begins_a_formula_unless_asked(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("csv")
    address = text.encode(
        errors="replace"
    ).decode()  # the system's addresses are Unicode, whatever peers send
    row = table_of(
        [
            {
                "payload": text.encode(errors="surrogatepass"),
                "detail": text,
                "peer": address,
                "endpoint": address,
            }
        ]
    )
    _, cells = read_plainly(write_csv(row, folder / "run.csv"))
    for cell in cells:
        assert not cell.startswith(tuple(set(FORMULA_STARTS) - {"'"}))
    assert json.loads((folder / "run.gdlab.json").read_text())["guard"] is True


def test_raw_leaves_formulas_alone_and_says_so(tmp_path):
    path = write_csv(table_of([{"payload": b"=1+1"}]), tmp_path / "run.csv", raw=True)
    assert read_plainly(path)[1][HEADER.index("payload")] == "=1+1"
    assert json.loads(path_for(path).read_text())["guard"] is False


@pytest.mark.parametrize("raw", [False, True])
def test_without_the_sidecar_values_come_back_and_the_note_says_what_is_not_known(tmp_path, raw):
    path = write_csv(awkward(), tmp_path / "run.csv", raw=raw)
    path_for(path).unlink()
    loaded = load(path)
    expected = awkward()
    for name in ("endpoint", "peer"):  # order of first appearance, which is that of `awkward`
        assert list(loaded.table[name].cat.categories) == list(expected[name].cat.categories)
    pd.testing.assert_frame_equal(loaded.table, expected)
    assert loaded.provenance == {}
    assert "no sidecar run.gdlab.json" in loaded.notes[0]
    assert ("raw=True" if raw else "guarded") in loaded.notes[1]


def test_the_sidecar_tells_what_the_file_is(tmp_path):
    path = write_csv(
        awkward(),
        tmp_path / "run1.csv",
        provenance={"limit": "512 MiB", "received": np.int64(7), "odd": {1, 2}},
    )
    document = json.loads((tmp_path / "run1.gdlab.json").read_text())
    assert document["format"] == "gdlab-table"
    assert document["rows"] == len(awkward())
    assert document["bytes"] == path.stat().st_size
    assert document["schema"] == [
        {"name": c.name, "dtype": c.dtype, "unit": c.unit, "meaning": c.meaning} for c in SCHEMA
    ]
    assert {"python", "pandas", "numpy", "platform"} <= set(document["software"])
    assert document["provenance"] == {"limit": "512 MiB", "received": 7, "odd": ["1", "2"]}
    assert "UTC" in document["clock"]
    assert load(path).provenance == document


def changed(path, **changes):
    beside = path_for(path)
    beside.write_text(json.dumps(json.loads(beside.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": 99}, "its description states 99"),
        ({"version": 7}, "version 7"),
        ({"bytes": 1}, "was changed after it was written"),
        ({"format": "other"}, "not one of gdlab"),
        ({"file_format": "parquet"}, "another format"),
        ({"categories": {"peer": ["x"], "endpoint": 3}}, "do not fit"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_said(tmp_path, changes, said):
    path = write_csv(awkward(), tmp_path / "run.csv")
    changed(path, **changes)
    loaded = load(path)
    assert any(said in note for note in loaded.notes), loaded.notes
    pd.testing.assert_frame_equal(loaded.table, awkward())


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"[]", b"\xff\xfe", b'"text"', b"{}"])
def test_a_damaged_sidecar_is_said_and_not_used(tmp_path, content):
    path = write_csv(awkward(), tmp_path / "run.csv")
    path_for(path).write_bytes(content)
    loaded = load(path)
    assert any("not used" in note for note in loaded.notes)
    pd.testing.assert_frame_equal(loaded.table, awkward())


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_that_an_editor_saved_with_a_mark_or_other_line_ends_loads(tmp_path, ending):
    wanted = table_of([{"payload": b"a"}, {"payload": b"\0"}])
    path = write_csv(wanted, tmp_path / "run.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", ending.encode()))
    loaded = load(path)
    pd.testing.assert_frame_equal(loaded.table, wanted)
    assert any("changed after it was written" in note for note in loaded.notes)


@pytest.mark.slow
def test_a_file_cut_anywhere_never_loads_as_if_it_were_whole(tmp_path):
    wanted = table_of(
        [{"payload": b'text "quoted"\nand on', "detail": "d"}, {"payload": b"\0\1"}, {"payload": b"end"}]
    )
    path = write_csv(wanted, tmp_path / "run.csv")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with contextlib.suppress(LoadError):
            loaded = load(path)
            assert any("bytes" in note for note in loaded.notes)
            assert any("rows" in note for note in loaded.notes)
            assert len(loaded.table) < len(wanted)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2023-11-14T", "14.11.2023 ", "not a time"),
        ("2023-11-14T", "2023-11-31T", "not a time"),
        ("2023-11-14T22", "9999-11-14T22", "not a time"),
        (",text,hello", ",blob,hello", "row 1: payload_as is 'blob'"),
        (",hex,00ff", ",hex,0g", "row 2"),
        (",33,", ",3e1,", "row 1: not a whole number"),
        (",33,", ",9999999999999999999999,", "row 1"),
        (",33,", ",", "damaged"),
        (",33,", ",33,33,", "damaged"),
        ("hello", "h\xe9llo", "damaged"),
    ],
)
def test_a_changed_file_is_refused_with_the_reason(tmp_path, old, new, said):
    path = write_csv(table_of([{"payload": b"hello"}, {"payload": b"\x00\xff"}]), tmp_path / "run.csv")
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode("latin-1")))
    with pytest.raises(LoadError, match="damaged") as caught:
        load(path)
    assert said in str(caught.value)
    assert "Expected" in str(caught.value)


@pytest.mark.slow
@given(st.binary(max_size=300), st.booleans())
def test_garbage_is_refused_or_loads_but_never_fails_otherwise(tmp_path_factory, garbage, with_header):
    path = tmp_path_factory.mktemp("csv") / "run.csv"
    path.write_bytes((",".join(HEADER) + "\n").encode() * with_header + garbage)
    with contextlib.suppress(LoadError):
        load(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "pandas.read_csv"),
        (b'{"format": "gdlab-table"}', "sidecar"),
        (b"PK\x03\x04", "zip"),
        (b"\x1f\x8b\x08", "cut short"),
        (b"\x89PNG\r\n", "not a file that gdlab knows"),
    ],
)
def test_foreign_files_are_refused_with_what_to_do(tmp_path, content, said):
    path = tmp_path / "thing.csv"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=str(path)) as caught:
        load(path)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_said_with_the_folder_looked_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LoadError, match=str(tmp_path)):
        load("no.csv")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda t: t.drop(columns="peer"), "missing here: peer"),
        (lambda t: t.assign(value=1), "too many: value"),
        (lambda t: t.assign(size_bytes=[0.5]), "size_bytes"),
        (lambda t: t.assign(size_bytes=np.array([2**63], np.uint64)), "2\\*\\*63"),
        (lambda t: t.assign(payload=["text"]), "bytes, not str"),
        (lambda t: t.assign(detail=[3]), "expected text"),
        (lambda t: t.assign(time=[pd.NaT]), "missing"),
        (lambda t: t.assign(time=pd.to_datetime(["2024-01-01"])), "time"),
        (lambda t: t.assign(peer=pd.Categorical([None])), "peer.*missing"),
        (lambda t: t.assign(peer=pd.Categorical([3])), "text"),
    ],
)
def test_a_table_that_is_not_a_captures_is_refused(tmp_path, make, said):
    with pytest.raises(TableError, match=said):
        write_csv(make(table_of([{}])), tmp_path / "run.csv")
    assert list(tmp_path.iterdir()) == []


def test_filtered_and_concatenated_tables_can_be_written(tmp_path):
    one, two = table_of([{"peer": "a"}, {"peer": "b"}]), table_of([{"peer": "c", "payload": b"\0"}])
    both = pd.concat([one[one.peer == "b"], two])  # pandas makes objects of categories that differ
    loaded = load(write_csv(both, tmp_path / "run.csv")).table
    assert list(loaded.peer) == ["b", "c"]
    assert list(loaded.payload) == [b"", b"\0"]
    assert [dtype.name for dtype in loaded.dtypes] == [column.dtype for column in SCHEMA]


# ---- what happens to files


def test_an_interrupt_leaves_the_file_that_was_there(tmp_path):
    path = write_csv(table_of([{"payload": b"first"}]), tmp_path / "run.csv")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_csv(table_of([{"payload": b"second"}]), path, progress=interrupt)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


# ---- the two ways to write


@pytest.mark.slow
@given(TABLES, st.booleans())
def test_with_and_without_pyarrow_the_bytes_are_the_same(table, guarded):
    if len(table):
        assert bytes(csvarrow.lines(table, guarded)) == csvlines.lines(table, guarded)


def test_awkward_values_and_many_categories_make_the_same_bytes_both_ways():
    many = [{"peer": f"10.0.{n // 250}.{n % 250}:{n}", "endpoint": f"udp://e{n % 99}:1"} for n in range(2000)]
    for wanted in (awkward(), table_of(many), table_of(many[:1])):
        for guarded in (True, False):
            assert bytes(csvarrow.lines(wanted, guarded)) == csvlines.lines(wanted, guarded)


@pytest.mark.slow
def test_a_python_without_pyarrow_writes_and_reads_the_same(tmp_path):
    write_csv(awkward(), tmp_path / "arrow.csv")
    program = (
        "import pandas as pd; from gdlab.files import load, write_csv\n"
        "table = load('arrow.csv').table; write_csv(table, 'plain.csv')\n"
        "pd.testing.assert_frame_equal(load('plain.csv').table, table)\n"
    )
    subprocess.run([sys.executable, "-c", NO_PYARROW + program], cwd=tmp_path, check=True, timeout=limit(60))
    assert (tmp_path / "plain.csv").read_bytes() == (tmp_path / "arrow.csv").read_bytes()
