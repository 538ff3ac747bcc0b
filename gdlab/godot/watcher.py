"""What an engine that is started needs of the one who will watch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

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
        """``"ignore"``: errors and breakpoints are not to stop the game."""

    def expect(
        self, pid: int, label: str, place: PlaceMap | None = None, project: Path | None = None
    ) -> None:
        """A process of this id will connect; what it is called, where its user's lines are, and its project."""

    def process_ended(self, pid: int, reason: str) -> None:
        """The process of this id has ended, and why."""


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
    if watcher.breaks == "ignore":
        # A break in the first frame comes before the debugger can say that it wants none.
        found.append("--ignore-error-breaks")
    return found
