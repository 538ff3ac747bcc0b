"""The programs that the lessons show: in a real Godot where one is found, else played by a scripted peer."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from gdlab import godot
from gdlab.course import python_programs
from gdlab.errors import GodotNotFound, GodotVersionError, WaitTimeout

#: The GDScript of the programs, see `source`.
SCRIPTS: Final = Path(__file__).parent / "scripts"

#: Programs that listen: they say where in their first line, and `program` waits for it.
LISTENING: Final = ("udp_one_a_frame", "udp_drained")

_LONGEST_S: Final = 120.0
_STARTS_WITHIN_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.02


class Program:
    """A program of the course, running.

    Attributes
    ----------
    name : of the program.
    is_godot : whether a real engine runs it.
    port : where it listens; 0 if it does not listen.
    """

    def __init__(
        self, name: str, player: godot.Game | python_programs.PythonProgram, description: str
    ) -> None:
        self.name = name
        self.is_godot = isinstance(player, godot.Game)
        self.port = 0
        self._player = player
        self._description = description

    @property
    def prints(self) -> list[str]:
        """What it has printed so far, line by line."""
        if isinstance(self._player, godot.Game):
            return [entry.text for entry in self._player.entries if entry.level is godot.Level.PRINT]
        return list(self._player.prints)

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._player.running

    async def wait(self, timeout: float = 30.0) -> Self:
        """Wait until it has ended by itself.

        Raises
        ------
        WaitTimeout : it still runs after so many seconds.
        """
        deadline = time.monotonic() + timeout
        while self._still_plays(deadline, timeout):
            await asyncio.sleep(_LOOK_EVERY_S)
        return self

    def wait_sync(self, timeout: float = 30.0) -> Self:
        """Wait as `wait` does, without `await`."""
        deadline = time.monotonic() + timeout
        while self._still_plays(deadline, timeout):
            time.sleep(_LOOK_EVERY_S)
        return self

    def _still_plays(self, deadline: float, timeout_s: float) -> bool:
        if not self.running:
            return False
        if time.monotonic() > deadline:
            raise WaitTimeout(
                f"{self!r} after {timeout_s:g} s; it printed {self.prints[-3:]}. Is the other side there? "
                "`.stop()` stops it",
                arrived=0,
                wanted=1,
            )
        return True

    def stop(self) -> None:
        """End it. Calling it again does nothing."""
        self._player.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Program {self.name}: {self._description} {'plays' if self.running else 'has ended'}>"

    def _await_port(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while not self.port:
            ended = not self.running
            for line in self.prints:
                if line.startswith("listening on "):
                    self.port = int(line.removeprefix("listening on "))
                    return
            if ended or time.monotonic() > deadline:
                self.stop()
                raise WaitTimeout(
                    f"{self.name} has not begun to listen within {_STARTS_WITHIN_S:g} s. Run the cell again",
                    arrived=0,
                    wanted=1,
                )
            time.sleep(0.01)


def names() -> list[str]:
    """Names of the programs."""
    return sorted(path.stem for path in SCRIPTS.glob("*.gd"))


def source(name: str) -> str:
    """The GDScript of a program, to read or to change; `gdlab.godot.run(source=...)` runs a changed one.

    Raises
    ------
    ValueError : there is no such program.
    """
    return _script(name).read_text(encoding="utf-8")


class HasAddresses(Protocol):
    """A capture, as far as a program wants to know."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens."""


def program(
    name: str,
    *,
    to: HasAddresses | None = None,
    fps: int = 60,
    engine: bool | None = None,
    **options: object,
) -> Program:
    """Start a program of the course; its Godot and Python forms print and send the same.

    Parameters
    ----------
    name : which one, see `names`.
    to : the capture that it sends to, of one listener on this machine; the same as its port as option `port`.
    fps : frames per second.
    engine : True insists on a real Godot, False on the scripted peer; None takes whichever is available.
    options : of the program, as its source describes; programs that listen choose their port, see `Program.port`.

    Raises
    ------
    ValueError : there is no such program or option. GodotNotFound, GodotVersionError : with ``engine=True``.
    """
    script = _script(name)
    if to is not None:
        options = {"port": int(to.addresses[0].rpartition(":")[2].partition("/")[0]), **options}
    known = python_programs.PYTHON_PROGRAMS[name].OPTIONS
    if unknown := [option for option in options if option not in known]:
        raise ValueError(f"{name} has no option {unknown[0]!r}; it has {', '.join(known)}")
    if name in LISTENING:
        options = {"port": 0, **options}
    why = "asked for"
    player: godot.Game | python_programs.PythonProgram | None = None
    if engine is not False:
        try:
            player = godot.start(
                script,
                args=[f"{key}={value}" for key, value in options.items()],
                fps=fps,
                time_limit_s=_LONGEST_S,
            )
            description = f"Godot {player.engine.version}"
        except (GodotNotFound, GodotVersionError) as error:
            if engine:
                raise
            why = "no Godot 4 was found" if isinstance(error, GodotNotFound) else str(error)
    if player is None:
        given: dict[str, Any] = {"seconds": _LONGEST_S, **options}
        player = python_programs.PYTHON_PROGRAMS[name](fps=fps, **given).start()
        description = f"a scripted peer ({why})"
    started = Program(name, player, description)
    if name in LISTENING:
        started._await_port()
    return started


def _script(name: str) -> Path:
    if name not in names():
        raise ValueError(f"the course has no program {name!r}; it has {', '.join(names())}")
    return SCRIPTS / f"{name}.gd"
