"""When a node's properties are asked for; time is an argument."""

from __future__ import annotations

from gdlab.debugging import Node, SceneTree, Session
from gdlab.variant import loads
from gdlab.watching.polling import Polls

MS = 1_000_000
S = 1000 * MS


class Asked(Session):
    """A session that has its first frame behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = True

    def names(self) -> list[str]:
        data, found = self.outgoing(), []
        while data:
            size = int.from_bytes(data[:4], "little")
            found.append(str(loads(data[4 : 4 + size])[0]).rpartition(":")[2])
            data = data[4 + size :]
        return found


def tree(*paths: str) -> SceneTree:
    return SceneTree(
        tuple(Node(path, path, "Node", number, "", 0, 0) for number, path in enumerate(paths, 1))
    )


def test_the_tree_comes_first_then_the_properties_at_their_rhythm() -> None:
    session = Asked()
    polls = Polls(session)
    assert polls.tick(0) is None
    polls.ask_every("/root/A", 0.1)
    polls.tick(1)
    assert session.names() == ["request_scene_tree"]
    polls.tick(5 * MS)
    assert session.names() == []
    polls.found_nodes(tree("/root", "/root/A"))
    polls.tick(10 * MS)
    assert session.names() == ["inspect_objects"]
    polls.tick(500 * MS)
    assert session.names() == []  # the last answer is still out
    polls.answered(2)
    polls.tick(501 * MS)
    assert session.names() == ["inspect_objects"]


def test_an_object_that_is_gone_is_looked_for_again() -> None:
    session = Asked()
    polls = Polls(session)
    polls.ask_every("/root/A", 0.1)
    polls.tick(1)
    polls.found_nodes(tree("/root/A"))
    polls.tick(10 * MS)
    assert session.names() == ["request_scene_tree", "inspect_objects"]
    polls.tick(2 * S)
    assert session.names() == ["request_scene_tree"]


def test_a_node_that_is_not_there_is_not_asked_for_in_every_turn() -> None:
    session = Asked()
    polls = Polls(session)
    polls.ask_every("/root/B", 0.1)
    polls.tick(1)
    polls.found_nodes(tree("/root/A"))
    session.names()
    polls.tick(100 * MS)
    assert session.names() == []
    polls.tick(2 * S)
    assert session.names() == ["request_scene_tree"]
    polls.ask_every("/root/B", None)
    assert polls.tick(9 * S) is None
