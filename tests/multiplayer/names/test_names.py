"""Names out of scripts, scenes and a user's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from gdlab.multiplayer.names import Names, list_md5, read_scene, scripts_of

BASE = """
class_name Fighter extends CharacterBody2D
@rpc("any_peer", "call_local")
func hit(from: int) -> void:
\tpass
@rpc func
"""
DERIVED = '''extends Fighter
# @rpc func commented() -> void
var text = "@rpc func quoted()"
var more = """
@rpc func in_a_long_text(): pass
"""
@rpc("authority", "unreliable", 3) @warning_ignore("x") func _move(p): pass
@rpc
func Jump(): pass
class Inner extends RefCounted:
    @rpc func inner_only(): pass
func plain(): pass
'''


def test_methods_of_bases_count_and_are_sorted_by_code_point() -> None:
    found = {
        script.path: script.methods for script in scripts_of({"res://b.gd": BASE, "res://d.gd": DERIVED})
    }
    assert found["res://b.gd"] == ("hit",)
    assert found["res://d.gd"] == ("Jump", "_move", "hit")
    assert found["res://d.gd::Inner"] == ("inner_only",)


def test_a_base_may_be_a_file_given_by_its_path_absolute_or_relative() -> None:
    sources = {
        "res://a/base.gd": "extends Node\n@rpc func one(): pass\n",
        "res://a/near.gd": 'extends "base.gd"\n@rpc func two(): pass\n',
        "res://b/far.gd": "extends '../a/base.gd'\n",
        "res://c.gd": 'class_name C\nextends "res://a/near.gd"\n',
        "res://loop.gd": 'extends "res://loop.gd"\n@rpc func round(): pass\n',
    }
    found = {script.path: script.methods for script in scripts_of(sources)}
    assert found["res://a/near.gd"] == ("one", "two")
    assert found["res://b/far.gd"] == ("one",)
    assert found["res://c.gd"] == ("one", "two")
    assert found["res://loop.gd"] == ("round",)


def test_lists_configured_by_code_are_found_by_their_sum() -> None:
    names = Names(scripts_of({"res://x.gd": '@rpc func b(): pass\nfunc _ready(): rpc_config(&"a", {})\n'}))
    md5 = list_md5(["b"], ["a"])
    assert md5 == list_md5(["ab"])
    assert names.method(md5, "", 0x8000) == "a"
    assert names.method(md5, "", 0) == "b"


def test_numbers_stand_in_for_what_nothing_tells() -> None:
    names = Names()
    assert names.method("", "Main", 3) == "#3"
    assert names.method("", "Main", 0x8002) == "#code2"


def test_a_users_own_list_needs_no_project() -> None:
    names = Names.of(names={"/root/Main/Game": ["tick", "hello"]})
    assert names.method("", "Main/Game", 0) == "hello"
    assert names.method(list_md5(["hello", "tick"]), "elsewhere", 1) == "tick"
    with pytest.raises(TypeError, match="mapping"):
        Names.of(names=3)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"project\.godot"):
        Names.of(tmp_path)


SCENE = """[gd_scene load_steps=3 format=3]
[ext_resource type="PackedScene" path="res://ball.tscn" id="1_a"]
[sub_resource type="SceneReplicationConfig" id="c]1"]
properties/1/path = NodePath("Gun:rotation")
properties/1/spawn = true
properties/1/replication_mode = 2
properties/0/path = NodePath(".:position")
properties/0/sync = true
properties/0/watch = false
[node name="Arena" type="Node2D"]
text = "a line
[node name=\\"fake\\"]"
[node name="Balls" type="Node" parent="."]
[node name="Sync" type="MultiplayerSynchronizer" parent="Balls"]
replication_config = SubResource("c]1")
[node name="Spawner" type="MultiplayerSpawner" parent="."]
_spawnable_scenes = PackedStringArray("res://ball.tscn", "res://crate.tscn")
spawn_path = NodePath("../Balls")
[node name="First" parent="Balls" instance=ExtResource("1_a")]
"""


def test_a_scene_tells_what_its_synchronizers_and_spawners_send() -> None:
    scene = read_scene("res://arena.tscn", SCENE)
    (synchronizer,) = scene.synchronizers
    assert synchronizer.path == "Balls/Sync"
    assert (synchronizer.always, synchronizer.on_change) == (("position",), ("Gun:rotation",))
    assert synchronizer.spawn == ("Gun:rotation",)
    (spawner,) = scene.spawners
    assert (spawner.path, spawner.spawn_path) == ("Spawner", "../Balls")
    assert spawner.scenes == ("res://ball.tscn", "res://crate.tscn")
    names = Names(scenes={"res://arena.tscn": scene})
    assert names.spawn_path("Main/Arena/Spawner") == "Main/Arena/Balls"
    assert names.replicated("Main/Arena/Balls/Sync", 1, 1) == (("position",), ("Gun:rotation",))
    assert names.replicated("Main/Arena/Balls/Sync", 2, 1) == ((), ())


def test_anything_may_stand_in_a_scene_file() -> None:
    for text in (
        "",
        "[",
        "[node",
        '[node name="x]',
        "]" * 10_000,
        '[node name="\\' + '"' * 5000,
        "properties/99999999/path = 3",
    ):
        read_scene("res://x.tscn", text)
