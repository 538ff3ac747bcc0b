"""The Watch: games that run with ``--remote-debug``, and what they tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd

from gdlab import clock
from gdlab.debugging import PROFILERS, Breaks, Offset, Session
from gdlab.errors import DebuggerError, EndpointClosed, WaitTimeout
from gdlab.multiplayer.names.project import project_sources
from gdlab.multiplayer.names.scripts import scripts_of
from gdlab.transports.debugger_link import DebuggerLink
from gdlab.watching import recorded, tables
from gdlab.watching.calling import target
from gdlab.watching.game import Expected, WatchedGame
from gdlab.watching.overview import WatchTables
from gdlab.watching.reading import PlaceMap
from gdlab.watching.status import Status, describe, html
from gdlab.watching.variables import Variables

#: What is switched on unless the user says otherwise.
DEFAULT_PROFILE: Final = ("frames", "bandwidth", "rpcs", "syncs")

_LOOK_S: Final = 0.05
_TREE_S: Final = 5.0

#: Makes the live view of a watch; `gdlab.widgets` puts itself here once it is loaded.
_live_view: Callable[[Watch], Any] | None = None


def show_with(view: Callable[[Watch], Any] | None) -> None:
    """Have watches that a cell shows drawn by `view(watch)`, an object with `_repr_mimebundle_`."""
    global _live_view  # noqa: PLW0603 (one notebook, one way to show)
    _live_view = view


class Watch(WatchTables):
    """What games tell their debugger, from the moment they connected; made by `gdlab.debugger` and `gdlab.watch`.

    A watch is a context manager: leaving the block stops it and keeps the tables.

    Attributes
    ----------
    breaks : ``"continue"``: a game that stops at an error or a breakpoint is told at once to go on, as its peers would
        leave it after 5 s; one that stops again and again is asked not to. ``"hold"``: it stands until `resume`.
        ``"ignore"``: it is asked not to stop at all.
    """

    def __init__(
        self,
        *,
        breaks: Breaks = "continue",
        profile: Sequence[str] = DEFAULT_PROFILE,
        streams: Sequence[recorded.Stream] = (),
        port: int | None = 0,
        path: Path | None = None,
    ) -> None:
        for name in profile:
            if name not in PROFILERS:
                raise ValueError(f"there is no profiler {name!r}; there are {', '.join(PROFILERS)}")
        self.breaks: Breaks = breaks
        self.profile_names = tuple(profile)
        #: Where it was recorded; None for a live one.
        self.path = path
        #: The live view, kept here by whoever draws it.
        self.view: Any = None
        #: Engines that were started for this watch; `stop` stops them, too.
        self.processes: list[Any] = []
        self._changed = threading.Condition(threading.RLock())
        self._games: list[WatchedGame] = []
        self._expected: dict[int, Expected] = {}
        self._refusals: list[str] = []
        self._began_ns = clock.now_ns()
        self._link: DebuggerLink | None = None
        if port is not None:
            self._link = DebuggerLink(self._connected, refused=self._refused, port=port)
            self._link.start()
        for stream in streams:
            self._replay(stream)

    # ---- games

    @property
    def games(self) -> tuple[WatchedGame, ...]:
        """Those that have connected, also those whose link has ended."""
        return tuple(game for game in self._games if game.is_game)

    @property
    def address(self) -> str:
        """What a game is started with, such as ``tcp://127.0.0.1:6007``; empty for a recording."""
        return self._link.address if self._link is not None else ""

    @property
    def best_address(self) -> str:
        """The same by a unix socket where there is one: its messages come without TCP's delays."""
        return self._link.best_address if self._link is not None else ""

    @property
    def option(self) -> str:
        """What to add to the game's command line."""
        return f"--remote-debug {self.address}" if self._link is not None else ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens."""
        return (self.address,) if self._link is not None else ()

    @property
    def running(self) -> bool:
        """Whether games can connect."""
        return self._link is not None and self._link.running

    @property
    def version(self) -> tuple[int, ...]:
        """Differs after every change of the tables."""
        return tuple(game.version for game in self._games)

    @property
    def began_ns(self) -> int:
        """When it began, UTC nanoseconds; of a recording the beginning of its first link."""
        return min((game.began_ns for game in self._games), default=self._began_ns)

    @property
    def ended_ns(self) -> int | None:
        """When its last link ended; None while one stands or games can connect."""
        if self.running or any(game.running for game in self._games):
            return None
        return max((game.ended_ns or game.began_ns for game in self._games), default=self._began_ns)

    @property
    def status(self) -> Status:
        """How it is, in words, and what to try."""
        return describe(self)

    def clock(self, game: str | None = None) -> Offset | None:
        """The offset between the engine's clock and ours with its error; None before the first error or warning."""
        return self._one(game).session.clock.offset

    def games_and_others(self) -> tuple[WatchedGame, ...]:
        """All that ever connected: the log also tells of what was no game."""
        return tuple(self._games)

    # ---- asking

    def tree(self, game: str | None = None, *, timeout: float = 5.0) -> pd.DataFrame:
        """The scene tree as it is now.

        Returns
        -------
        DataFrame with ``path``, ``kind`` (script, else class), ``scene_file``, ``children``, ``object_id``.

        Raises
        ------
        WaitTimeout : the game did not answer. EndpointClosed : it is not there any more. LookupError : which game?
        """
        one = self._one(game)
        if self._link is None:
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
        """Read the properties of a node, once or again and again; the game's code is not asked for it.

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
        found = Variables(self, path, (names,) if isinstance(names, str) else tuple(names), one, every)
        if self._link is None:
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
        """Set a property of a node; setters run. A property it has not is passed over in silence."""
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
        """Set the game's time scale; 1 is its own."""
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

    # ---- waiting

    def wait(self, games: int = 1, *, timeout: float = 10.0) -> Self:
        """Wait until so many games have connected and drawn their first frame.

        Raises
        ------
        WaitTimeout : the message says how the game must be started.
        """
        self._until(
            lambda: sum(game.session.ready for game in self.games) >= games,
            timeout,
            f"{sum(game.session.ready for game in self.games)} of {games} games have connected. Start a debug build "
            f"with: {self.option}. A release export cannot be watched: it has no debugger",
        )
        return self

    def wait_for(self, text: str, *, timeout: float = 10.0) -> pd.Series[Any]:
        """Wait until a row of the log has this text in it; return the row.

        Raises
        ------
        WaitTimeout : none came.
        """

        def there() -> bool:
            return any(text in row.text for game in self._games for row in game.log.rows())

        self._until(there, timeout, f"no row of the log has {text!r} in it")
        table = self.log
        return table[table["text"].str.contains(text, regex=False)].iloc[0]

    def _until(self, there: Callable[[], bool], timeout: float, otherwise: str) -> None:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not there():
                left = deadline - time.monotonic()
                if left <= 0 or not self.running:
                    hint = self.status.hint
                    raise WaitTimeout(
                        f"{otherwise} (waited {timeout:g} s). {self.status.text}"
                        + (f". {hint}" if hint else ""),
                        arrived=len(self.games),
                        wanted=1,
                    )
                self._changed.wait(min(left, _LOOK_S))

    # ---- lifetime

    def expect(
        self, pid: int, label: str, place: PlaceMap | None = None, project: Path | None = None
    ) -> None:
        """A game with this process id has been started and will connect; what it is to be called."""
        with self._changed:
            taken = {game.label for game in self._games if game.pid != pid}
            taken |= {known.label for number, known in self._expected.items() if number != pid}
            name, number = label, 2
            while name in taken:
                name, number = f"{label} ({number})", number + 1
            expected = self._expected[pid] = Expected(name, place, project)
            for game in self._games:
                if game.pid == pid and game.running:
                    game.name_yourself(expected)

    def rpc_methods(self) -> dict[str, list[str]]:
        """Names of the RPC methods of each node that has some: its script is named by the tree, read in the project.

        Returns
        -------
        By node path without ``/root/``, as ``cap.multiplayer(names=watch)`` takes it. Only games that were started from
        here have a project; a live one is asked for its tree first.
        """
        found: dict[str, list[str]] = {}
        for game in self.games:
            if game.project is None:
                continue
            if game.running and self.running:
                self._fresh_tree(game, _TREE_S)
            scripts, _, _ = project_sources(game.project)
            methods = {script.path: script.methods for script in scripts_of(scripts)}
            for node in game.tree[1].nodes if game.tree is not None else ():
                if methods.get(node.kind):
                    found[node.path.removeprefix("/root/")] = list(methods[node.kind])
        return found

    def process_ended(self, pid: int, reason: str) -> None:
        """A game that was started here has ended: the log tells why, also of a crash, which the link cannot."""
        with self._changed:
            for game in self._games:
                if game.pid == pid:
                    game.note(clock.now_ns(), reason)

    def save(self, folder: str | Path) -> Path:
        """Write what the games sent into a folder, byte by byte; `gdlab.debugger(recorded=folder)` reads it."""
        return recorded.save(self.games, folder, {"breaks": self.breaks, "profile": list(self.profile_names)})

    def stop(self) -> None:
        """Free the port and stop the engines that were started for this watch; the tables stay."""
        for process in self.processes:
            process.stop()
        if self._link is not None:
            self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Watch: {self.status.text}>"

    def _repr_html_(self) -> str:
        return html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        view = _live_view(self) if _live_view is not None else None
        if view is None:
            return {"text/plain": repr(self), "text/html": html(self)}
        return view._repr_mimebundle_(include=include, exclude=exclude)

    # ---- inside

    def _connected(self, peer: str) -> WatchedGame:
        with self._changed:
            game = WatchedGame(
                f"game {len(self._games) + 1}",
                peer,
                changed=self._changed,
                breaks=self.breaks,
                profile=self.profile_names,
                expected=self._expected.get,
            )
            self._games.append(game)
            # Whatever connects is kept as a row of the log, but not for ever.
            others = [each for each in self._games if not each.is_game and not each.running]
            for old in others[:-50]:
                self._games.remove(old)
            return game

    def _refused(self, why: str) -> None:
        with self._changed:
            self._refusals = [*self._refusals[-9:], why]

    @property
    def refusals(self) -> tuple[str, ...]:
        """The last connections that were not let in."""
        return tuple(self._refusals)

    @property
    def link_error(self) -> BaseException | None:
        """What ended the link's thread, if anything did."""
        return self._link.error if self._link is not None else None

    def _replay(self, stream: recorded.Stream) -> None:
        """Read a recorded link as if its bytes came now."""
        first_ns = stream.pieces[0][2] if stream.pieces else 0
        game = WatchedGame(
            stream.label, "recording", changed=self._changed, began_ns=first_ns, expected=lambda _pid: None
        )
        game.session = Session(replayed=True)
        last_ns, why = first_ns, ""
        try:
            for offset, length, time_ns in stream.pieces:
                last_ns = time_ns
                if stream.touched_ns is not None and time_ns >= stream.touched_ns:
                    game.session.mark_touched()
                game.receive(stream.data[offset : offset + length], time_ns)
        except DebuggerError as error:
            why = str(error)
        game.ended(last_ns, why)
        self._games.append(game)

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
        if self._link is None:
            raise EndpointClosed("a recording cannot be asked or changed; it can only be looked at")
        if not one.running:
            raise EndpointClosed(f"{one.label} is not there any more: {one.why or 'its link has ended'}")

    def _wake(self) -> None:
        if self._link is not None:
            self._link.wake()


def _names(games: Sequence[WatchedGame]) -> str:
    return ", ".join(repr(game.label) for game in games) or "none"
