"""JupyterLab on the first notebook, with a game sending beside it."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gdlab import traffic
from gdlab.course import handout
from gdlab.errors import MissingDependency
from gdlab.words import LANGUAGE_VARIABLE

FIRST = "01-first-packet.ipynb"
#: The folder of the copies that people work in.
COPIES = "gdlab-notebooks"


def open_lab(folder: Path, arguments: Sequence[str], *, traffic_on: bool, language: str = "en") -> int:
    """Run JupyterLab until it is ended; return its exit status. The notebooks, and gdlab in them, speak a language."""
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        raise MissingDependency(
            "JupyterLab is not installed; install gdlab with it: pip install 'gdlab[lab]'"
        ) from error
    # Jupyter itself only warns, in the middle of its log: the lab would open on another port than was asked for.
    for argument in arguments:
        name = argument.partition("=")[0].lstrip("-")
        if argument.startswith("--") and "." not in name and name not in (known := _options(LabApp)):
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean --{near[0]}?" if near else ": see jupyter lab --help"
            print(f"gdlab: JupyterLab has no option --{name}{hint}", file=sys.stderr)
            return 2
    notebooks = notebook_folder(folder, language)
    if language != "en":
        os.environ[LANGUAGE_VARIABLE] = language
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


def _options(app: Any) -> list[str]:
    """The options of JupyterLab that have a short name; those with a dot set anything."""
    return [*app.aliases, *app.flags, "help", "help-all", "version"]


def notebook_folder(folder: Path, language: str = "en") -> Path:
    """Return the folder of the notebooks: the one given if it has them, else copies of them in `gdlab-notebooks`.

    In a clone of the repository they are copies, too: what Jupyter saves by itself is no change of the project's
    files. Copies that are there are never overwritten, as they may be somebody's work; one that nobody has changed
    follows its original.
    """
    if (folder / FIRST).is_file():
        return folder.resolve()
    target = folder / (COPIES if language == "en" else f"{COPIES}-{language}")
    target.mkdir(parents=True, exist_ok=True)
    known = target / ".originals.json"
    try:
        originals = dict(json.loads(known.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        originals = {}
    for notebook in sorted(handout.shipped(language).glob("*.ipynb")):
        copy, digest = target / notebook.name, _digest(notebook)
        if not copy.exists() or (digest != originals.get(copy.name) == _digest(copy)):
            shutil.copyfile(notebook, copy)
            originals[copy.name] = digest
    known.write_text(json.dumps(originals), encoding="utf-8")
    return target.resolve()


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
