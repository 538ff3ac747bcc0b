"""Where the Godot engine is, and whether it is one gdlab speaks to."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gdlab.errors import GodotNotFound, GodotVersionError
from gdlab.godot.places import downloaded, installed
from gdlab.godot.process import Child, Ending

if TYPE_CHECKING:
    from collections.abc import Mapping

#: `godot --version` answers in 0.1 s; a busy machine or a virus scanner may take longer.
VERSION_TIME_LIMIT_S: Final = 20.0

_VERSION = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))?\.\S*$")

HOW_TO_GET: Final = (
    "Get Godot 4 from godotengine.org (the standard editor, one file) or from your package manager, then put "
    "it on PATH as `godot`, or set the environment variable GDLAB_GODOT to its file."
)

WITHOUT: Final = (
    "Without it: captures, plots and files work, gd.demo_game(address) sends as a game does, "
    "gd.sample() lists captures "
    "of a real engine, and the lessons run on those."
)


@dataclass(frozen=True, slots=True)
class Engine:
    """A Godot 4 that answered.

    Attributes
    ----------
    path : the program.
    version : what it calls itself, such as ``4.6.3.stable.official.abcdef123``.
    source : where it was found, as text.
    """

    path: Path
    version: str
    source: str = ""

    @property
    def version_info(self) -> tuple[int, int, int]:
        """Major, minor and patch number."""
        numbers = _VERSION.match(self.version)
        if numbers is None:
            return (0, 0, 0)
        major, minor, patch = numbers.groups(default="0")
        return int(major), int(minor), int(patch)

    def __str__(self) -> str:
        return f"Godot {self.version} at {self.path}"


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of gdlab's own engine: ``$XDG_CACHE_HOME/gdlab/godot``, by default under ``~/.cache``."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification: a relative path in the variable is invalid and to be ignored.
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "gdlab" / "godot"


def find(*, time_limit_s: float = VERSION_TIME_LIMIT_S) -> Engine:
    """Find a Godot 4 and ask its version.

    Looks at the environment variable ``GDLAB_GODOT``, then for ``godot`` and ``godot4`` on PATH, then in
    `cache_folder`, then where installers put it (application bundles of macOS, program folders of Windows,
    Steam). What ``GDLAB_GODOT`` names must work: it is what the user asked for, so nothing else is
    tried. The other places are tried in turn, so a Godot 3 called ``godot`` does not hide a ``godot4``.

    Parameters
    ----------
    time_limit_s : for each program's answer to ``--version``.

    Raises
    ------
    GodotNotFound : there is none; the message says where gdlab looked, what was wrong there, and how to get one.
    GodotVersionError : there is only an engine of another generation.
    """
    wanted = os.environ.get("GDLAB_GODOT", "").strip()
    if wanted:
        path = Path(wanted).expanduser()
        found = path if path.is_file() else _which(wanted)
        if found is None:
            raise GodotNotFound(f"GDLAB_GODOT is {wanted!r}, but there is no such program. {HOW_TO_GET}")
        return check(found, source="GDLAB_GODOT", time_limit_s=time_limit_s)

    looked = ["GDLAB_GODOT: not set"]
    other_generation: GodotVersionError | None = None
    own = cache_folder() / "godot"
    for source, candidate in (
        ("`godot` on PATH", _which("godot")),
        ("`godot4` on PATH", _which("godot4")),
        (f"{own}", own if own.is_file() else None),
        *((f"{path}", path) for path in installed()),
    ):
        if candidate is None:
            looked.append(f"{source}: not there")
            continue
        try:
            return check(candidate, source=source, time_limit_s=time_limit_s)
        except GodotVersionError as error:
            other_generation = other_generation or error
            looked.append(f"{source}: {error}")
        except GodotNotFound as error:
            looked.append(f"{source}: {error}")
    if other_generation is not None:
        raise other_generation
    there = downloaded()
    advice = f"There is {there}: set GDLAB_GODOT to it." if there else HOW_TO_GET
    raise GodotNotFound(
        "No Godot 4 found. Looked at:\n"
        + "".join(f"  - {line}\n" for line in looked)
        + f"{advice}\n{WITHOUT}"
    )


def check(path: Path, *, source: str = "", time_limit_s: float = VERSION_TIME_LIMIT_S) -> Engine:
    """Ask a program whether it is a Godot 4.

    Raises
    ------
    GodotNotFound : it cannot be started, does not answer within `time_limit_s`, fails, or is not Godot.
    GodotVersionError : it is Godot, but not 4.
    """
    path = Path.cwd() / path  # not `resolve`: a link's name may tell a program what to be
    try:
        child = Child(
            [str(path), "--headless", "--version"], name="gdlab-godot-version", time_limit_s=time_limit_s
        )
    except OSError as error:
        raise GodotNotFound(f"{path} cannot be started: {error.strerror or error}") from error
    try:
        child.wait()
    finally:
        child.stop()
    lines = [line.text.strip() for line in child.lines()]
    version = next((line for line in lines if _VERSION.match(line)), "")
    if not version:
        said = next((line for line in lines if line), "nothing")
        if child.ending is Ending.TIME_LIMIT:
            raise GodotNotFound(
                f"{path} did not tell its version within {time_limit_s:g} s (printed {said[:200]!r})"
            )
        raise GodotNotFound(
            f"{path} is not a Godot that works: `--version` ended with exit code {child.exit_code} and "
            f"printed {said[:200]!r}"
        )
    major = version.split(".", 1)[0]
    if major != "4":
        raise GodotVersionError(
            f"{path} is Godot {version}. gdlab needs Godot 4: the network classes and the Variant format of "
            f"Godot {major} are different. {HOW_TO_GET}"
        )
    return Engine(path, version, source)


def _which(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None
