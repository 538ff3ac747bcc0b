"""Several files at once, and what in a table contradicts itself."""

import os

import numpy as np
import pandas as pd
import pytest

from gdlab.errors import LoadError
from gdlab.files import write_csv, write_parquet, write_pcapng
from gdlab.files.sources import load_all, paths
from tests.files.tables import table_of

NS = 1_700_000_000_000_000_000


def part(first, rows=3, peer="10.0.0.1:5"):
    return table_of(
        [
            {"time": NS + first + number * 10, "payload": b"%d" % (first + number), "peer": peer}
            for number in range(rows)
        ]
    )


@pytest.fixture
def folder(tmp_path):
    write_csv(
        part(5, peer="10.0.0.2:6"),
        tmp_path / "b.csv",
        provenance={"endpoints": ["udp://b"], "statistics": {"received": 3}},
    )
    write_parquet(
        part(0), tmp_path / "a.parquet", provenance={"endpoints": ["udp://a"], "statistics": {"received": 4}}
    )
    (tmp_path / "deep" / "server=one").mkdir(parents=True)
    write_pcapng(part(100), tmp_path / "deep" / "server=one" / "c.pcapng")
    (tmp_path / "_not.csv").write_text("no")
    (tmp_path / ".hidden").write_text("no")
    return tmp_path


def test_a_folder_a_pattern_and_a_list_give_all_rows_in_order_of_time(folder):
    whole = load_all(folder)
    assert [bytes(each) for each in whole.table.payload] == [
        b"0",
        b"5",
        b"1",
        b"6",
        b"2",
        b"7",
        b"100",
        b"101",
        b"102",
    ]
    pd.testing.assert_frame_equal(load_all(f"{folder}/**/*").table, whole.table)
    pd.testing.assert_frame_equal(load_all(list(paths(folder))).table, whole.table)
    assert len(load_all(f"{folder}/*.csv").table) == 3
    assert len(load_all([folder / "b.csv", folder / "b.csv"]).table) == 3


def test_what_is_known_of_several_files_is_told_of_each_and_of_all(folder):
    about = load_all([folder / "a.parquet", folder / "b.csv"]).provenance
    assert about["provenance"]["endpoints"] == ["udp://a", "udp://b"]
    assert about["provenance"]["statistics"] == {"received": 7}
    assert len(about["provenance"]["captures"]) == 2
    assert set(about["files"]) == {str(folder / "a.parquet"), str(folder / "b.csv")}


def test_a_broken_file_among_others_is_named_and_missing(folder):
    (folder / "broken.csv").write_bytes((folder / "b.csv").read_bytes()[:-5])
    found = load_all(folder)
    assert len(found.table) == 9
    assert any("broken.csv is missing here" in note for note in found.notes)


def test_nothing_to_load_is_said(tmp_path):
    for source in (tmp_path, f"{tmp_path}/*.csv", []):
        with pytest.raises(LoadError):
            load_all(source)
    (tmp_path / "x").write_text("no")
    (tmp_path / "y").write_text("no")
    with pytest.raises(LoadError, match="none of 2"):
        load_all(tmp_path)


def test_a_name_with_the_signs_of_a_pattern_is_a_name(tmp_path):
    write_csv(part(0), tmp_path / "run[1].csv")
    assert len(load_all(tmp_path / "run[1].csv").table) == 3


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_folder_that_holds_itself_has_an_end(folder):
    (folder / "again").symlink_to(folder)
    assert len(load_all(folder).table) == 9


def test_rows_that_run_backwards_are_put_in_order_and_said(tmp_path):
    table = part(0, 5).iloc[::-1].reset_index(drop=True)
    found = load_all(write_csv(table, tmp_path / "back.csv"))
    assert [bytes(each) for each in found.table.payload] == [b"0", b"1", b"2", b"3", b"4"]
    assert "time runs backwards at 4 rows" in found.notes[0]


def test_sizes_that_do_not_fit_are_said(tmp_path):
    table = part(0).assign(size_bytes=np.array([1, 2, 3]))
    assert (
        "2 rows state a size that their payloads do not have"
        in load_all(write_csv(table, tmp_path / "sizes.csv")).notes[0]
    )
