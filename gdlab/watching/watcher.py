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
from gdlab.cell_view import CellView
from gdlab.debugging import PROFILERS, Breaks, Offset, Session
from gdlab.errors import DebuggerError, WaitTimeout
from gdlab.multiplayer.names.project import project_sources
from gdlab.multiplayer.names.scripts import scripts_of
from gdlab.transports.debugger_link import DebuggerLink
from gdlab.watching import recorded
from gdlab.watching.asking import Asking
from gdlab.watching.game import Expected, WatchedGame
from gdlab.watching.reading import PlaceMap
from gdlab.watching.status import Status, describe, html

#: What is switched on unless the user says otherwise.
DEFAULT_PROFILE: Final = ("frames", "bandwidth", "rpcs", "syncs")

_LOOK_S: Final = 0.05
_TREE_S: Final = 5.0

#: How cells show watches; `gdlab.widgets` puts its live view there once it is loaded.
_view: Final[CellView[Watch]] = CellView()
show_with = _view.show_with


class Watch(Asking):
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
        """Its state as text, and what to try."""
        return describe(self)

    def clock(self, game: str | None = None) -> Offset | None:
        """The offset between the engine's clock and ours with its error; None before the first error or warning."""
        return self._one(game).session.clock.offset

    def games_and_others(self) -> tuple[WatchedGame, ...]:
        """Everything that ever connected: the log also reports what was not a game."""
        return tuple(self._games)

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
        """A game that was started here has ended: the log reports why, even for a crash, which the link cannot."""
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
        return html(self.status, self.log)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return _view.bundle(self, self._repr_html_, include=include, exclude=exclude)

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

    def _is_live(self) -> bool:
        return self._link is not None

    def _wake(self) -> None:
        if self._link is not None:
            self._link.wake()
