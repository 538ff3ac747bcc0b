"""Hidden faults: found by what two captures show, live and canned; each answer is explained and noted."""

from __future__ import annotations

import json
import re

import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.course.faults import KINDS, PLACES, Fault, fault_of, number_of
from gdlab.course.verdicts import Mark
from tests.languages import chinese, in_chinese
from tests.some import some

SEEDS = range(200)


def seed_of(place: str, kind: str) -> int:
    """The first seed with such a fault."""
    return next(seed for seed in range(2000) if (fault_of(seed).place, fault_of(seed).kind) == (place, kind))


FAULTS = [(place, kind) for place in PLACES for kind in KINDS if place != "server" or kind == "loss"]


def test_every_fault_there_can_be_is_given_to_somebody_and_a_name_always_has_the_same():
    given = {(fault_of(seed).place, fault_of(seed).kind) for seed in SEEDS}
    assert given == set(FAULTS)
    assert fault_of(number_of("Ada ")) == fault_of(number_of("ada"))
    assert len({fault_of(number_of(f"student {n}")) for n in range(30)}) > 20


@pytest.mark.parametrize(("place", "kind"), some(FAULTS, every=3, several=True))
def test_the_captures_show_the_fault_and_nothing_else(place, kind):
    found = gd.course.mystery(seed_of(place, kind), canned=True)
    parts = found.observed()
    for name, part in parts.items():
        here = name == place
        assert (part.left < part.entered) == (here and kind in {"loss", "burst"})
        assert bool(part.twice) == (here and kind == "duplicate")
        assert bool(part.overtaken) == (here and kind == "reorder")
        if name != "server":
            assert (part.delay_ms > 35) == (here and kind in {"delay", "jitter"})
            assert (part.spread_ms > 10) == (here and kind in {"jitter", "reorder"} and part.spread_ms > 10)
    size = parts[place].size(kind)
    assert found.check(place, kind, size)
    assert found.check(place, kind, f"{size:.1f} {KINDS[kind][0]}")


def test_the_lessons_own_measures_find_the_place():
    found = gd.course.mystery(seed_of("down", "burst"), canned=True)
    lost = analysis.where_lost(found.client, found.client, relay=found.server, seq="v.n").lost.tolist()
    assert lost[:2] == [0, 0]
    assert lost[2] == found.observed()["down"].entered - found.observed()["down"].left > 0


WRONG = [
    (("up", "burst"), ("down", "burst", 1), "not the way back. Compare both"),
    (("up", "burst"), ("server", "burst", 1), "not the server"),
    (("up", "burst"), ("up", "loss", 1), "in a row on average. Losses that know"),
    (("up", "loss"), ("up", "burst", 1), "what chance alone gives"),
    (("server", "loss"), ("down", "loss", 1), "Count what came into the server's capture"),
    (("down", "jitter"), ("down", "delay", 1), "not by the same"),
    (("down", "delay"), ("down", "jitter", 1), "late by the same"),
    (("up", "reorder"), ("up", "loss", 1), "nothing is missing there"),
    (("up", "reorder"), ("up", "delay", 1), "most take what they always took"),
    (("up", "duplicate"), ("up", "loss", 1), "rows with the number of different"),
    (("up", "delay"), ("up", "loss", 1), "not what the captures show"),
    (("up", "loss"), ("elsewhere", "loss", 1), "Place: one of up"),
    (("up", "loss"), ("up", "magic", 1), "Kind: one of loss"),
    (("up", "loss"), ("up", "loss", "many"), "Size: this asks for a number"),
    (("up", "loss"), (object(), object(), object()), "Place: one of"),
]


@pytest.mark.parametrize(("fault", "answer", "word"), some(WRONG, every=4, several=True))
def test_a_wrong_diagnosis_is_explained(fault, answer, word):
    found = gd.course.mystery(seed_of(*fault), canned=True)
    verdict = found.check(*answer)
    assert verdict.mark is Mark.WRONG
    assert word in verdict.text
    told = in_chinese(lambda: [found.check(*answer), found.check(), found.check(*fault, 1)])
    for each in told:
        assert re.search("[A-Z][a-z]+ ", each.text) is None, each
        assert chinese(each.text)


@pytest.mark.slow
def test_a_wrong_size_is_explained():
    found = gd.course.mystery(seed_of("up", "loss"), canned=True)
    size = found.observed()["up"].size("loss")
    for wrong, word in (
        (size / 100, "hundred times"),
        (size * 6, "how many"),
        (100 - size, "what arrived"),
        (size * 2.5, "not that much"),
    ):
        assert word in found.check("up", "loss", wrong).text
    late = gd.course.mystery(seed_of("down", "delay"), canned=True)
    parts = late.observed()
    for wrong, word in (
        (parts["down"].delay_ms / 1000, "in seconds"),
        (parts["down"].delay_ms + parts["up"].delay_ms, "round trip"),
        (5, "median of the one-way delay"),
    ):
        assert word in late.check("down", "delay", wrong).text
    uneven = gd.course.mystery(seed_of("down", "jitter"), canned=True)
    part = uneven.observed()["down"]
    assert "delay's median" in uneven.check("down", "jitter", part.delay_ms).text


def test_the_grade_file_has_what_was_asked_answered_and_measured(tmp_path):
    name = "a/../b: <i>"
    found = gd.course.mystery(name, canned=True)
    assert found.check().mark is Mark.OPEN
    assert not found.grade["answered"]
    assert not found.check("nowhere", "loss", 3)
    assert found.grade["truth"] is None
    fault = fault_of(number_of(name))
    size = found.observed()[fault.place].size(fault.kind)
    assert found.check(fault.place, fault.kind, 10_000).mark is Mark.WRONG
    assert found.grade["points"] == 2
    assert found.check(fault.place, fault.kind, size)
    path = found.save(tmp_path / "grade.json")
    grade = json.loads(path.read_text(encoding="utf-8"))
    assert (grade["format"], grade["version"], grade["student"]) == ("gdlab-grade", 1, name)
    assert [answer["points"] for answer in grade["answered"]][1:] == [2, 3]
    assert all(answer["why"] for answer in grade["answered"])
    assert grade["measured"]["up"]["entered"] == 600
    assert grade["truth"] == {
        "place": fault.place,
        "kind": fault.kind,
        "set_to": fault.set_to,
        "unit": KINDS[fault.kind][0],
    }
    assert (grade["points"], grade["of"], grade["attempts"]) == (3, 3, 3)


def test_a_students_name_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = gd.course.mystery("../../etc/x y", canned=True).save()
    assert path.resolve().parent == tmp_path
    assert re.fullmatch(r"mystery-[\w-]+\.json", path.name)


@pytest.mark.parametrize("seed", ["", "  ", None, True, 1.5])
def test_a_seed_is_a_name_or_a_number(seed):
    with pytest.raises(ValueError, match="give a name or a whole number"):
        gd.course.mystery(seed)


@pytest.mark.slow
def test_behind_a_real_relay_it_is_the_same_fault():
    """The numbers of what is lost come from the seed, whatever this machine's timing."""
    seed = seed_of("down", "burst")
    canned = gd.course.mystery(seed, canned=True)
    with gd.course.mystery(seed) as live:
        assert "First" in live.check("up", "loss", 1).text
        live.play_sync()
    assert "behind a relay" in repr(live)
    shown, wanted = live.observed()["down"], canned.observed()["down"]
    assert (shown.entered, shown.left, shown.run) == (wanted.entered, wanted.left, wanted.run)
    assert live.check("down", "burst", shown.size("burst"))
    assert live.grade["how"] == "relay"


def test_stopped_before_it_was_played():
    with gd.course.mystery(3) as found:
        pass
    with pytest.raises(RuntimeError, match="stopped before it was played"):
        found.play_sync()
    assert Fault("up", "loss", 5).link("down").loss == 0
