"""What a notebook may ask of the games it watches, and do to them."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gdlab import clock
from gdlab.errors import EndpointClosed
from gdlab.watching import tables
from gdlab.watching.calling import target
from gdlab.watching.game import WatchedGame
from gdlab.watching.overview import WatchTables
from gdlab.watching.variables import Variables

if TYPE_CHECKING:
    import pandas as pd


class Asking(WatchTables):
    """Requests to games: the tree, variables, calls, pausing, measuring."""

    _changed: threading.Condition

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether games can connect."""

    @property
    @abstractmethod
    def option(self) -> str:
        """What to add to the game's command line."""

    @abstractmethod
    def _is_live(self) -> bool:
        """Whether there is a link at all, and not a recording."""

    @abstractmethod
    def _wake(self) -> None:
        """Have the link send what is to be sent."""

    @abstractmethod
    def _until(self, there: Callable[[], bool], timeout: float, otherwise: str) -> None:
        """Wait; raise WaitTimeout at the deadline."""

    def tree(self, game: str | None = None, *, timeout: float = 5.0) -> pd.DataFrame:
        """The scene tree as it is now.

        Returns
        -------
        DataFrame with ``path``, ``kind`` (script, else class), ``scene_file``, ``children``, ``object_id``.

        Raises
        ------
        WaitTimeout : the game did not answer. EndpointClosed : it is not there any more. LookupError : several games
            are watched, and none was named.
        """
        one = self._one(game)
        if not self._is_live():
            return tables.nodes(one)
        self._fresh_tree(one, timeout)
        return tables.nodes(one)

    def _fresh_tree(self, one: WatchedGame, timeout: float) -> None:
        before = one.tree
        one.ask("scene:request_scene_tree")
        self._wake()
        self._until(lambda: one.tree is not before, timeout, f"{one.label} has not sent its scene tree")

    def variables(
        self,
        path: str,
        names: Sequence[str] = (),
        *,
        every: float | None = None,
        game: str | None = None,
        timeout: float = 5.0,
    ) -> Variables:
        """Read the properties of a node, once or again and again; the game's own code takes no part in it.

        Parameters
        ----------
        path : such as ``"/root/Main/Player"``. names : columns of the table; by default all the node has.
        every : seconds between two readings; without it one is made.

        Returns
        -------
        Variables: its `df` is the table of all readings of this node; `stop()` ends them.

        Raises
        ------
        LookupError : the game has no such node. WaitTimeout, EndpointClosed : see `tree`. ValueError : a bad `every`.
        """
        if every is not None and not 0.01 <= every <= 3600:
            raise ValueError(f"every is {every}; readings can be 0.01 to 3600 s apart")
        one = self._one(game)
        columns = (names,) if isinstance(names, str) else tuple(names)
        found = Variables(path, columns, one, every, self.stop_reading)
        if not self._is_live():
            return found
        self._fresh_tree(one, timeout)
        if one.tree is not None:
            target_id = next((n.object_id for n in one.tree[1].nodes if n.path == path), None)
            if target_id is None:
                raise LookupError(f"{one.label} has no node {path}; see watch.tree()")
            if every is not None:
                one.poll(path, every)
            else:
                before = one.inspected.total
                one.ask("scene:inspect_objects", [[target_id], False])
                self._wake()
                self._until(
                    lambda: one.inspected.total != before,
                    timeout,
                    f"{one.label} has not sent the properties of {path}",
                )
        self._wake()
        return found

    def stop_reading(self, path: str, game: WatchedGame) -> None:
        """End the readings that `variables` began."""
        game.poll(path, None)

    def call(self, path: str, method: str, *args: Any, game: str | None = None, timeout: float = 5.0) -> None:
        """Call a method of a node, also ``"rpc_id"``; the game gives no answer. Rows that follow are marked.

        Raises
        ------
        LookupError : no such node, or it cannot be called alone; the message says why. VariantEncodeError : an argument
            that no Variant holds. WaitTimeout, EndpointClosed : see `tree`.
        """
        one = self._one(game)
        self._require_live(one)
        self._fresh_tree(one, timeout)
        found = target(one.tree[1].nodes if one.tree is not None else (), path)
        with self._changed:  # the three belong together
            one.ask("scene:live_set_root", [found.root, found.scene_file])
            one.ask("scene:live_node_path", [found.inside, 1])
            one.ask("scene:live_node_call", [1, method, *args])
            one.note(clock.now_ns(), f"the notebook calls {path}.{method}()")
        self._wake()

    def set(self, path: str, name: str, value: Any, *, game: str | None = None, timeout: float = 5.0) -> None:
        """Set a property of a node; setters run. A property that it does not have is silently ignored."""
        one = self._one(game)
        self._require_live(one)
        self._fresh_tree(one, timeout)
        nodes = one.tree[1].nodes if one.tree is not None else ()
        object_id = next((node.object_id for node in nodes if node.path == path), None)
        if object_id is None:
            raise LookupError(f"{one.label} has no node {path}; see watch.tree()")
        one.ask("scene:set_object_property", [object_id, name, value])
        one.note(clock.now_ns(), f"the notebook sets {path}.{name}")
        self._wake()

    def pause(self, on: bool = True, *, game: str | None = None) -> None:
        """Stop `_process` and `_physics_process`, or let them go on with False.

        Timers and the multiplayer poll go on. (Single steps are not offered: a headless game would resume for good.)
        """
        self._steer("scene:suspend_changed", [bool(on)], "pauses" if on else "resumes", game)

    def speed(self, factor: float = 1.0, *, game: str | None = None) -> None:
        """Set the game's time scale; 1 is its normal speed."""
        if not 0 < factor <= 100:
            raise ValueError(f"the factor is {factor}; it must be above 0 and at most 100")
        self._steer("scene:speed_changed", [float(factor)], f"sets the time scale to {factor:g} of", game)

    def _steer(self, name: str, data: Sequence[Any], what: str, game: str | None) -> None:
        chosen = [self._one(game)] if game is not None else [g for g in self.games if g.running]
        if not chosen:
            self._require_live(self._one(game))
        for one in chosen:
            one.ask(name, data)
            one.note(clock.now_ns(), f"the notebook {what} the game")
        self._wake()

    def resume(self, game: str | None = None) -> int:
        """Let games that stand in a break go on; returns how many did."""
        chosen = self.games if game is None else (self._one(game),)
        count = sum(one.resume() for one in chosen)
        self._wake()
        return count

    def profile(self, *names: str, on: bool = True, game: str | None = None) -> None:
        """Switch measuring in the games on or off: ``frames``, ``rpcs``, ``syncs``, ``bandwidth``, ``functions``.

        ``functions`` measures GDScript per function and slows it down; the others cost next to nothing.
        """
        chosen = [self._one(game)] if game is not None else [g for g in self.games if g.running]
        for one in chosen:
            with self._changed:
                for name in names:
                    one.session.profile(name, on=on)
        self._wake()

    def _one(self, label: str | None) -> WatchedGame:
        games = self.games
        if label is not None:
            found = [game for game in games if game.label == label or str(game.pid) == label]
            if not found:
                raise LookupError(f"no game is called {label!r}; there are {_names(games)}")
            return found[-1]
        live = [game for game in games if game.running] or list(games)
        if not live:
            raise LookupError(
                f"no game has connected yet. Start one with {self.option}"
                if self.running
                else "it has no games"
            )
        if len(live) > 1:
            raise LookupError(f"several games are watched: name one with game=, of {_names(live)}")
        return live[0]

    def _require_live(self, one: WatchedGame) -> None:
        if not self._is_live():
            raise EndpointClosed("a recording cannot be asked or changed; it can only be looked at")
        if not one.running:
            raise EndpointClosed(f"{one.label} is not there any more: {one.why or 'its link has ended'}")


def _names(games: Sequence[WatchedGame]) -> str:
    return ", ".join(repr(game.label) for game in games) or "none"
