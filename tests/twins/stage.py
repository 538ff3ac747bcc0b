"""Lets many plays share one engine: each opens its captures, names its player, and waits for what it is to show."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

import gdlab as gd
from gdlab import godot, watching
from gdlab.analysis import findings
from gdlab.godot import Engine
from gdlab.relays import Relay
from tests.waiting import limit

CAST: Final = Path(__file__).with_name("cast.gd")

_PAUSE_S: Final = 0.3

Source = gd.Capture | gd.Recording | Relay | pd.DataFrame


@dataclass(frozen=True)
class Player:
    """A player of `cast.gd`: its class, the port it speaks to, whether it has the fault, and its options."""

    kind: str
    port: int
    bad: bool
    options: tuple[object, ...] = ()

    @property
    def argument(self) -> str:
        return ":".join(map(str, (self.kind, self.port, int(self.bad), *self.options)))


@dataclass(frozen=True)
class Shown:
    """What a play gives: the capture that is asked for findings, and what else they are told."""

    capture: Source
    sender: Source | None = None
    watch: watching.Watch | None = None

    def rules(self) -> set[str]:
        found = findings(self.capture, sender=self.sender, watched=self.watch)
        return set(found["rule"])

    def save(self, folder: Path, name: str) -> None:
        """Write it as its parts: a CSV with a sidecar, a relay's truth, what the sender captured, a watch's bytes."""
        if isinstance(self.capture, pd.DataFrame):
            raise TypeError("a table has no counters")
        self.capture.to_csv(folder / f"{name}.csv")
        if self.sender is not None and not isinstance(self.sender, pd.DataFrame):
            self.sender.to_csv(folder / f"{name}-sender.csv")
        if self.watch is not None:
            self.watch.save(folder / f"{name}.watch")

    @classmethod
    def load(cls, folder: Path, name: str) -> Shown:
        """What `save` wrote."""
        sender, watch = folder / f"{name}-sender.csv", folder / f"{name}.watch"
        return cls(
            gd.load(folder / f"{name}.csv"),
            sender=gd.load(sender) if sender.exists() else None,
            watch=gd.debugger(recorded=watch) if watch.exists() else None,
        )


#: A play says first which player it needs, then again and again what it waits for; at last it gives what it shows.
Waits = Callable[[], object]
Play = Generator[Player | Waits, None, Shown]


@dataclass(frozen=True)
class Until:
    """Whether a moment has come."""

    moment: float

    def __call__(self) -> bool:
        return time.monotonic() >= self.moment


def seconds(duration: float) -> Waits:
    """So long from now on."""
    return Until(time.monotonic() + duration)


def perform(
    plays: Mapping[Any, Play], engine: Engine | None = None, *, within_s: float = 60, all_of_them: bool = True
) -> dict[Any, Shown]:
    """Perform plays side by side with one engine, for so long at most; fail if not all have ended then."""
    shown: dict[Any, Shown] = {}
    with ExitStack() as ends:
        for play in plays.values():
            ends.callback(play.close)
        players = {key: next(play) for key, play in plays.items()}
        arguments = [player.argument for player in players.values() if isinstance(player, Player)]
        game = ends.enter_context(
            godot.start(
                source=CAST.read_text(), args=arguments, engine=engine, time_limit_s=limit(within_s + 60)
            )
        )
        until = time.monotonic() + limit(within_s)
        game.wait_for("ready", limit(30))
        waits = {key: _next(key, play, shown) for key, play in plays.items()}
        asked = dict.fromkeys(plays, 0.0)
        while left := [key for key in plays if key not in shown]:
            for key in left:
                if time.monotonic() < asked[key]:
                    continue
                if waits[key]():
                    waits[key] = _next(key, plays[key], shown)
                elif not isinstance(waits[key], Until):  # to ask costs more than to look at the clock
                    asked[key] = time.monotonic() + _PAUSE_S
            if not all_of_them and time.monotonic() >= until:
                break
            assert time.monotonic() < until, f"still waiting: {left}; the game says {game.output[-500:]}"
            time.sleep(0.002)
    return shown


def _next(key: Any, play: Play, shown: dict[Any, Shown]) -> Waits:
    try:
        waits = next(play)
    except StopIteration as ended:
        shown[key] = ended.value
        return lambda: False
    assert not isinstance(waits, Player)
    return waits
