"""Run a script, a text or a project in a headless engine."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gdlab.errors import GodotEnded
from gdlab.godot.finder import Engine, find
from gdlab.godot.game import Game, Run, StopOn
from gdlab.godot.process import Child
from gdlab.godot.source import complete, is_main_loop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gdlab.godot.output import PathMap

#: Our GDScript, see `script`.
SCRIPTS: Final = Path(__file__).parent / "scripts"
#: What errors call the file of a source text.
SOURCE_NAME: Final = "<gdscript>"

_HOST = SCRIPTS / "node_host.gd"
_SOURCE_FILE: Final = "source.gd"
_IMPORT_LIMIT_S: Final = 300.0
#: With a display Godot shows some start-up failures in a dialogue of another program, and waits for a click.
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY")


def script(name: str) -> Path:
    """Path of a GDScript file that comes with gdlab: ``udp_sender``, ``udp_receiver`` or ``answer_game``."""
    path = SCRIPTS / f"{name.removesuffix('.gd')}.gd"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in SCRIPTS.glob("*.gd") if p != _HOST))
        raise ValueError(f"gdlab has no script {name!r}; it has {known}")
    return path


def run(
    script: str | os.PathLike[str] | None = None,
    *,
    source: str | None = None,
    project: str | os.PathLike[str] | None = None,
    args: Sequence[str] = (),
    fps: int | None = 60,
    time_limit_s: float = 30.0,
    env: Mapping[str, str] | None = None,
    stop_on: StopOn = "parse",
    engine: Engine | None = None,
) -> Run:
    """Run Godot headless until it ends or the time limit is reached; parameters as for `start`.

    Raises
    ------
    GodotNotFound, GodotVersionError : see `find`.
    FileNotFoundError : there is no such script or project.
    ValueError : not exactly one of `script`, `source`, `project`; bad `fps` or `time_limit_s`.

    Notes
    -----
    A script that fails raises nothing here: the result says so (`Run.ok`, `Run.errors`, `Run.reason`).
    """
    with start(
        script,
        source=source,
        project=project,
        args=args,
        fps=fps,
        time_limit_s=time_limit_s,
        env=env,
        stop_on=stop_on,
        engine=engine,
    ) as game:
        return game.wait()


def start(
    script: str | os.PathLike[str] | None = None,
    *,
    source: str | None = None,
    project: str | os.PathLike[str] | None = None,
    args: Sequence[str] = (),
    fps: int | None = 60,
    time_limit_s: float | None = None,
    env: Mapping[str, str] | None = None,
    stop_on: StopOn = "parse",
    engine: Engine | None = None,
) -> Game:
    """Start Godot headless in the background.

    Parameters
    ----------
    script : a ``.gd`` file that extends SceneTree, MainLoop, Node or a class made from Node; a node is put
        under the root of an empty tree. If it lies in a project, it runs in this project, autoloads and all.
    source : the text of such a script. Without ``extends`` it extends Node if it defines ``_ready``, else
        SceneTree. Errors name it ``<gdscript>`` and count its own lines; ``user://`` is gone after the run.
    project : a folder with a ``project.godot``; its main scene runs. A project never opened by an editor is
        imported first, which blocks.
    args : what the script gets from ``OS.get_cmdline_user_args()``.
    fps : frames a second at most; None for no limit (headless Godot then makes about 145).
    time_limit_s : the engine is killed after this time; None for no limit.
    env : variables to add to the environment.
    stop_on : ``parse``: a script that does not compile ends the game, with the reason. ``script``: so does
        any script error. ``never``: nothing does.
    engine : which engine; by default what `find` finds.

    Raises
    ------
    As `run`; and GodotEnded if the import of a project fails.
    """
    if sum(given is not None for given in (script, source, project)) != 1:
        raise ValueError("give exactly one of script=, source= and project=")
    if fps is not None and fps < 1:
        raise ValueError(f"fps is {fps}; it must be 1 or more, or None for no limit")
    if time_limit_s is not None and not (time_limit_s > 0 and math.isfinite(time_limit_s)):
        raise ValueError(f"time_limit_s is {time_limit_s}; it must be a positive number of seconds")
    variables = {name: value for name, value in os.environ.items() if name not in _DISPLAYS}
    variables |= env or {}
    scratch: Path | None = None
    renamed: dict[str, str | None] = {str(_HOST): None}

    # Everything that can be wrong with the files is said before an engine is looked for.
    if source is not None:
        what, text = "the source text", complete(source)
    elif script is not None:
        file = Path(script).absolute()
        if not file.is_file():
            raise FileNotFoundError(f"there is no script {file}")
        what, text = file.name, file.read_text(encoding="utf-8", errors="replace")
        root = next((folder for folder in file.parents if (folder / "project.godot").is_file()), file.parent)
    else:
        root = Path(project or "").absolute()
        if not (root / "project.godot").is_file():
            raise FileNotFoundError(f"{root} is not a Godot project: it has no project.godot")
        what, text = f"project {root.name}", ""
    engine = engine or find()

    if source is not None:
        scratch = root = Path(tempfile.mkdtemp(prefix="gdlab-"))
        file = root / _SOURCE_FILE
        variables["XDG_DATA_HOME"] = str(root / "data")
        renamed[str(file)] = SOURCE_NAME
    try:
        if source is not None:
            file.write_text(text, encoding="utf-8")
        _import(engine, root, variables)
        arguments = ["--headless", "--path", str(root)]
        if project is None:
            inside = file.relative_to(root).as_posix()
            if is_main_loop(text):
                arguments += ["--script", inside]
            else:
                arguments += ["--script", str(_HOST)]
                variables["GDLAB_NODE_SCRIPT"] = f"res://{inside}"
        if fps is not None:
            arguments += ["--max-fps", str(fps)]
        return Game(
            engine,
            [*arguments, "--", *map(str, args)],
            env=variables,
            what=what,
            show_path=_path_map(root, renamed),
            time_limit_s=time_limit_s,
            stop_on=stop_on,
            scratch=scratch,
        )
    except BaseException:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        raise


def _path_map(root: Path, renamed: Mapping[str, str | None]) -> PathMap:
    """Godot's paths to the user's: `res://` is `root`, then what `renamed` says; None for the engine's."""

    def show(path: str) -> str | None:
        if path.startswith("res://"):
            path = str(root / path.removeprefix("res://"))
        elif not Path(path).is_absolute():
            return None  # such as core/variant/variant_utility.cpp
        return renamed.get(path, path)

    return show


def _import(engine: Engine, root: Path, variables: Mapping[str, str]) -> None:
    """Make a project's resources usable, once: else scenes find no textures, and scripts no class names."""
    if not (root / "project.godot").is_file() or (root / ".godot").is_dir():
        return
    child = Child(
        [str(engine.path), "--headless", "--path", str(root), "--import"],
        name="gdlab-godot-import",
        env=variables,
        time_limit_s=_IMPORT_LIMIT_S,
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
