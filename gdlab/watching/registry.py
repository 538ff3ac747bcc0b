"""Which watches run in this process, and how they are begun."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdlab import godot
from gdlab.capture import Capture, Recording, tabular
from gdlab.capture import registry as captures
from gdlab.debugging import Breaks
from gdlab.errors import PortInUse
from gdlab.watching import recorded as recordings
from gdlab.watching.watcher import DEFAULT_PROFILE, Watch

if TYPE_CHECKING:
    import os

log = logging.getLogger("gdlab")

_lock = threading.RLock()
_running: list[Watch] = []
#: The port each was asked for; None is any.
_asked: dict[int, int | None] = {}
#: Watches that were loaded; `findings` asks those that were there at a capture's time.
_loaded: list[Watch] = []

#: Called with each watch that begins, in the thread that begins it: the views wake up.
on_start: set[Callable[[Watch], None]] = set()

#: Games that one call starts at the most.
MAX_PLAYERS = 16


def debugger(
    port: int | None = None,
    *,
    recorded: str | Path | None = None,
    breaks: Breaks = "continue",
    profile: Sequence[str] = DEFAULT_PROFILE,
    restart: bool = False,
) -> Watch:
    """Take the editor's place at the end of Godot's ``--remote-debug``: watch games without changing them.

    Parameters
    ----------
    port : on this machine; by default a free one. The editor uses 6007.
    recorded : a folder that `Watch.save` wrote, or a recorded link in it: the same object from a recording.
    breaks : a game that has a debugger stops at every script error and breakpoint, and its peers leave after 5 s.
        ``"continue"`` answers at once, which costs the game a frame or two each time; ``"hold"`` leaves it standing
        until `Watch.resume`; ``"ignore"`` keeps it from stopping at all: errors are still reported, breakpoints are
        not.
    profile : what is measured from the first frame on: ``frames``, ``rpcs``, ``syncs``, ``bandwidth``, ``functions``.
    restart : begin anew even if a watch of this port runs; the old one is stopped and keeps its tables.

    Returns
    -------
    Watch. Calling again with the same port gives back the running one; without a port, the one that was started without
    one.

    Raises
    ------
    PortInUse : somebody else holds the port, such as the editor. LoadError : not a recording.
    ValueError : there is no profiler of that name, or no such choice of `breaks`.
    """
    if breaks not in ("continue", "hold", "ignore"):
        raise ValueError(f'breaks is {breaks!r}; it must be "continue", "hold" or "ignore"')
    if recorded is not None:
        streams = recordings.load(recorded)
        watch = Watch(streams=streams, port=None, path=Path(recorded))
        with _lock:
            _loaded.append(watch)
            del _loaded[:-20]
        return watch
    with _lock:
        known = next((w for w in _running if w.running and _is_at(w, port)), None)
        if (
            known is not None
            and not restart
            and known.breaks == breaks
            and known.profile_names == tuple(profile)
        ):
            return known
        if known is not None:
            known.stop()
            _running.remove(known)
            if not restart:
                log.warning("the watch at %s is replaced by a new one with other settings", known.address)
        try:
            watch = Watch(breaks=breaks, profile=profile, port=port or 0)
        except PortInUse as error:
            raise PortInUse(
                f"{error}. The editor uses port 6007 while it runs: gd.debugger() without a number takes a free one",
                address=error.address,
                holder=error.holder,
            ) from error
        _asked[id(watch)] = port
        _running.append(watch)
    for told in tuple(on_start):
        told(watch)
    return watch


def _is_at(watch: Watch, port: int | None) -> bool:
    if port:
        return watch.address.endswith(f":{port}")
    return _asked.get(id(watch)) is None and not watch.processes


def watch(
    *,
    project: str | os.PathLike[str],
    players: int = 1,
    args: Sequence[str] | Callable[[int], Sequence[str]] = (),
    breaks: Breaks = "continue",
    profile: Sequence[str] = DEFAULT_PROFILE,
    timeout: float = 20.0,
    **options: Any,
) -> Watch:
    """Start a project once or several times, headless, and watch every one of them.

    Parameters
    ----------
    project : a folder with a ``project.godot``.
    players : how many engines; they are called ``player 1``, ``player 2``, ... in the tables.
    args : what each gets from ``OS.get_cmdline_user_args()``: the same for all, or a function of the player's number.
    breaks, profile : as for `debugger`.
    timeout : seconds until all must have connected.
    options : as for `gdlab.godot.start`, such as ``scene=`` and ``fps=``.

    Returns
    -------
    Watch; `stop` stops the engines, too.

    Raises
    ------
    WaitTimeout : not all have connected in time; none is left running. ValueError : a bad number of players.
    As `gdlab.godot.start`.
    """
    if not 1 <= players <= MAX_PLAYERS:
        raise ValueError(f"players is {players}; it can be 1 to {MAX_PLAYERS}")
    made = Watch(breaks=breaks, profile=profile)
    with _lock:
        _asked[id(made)] = 0
        _running.append(made)
    for told in tuple(on_start):
        told(made)
    try:
        for number in range(1, players + 1):
            own = args(number) if callable(args) else args
            name = f"player {number}" if players > 1 else "game"
            made.processes.append(
                godot.start(project=project, args=own, debugger=made, label=name, **options)
            )
        return made.wait(players, timeout=timeout)
    except BaseException:
        made.stop()
        raise


def _after_fork() -> None:
    """In the child of a fork: watched games are the parent's to stop."""
    global _lock  # noqa: PLW0603 (the thread that held it may not be here)
    _lock = threading.RLock()
    _running.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)


def running() -> list[Watch]:
    """The watches that run in this process."""
    with _lock:
        _running[:] = [each for each in _running if each.running]
        return list(_running)


def watched(began_ns: int, ended_ns: int) -> Watch | None:
    """The watch that saw games between two moments (UTC nanoseconds): the running one, else the last that did."""
    with _lock:
        candidates = [*_loaded, *_running]
    for each in reversed(candidates):
        if any(
            game.began_ns <= ended_ns and (game.ended_ns is None or game.ended_ns >= began_ns)
            for game in each.games
        ):
            return each
    return None


def stop_all() -> int:
    """Stop every watch of this process with the engines it started; return how many there were."""
    stopped = running()
    for each in stopped:
        each.stop()
    return len(stopped)


def of(capture: tabular.Tabular) -> Watch | None:
    """The watch that ran while a capture of this process did; of a recording the one that was saved beside it."""
    if isinstance(capture, Recording):
        folder = capture.path.with_suffix(tabular.WATCH_SUFFIX)
        return debugger(recorded=folder) if folder.is_dir() else None
    if not isinstance(capture, Capture):
        return None
    statistics = capture.statistics()
    return watched(capture.began_ns, capture.began_ns + int(statistics.seconds * 1e9))


captures.also_stopped.append(stop_all)
tabular.find_watch = of
atexit.register(stop_all)
