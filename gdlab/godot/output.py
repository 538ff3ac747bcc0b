"""What an engine printed, read as data: prints, warnings and errors with their place in the user's script.

Written from the output of Godot 4.6.3; `USER ERROR:` and its like are older engines' words for `push_error`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from gdlab.godot.process import Line, Stream


class Level(StrEnum):
    """What a piece of output is."""

    PRINT = "print"
    ENGINE = "engine"  # the engine's own greeting
    STDERR = "stderr"  # `printerr`, or something else than an error report on standard error
    WARNING = "warning"
    ERROR = "error"  # `push_error`, or the engine's own
    SCRIPT_ERROR = "script error"  # GDScript refused to compile, or a function was abandoned
    SHADER_ERROR = "shader error"


#: The levels that report a failure.
ERRORS: Final = frozenset({Level.ERROR, Level.SCRIPT_ERROR, Level.SHADER_ERROR})


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One call of a GDScript backtrace."""

    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One print, warning or error.

    Attributes
    ----------
    time_s : seconds since the engine was started, when its (first) line was read.
    stream : ``stdout`` or ``stderr``.
    level : what it is.
    text : the line; of an error or warning the message without its prefix, possibly of several lines.
    file, line : the place in the user's script, as far as Godot reports it; else None.
    function : the function there, or that of the engine; empty where unknown.
    trace : the calls that led there, most recent first (Godot 4.5 or later).
    """

    time_s: float
    stream: Stream
    level: Level
    text: str
    file: str | None = None
    line: int | None = None
    function: str = ""
    trace: tuple[StackFrame, ...] = ()

    def __str__(self) -> str:
        if self.level in (Level.PRINT, Level.ENGINE, Level.STDERR):
            return self.text
        place = "" if self.file is None else f" ({self.file}, line {self.line})"
        return f"{self.level}: {self.text}{place}"


#: Maps the path and line that Godot prints to the file and line to show; None for what is not the user's.
PlaceMap = Callable[[str, int], tuple[str, int] | None]

_HEAD = re.compile(r"(?:USER )?(SCRIPT ERROR|SHADER ERROR|ERROR|WARNING): (.*)")
_AT = re.compile(r"\s+at: (.*) \((.+):(\d+)\)")
_TRACE = re.compile(r"\s+\S+ backtrace \(most recent call first\):")
_FRAME = re.compile(r"\s+\[\d+\] (.*) \((.+):(\d+)\)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # `print_rich` writes these into pipes, too

#: A message of more lines than this is not one: `printerr("ERROR: ...")` has no `at:` line after it.
_MAX_MESSAGE_LINES: Final = 50


def is_parse_error(line: Line) -> bool:
    """The line reports that a script does not compile."""
    return line.stream == "stderr" and line.text.startswith("SCRIPT ERROR: Parse Error")


def entries(lines: Iterable[Line], place: PlaceMap) -> list[Entry]:
    """Entries of an output, in the order in which they began.

    Order is exact within a stream; between the two it is that of reading them, as good as some milliseconds.
    """
    out: list[Line] = []
    err: list[Line] = []
    for line in lines:
        (out if line.stream == "stdout" else err).append(line)
    found = [*_prints(out), *_reports(err, place)]
    found.sort(key=lambda entry: entry.time_s)  # stable, so each stream keeps its own order
    return found


def to_table(found: Sequence[Entry]) -> pd.DataFrame:
    """Entries as a table.

    Returns
    -------
    DataFrame : ``time_s`` float64; ``stream`` and ``level`` category; ``text`` and ``file`` string; ``line``
    Int64. ``file`` and ``line`` are NA where Godot did not say.
    """
    data: dict[str, object] = {
        "time_s": pd.Series([entry.time_s for entry in found], dtype="float64"),
        "stream": pd.Categorical([entry.stream for entry in found], categories=["stdout", "stderr"]),
        "level": pd.Categorical(
            [str(entry.level) for entry in found], categories=[str(level) for level in Level]
        ),
        "text": pd.Series([entry.text for entry in found], dtype="string"),
        "file": pd.Series([entry.file for entry in found], dtype="string"),
        "line": pd.Series([entry.line for entry in found], dtype="Int64"),
    }
    return pd.DataFrame(data)


class EntryStream:
    """Entries of an output that is still being written, each as soon as it is complete.

    A report takes several lines, and nothing marks its end: it is complete when the next one begins, or when
    `SETTLED_S` have passed.
    """

    #: How long the last report may still grow.
    SETTLED_S: Final = 0.1

    def __init__(self, place: PlaceMap) -> None:
        self._place = place
        self._pending: list[Line] = []
        self._printed = 0

    def receive(self, lines: Iterable[Line], now_s: float) -> list[Entry]:
        """Entries that are complete now, after these lines more; `now_s` as in `Line.time_s`."""
        out: list[Line] = []
        for line in lines:
            (out if line.stream == "stdout" else self._pending).append(line)
        found = list(_prints(out, self._printed))
        self._printed += len(out)
        heads = [i for i, line in enumerate(self._pending) if _HEAD.fullmatch(_COLOUR.sub("", line.text))]
        whole = heads[-1] if heads else len(self._pending)
        if heads and now_s - self._pending[whole].time_s >= self.SETTLED_S:
            whole = len(self._pending)
        found += _reports(self._pending[:whole], self._place)
        del self._pending[:whole]
        return sorted(found, key=lambda entry: entry.time_s)

    def finish(self) -> list[Entry]:
        """What is left when the output has ended."""
        found, self._pending = list(_reports(self._pending, self._place)), []
        return found


def _prints(lines: Sequence[Line], start: int = 0) -> Iterator[Entry]:
    """The lines of standard output, of which the first is the `start`-th."""
    greeting = False
    for number, line in enumerate(lines, start):
        # The greeting is the first line, and the empty one after it.
        greeting = (number == 0 and line.text.startswith("Godot Engine v4")) or (
            number == 1 and not line.text and (greeting or start == 1)
        )
        level = Level.ENGINE if greeting else Level.PRINT
        yield Entry(line.time_s, "stdout", level, _COLOUR.sub("", line.text))


def _reports(lines: Sequence[Line], place: PlaceMap) -> Iterator[Entry]:
    texts = [_COLOUR.sub("", line.text) for line in lines]
    i = 0
    while i < len(texts):
        head = _HEAD.fullmatch(texts[i])
        if head is None:
            yield Entry(lines[i].time_s, "stderr", Level.STDERR, texts[i])
            i += 1
            continue
        first, level, message = i, Level(head[1].lower()), head[2]
        at, i = _find_at(texts, i + 1)
        places: list[StackFrame] = []
        if at is not None:
            message = "\n".join([message, *texts[first + 1 : i - 1]])
            places.append(StackFrame(at[1], at[2], int(at[3])))
        trace: list[StackFrame] = []
        if i < len(texts) and _TRACE.fullmatch(texts[i]):
            i += 1
            while i < len(texts) and (frame := _FRAME.fullmatch(texts[i])):
                trace.append(StackFrame(frame[1], frame[2], int(frame[3])))
                i += 1
        shown = tuple(_shown(trace, place))
        here = next(_shown([*places, *trace], place), None)
        yield Entry(
            lines[first].time_s,
            "stderr",
            level,
            message,
            None if here is None else here.file,
            None if here is None else here.line,
            here.function if here is not None else places[0].function if places else "",
            shown,
        )


def _find_at(texts: Sequence[str], start: int) -> tuple[re.Match[str] | None, int]:
    """The `at:` line that ends the message begun before `start`, and the index after it (or `start`)."""
    for i in range(start, min(start + _MAX_MESSAGE_LINES, len(texts))):
        if at := _AT.fullmatch(texts[i]):
            return at, i + 1
        if _HEAD.fullmatch(texts[i]):
            break
    return None, start


def _shown(frames: Iterable[StackFrame], place: PlaceMap) -> Iterator[StackFrame]:
    """Those frames that are in the user's files, under the names the user knows."""
    for frame in frames:
        shown = place(frame.file, frame.line)
        if shown is not None:
            yield StackFrame(frame.function, *shown)
