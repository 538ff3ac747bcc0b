"""The plays of games that are watched, each with an engine of its own: what one game does would hold up the others."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Final

import gdlab as gd
from gdlab import godot
from tests.ports import free_port
from tests.twins.stage import Shown
from tests.waiting import limit, wait_until

GAME: Final = Path(__file__).with_name("watched.gd")

#: The fault that each rule sees.
FAULTS: Final = {
    "slow-game-frame": "slow",
    "stood-still": "break",
    "script-error": "error",
    "output-cut": "output",
}


def _pinged(fault: str) -> Shown:
    with (
        gd.debugger(
            breaks="hold" if fault == "break" else "continue", profile=["frames"], restart=True
        ) as watch,
        gd.listen("udp://127.0.0.1:0", ping=0.03, restart=True) as cap,
        godot.start(
            source=GAME.read_text(), args=[str(cap.port), fault], debugger=watch, time_limit_s=limit(90)
        ),
    ):
        watch.wait(timeout=limit(40))
        if fault == "break":
            for _ in range(3):
                wait_until(lambda: watch.games[0].session.broken, 30)
                time.sleep(1.2)
                watch.resume()
                wait_until(lambda: not watch.games[0].session.broken, 30)
        wait_until(lambda: cap.round_trips()["rtt_ms"].notna().sum() >= 130, 40)
        time.sleep(1.0)
    return Shown(cap, watch=watch)


def _refused(bad: bool) -> Shown:
    port = free_port(socket.SOCK_STREAM)
    with (
        gd.debugger(profile=["frames"], restart=True) as watch,
        godot.start(
            source=GAME.read_text(), args=[str(port), "packet"], debugger=watch, time_limit_s=limit(90)
        ),
    ):
        watch.wait(timeout=limit(40))
        with gd.connect(f"ws://127.0.0.1:{port}") as cap:
            wait_until(lambda: len(cap) > 1, 20)
            for _ in range(5):
                # A call (0) without what it calls, or bytes of the game's own (3).
                cap.send(b"\x00" if bad else b"\x03hello")
                time.sleep(0.2)
    return Shown(cap, watch=watch)


def play(rule: str, bad: bool) -> Shown:
    """The capture of a watched game with the fault of a rule, or without it."""
    if rule == "packet-refused":
        return _refused(bad)
    return _pinged(FAULTS[rule] if bad else "none")


RULES: Final[tuple[str, ...]] = (*FAULTS, "packet-refused")
