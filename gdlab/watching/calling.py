"""How a method of one node is called over the link: by the scene that it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gdlab.debugging import Node


class Target(NamedTuple):
    """What `scene:live_set_root` and `scene:live_node_path` need.

    Attributes
    ----------
    root : below which the scene's instances are looked for. scene_file : of the instance above the node.
    inside : the node's path from there.
    """

    root: str
    scene_file: str
    inside: str


def target(nodes: Sequence[Node], path: str) -> Target:
    """Find the way to a node.

    The engine calls the method of every node with this path in any instance of the scene below `root`, so an instance
    is looked for that is the only one.

    Raises
    ------
    LookupError : there is no such node, or no way to it alone; the message says why.
    """
    paths = {node.path for node in nodes}
    if path not in paths:
        below = path.rpartition("/")[0]
        near = sorted(p for p in paths if p.rpartition("/")[0] == below)[:10]
        there = f"{below} has {', '.join(p.rpartition('/')[2] for p in near)}" if near else "see watch.tree()"
        raise LookupError(f"the game has no node {path}; {there}")
    above = [node for node in nodes if node.scene_file and path.startswith(f"{node.path}/")]
    above += [node for node in nodes if node.scene_file and node.path == path]
    for instance in sorted(above, key=lambda node: len(node.path)):
        root = instance.path.rpartition("/")[0]
        if not root:
            continue
        inside = path.removeprefix(instance.path).strip("/") or "."
        others = [
            node
            for node in nodes
            if node.scene_file == instance.scene_file
            and node.path.startswith(f"{root}/")
            and (inside == "." or f"{node.path}/{inside}" in paths)
        ]
        if len(others) == 1:
            return Target(root, instance.scene_file, inside)
    if not above:
        raise LookupError(
            f"{path} stands in no scene that was loaded from a file, such as an autoload: the engine's link can only "
            "call nodes below one. Call a node of the scene, and have it call this one"
        )
    raise LookupError(
        f"{path} cannot be called alone: every scene above it is there more than once, and the engine would call the "
        "method in each. Call a node above them, with the name as an argument"
    )
