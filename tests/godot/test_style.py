"""All GDScript that comes with gdlab is formatted and linted as Godot programmers know it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "gdlab"


@pytest.mark.slow
@pytest.mark.parametrize("tool", [["gdformat", "--check"], ["gdlint"]], ids=lambda command: command[0])
def test_scripts_are_formatted_and_linted(tool: list[str]) -> None:
    scripts = sorted(str(path) for part in ("godot", "course") for path in (PACKAGE / part).rglob("*.gd"))
    assert len(scripts) >= 18
    name, *options = tool
    done = subprocess.run(
        [str(Path(sys.executable).parent / name), *options, *scripts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
