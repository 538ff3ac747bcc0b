"""Run a script, a text or a project in a headless engine."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gdlab.godot.finder import Engine, find
from gdlab.godot.game import Game, StopOn
from gdlab.godot.importing import import_project
from gdlab.godot.run import Run
from gdlab.godot.source import Complete, Constant, complete, is_main_loop
from gdlab.godot.watcher import options as watcher_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gdlab.godot.output import PlaceMap
    from gdlab.godot.watcher import Watcher

#: Our GDScript, see `script`.
SCRIPTS: Final = Path(__file__).parent / "scripts"
_PACKAGE: Final = SCRIPTS.parents[1]
#: What errors call the file of a source text.
SOURCE_NAME: Final = "<gdscript>"

_HOST = SCRIPTS / "node_host.gd"
_SOURCE_FILE: Final = "source.gd"
#: Makes a folder a project. In another the engine prepares its project manager first, fonts and settings and all,
#: whatever script it is to run: its start then takes four times as much of the processor.
_EMPTY_PROJECT: Final = b"config_version=5\n"
#: With a display Godot shows some start-up failures in a dialogue of another program, and waits for a click.
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY")


def script(name: str) -> Path:
    """Path of a GDScript file that comes with gdlab, such as ``udp_sender``, ``udp_receiver`` or ``answer_game``."""
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
    scene: str | None = None,
    args: Sequence[str] = (),
    constants: Mapping[str, Constant] | None = None,
    fps: int | None = 60,
    seconds: float | None = None,
    time_limit_s: float = 30.0,
    env: Mapping[str, str] | None = None,
    stop_on: StopOn = "parse",
    debugger: Watcher | None = None,
    label: str | None = None,
    engine: Engine | None = None,
) -> Run:
    """Run Godot headless until it ends or the time limit is reached; parameters as for `start`.

    Raises
    ------
    GodotNotFound, GodotVersionError : see `find`.
    FileNotFoundError : there is no such script, project or scene.
    ValueError : not exactly one of `script`, `source`, `project`; bad `fps`, `seconds` or `time_limit_s`;
        `scene` without a project, `constants` without a source text.

    Notes
    -----
    A script that fails raises nothing here: the result says so (`Run.ok`, `Run.errors`, `Run.reason`).
    """
    with start(
        script,
        source=source,
        project=project,
        scene=scene,
        args=args,
        constants=constants,
        fps=fps,
        seconds=seconds,
        time_limit_s=time_limit_s,
        env=env,
        stop_on=stop_on,
        debugger=debugger,
        label=label,
        engine=engine,
    ) as game:
        return game.wait()


def start(
    script: str | os.PathLike[str] | None = None,
    *,
    source: str | None = None,
    project: str | os.PathLike[str] | None = None,
    scene: str | None = None,
    args: Sequence[str] = (),
    constants: Mapping[str, Constant] | None = None,
    fps: int | None = 60,
    seconds: float | None = None,
    time_limit_s: float | None = None,
    env: Mapping[str, str] | None = None,
    stop_on: StopOn = "parse",
    debugger: Watcher | None = None,
    label: str | None = None,
    engine: Engine | None = None,
) -> Game:
    """Start Godot headless in the background.

    Parameters
    ----------
    script : a ``.gd`` file that extends SceneTree, MainLoop, Node or a class made from Node; a node is put
        under the root of an empty tree. If it lies in a project, it runs in this project, autoloads and all.
    source : the text of such a script. Without ``extends`` it extends Node if it has something of a node's
        (such as ``_ready`` or ``get_tree()``), else SceneTree; statements without any function run one after
        the other, then the engine quits. Errors name it ``<gdscript>`` and count its own lines; ``user://`` is
        gone after the run.
    project : a folder with a ``project.godot``; its main scene runs. What no editor has imported yet
        is imported first, which takes some seconds.
    scene : a scene of the project other than its main scene, such as ``"blog/udp_client.tscn"``.
    args : what the script gets from ``OS.get_cmdline_user_args()``.
    constants : names and values that a source text finds as constants of its own, such as ``{"PORT": 4242}``.
    fps : frames per second at most; None for no limit (headless Godot then makes about 145).
    seconds : the engine quits by itself after so many seconds of frames, leaving its tree in order; needs
        `fps`, and cannot end a script that never finishes a frame: for that there is `time_limit_s`.
    time_limit_s : the engine is killed after this time; None for no limit.
    env : variables to add to the environment.
    stop_on : ``parse``: a script that does not compile ends the game, with the reason. ``script``: so does
        any script error. ``never``: nothing does.
    debugger : a `gdlab.debugger` that watches the game: prints, errors, frames, variables. It must be running.
    label : what the game is called in the watch's tables; by default what it runs.
    engine : which engine; by default what `find` finds.

    Raises
    ------
    As `run`; and GodotEnded if the import of a project fails.
    """
    if sum(given is not None for given in (script, source, project)) != 1:
        raise ValueError("give exactly one of script=, source= and project=")
    if fps is not None and fps < 1:
        raise ValueError(f"fps is {fps}; it must be 1 or more, or None for no limit")
    if seconds is not None and not (fps is not None and seconds > 0 and math.isfinite(seconds)):
        raise ValueError(
            f"seconds is {seconds} and fps is {fps}; seconds are counted in frames: both must be positive"
        )
    if scene is not None and project is None:
        raise ValueError("scene= names a scene of a project: give project=, too")
    if constants is not None and source is None:
        raise ValueError("constants= are for a source text; a script or project takes args= or env=")
    if time_limit_s is not None and not (time_limit_s > 0 and math.isfinite(time_limit_s)):
        raise ValueError(f"time_limit_s is {time_limit_s}; it must be a positive number of seconds")
    watching = [] if debugger is None else watcher_options(debugger)
    variables = {name: value for name, value in os.environ.items() if name not in _DISPLAYS}
    variables |= env or {}
    scratch: Path | None = None
    completed: Complete | None = None

    # Everything that can be wrong with the files is said before an engine is looked for.
    if source is not None:
        completed = complete(source, constants)
        what, text = "the source text", completed.text
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
        scene = None if scene is None else scene.removeprefix("res://")
        if scene is not None and not (root / scene).is_file():
            raise FileNotFoundError(f"there is no scene {scene} in {root}; it has {_scenes(root)}")
    engine = engine or find()

    # A script of gdlab in no project, such as the course's, needs nothing of the folder it lies in, which may not be
    # written to.
    ours = script is not None and file.is_relative_to(_PACKAGE) and not (root / "project.godot").is_file()
    if source is not None or ours:
        scratch = root = Path(tempfile.mkdtemp(prefix="gdlab-"))
        variables["XDG_DATA_HOME"] = str(root / "data")
    try:
        if scratch is None:
            import_project(engine, root, variables)
        else:
            (root / "project.godot").write_bytes(_EMPTY_PROJECT)
        if source is not None:
            file = root / _SOURCE_FILE
            file.write_text(text, encoding="utf-8")
        arguments = ["--headless", "--path", str(root)]
        if scene is not None:
            arguments.append(f"res://{scene}")
        if project is None:
            inside = f"res://{file.relative_to(root).as_posix()}" if file.is_relative_to(root) else str(file)
            if is_main_loop(text):
                arguments += ["--script", inside]
            else:
                arguments += ["--script", str(_HOST)]
                variables["GDLAB_NODE_SCRIPT"] = inside
        if fps is not None:
            arguments += ["--max-fps", str(fps)]
            if seconds is not None:
                arguments += ["--quit-after", str(max(1, round(seconds * fps)))]
        place = _place_map(root, completed)
        game = Game(
            engine,
            [*arguments, *watching, "--", *map(str, args)],
            env=variables,
            what=what,
            place=place,
            time_limit_s=time_limit_s,
            stop_on=stop_on,
            scratch=scratch,
            watcher=debugger,
        )
    except BaseException:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        raise
    if debugger is not None:
        # The engine needs far longer than this to connect. Places in a project stay as its user knows them.
        debugger.expect(
            game.pid,
            label or what,
            place if completed is not None else None,
            root if completed is None else None,
        )
    return game


def _place_map(root: Path, completed: Complete | None) -> PlaceMap:
    """Godot's places to the user's: `res://` is `root`; a source text has the lines that its user wrote."""
    source = str(root / _SOURCE_FILE)

    def place(path: str, line: int) -> tuple[str, int] | None:
        if path.startswith("res://"):
            path = str(root / path.removeprefix("res://"))
        elif not Path(path).is_absolute():
            return None  # such as core/variant/variant_utility.cpp
        if path == str(_HOST):
            return None
        if completed is not None and path == source:
            return SOURCE_NAME, completed.user_line(line)
        return path, line

    return place


def _scenes(root: Path) -> str:
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.tscn"))
    return ", ".join(found) or "none"
