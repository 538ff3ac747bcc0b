"""The one way to a node that the engine's link can call."""

from __future__ import annotations

import pytest

from gdlab.debugging import Node
from gdlab.watching.calling import target


def node(path: str, scene: str = "") -> Node:
    return Node(path, path.rpartition("/")[2], "Node", len(path), scene, 0, 0)


NODES = [
    node("/root"),
    node("/root/Globals"),
    node("/root/Main", "res://main.tscn"),
    node("/root/Main/P1", "res://player.tscn"),
    node("/root/Main/P1/Gun"),
    node("/root/Main/P2", "res://player.tscn"),
    node("/root/Main/P2/Gun"),
]


def test_a_node_of_one_of_two_equal_scenes_is_called_from_the_scene_above_both() -> None:
    assert target(NODES, "/root/Main/P2/Gun") == ("/root", "res://main.tscn", "P2/Gun")


def test_the_root_of_a_scene_is_called_as_itself() -> None:
    assert target(NODES, "/root/Main") == ("/root", "res://main.tscn", ".")


def test_an_autoload_cannot_be_called_and_that_is_told() -> None:
    with pytest.raises(LookupError, match="autoload"):
        target(NODES, "/root/Globals")


def test_a_node_that_is_not_there_is_told_with_its_neighbours() -> None:
    with pytest.raises(LookupError, match="P1, P2"):
        target(NODES, "/root/Main/P3")


def test_a_node_under_equal_scenes_only_cannot_be_called_alone() -> None:
    twins = [
        node("/root"),
        node("/root/A"),
        node("/root/A/X", "res://x.tscn"),
        node("/root/A/Y", "res://x.tscn"),
    ]
    with pytest.raises(LookupError, match="more than once"):
        target(twins, "/root/A/X")
