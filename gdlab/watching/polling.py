"""Properties of nodes that are asked for again and again; without a socket, time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gdlab.debugging import SceneTree, Session

#: An answer that has not come by then never will: the object is gone, or the game stands still.
_PATIENCE_NS: Final = 1_000_000_000
#: The link is not asked to look more often than that.
_SHORTEST_S: Final = 0.005


@dataclass(slots=True)
class _Poll:
    path: str
    every_ns: int
    next_ns: int = 0
    object_id: int | None = None
    asked_ns: int | None = None
    tree_asked_ns: int | None = None


class Polls:
    """What one game is asked for, and when.

    A node is found by its path in the scene tree, which is asked for first, and again when the object does not answer
    any more. Nothing is asked while the last answer is out, so a game that is slow is not asked faster than it can
    answer.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._polls: dict[str, _Poll] = {}

    def ask_every(self, path: str, seconds: float | None) -> None:
        """Ask for a node's properties so often; None ends it."""
        if seconds is None:
            self._polls.pop(path, None)
        else:
            self._polls[path] = _Poll(path, int(seconds * 1e9))

    def tick(self, now_ns: int) -> float | None:
        """Ask for what is due; after how many seconds to look again, None for never."""
        return min((self._tick(poll, now_ns) for poll in self._polls.values()), default=None)

    def found_nodes(self, tree: SceneTree) -> None:
        """The scene tree has come."""
        waiting = [poll for poll in self._polls.values() if poll.tree_asked_ns is not None]
        if not waiting:
            return
        ids = {node.path: node.object_id for node in tree.nodes}
        for poll in waiting:
            poll.tree_asked_ns = None
            poll.object_id = ids.get(poll.path)
            # A node that is not there may come: asked again, but not in every turn.
            poll.next_ns += 0 if poll.object_id is not None else _PATIENCE_NS

    def answered(self, object_id: int) -> None:
        """The properties of an object have come."""
        for poll in self._polls.values():
            if poll.object_id == object_id:
                poll.asked_ns = None

    def _tick(self, poll: _Poll, now_ns: int) -> float:
        if poll.asked_ns is not None and now_ns - poll.asked_ns > _PATIENCE_NS:
            poll.asked_ns, poll.object_id = None, None  # the object is gone; another may have its path
        if self._session.broken is None and now_ns >= poll.next_ns:
            if poll.object_id is None:
                if poll.tree_asked_ns is None or now_ns - poll.tree_asked_ns > _PATIENCE_NS:
                    poll.tree_asked_ns = now_ns
                    poll.next_ns = now_ns
                    self._session.ask("scene:request_scene_tree")
            elif poll.asked_ns is None:
                poll.asked_ns = now_ns
                poll.next_ns = max(poll.next_ns + poll.every_ns, now_ns + poll.every_ns // 2)
                self._session.ask("scene:inspect_objects", [[poll.object_id], False])
        return max(_SHORTEST_S, (poll.next_ns - now_ns) / 1e9)
