"""What an engine that is started needs of the one who will watch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gdlab.godot.output import PlaceMap


class Watcher(Protocol):
    """A listener for ``--remote-debug``, such as `gdlab.debugger` makes."""

    @property
    def best_address(self) -> str:
        """Where it listens; it must do so before the engine starts, which tries only for 3 s."""

    @property
    def running(self) -> bool:
        """Whether it listens."""

    @property
    def breaks(self) -> str:
        """``"continue"``: errors are not to stop the game; ``"hold"``: they are."""

    def expect(self, pid: int, label: str, place: PlaceMap | None = None) -> None:
        """This process will connect; what it is called, and where its user's lines are."""

    def process_ended(self, pid: int, reason: str) -> None:
        """This process has ended, and why."""


def options(watcher: Watcher) -> list[str]:
    """The options for the engine's command line.

    Raises
    ------
    ValueError : it does not listen: the engine would try for 3 s and then run unwatched.
    """
    if not watcher.running:
        raise ValueError(
            "debugger= has been stopped or is a recording: make one that runs, watch = gd.debugger()"
        )
    found = ["--remote-debug", watcher.best_address]
    if watcher.breaks == "continue":
        # A break in the first frame comes before the debugger can say that it wants none.
        found.append("--ignore-error-breaks")
    return found
