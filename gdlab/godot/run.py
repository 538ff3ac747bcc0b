"""The record of one run of the engine."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gdlab.godot.output import ERRORS, Entry, Level, to_table
from gdlab.godot.process import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from gdlab.godot.finder import Engine

#: Lines of output quoted in a diagnosis.
QUOTED: Final = 5
#: Lines of a crash report that say nothing.
_RULE: Final = re.compile(r"=+$|-- END OF ")


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """What a run of the engine came to.

    Attributes
    ----------
    engine : which engine it was.
    command : how it was started.
    exit_code : of the process; negative is the signal that killed it. Godot's exit codes say little: 0 is
        returned even after script errors. Use `ok`.
    ending : by itself (``exit``), or what ended it.
    reason : the same as a sentence, with the first error.
    seconds : from start to end.
    entries : prints, warnings and errors in order.
    dropped_lines : older lines of the output that were not kept.
    """

    engine: Engine
    command: tuple[str, ...]
    exit_code: int
    ending: Ending
    reason: str
    seconds: float
    entries: tuple[Entry, ...]
    dropped_lines: int = 0

    @property
    def ok(self) -> bool:
        """The engine ended by itself with exit code 0, and no script failed."""
        failed = any(entry.level is Level.SCRIPT_ERROR for entry in self.entries)
        return self.ending is Ending.EXIT and self.exit_code == 0 and not failed

    @property
    def timed_out(self) -> bool:
        """The time limit ended it."""
        return self.ending is Ending.TIME_LIMIT

    @property
    def prints(self) -> list[str]:
        """What the script printed, line by line, without the engine's greeting."""
        return [entry.text for entry in self.entries if entry.level is Level.PRINT]

    @property
    def errors(self) -> list[Entry]:
        """Errors of the engine and of scripts; warnings are in `table`."""
        return [entry for entry in self.entries if entry.level in ERRORS]

    @property
    def table(self) -> pd.DataFrame:
        """All output: ``time_s``, ``stream``, ``level``, ``text``, ``file``, ``line``."""
        return to_table(self.entries)

    def __repr__(self) -> str:
        return f"<Run {'ok' if self.ok else 'not ok'}: {self.reason}; lines printed: {len(self.prints)}>"


def reason_of(
    what: str,
    ending: Ending,
    exit_code: int,
    seconds: float,
    time_limit_s: float | None,
    found: Sequence[Entry],
) -> str:
    """Why a run ended, in one or two sentences."""
    script = next((entry for entry in found if entry.level is Level.SCRIPT_ERROR), None)
    first = script or next((entry for entry in found if entry.level in ERRORS), None)
    if ending is Ending.TIME_LIMIT:
        said = f"{what} was still running at its time limit of {time_limit_s:g} s and was killed"
        return said if script is None else f"{said}. {abandoned(script)}"
    if ending is Ending.STOPPED:
        return f"{what} was stopped after {seconds:.1f} s"
    if ending is Ending.ERROR:
        return f"{what} was ended because of {first}"
    if exit_code < 0:
        try:
            name = signal.Signals(-exit_code).name
        except ValueError:
            name = str(-exit_code)
        said = f"{what} crashed or was killed from outside (signal {name}) after {seconds:.1f} s"
        said += "" if first is None else f". First error: {first}"
        lines = [str(entry) for entry in found if entry.text and not _RULE.match(entry.text)]
        if not lines:
            return said
        return f"{said}. Its last lines:\n" + "\n".join(f"  | {line[:200]}" for line in lines[-QUOTED:])
    else:
        said = f"{what} ended by itself with exit code {exit_code} after {seconds:.1f} s"
    return said if first is None else f"{said}. First error: {first}"


def abandoned(error: Entry) -> str:
    """What a script error means for the rest of a run."""
    return (
        "A script error does not end Godot, only the function it is in (a `quit()` further down is never "
        f"reached): {error}"
    )
