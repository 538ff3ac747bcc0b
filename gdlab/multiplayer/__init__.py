"""Godot's high-level multiplayer (`SceneMultiplayer` over ENet and WebSocket) taken apart. Pure.

Rows of a message table go into a `Dissector`; a `View` of it, with `Names`, answers who says what to whom. Users
reach all of it by ``cap.multiplayer()``, see `gdlab.capture.multiplayer.Multiplayer`; `Running` keeps sums while a
game plays.
"""

from __future__ import annotations

from gdlab.multiplayer.dissector import Dissector, Row
from gdlab.multiplayer.explain import LayeredExplanation, Part
from gdlab.multiplayer.names import Names
from gdlab.multiplayer.running import Running
from gdlab.multiplayer.view import View

__all__ = ["Dissector", "LayeredExplanation", "Names", "Part", "Row", "Running", "View"]
