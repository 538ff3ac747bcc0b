"""Twenty-five files as a class hands them in, five of them wrong in different ways."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.facts import US, Fact, Reason
from gdlab.files import write_csv, write_parquet, write_pcapng
from tests.traffic import merged, ping, pong, table

SECOND = 1_000_000_000
EXERCISE = {
    "over 100 messages": lambda rec: len(rec.df) > 100,
    "round trips": lambda rec: (len(rec.round_trips()) > 20, "so many were asked for"),
}


def session(seed, *, lasted_s=20, hz=10, lost=0.0, pinged=True):
    """What a student's capture holds: numbered states and round trips, at the moments of that student's machine."""
    rng = np.random.default_rng(seed)
    number = np.arange(lasted_s * hz)
    sent = number * (SECOND // hz) + rng.integers(0, 10**7)
    kept = np.flatnonzero(rng.random(len(sent)) >= lost)
    came = sent[kept] + rng.exponential(2e6, len(kept)).astype(np.int64)
    states = [json.dumps({"seq": int(n), "hp": 100}).encode() for n in kept]
    parts = [table(np.sort(came), states)]
    if pinged:
        asked = np.arange(0, lasted_s * SECOND, SECOND // 2) + rng.integers(0, 10**6)
        fact = [Fact(Reason.PROBE, US)] * len(asked)
        back = asked + 4_000_000 + rng.exponential(1e6, len(asked)).astype(np.int64)
        parts += [
            table(asked, [ping(i, t // 1000) for i, t in enumerate(asked)], direction="out", fact=fact),
            table(back, [pong(i, t // 1000) for i, t in enumerate(asked)], fact=fact),
        ]
    return merged(*parts)


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed-in")
    for student in range(20):
        name = folder / f"student{student:02}"
        rows = session(student, lost=0.02 * (student % 4))
        if student % 5 == 3:
            write_parquet(rows, name.with_suffix(".parquet"))
        else:
            write_csv(rows, name.with_suffix(".csv"))
    # One left out the rows that did not look well.
    path = write_csv(session(100), folder / "editor.csv")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:50] + lines[60:]))
    # One took the file of another, gave the peer another name, and left out the beginning.
    copied = session(4, lost=0.0).iloc[30:].reset_index(drop=True)
    copied["peer"] = copied["peer"].cat.rename_categories(lambda peer: "10.9.9.9:999")
    copied["time"] += pd.Timedelta(days=1)
    write_csv(copied, folder / "copier.csv")
    # One sent half a file, one did something else, and one changed what the messages hold.
    whole = write_parquet(session(101), folder / "cut.parquet")
    whole.write_bytes(whole.read_bytes()[:3000])
    write_csv(session(102, lasted_s=5, pinged=False), folder / "short.csv")
    path = write_csv(session(103), folder / "changed.csv")
    path.write_text(path.read_text().replace('""hp"": 100', '""hp"": 99'))
    return folder


@pytest.fixture(scope="module")
def marked(handed_in):
    return gd.marks(handed_in, EXERCISE, csv=handed_in.parent / "marks.csv").set_index("student")


@pytest.mark.slow
def test_every_file_is_a_row_with_what_it_shows(marked):
    assert len(marked) == 25
    row = marked.loc["student02"]
    assert row["file"] == "student02.csv"
    assert 185 <= row["messages"] - 40 <= 200
    assert row["lasted_s"] == pytest.approx(19.9, abs=0.2)
    assert row["loss"] == pytest.approx(0.04, abs=0.04)
    assert row["loss"] > 0
    assert marked.loc["student00", "loss"] == 0
    assert row["round_trips"] == 40
    assert row["rtt_ms"] == pytest.approx(4.7, abs=0.6)
    assert "missing-numbers" not in marked.loc["student00", "findings"]
    assert row["passed"] == row["of"] == 2


@pytest.mark.slow
def test_the_five_that_are_wrong_are_told_and_no_other(marked):
    right = [f"student{n:02}" for n in range(20) if n != 4]
    assert (marked.loc[right, "remarks"] == "").all(), marked.loc[right, "remarks"].unique()
    assert (marked.loc[right, "passed"] == 2).all()
    assert "edited: 270 rows here, but 280 were written" in marked.loc["editor", "remarks"]
    assert "in common with student04.csv" in marked.loc["copier", "remarks"]
    assert "in common with copier.csv" in marked.loc["student04", "remarks"]
    assert "cannot be read" in marked.loc["cut", "remarks"]
    assert pd.isna(marked.loc["cut", "messages"])
    assert marked.loc["short", "remarks"] == ""
    assert marked.loc["short", ["over 100 messages", "round trips"]].tolist() == [False, False]
    assert "edited:" in marked.loc["changed", "remarks"]


@pytest.mark.slow
def test_the_table_is_written(handed_in, marked):
    again = pd.read_csv(handed_in.parent / "marks.csv", dtype=str, keep_default_na=False)
    assert again["student"].tolist() == marked.index.tolist()


def test_the_table_is_written_without_formulas(tmp_path):
    path = write_csv(session(5), tmp_path / "=cmd.csv")
    gd.marks([path], csv=tmp_path / "marks.csv")
    assert pd.read_csv(tmp_path / "marks.csv")["student"].tolist() == ["'=cmd"]


def test_a_check_that_ends_in_an_error_is_missing_and_packet_captures_are_taken(tmp_path):
    path = write_pcapng(session(6), tmp_path / "wireshark.pcapng")
    found = gd.marks([path], {"broken": lambda rec: 1 / 0, "rows": lambda rec: len(rec) > 100})
    assert pd.isna(found.loc[0, "broken"])
    assert found.loc[0, ["rows", "passed", "of"]].tolist() == [True, 1, 2]
    assert found.loc[0, "remarks"] == ""


def test_questions_of_the_course_are_checks(tmp_path):
    path = write_csv(session(7), tmp_path / "ada.csv")
    found = gd.marks([path], "02.5")
    assert found["02.5"].tolist() == [bool(gd.course.check("02.5", gd.load(path)))]


def grade(name, student, *, points, answers, measured, attempts=None):
    return name, {
        "format": "gdlab-grade",
        "version": 1,
        "student": student,
        "answered": answers,
        "attempts": len(answers) if attempts is None else attempts,
        "measured": measured,
        "points": points,
        "of": 3,
    }


def test_grade_files_are_read_and_what_was_changed_in_them_is_told(tmp_path):
    def answered(at, points):
        return {"at": f"2026-11-30T0{at}:00:00+00:00", "place": "path", "size": 5.0, "points": points}

    for name, content in (
        grade(
            "a", "Ada", points=3, answers=[answered(1, 1), answered(2, 3)], measured={"there": {"lost": 31}}
        ),
        grade("b", "Bo", points=1, answers=[answered(3, 1)], measured={"there": {"lost": 7}}),
        grade("c", "Cy", points=3, answers=[answered(4, 1)], measured={"there": {"lost": 9}}),
        grade("d", "Di", points=3, answers=[answered(5, 3)], measured={"there": {"lost": 31}}),
    ):
        (tmp_path / f"mystery-{name}.json").write_text(json.dumps(content))
    (tmp_path / "other.json").write_text("{}")
    found = gd.marks(tmp_path).set_index("student")
    assert found.loc["Ada", ["passed", "of", "solved"]].tolist() == [3, 3, True]
    assert found.loc["Bo", ["passed", "of", "solved", "remarks"]].tolist() == [1, 3, False, ""]
    assert "3 points are stated, but the best answer has 1" in found.loc["Cy", "remarks"]
    assert "in common with mystery-d.json" in found.loc["Ada", "remarks"]
    assert "no grade file" in found.loc["other", "remarks"]
