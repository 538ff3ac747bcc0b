"""Games that are watched while they run, by the engine's own debugger link."""

from gdlab.watching.game import WatchedGame
from gdlab.watching.registry import debugger, of, running, stop_all, watch, watched
from gdlab.watching.status import Status
from gdlab.watching.timeline import Together, together
from gdlab.watching.variables import Variables
from gdlab.watching.watcher import Watch, show_with

__all__ = [
    "Status",
    "Together",
    "Variables",
    "Watch",
    "WatchedGame",
    "debugger",
    "of",
    "running",
    "show_with",
    "stop_all",
    "together",
    "watch",
    "watched",
]
