"""The engine, and what gdlab brings along itself."""

from __future__ import annotations

import os
from pathlib import Path

from gdlab import godot
from gdlab.diagnostics.report import Line, State
from gdlab.errors import GodotNotFound, GodotVersionError


def engine(time_limit_s: float) -> list[Line]:
    """Whether there is a Godot 4, and which."""
    try:
        found = godot.find(time_limit_s=time_limit_s)
    except GodotVersionError as error:
        return [Line("Godot", State.FAIL, "found, but not Godot 4", str(error))]
    except GodotNotFound as error:
        if os.environ.get("GDLAB_GODOT", "").strip():
            return [Line("Godot", State.FAIL, "GDLAB_GODOT does not work", str(error))]
        return [Line("Godot", State.WARN, "no Godot 4 found", str(error))]
    return [Line("Godot", State.OK, f"{found.version} at {found.path}")]


def offline() -> list[Line]:
    """Whether what gdlab brings along is all there; it fetches nothing."""
    root = Path(__file__).parents[1]
    scripts = sum(1 for _ in root.rglob("*.gd"))
    if scripts:
        return [
            Line(
                "offline",
                State.OK,
                f"nothing is fetched from the internet; {scripts} GDScript files are here",
            )
        ]
    return [
        Line(
            "offline",
            State.FAIL,
            "gdlab's own GDScript files are missing",
            "pip install --force-reinstall gdlab",
        )
    ]
