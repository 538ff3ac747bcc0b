"""A game: one running engine, and its output while it runs."""

from __future__ import annotations

import html
import shutil
import time
import weakref
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

from gdlab.errors import GodotEnded, WaitTimeout
from gdlab.godot.output import ERRORS, Entry, EntryStream, Level, PlaceMap, entries, is_parse_error, to_table
from gdlab.godot.process import Child, Ending, Line
from gdlab.godot.run import QUOTED, Run, abandoned, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import pandas as pd

    from gdlab.godot.finder import Engine
    from gdlab.godot.watcher import Watcher

#: Which of a game's messages end it: none, a script that does not compile, or any script error.
StopOn = Literal["never", "parse", "script"]

#: The games of this process, for `running`.
_GAMES: weakref.WeakSet[Game] = weakref.WeakSet()

#: How long the engine is given to finish its report after a message that ends the game.
_REPORT_S: Final = 0.5
#: Lines of output that a cell shows.
_SHOWN: Final = 20
#: How often a wait for a capture looks.
_LOOK_S: Final = 0.05


class _Counters(Protocol):
    """Of `gdlab.Capture.statistics()`: what says whether somebody is there."""

    @property
    def connections(self) -> int:
        """Open connections."""

    @property
    def last_received_s(self) -> float | None:
        """Age of the newest message."""


class _Status(Protocol):
    """Of `gdlab.Capture.status`: its words."""

    @property
    def text(self) -> str:
        """How the capture is."""

    @property
    def hint(self) -> str:
        """What to try."""


class Listening(Protocol):
    """What `Game.wait_connected` asks of a `gdlab.Capture`."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens."""

    @property
    def status(self) -> _Status:
        """How it is, in words."""

    def statistics(self) -> _Counters:
        """Who is there."""


class Game:
    """A running engine; made by `start`.

    Use it as a context manager, or call `stop`: the whole process group is killed then. It is also killed
    when this Python ends, in whatever way.
    """

    def __init__(
        self,
        engine: Engine,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        what: str,
        place: PlaceMap,
        time_limit_s: float | None,
        stop_on: StopOn,
        scratch: Path | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.engine = engine
        self._watcher = watcher
        self._what = what
        self._place = place
        self._time_limit_s = time_limit_s
        self._stop_on = stop_on
        self._scratch = scratch
        self._run: Run | None = None
        self._child = Child(
            [str(engine.path), *arguments],
            name="gdlab-godot",
            env=env,
            time_limit_s=time_limit_s,
            on_line=self._watch,
            on_end=self._finish,
        )
        _GAMES.add(self)

    @property
    def pid(self) -> int:
        """Id of the process, and of its group."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """The engine has not ended."""
        return self._child.running

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start; stands still at the end."""
        return self._child.elapsed_s

    @property
    def output(self) -> str:
        """All text so far, of both streams, as it was printed."""
        return "".join(f"{line.text}\n" for line in self._child.lines())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Prints, warnings and errors so far."""
        return tuple(entries(self._child.lines(), self._place))

    @property
    def errors(self) -> list[Entry]:
        """Errors so far."""
        return [entry for entry in self.entries if entry.level in ERRORS]

    @property
    def table(self) -> pd.DataFrame:
        """All output so far, see `Run.table`."""
        return to_table(self.entries)

    def lines(self) -> Iterator[Line]:
        """Every line from the first on, as they come; ends when the engine has ended."""
        position = 0
        while True:
            running = self._child.running  # asked first: what comes between is found by one more round
            new, position = self._child.lines_from(position, timeout_s=0.5)
            yield from new
            if not running and not new:
                return

    def follow(self) -> Iterator[Entry]:
        """Every print, warning and error from the first on, as they come; ends when the engine has ended."""
        stream = EntryStream(self._place)
        position = 0
        while True:
            running = self._child.running
            new, position = self._child.lines_from(position, timeout_s=EntryStream.SETTLED_S)
            yield from stream.receive(new, self._child.elapsed_s)
            if not running and not new:
                yield from stream.finish()
                return

    def wait_for(self, text: str, timeout_s: float = 10.0) -> Line:
        """Wait until a line that contains `text` was printed, on either stream, now or earlier.

        Raises
        ------
        WaitTimeout : it did not come in time; the message says what did, and what to try.
        GodotEnded : the engine ended without it; the message says why.
        """
        deadline = time.monotonic() + timeout_s
        position = 0
        while True:
            running = self._child.running
            new, position = self._child.lines_from(position, max(0.0, deadline - time.monotonic()))
            for line in new:
                if text in line.text:
                    return line
            if new:
                continue
            if not running:
                run = self.wait()
                raise GodotEnded(
                    f"{run.reason}. It never printed {text!r}.{self._quote()}", exit_code=run.exit_code
                )
            if time.monotonic() >= deadline:
                raise WaitTimeout(self._diagnosis(text, timeout_s), arrived=position, wanted=1)

    def wait_connected(self, capture: Listening, timeout_s: float = 10.0) -> None:
        """Wait until somebody has connected to a capture, or sent to it since this game was started.

        Raises
        ------
        WaitTimeout : nobody came in time. The message gives the state of the game and of the capture, and what to try.
        GodotEnded : the engine ended before; the message says why.
        """
        deadline = time.monotonic() + timeout_s
        names = ", ".join(capture.addresses)
        while True:
            running = self._child.running
            told = capture.statistics()
            age_s = told.last_received_s
            if told.connections or (age_s is not None and age_s <= self._age_s):
                return
            if not running:
                run = self.wait()
                raise GodotEnded(
                    f"{run.reason}. Nothing of it had reached {names}.{self._quote()}",
                    exit_code=run.exit_code,
                )
            left = deadline - time.monotonic()
            if left <= 0:
                status = capture.status
                hint = f" To try: {status.hint}." if status.hint else ""
                raise WaitTimeout(
                    f"{self._what} is running (process {self.pid}, for {self._child.elapsed_s:.1f} s), but nothing "
                    f"of it has reached {names} within {timeout_s:g} s. The capture: {status.text}.{hint}"
                    f"{self._hint()}{self._quote()}",
                    arrived=0,
                    wanted=1,
                )
            self._child.wait(min(_LOOK_S, left))

    @property
    def _age_s(self) -> float:
        """Seconds since the start, also after the end."""
        return time.perf_counter() - self._child.started

    def wait(self, timeout_s: float | None = None) -> Run:
        """Wait until the engine ends by itself or by its time limit.

        Raises
        ------
        WaitTimeout : it still runs after `timeout_s`. It is not stopped.
        """
        if not self._child.wait(timeout_s) or self._run is None:
            message = (
                f"{self._what} still runs after {timeout_s:g} s of waiting.{self._hint()}{self._quote()}"
            )
            raise WaitTimeout(message, arrived=len(self._child.lines()), wanted=1)
        return self._run

    def stop(self) -> Run:
        """Kill the engine with all it started, and wait until it is gone. Does nothing if it has ended."""
        self._child.stop()
        return self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if self._run is not None:
            return f"<Game {self._what}: {self._run.reason}>"
        return f"<Game {self._what}: running for {self._child.elapsed_s:.1f} s, process {self.pid}>"

    def _repr_html_(self) -> str:
        """The state, and the last lines of the output as a table."""
        table = self.table.tail(_SHOWN)[["time_s", "level", "text", "file", "line"]]
        return f"<p>{html.escape(repr(self))}</p>{table.to_html(index=False, na_rep='')}"

    def _watch(self, child: Child, line: Line) -> None:
        """End the game on what it must not survive; called in the reader thread of each line."""
        ends = self._stop_on != "never" and is_parse_error(line)
        ends = ends or (
            self._stop_on == "script" and line.stream == "stderr" and line.text.startswith("SCRIPT ERROR:")
        )
        if ends:
            child.end_within(_REPORT_S, Ending.ERROR)

    def _finish(self, child: Child) -> None:
        """Make the record; called once, in the supervising thread."""
        found = tuple(entries(child.lines(), self._place))
        exit_code = child.exit_code if child.exit_code is not None else -1
        ending = child.ending or Ending.EXIT
        self._run = Run(
            engine=self.engine,
            command=child.command,
            exit_code=exit_code,
            ending=ending,
            reason=reason_of(self._what, ending, exit_code, child.seconds, self._time_limit_s, found),
            seconds=child.seconds,
            entries=found,
            dropped_lines=child.dropped_lines,
        )
        if self._watcher is not None:
            self._watcher.process_ended(child.pid, self._run.reason)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _diagnosis(self, text: str, timeout_s: float) -> str:
        count = len(self._child.lines())
        said = f"lines printed so far: {count}" if count else "it has printed nothing at all"
        return (
            f"{text!r} was not printed within {timeout_s:g} s. {self._what} is running (process {self.pid}, "
            f"for {self._child.elapsed_s:.1f} s); {said}.{self._hint()}{self._quote()}"
        )

    def _hint(self) -> str:
        """What the errors so far mean for a game that does not end or does not speak."""
        first = next((entry for entry in self.entries if entry.level is Level.SCRIPT_ERROR), None)
        return "" if first is None else f" {abandoned(first)}"

    def _quote(self) -> str:
        last = [line.text for line in self._child.lines() if line.text][-QUOTED:]
        return "" if not last else " Its last lines:\n" + "\n".join(f"  | {line[:200]}" for line in last)


def running() -> tuple[Game, ...]:
    """The running games of this Python process, the oldest first."""
    return tuple(sorted((game for game in _GAMES if game.running), key=lambda game: -game.elapsed_s))
