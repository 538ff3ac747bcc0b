"""A watch's state in words: who is there, how it runs, what to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from gdlab import clock
from gdlab.capture.html import Headline, visible
from gdlab.capture.html import status as headline
from gdlab.debugging import PEERS_LEAVE_S

if TYPE_CHECKING:
    from gdlab.watching.game import WatchedGame

#: A game that sends nothing for so long stands still: monitors come every second.
SILENT_AFTER_S = 3.0


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a watch: `light` is one of waiting, receiving, quiet, stopped, failed, loaded."""

    light: str
    text: str
    hint: str = ""


class _Watched(Protocol):
    """What of a watch its words are about."""

    @property
    def games(self) -> tuple[WatchedGame, ...]: ...
    @property
    def path(self) -> Path | None: ...
    @property
    def link_error(self) -> BaseException | None: ...
    @property
    def running(self) -> bool: ...
    @property
    def refusals(self) -> Sequence[str]: ...
    @property
    def address(self) -> str: ...
    @property
    def option(self) -> str: ...
    def games_and_others(self) -> tuple[WatchedGame, ...]: ...


def describe(watch: _Watched) -> Status:
    """How a watch is."""
    games = watch.games
    if watch.path is not None:
        return Status("loaded", f"recording {watch.path.name}: {_list(games)}")
    if watch.link_error is not None:
        return Status(
            "failed", f"watching has failed: {watch.link_error}", "make a new one: gd.debugger(restart=True)"
        )
    if not watch.running:
        return Status("stopped", f"stopped; {_list(games)}" if games else "stopped")
    hint = watch.refusals[-1] if watch.refusals else ""
    if not games:
        strangers = [game for game in watch.games_and_others() if game.why]
        if strangers:
            hint = f"something connected that is not a game: {strangers[-1].why}"
        return Status(
            "waiting",
            f"waiting for a game at {watch.address}",
            hint
            or f"start a debug build with {watch.option}, or by gd.godot.start(project=..., debugger=watch). "
            "A release export has no debugger and cannot be watched",
        )
    live = [game for game in games if game.running]
    if not live:
        return Status(
            "quiet", f"{watch.address}: {_list(games)}", hint or "start the game again: it will connect"
        )
    held = [text for game in live if (text := held_text(game))]
    if held:
        return Status("waiting", f"{watch.address}: {'; '.join(held)}", "watch.resume() lets it go on")
    return Status("receiving", f"{watch.address}: {_list(games)}", hint)


def held_text(game: WatchedGame) -> str:
    """What is to be said of a game that stands in a break, with the time its peers have left; empty if it does not."""
    broken = game.session.broken
    if broken is None or not game.running:
        return ""
    stood_s = (clock.now_ns() - broken.since_ns) / 1e9
    left_s = PEERS_LEAVE_S - stood_s
    peers = f"its peers leave in {left_s:.0f} s" if left_s > 0 else "its peers have probably left"
    return (
        f"{game.label} stands still for {stood_s:.1f} s ({broken.text or 'stopped by the debugger'}); {peers}"
    )


def game_text(game: WatchedGame) -> str:
    """One game in a few words."""
    text = game.label if game.pid is None else f"{game.label} (process {game.pid})"
    if not game.running:
        return f"{text} has ended"
    newest = game.monitors.newest()
    if newest is None:
        return f"{text} is starting"
    return f"{text} at {newest.figures[0] or 0:.0f} fps" if newest.figures else text


def _list(games: tuple[WatchedGame, ...]) -> str:
    return "; ".join(game_text(game) for game in games) or "no game"


def html(status: Status, log: pd.DataFrame) -> str:
    """The state and the last rows of the log, as one piece of HTML in which nothing of the game's can act."""
    rows: list[str] = []
    for row in log.tail(10).to_dict("records"):
        place = "" if pd.isna(row["file"]) else f"{row['file']}:{row['line']}"
        cells = (f"{row['time']:%H:%M:%S.%f}"[:-3], str(row["game"]), row["kind"], row["text"], place)
        rows.append("".join(f'<td style="text-align:left">{visible(cell, 200)}</td>' for cell in cells))
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f"<div>{headline(Headline(status.light, status.text, status.hint))}"
        f'<table style="font-size:12px">{table}</table></div>'
    )
