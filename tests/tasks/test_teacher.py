"""A teacher with the captures of 25 students, five of them damaged, each in another way."""

from __future__ import annotations

import csv
import json
import random

import pytest

import gdlab as gd
from tests.traffic import table

STUDENTS = 25
MESSAGES = 80
EVERY_NS = 16_666_667


def messages_of(student):
    """What a student's game sent: numbers of which some are lost, and how many those are."""
    drawn = random.Random(student)
    kept = [n for n in range(MESSAGES) if n in (0, MESSAGES - 1) or drawn.random() > 0.05 * (student % 4)]
    return kept, MESSAGES - len(kept)


def hand_in(folder, student):
    """A student's file, and the truth about it."""
    kept, lost = messages_of(student)
    payloads = [json.dumps({"seq": n, "hp": 100 - n}).encode() for n in kept]
    made = table([n * EVERY_NS for n in kept], payloads, peer=f"127.0.0.1:{5000 + student}")
    path = made.gdlab.to_csv(folder / f"student{student:02}.csv")
    return path, len(kept), lost


def cut(data):
    return data[: len(data) * 2 // 3]


def mangled(data):
    at = data.index(b"hp", len(data) // 2)
    return data[:at] + b"h\xe9" + data[at + 2 :]


def emptied(_data):
    return b""


def as_workbook(data):
    return b"PK\x03\x04\x14\x00\x06\x00" + data[:200]


def as_page(_data):
    return b"<!DOCTYPE html><html><body>Sign in to download your file</body></html>"


#: The five, and what the teacher must be told of each: what is wrong, and what to do.
DAMAGE = {
    3: (cut, "was cut short", "Copy or download the file again"),
    8: (mangled, "is not utf-8", "Take the original file"),
    13: (emptied, "is empty", "write the file again"),
    18: (as_workbook, "zip archive, perhaps a spreadsheet", "export it as CSV from gdlab again"),
    23: (as_page, "is not a file that gdlab knows", "gdlab reads"),
}


@pytest.fixture(scope="module")
def class_(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    truth = {}
    for student in range(STUDENTS):
        path, arrived, lost = hand_in(folder, student)
        if student in DAMAGE:
            path.write_bytes(DAMAGE[student][0](path.read_bytes()))
        else:
            truth[f"127.0.0.1:{5000 + student}"] = (arrived, lost)
    return folder, truth


@pytest.mark.slow
def test_twenty_files_are_read_and_their_numbers_are_true(class_):
    folder, truth = class_
    loss = gd.load(folder).sequence(seq="v.seq").set_index("peer")
    assert {peer: (row.messages, row.lost) for peer, row in loss.iterrows()} == truth
    assert len(truth) == STUDENTS - len(DAMAGE) == 20


def test_each_damaged_file_is_named_with_what_is_wrong_and_what_to_do(class_):
    folder, _ = class_
    notes = gd.load(folder).notes
    for student, (_damage, what, next_step) in DAMAGE.items():
        (said,) = [note for note in notes if f"student{student:02}" in note]
        assert what in said
        assert next_step in said
        with pytest.raises(gd.errors.LoadError, match=what):
            gd.load(folder / f"student{student:02}.csv")
    named = {note[:13] for note in notes if note.startswith("student")}
    assert named == {f"student{student:02}.csv" for student in DAMAGE}  # and nothing is said of the others


@pytest.mark.parametrize(("sep", "named"), [(";", "separated by ';'"), ("\t", "separated by '\\t'")])
def test_what_a_spreadsheet_made_of_a_file_is_read_and_told(class_, sep, named):
    folder, truth = class_
    with (folder / "student01.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    without = rows[0].index("kind")
    saved = folder.parent / "saved.csv"
    with saved.open("w", newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(rows):  # an index column of its own, and one column thrown away
            kept = [cell for at, cell in enumerate(row) if at != without]
            csv.writer(file, delimiter=sep).writerow([number or "", *kept])
    read = gd.load(saved)
    loss = read.sequence(seq="v.seq").iloc[0]
    assert (loss.messages, loss.lost) == truth[loss.peer]
    notes = "\n".join(read.notes)
    assert named in notes
    assert "left out: (without a name)" in notes
    assert "columns are missing, and were filled with what can be inferred: kind" in notes
