"""The sample project that comes with gdlab, written where the user wants it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import os

SAMPLE: Final = Path(__file__).parent / "sample-project"
PROBE: Final = "gdlab_probe.gd"

#: A file of this name would be obeyed by our own repository, too.
_RENAMED: Final = {"gitignore": ".gitignore"}


def project(folder: str | os.PathLike[str]) -> Path:
    """Write the sample project into a folder: the tutorial's programs, a probe to drop into any game, a small game.

    Its README says what is in it. Open it in the editor, or run one of its scenes::

        folder = gd.godot.project("sample")
        game = gd.godot.start(project=folder, scene="game/moving_square.tscn", args=["port=4242"])

    Parameters
    ----------
    folder : a new or empty one.

    Returns
    -------
    The folder, absolute.

    Raises
    ------
    FileExistsError : something is in the folder; nothing of it is touched.
    NotADirectoryError : it is a file.
    """
    target = Path(folder).expanduser().absolute()
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(
            f"{target} is a file; give the name of a folder to write the sample project into"
        )
    if target.is_dir() and (first := next(iter(sorted(target.iterdir())), None)) is not None:
        if (target / "project.godot").is_file():
            what = "there is a Godot project in it already; run that one, or give another folder"
        else:
            what = f"it is not empty (it has {first.name}); give a new folder"
        raise FileExistsError(f"the sample project was not written to {target}: {what}")
    for source in sorted(SAMPLE.rglob("*")):
        if source.is_file():
            inside = source.relative_to(SAMPLE)
            goal = target / inside.with_name(_RENAMED.get(inside.name, inside.name))
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, goal)  # not its mode: an installed package may be read-only
    return target


def probe(folder: str | os.PathLike[str]) -> Path:
    """Copy the probe, one file, into a game's project; its first lines explain how to switch it on.

    Raises
    ------
    FileNotFoundError : the folder is not a Godot project.
    FileExistsError : there is another file of this name; the same file is no error.
    """
    root = Path(folder).expanduser().absolute()
    if not (root / "project.godot").is_file():
        raise FileNotFoundError(f"{root} is not a Godot project: it has no project.godot")
    source, goal = SAMPLE / PROBE, root / PROBE
    if goal.exists() and goal.read_bytes() != source.read_bytes():
        raise FileExistsError(
            f"there is another {goal} already; move it away if the new one shall take its place"
        )
    shutil.copyfile(source, goal)
    return goal
