"""A project folder read: its scripts and scenes as text, within limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

#: Files read of a project, and bytes of one; what is beyond is counted.
MAX_FILES: Final = 20_000
MAX_FILE_BYTES: Final = 4 << 20
_LEFT_OUT: Final = {".godot", ".git", ".import", "node_modules"}


def project_sources(folder: str | Path) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """GDScript and scene files by their ``res://`` path, and notes of what was left out.

    Raises
    ------
    FileNotFoundError : the folder is not there, or holds no project.godot.
    """
    top = Path(folder)
    if top.name == "project.godot":
        top = top.parent
    if not (top / "project.godot").is_file():
        raise FileNotFoundError(
            f"{top} is no Godot project: it has no project.godot. Give the folder that the editor opens"
        )
    scripts: dict[str, str] = {}
    scenes: dict[str, str] = {}
    notes: list[str] = []
    for where, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(files):
            into = scripts if name.endswith(".gd") else scenes if name.endswith(".tscn") else None
            if into is None:
                continue
            path = Path(where, name)
            if len(scripts) + len(scenes) >= MAX_FILES:
                notes.append(f"more than {MAX_FILES} files; the rest was not read")
                return scripts, scenes, notes
            if path.stat().st_size > MAX_FILE_BYTES:
                notes.append(f"{path.name} is larger than {MAX_FILE_BYTES} bytes and was not read")
                continue
            into["res://" + path.relative_to(top).as_posix()] = path.read_text("utf-8", errors="replace")
    return scripts, scenes, notes
