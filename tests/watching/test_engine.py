"""Real games under a watch."""

from __future__ import annotations

from pathlib import Path

import pytest

import gdlab as gd
from gdlab import godot
from gdlab.godot import Engine
from tests.waiting import wait_until

PROJECT = """config_version=5
[application]
config/name="watched"
run/main_scene="res://main.tscn"
"""
SCENE = """[gd_scene load_steps=2 format=3]
[ext_resource type="Script" path="res://main.gd" id="1"]
[node name="Main" type="Node"]
script = ExtResource("1")
"""
SCRIPT = """extends Node
var hp := 100
var frames := 0

func _ready() -> void:
	print("ready")

func _process(_delta: float) -> void:
	frames += 1
	hp = 100 - frames % 50
	if frames % 6 == 0:
		fail()

func fail() -> void:
	var nothing: Variant = null
	nothing.call_me()

func greet(name: String) -> void:
	print("hello ", name)
	breakpoint
	print("after the breakpoint")
"""


@pytest.fixture
def game_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "game"
    folder.mkdir()
    for name, text in {"project.godot": PROJECT, "main.tscn": SCENE, "main.gd": SCRIPT}.items():
        (folder / name).write_text(text)
    return folder


def test_a_game_with_an_error_every_tenth_of_a_second_runs_on(engine: Engine, game_folder: Path) -> None:
    with (
        gd.debugger(restart=True) as watch,
        godot.start(project=game_folder, debugger=watch, label="mine", engine=engine) as game,
    ):
        watch.wait(timeout=30)
        wait_until(lambda: (watch.log["kind"] == "script_error").sum() >= 12, 30)
        errors = watch.log[watch.log["kind"] == "script_error"]
        assert set(errors["file"]) == {"res://main.gd"}
        assert set(errors["line"]) == {SCRIPT.split("\n").index("\tnothing.call_me()") + 1}
        assert errors["stack"].iloc[0][1].function == "_process"
        # It stood still a few times and was then asked not to; never so long that a peer would notice.
        assert 0 < len(watch.break_times) < 8
        assert watch.games[0].session.ignoring
        assert (watch.break_times["text"].str.contains("Nonexistent function")).all()
        assert watch.games[0].label == "mine"
        assert watch.games[0].pid == game.pid
        offset = watch.clock()
        assert offset is not None
        assert offset.error_s <= 0.025
        # Each print comes once, frames are counted without a gap.
        assert watch.log["text"].tolist().count("ready") == 1
        assert watch.frames["game_frame"].diff().dropna().eq(1).all()
        game.stop()
        wait_until(lambda: not watch.games[0].running)
        assert watch.log["text"].str.contains("stopped after").any()


def test_variables_are_read_and_a_method_is_called(engine: Engine, game_folder: Path) -> None:
    (game_folder / "main.gd").write_text(SCRIPT.replace("\t\tfail()", "\t\tpass"))
    with gd.watch(project=game_folder, players=2, engine=engine, timeout=40) as watch:
        assert sorted(game.label for game in watch.games) == ["player 1", "player 2"]  # as they connect
        readings = watch.variables("/root/Main", ["hp", "frames"], every=0.05, game="player 2")
        wait_until(lambda: len(readings.df) >= 5, 20)
        readings.stop()
        table = readings.df
        assert (table["hp"] == 100 - table["frames"] % 50).all()
        assert table["frames"].is_monotonic_increasing
        watch.call("/root/Main", "greet", "you", game="player 2")
        row = watch.wait_for("after the breakpoint", timeout=20)
        assert row["game"] == "player 2"
        assert row["touched"]
        stop = watch.break_times.iloc[0]
        assert stop["text"] == "Breakpoint Statement"
        assert stop["line"] == SCRIPT.split("\n").index("\tbreakpoint") + 1
        processes = list(watch.processes)
    assert not any(game.running for game in processes)


def test_a_game_that_is_killed_says_why_it_ended(engine: Engine, tmp_path: Path) -> None:
    with gd.debugger(restart=True) as watch:
        source = (
            'func _ready():\n\tprint("about to crash")\n'
            '\tawait get_tree().create_timer(0.3).timeout\n\tOS.crash("x")\n'
        )
        with godot.start(source=source, debugger=watch, engine=engine) as game:
            game.wait(30)
        wait_until(lambda: watch.games and not watch.games[0].running, 20)
        wait_until(lambda: watch.log["text"].str.contains("crashed or was killed").any(), 20)
        assert "about to crash" in watch.log["text"].tolist()


def test_a_stopped_watch_is_not_given_to_a_game(engine: Engine) -> None:
    watch = gd.debugger(restart=True)
    watch.stop()
    with pytest.raises(ValueError, match="stopped"):
        godot.start(source='print("x")', debugger=watch, engine=engine)
