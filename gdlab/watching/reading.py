"""From what a game tells its debugger to rows of the log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from gdlab.debugging import BreakEnter, Call, Output, Received, Report
from gdlab.watching.rows import LogRow

#: The kinds of rows in `Watch.log`.
KINDS: Final = (
    "print",
    "rich",
    "stderr",
    "warning",
    "error",
    "script_error",
    "break",
    "continue",
    "dropped",
    "link",
)

#: Characters of one print or error that are kept.
MAX_TEXT: Final = 65_536
#: Lines of one message that become rows; the engine itself lets 32,768 characters per second through.
MAX_LINES: Final = 50_000

#: Maps the engine's file and line to those that the user knows.
PlaceMap = Callable[[str, int], tuple[str, int] | None]

#: The last game frame that had ended when something came, and when the news of that came.
GameFrame = tuple[int | None, int]

_OUTPUT_KINDS: Final = {0: "print", 1: "stderr", 2: "rich"}
_BBCODE: Final = re.compile(r"\[/?[a-z_]+[^\[\]]*\]")
#: What `print_debug` adds in a line of its own.
_AT: Final = re.compile(r"   At: (.+):(\d+):([^:]*)\(\)")
_OVERFLOW: Final = "[output overflow, print less text!]"
_TOO_MANY: Final = frozenset({"TOO_MANY_ERRORS", "TOO_MANY_WARNINGS", "TOO_MANY_MESSAGES"})


def printed(received: Received, message: Output, at: GameFrame) -> Iterator[LogRow]:
    """One row per line: the engine joins the prints of a game frame, so a print of two lines looks like two."""
    count = 0
    for text, number in zip(message.texts, message.kinds, strict=True):
        rows: list[LogRow] = []
        for line in text.removesuffix("\n").split("\n")[: MAX_LINES - count]:
            found = _AT.fullmatch(line) if rows else None
            if found is not None:
                rows[-1] = rows[-1]._replace(file=found[1], line=int(found[2][:9]), function=found[3])
                continue
            rows.append(_row(received, at, _kind(number, line), line))
        count += len(rows)
        yield from rows


def _kind(number: int, line: str) -> str:
    if line == _OVERFLOW:
        return "dropped"
    # Plain prints that stand before a rich one in their frame come as rich, too; without BBCode they look the same.
    if number == 2 and not _BBCODE.search(line):
        return "print"
    return _OUTPUT_KINDS.get(number, "print")


def reported(received: Received, message: Report, at: GameFrame, place: PlaceMap | None) -> LogRow:
    """An error or a warning, at the place in the user's script where there is one."""
    own = message.file.startswith("res://")
    if message.error in _TOO_MANY:
        kind = "dropped"
    elif message.is_warning:
        kind = "warning"
    else:
        kind = "script_error" if own else "error"
    stack = tuple(_placed(call, place) for call in message.stack)
    here = Call("", 0, "")
    if own:
        here = _placed(Call(message.file, message.line, message.function), place)
    elif stack:
        here = stack[0]
    raised_in = "" if own or not message.file else f"{message.file}:{message.line} {message.function}"
    return _row(received, at, kind, message.text)._replace(
        game_s=message.game_s,
        file=here.file,
        line=here.line if here.file else None,
        function=here.function,
        stack=stack,
        raised_in=raised_in,
    )


def broke(received: Received, message: BreakEnter, at: GameFrame) -> LogRow:
    """The game stands still."""
    return _row(received, at, "break", message.text or "stopped by the debugger")


def _placed(call: Call, place: PlaceMap | None) -> Call:
    found = place(call.file, call.line) if place is not None else None
    return call if found is None else Call(found[0], found[1], call.function)


def _row(received: Received, at: GameFrame, kind: str, text: str) -> LogRow:
    return LogRow(
        received.time_ns,
        None,
        at[0],
        at[1],
        kind,
        text[:MAX_TEXT],
        "",
        None,
        "",
        (),
        "",
        received.offset,
        received.touched,
    )
