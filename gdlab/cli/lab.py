"""JupyterLab on the first notebook, with a game sending beside it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from gdlab import traffic
from gdlab.course import handout
from gdlab.errors import MissingDependency

FIRST = "01-first-packet.ipynb"


def open_lab(folder: Path, arguments: Sequence[str], *, traffic_on: bool) -> int:
    """Run JupyterLab until it is ended; return its exit status."""
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        raise MissingDependency(
            "JupyterLab is not installed; install gdlab with it: pip install 'gdlab[lab]'"
        ) from error
    notebooks = notebook_folder(folder)
    with ExitStack() as stack:
        if traffic_on:
            game = stack.enter_context(traffic.demo_game("udp://127.0.0.1:4242"))
            print(f"gdlab: {game.description} sends to {game.to} until JupyterLab is ended", file=sys.stderr)
            os.environ.update(traffic.announce(game))
        options = [
            f"--ServerApp.root_dir={notebooks}",
            f"--LabApp.default_url=/lab/tree/{FIRST}",
            # Updates for a closed browser tab would pile up in the server's memory, 1 GB an hour.
            "--MappingKernelManager.buffer_offline_messages=False",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--allow-root")
        LabApp.launch_instance([*options, *arguments])
    return 0


def notebook_folder(folder: Path) -> Path:
    """Return the folder of the notebooks: the one given if it has them, else `notebooks` in it, made if need be.

    Notebooks that are there are never overwritten: they may be somebody's work.
    """
    for candidate in (folder, folder / "notebooks"):
        if (candidate / FIRST).is_file():
            return candidate.resolve()
    target = folder / "gdlab-notebooks"
    target.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(handout.shipped().glob("*.ipynb")):
        if not (target / notebook.name).exists():
            shutil.copyfile(notebook, target / notebook.name)
    return target.resolve()
