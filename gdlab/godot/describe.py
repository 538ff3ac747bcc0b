"""What an engine can do, asked of the engine itself."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from gdlab.errors import GodotEnded
from gdlab.godot.runner import run, script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gdlab.godot.finder import Engine

_MARK: Final = "gdlab describe "


@dataclass(frozen=True, slots=True)
class Description:
    """An engine and what it can do.

    Attributes
    ----------
    engine : its file, version and where it was found.
    build : ``editor``, ``debug template`` or ``release template``.
    system, architecture : what it runs on, such as ``Debian GNU/Linux 12`` and ``x86_64``.
    double_precision : its vectors are of 64-bit numbers, also on the wire.
    classes : for each network class that gdlab uses or mentions, whether the engine has it.
    tells_memory : ``OS.get_static_memory_usage()`` works (it is 0 in release templates).
    """

    engine: Engine
    build: str
    system: str
    architecture: str
    double_precision: bool
    classes: Mapping[str, bool]
    tells_memory: bool

    @property
    def table(self) -> pd.DataFrame:
        """One row per capability: `capability`, `has` (bool), `needed_for` (text)."""
        version = self.engine.version_info
        editor, debug = self.build == "editor", self.build != "release template"
        rows = [
            ("imports projects", editor, "running a project that no editor has opened yet"),
            ("remote debugger", debug, "prints, errors and monitors of an unmodified game"),
            ("prints at once", debug, "reading prints while a game runs; a release build keeps them back"),
            ("tells its memory", self.tells_memory, "sizes in memory"),
            ("double precision", self.double_precision, "positions far from the origin; twice the bytes"),
            ("typed arrays on the wire", version >= (4, 3, 0), "Array[int] keeping its type"),
            ("typed dictionaries", version >= (4, 4, 0), "Dictionary[int, String] keeping its types"),
            ("backtraces", version >= (4, 5, 0), "errors that tell the calls which led there"),
            *((name, has, "") for name, has in self.classes.items()),
        ]
        table = pd.DataFrame(rows, columns=["capability", "has", "needed_for"])
        return table.astype({"capability": "string", "has": "bool", "needed_for": "string"})

    def __str__(self) -> str:
        lacks = [name for name, has in self.classes.items() if not has]
        return (
            f"{self.engine} ({self.engine.source or 'as given'}): {self.build}, "
            f"{'double' if self.double_precision else 'single'} precision, {self.architecture}, {self.system}; "
            f"{'without ' + ', '.join(lacks) if lacks else 'all network classes'}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(str(self))}</p>{self.table.to_html(index=False)}"


def describe(engine: Engine | None = None, *, time_limit_s: float = 30.0) -> Description:
    """Ask an engine what it can do; it runs for less than a second.

    Parameters
    ----------
    engine : by default what `find` finds.

    Raises
    ------
    GodotNotFound, GodotVersionError : see `find`.
    GodotEnded : it ended, or was ended after `time_limit_s`, without an answer.
    """
    done = run(script("describe"), engine=engine, time_limit_s=time_limit_s)
    answer = next((line for line in done.prints if line.startswith(_MARK)), None)
    if answer is None:
        raise GodotEnded(f"{done.engine} did not say what it can do: {done.reason}", exit_code=done.exit_code)
    said: dict[str, Any] = json.loads(answer.removeprefix(_MARK))
    build = "editor" if said["editor"] else "debug template" if said["debug"] else "release template"
    return Description(
        engine=done.engine,
        build=build,
        system=said["system"],
        architecture=said["architecture"],
        double_precision=said["double"],
        classes=said["classes"],
        tells_memory=said["memory"],
    )
