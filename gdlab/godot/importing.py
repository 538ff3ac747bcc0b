"""The import of a project: what an editor does when it opens one, and what a run of it needs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gdlab.errors import GodotEnded
from gdlab.godot.process import Child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gdlab.godot.finder import Engine

_TIME_LIMIT_S: Final = 300.0
_CLASS_NAME: Final = re.compile(rb"^(?:@\w+(?:\([^)\n]*\))?\s+)*class_name\s+(\w+)", re.MULTILINE)
#: Files that Godot cannot load before they were imported; the common ones.
_IMPORTED: Final = frozenset(
    f".{ending}"
    for ending in (
        *("png", "jpg", "jpeg", "webp", "svg", "bmp", "tga", "hdr", "exr"),
        *("wav", "ogg", "mp3", "ttf", "otf", "woff", "woff2"),
        *("glb", "gltf", "fbx", "obj", "dae"),
    )
)
#: Files that a run takes as they are, where they name others by path and not by an identifier of an import.
_PLAIN: Final = frozenset({".gd", ".tscn", ".tres", ".godot"})
_BY_IDENTIFIER: Final = b"uid://"
#: Files that Godot itself never looks at, or only for settings.
_IGNORED: Final = frozenset({"", ".md", ".txt", ".json", ".cfg"})


def import_project(engine: Engine, root: Path, variables: Mapping[str, str]) -> None:
    """Make a project's resources usable if need be: else scenes find no textures, and scripts no class names.

    A project that no editor has ever opened is imported unless it has nothing but scripts and scenes that name each
    other by path; one that was opened, if something has come since then that a run could not find: a script with
    a new ``class_name``, a picture or sound. It takes some seconds, as the whole editor starts for it.

    Raises
    ------
    GodotEnded : the import failed.
    """
    if not (root / "project.godot").is_file() or not is_needed(root):
        return
    # `--import` came with 4.3; before that an editor that quits at once does it.
    how = ["--import"] if engine.version_info >= (4, 3, 0) else ["--editor", "--quit"]
    child = Child(
        [str(engine.path), "--headless", "--path", str(root), *how],
        name="gdlab-godot-import",
        env=variables,
        time_limit_s=_TIME_LIMIT_S,
    )
    try:
        child.wait()
    finally:
        child.stop()
    if not (root / ".godot").is_dir():
        last = "\n".join(f"  | {line.text[:200]}" for line in child.lines()[-5:])
        raise GodotEnded(
            f"Godot could not import the project {root} (exit code {child.exit_code}, after "
            f"{child.seconds:.0f} s). Is the folder writable? Its last lines:\n{last}",
            exit_code=child.exit_code if child.exit_code is not None else -1,
        )


def is_needed(root: Path) -> bool:
    """Whether something in a project has never been imported."""
    if not (root / ".godot").is_dir():
        return not all(map(_is_plain, _files(root)))
    try:
        known = (root / ".godot" / "global_script_class_cache.cfg").read_bytes()
    except OSError:
        known = b""
    for path in _files(root):
        if path.suffix == ".gd":
            found = _CLASS_NAME.search(path.read_bytes())
            if found and b'&"%s"' % found[1] not in known:
                return True
        elif path.suffix.lower() in _IMPORTED and not path.with_name(f"{path.name}.import").exists():
            return True
    return False


def _is_plain(path: Path) -> bool:
    """Whether a run needs no import for a file."""
    if path.suffix not in _PLAIN:
        return path.suffix in _IGNORED
    data = path.read_bytes()
    return _BY_IDENTIFIER not in data and not (path.suffix == ".gd" and _CLASS_NAME.search(data))


def _files(root: Path) -> Iterator[Path]:
    """The files of a project that Godot looks at: not hidden folders, nor those with a `.gdignore`."""
    for folder, folders, files in os.walk(root):
        if ".gdignore" in files and Path(folder) != root:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            yield Path(folder, name)
