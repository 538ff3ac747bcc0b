"""Every rule is seen in the capture of a real game that has its fault, and not in that of its twin without it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gdlab.godot import Engine
from gdlab.words.en import findings, path
from gdlab.words.en import watched as of_watched
from tests.some import some
from tests.twins import watched
from tests.twins.make import FOLDER
from tests.twins.plays import PLAYS
from tests.twins.stage import Shown, perform

ADVICE = findings.FINDINGS | path.FINDINGS | of_watched.FINDINGS
RULES = sorted({key.partition("/")[0] for key in ADVICE})
#: Played anew in each run, all by one engine: what shows however slow the machine is.
LIVE = (
    "bytes-waiting",
    "close-1006",
    "close-1009",
    "connected-and-silent",
    "enet-unanswered",
    "foreign-clock",
    "glued-or-split",
    "large-integers",
    "leaping-numbers",
    "left",
    "lost-characters",
    "nothing-arrived",
    "over-mtu",
    "own-close-1007",
    "refused-datagrams",
    "refused-visitors",
    "unanswered-pings",
)


def test_every_rule_has_its_twins() -> None:
    assert sorted([*PLAYS, *watched.RULES]) == RULES
    assert {path.stem for path in FOLDER.glob("*.zip")} == set(RULES)


@pytest.mark.parametrize("rule", some(RULES, every=4))
def test_a_rule_is_seen_in_the_guilty_capture_alone(rule: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(FOLDER / f"{rule}.zip") as file:
        file.extractall(tmp_path)
    guilty, innocent = (Shown.load(tmp_path, name) for name in ("guilty", "innocent"))
    assert rule in guilty.rules()
    assert rule not in innocent.rules()


def test_delayed_acknowledgements_are_no_frames(tmp_path: Path) -> None:
    """They come at the beat of the kernel's timer, which a game's frames have as well."""
    with zipfile.ZipFile(FOLDER / "nagle.zip") as file:
        file.extractall(tmp_path)
    assert "frame-rate" not in Shown.load(tmp_path, "guilty").rules()


def test_games_that_are_played_now_show_the_same(engine: Engine) -> None:
    shown = perform({(rule, bad): PLAYS[rule](bad) for rule in LIVE for bad in (True, False)}, engine)
    assert [rule for rule in LIVE if rule not in shown[rule, True].rules()] == []
    assert [rule for rule in LIVE if rule in shown[rule, False].rules()] == []
