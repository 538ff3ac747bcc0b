"""CSV that went through other hands: read as it was, or refused with the line and the reason."""

import csv
import gzip
import io
import itertools
import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from gdlab.errors import LoadError
from gdlab.files import load, write_csv
from gdlab.files.csvwrite import HEADER
from tests.files.tables import AWKWARD, table_of
from tests.files.work import calls
from tests.some import some

NS = 1_700_000_000_123_456_789
HEAD = ",".join(HEADER) + "\n"


def table():
    return table_of(
        [{"time": NS + number * 1000, "payload": payload} for number, payload in enumerate(AWKWARD[:-2])]
        + [{"time": NS + 10**6, "payload": b"\x00\x01\x23"}, {"time": NS + 10**6 + 1, "detail": "=1"}]
    )


def resaved(tmp_path, change, name="again.csv", **form):
    """Our CSV, its cells changed by a function of rows of dicts, written in another form."""
    path = write_csv(table(), tmp_path / "run.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    columns, rows = change(list(HEADER), rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", **form)
    writer.writeheader()
    writer.writerows(rows)
    again = tmp_path / name
    again.write_bytes(out.getvalue().encode("utf-8"))
    return again


def same(columns, rows):
    return columns, rows


def assert_same(path, but=()):
    found = load(path)
    kept = [name for name in table().columns if name not in but]
    pd.testing.assert_frame_equal(found.table[kept].astype(object), table()[kept].astype(object))
    return found.notes


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators(tmp_path, separator):
    notes = assert_same(resaved(tmp_path, same, delimiter=separator))
    assert any("separated by" in note for note in notes)


def test_a_line_that_tells_the_separator(tmp_path):
    path = resaved(tmp_path, same, delimiter=";")
    path.write_bytes(b"sep=;\r\n" + path.read_bytes())
    assert_same(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_encodings(tmp_path, encoding):
    path = resaved(tmp_path, same)
    path.write_bytes(path.read_bytes().decode().encode(encoding))
    assert_same(path)


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_other_quotes(tmp_path, quoting):
    assert_same(resaved(tmp_path, same, quoting=quoting))


def test_columns_that_were_moved_and_added(tmp_path):
    def change(columns, rows):
        for number, row in enumerate(rows):
            row |= {"": number, "comment": "nice"}
        return ["", *reversed(columns), "comment"], rows

    notes = assert_same(resaved(tmp_path, change))
    assert any("left out: (without a name), comment" in note for note in notes)


def test_columns_that_are_missing_are_filled_with_what_can_be_told(tmp_path):
    gone = {"kind", "size_bytes", "wire_bytes", "detail", "event", "direction", "time_source"}
    path = resaved(tmp_path, lambda columns, rows: ([name for name in columns if name not in gone], rows))
    notes = assert_same(path, but=("kind", "detail"))
    assert any("columns are missing" in note for note in notes)
    assert set(load(path).table.kind) == {"text", "binary"}


def test_without_the_columns_that_a_capture_needs_it_is_none(tmp_path):
    path = resaved(tmp_path, lambda columns, rows: ([name for name in columns if name != "payload"], rows))
    with pytest.raises(LoadError, match="not a file that gdlab knows"):
        load(path)


@pytest.mark.parametrize(
    "form",
    [
        lambda time: time.isoformat(sep=" "),
        lambda time: time.tz_convert("Asia/Kolkata").isoformat(),
        lambda time: (
            time.tz_convert("America/New_York").isoformat().replace(":00", "00", 1)
            if False
            else time.isoformat()
        ),
        lambda time: time.isoformat().replace("+00:00", " UTC"),
        lambda time: time.isoformat().replace("+00:00", ""),
        lambda time: time.isoformat().replace(".", ","),
        lambda time: time.tz_convert("-03:30").isoformat().replace("-03:30", "-0330"),
    ],
)
def test_times_in_other_zones_and_forms(tmp_path, form):
    def change(columns, rows):
        for row in rows:
            row["time"] = form(pd.Timestamp(row["time"]))
        return columns, rows

    assert_same(resaved(tmp_path, change))


def test_times_without_a_zone_are_taken_for_utc_and_said(tmp_path):
    def change(columns, rows):
        return columns, [row | {"time": row["time"].rstrip("Z").replace("T", " ")} for row in rows]

    notes = assert_same(resaved(tmp_path, change))
    assert any("without a zone" in note for note in notes)


@pytest.mark.parametrize("form", ["{}.0", "{},0", "{},00", " {}"])
def test_numbers_that_became_fractions(tmp_path, form):
    def change(columns, rows):
        return columns, [row | {"wire_bytes": form.format(row["wire_bytes"])} for row in rows]

    assert_same(resaved(tmp_path, change))


def test_zeros_that_a_spreadsheet_took_off_a_payload_come_back(tmp_path):
    def change(columns, rows):
        for row in rows:
            if row["payload_as"] == "hex" and row["payload"].isdecimal():
                row["payload"] = str(int(row["payload"]))
        return columns, rows

    assert_same(resaved(tmp_path, change))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"time": "14.11.2023 22:13"}, "row 3: not a time"),
        ({"time": "2023-02-30T00:00:00Z"}, "row 3: not a time"),
        ({"wire_bytes": "3,5"}, "row 3: not a whole number"),
        ({"wire_bytes": "1.234.567"}, "row 3: not a whole number"),
        ({"payload_as": "hex", "payload": "1,23E+14"}, "row 3: the payload was taken for a number"),
        ({"payload_as": "hex", "payload": "1.23457E+20"}, "row 3: the payload was taken for a number"),
        (
            {"payload_as": "hex", "payload": "1234567890123456", "size_bytes": "9"},
            "row 3: the payload was taken",
        ),
        ({"payload_as": "TEXT"}, "row 3: payload_as"),
    ],
)
def test_what_cannot_be_known_is_refused_with_the_line_and_the_reason(tmp_path, cells, said):
    def change(columns, rows):
        rows[2] |= cells
        return columns, rows

    with pytest.raises(LoadError, match=said):
        load(resaved(tmp_path, change))


def test_a_file_in_an_old_encoding_is_refused_with_the_place(tmp_path):
    path = resaved(tmp_path, same)
    path.write_bytes(path.read_bytes().replace("grüße, 世界 😀".encode(), "grüße".encode("latin-1")))
    with pytest.raises(LoadError, match="old encoding"):
        load(path)


@pytest.mark.parametrize("ending", [".csv.gz", ".csv.zst", ".csv.lz4"])
def test_names_that_ask_for_it_are_compressed_and_load(tmp_path, ending):
    path = write_csv(table(), tmp_path / f"run{ending}")
    magic = {".csv.gz": b"\x1f\x8b", ".csv.zst": b"\x28\xb5\x2f\xfd", ".csv.lz4": b"\x04\x22\x4d\x18"}
    assert path.read_bytes().startswith(magic[ending])
    found = load(path)
    pd.testing.assert_frame_equal(found.table, table())
    assert found.notes == ()
    if ending == ".csv.gz":
        assert pd.read_csv(path).shape[0] == len(table())


@pytest.mark.parametrize("name", ["run.csv.bz2", "run.zip", "run.csv.xz"])
def test_other_compressions_are_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(ValueError, match="does not write"):
        write_csv(table(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_mark_for_excel_is_passed_over_by_all(tmp_path):
    path = write_csv(table(), tmp_path / "run.csv", excel=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert load(path).notes == ()
    assert list(pd.read_csv(path).columns) == list(HEADER)


def test_plain_negative_numbers_are_no_formulas(tmp_path):
    payloads = [b"-5", b"-12.75", b"-1e5", b"-A1", b"--1", b"-", b"-1+2", b"+5"]
    path = write_csv(table_of([{"payload": payload} for payload in payloads]), tmp_path / "run.csv")
    cells = [row["payload"] for row in csv.DictReader(io.StringIO(path.read_text()))]
    assert cells == ["-5", "-12.75", "'-1e5", "'-A1", "'--1", "'-", "'-1+2", "'+5"]
    assert list(load(path).table.payload) == payloads
    (tmp_path / "run.gdlab.json").unlink()
    assert list(load(path).table.payload) == payloads


# ---- names and neighbours


def test_files_with_like_names_have_sidecars_of_their_own(tmp_path):
    names = ["lab.1", "lab.2", "lab", "lab.csv", "lab.CSV", "lab.csv.gz", "run.2026-11-29", "run.2026-11-30"]
    for number, name in enumerate(names):
        write_csv(table().iloc[: number + 1], tmp_path / name, provenance={"limit": name})
    for number, name in enumerate(names):
        found = load(tmp_path / name)
        assert (len(found.table), found.notes) == (number + 1, ())
        assert found.provenance["provenance"] == {"limit": name}


def test_a_sidecar_of_the_older_naming_is_used_where_it_fits(tmp_path):
    path = write_csv(table(), tmp_path / "lab.1")
    (tmp_path / "_lab.1.gdlab.json").rename(tmp_path / "lab.gdlab.json")
    assert load(path).notes == ()
    other = write_csv(table().iloc[:2], tmp_path / "lab.2")
    (tmp_path / "_lab.2.gdlab.json").unlink()
    assert "no sidecar" in load(other).notes[0]


OTHERS = [5, "x", None, [1], {"a": {}}, True, 1e300, [["a"]], {"statistics": 5}]
FIELDS = [
    "provenance",
    "guard",
    "categories",
    "rows",
    "bytes",
    "software",
    "schema",
    "file_format",
    "version",
]


@pytest.mark.parametrize(("field", "value"), some(itertools.product(FIELDS, OTHERS), every=5, several=True))
def test_a_sidecar_whose_fields_have_other_types_does_no_harm(tmp_path, field, value):
    path = write_csv(
        table(),
        tmp_path / "run.csv",
        provenance={"endpoints": ["udp://x"], "statistics": {"kernel_drops": 1}},
    )
    beside = tmp_path / "run.gdlab.json"
    document = json.loads(beside.read_text())
    beside.write_text(json.dumps(document | {field: value}))
    found = load(path)
    assert len(found.table) == len(table())
    assert isinstance(found.provenance.get("provenance", {}), dict)
    beside.write_text(
        json.dumps(document | {"provenance": {"statistics": {"kernel_drops": value}, "endpoints": value}})
    )
    statistics = load(path).provenance["provenance"].get("statistics", {})
    assert isinstance(statistics.get("kernel_drops", 0), (int, type(None)))


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path):
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(LoadError, match="pipe or a device"):
            load(tmp_path / "pipe.csv")
        with pytest.raises(LoadError, match="pipe or a device"):
            load("/dev/zero")
        path = write_csv(table(), tmp_path / "run.csv")
        (tmp_path / "run.gdlab.json").unlink()
        os.mkfifo(tmp_path / "run.gdlab.json")
        assert "not an ordinary file" in load(path).notes[0]
    with pytest.raises(LoadError, match="folder without"):
        load(tmp_path)
    with pytest.raises(LoadError):
        load("a\0b.csv")
    with pytest.raises(LoadError):
        load("x" * 5000)


@pytest.mark.slow
def test_a_bomb_of_gzip_is_refused_before_memory_is_full(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    zeros = gzip.compress(bytes(10 << 20))
    path.write_bytes(gzip.compress((",".join(HEADER) + "\n").encode()) + 30 * zeros)
    with pytest.raises(LoadError, match="MiB of memory"):
        load(path)


def test_a_compressed_file_that_was_cut_is_refused(tmp_path):
    path = write_csv(table(), tmp_path / "run.csv.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LoadError, match="damaged or cut short"):
        load(path)


def test_a_compressed_capture_is_read(tmp_path):
    from tests.files.packets import ethernet, ip4, pcap, udp

    path = tmp_path / "run.pcap.gz"
    path.write_bytes(gzip.compress(pcap([ethernet(ip4(17, udp(b"hello")))])))
    assert list(load(path).table.payload) == [b"hello"]


@pytest.mark.slow
def test_without_pyarrow_other_forms_are_read_the_same(tmp_path):
    from tests.files.tables import NO_PYARROW

    path = resaved(tmp_path, same, delimiter=";")
    code = NO_PYARROW + f"\nfrom gdlab.files import load\nprint(len(load({str(path)!r}).table))"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout.strip() == str(len(table()))


@pytest.mark.parametrize("before", ["", HEAD, HEAD + HEAD.rstrip()], ids=["alone", "a row", "a longer row"])
def test_a_megabyte_of_commas_is_no_work(tmp_path, before):
    path = tmp_path / "commas.csv"
    path.write_text(before + "," * 1_000_000 + "\n")

    def loaded():
        with pytest.raises(LoadError):
            load(path)

    assert calls(loaded) < 20_000  # one for each would be 1,000,000


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"# saved by hand\n\n" + content,
        lambda content: content + b"\r\n\n",
        lambda content: content + b"," * (len(HEADER) - 1) + b"\n",
        lambda content: content.replace(b"time_source", b" Time_Source ", 1),
    ],
    ids=["comment", "blank lines", "blank row", "heading"],
)
def test_lines_and_headings_that_say_nothing(tmp_path, change):
    path = resaved(tmp_path, same)
    path.write_bytes(change(path.read_bytes()))
    assert_same(path)


def test_any_separator_that_the_file_tells(tmp_path):
    path = resaved(tmp_path, same, delimiter="^")
    path.write_bytes(b"sep=^\n" + path.read_bytes())
    assert_same(path)


def test_known_values_in_other_letters_are_read_and_others_are_named_with_their_row(tmp_path):
    def shout(columns, rows):
        for row in rows:
            row["event"] = row["event"].title()
        return columns, rows

    def misname(columns, rows):
        rows[3]["direction"] = "sideways"
        return columns, rows

    assert_same(resaved(tmp_path, shout))
    with pytest.raises(LoadError, match="row 4: direction is 'sideways', which is not one of in, out"):
        load(resaved(tmp_path, misname, name="wrong.csv"))


def test_columns_that_are_there_twice_or_not_at_all_are_named(tmp_path):
    lines = resaved(tmp_path, same).read_bytes()
    twice = tmp_path / "twice.csv"
    twice.write_bytes(lines.replace(b"framing", b"time", 1))
    with pytest.raises(LoadError, match="more than one time"):
        load(twice)
    twice.write_bytes(lines.replace(b"payload_as", b"form", 1))
    with pytest.raises(LoadError, match="not payload_as"):
        load(twice)


def test_rows_are_counted_as_the_file_has_them(tmp_path):
    path = resaved(tmp_path, same, lineterminator="\n")
    lines = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join([lines[0], b"", lines[1].replace(b"Z,", b"Y,", 1), lines[2]]))
    with pytest.raises(LoadError, match="row 2: not a time"):
        load(path)
