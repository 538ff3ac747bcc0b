"""All GDScript that comes with gdlab is formatted and linted as Godot programmers know it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GODOT = Path(__file__).parents[2] / "gdlab" / "godot"


@pytest.mark.parametrize("tool", [["gdformat", "--check"], ["gdlint"]], ids=lambda command: command[0])
def test_scripts_are_formatted_and_linted(tool: list[str]) -> None:
    scripts = sorted(str(path) for path in GODOT.rglob("*.gd"))
    assert len(scripts) >= 13
    name, *options = tool
    done = subprocess.run(
        [str(Path(sys.executable).parent / name), *options, *scripts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
