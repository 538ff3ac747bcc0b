"""Questions on what a game does while a packet waits."""

from __future__ import annotations

from typing import Any, Final

from gdlab.course.answers import NotUnderstood
from gdlab.course.questions import Question, number
from gdlab.words import worded


def _packet(answer: Any) -> tuple[bool, str]:
    """Look at what was in the packet that broke the script."""
    if isinstance(answer, bytes | bytearray):
        answer = bytes(answer).decode(errors="replace")
    if not isinstance(answer, str):
        raise NotUnderstood("this asks for the payload of a message, as bytes or text")
    said = answer.replace(" ", "").lower()
    if "crate" in said and "width" not in said:
        return (
            True,
            "An order for a crate without a width: the script asked the Dictionary for a key that is not there.",
        )
    if "crate" in said:
        return False, "That order has a width, and was obeyed. Which row of the log is tied to which packet?"
    if "stop" in said:
        return False, "That one ran into a breakpoint, which is no error: its row of the log is a break."
    return (
        False,
        "Take the packet of the row whose kind is script_error: both.causes has its row in the capture.",
    )


#: Functions of the game that are not the one asked for, and what is wrong about each.
_OTHERS: Final = {
    "spawn_wave": "It begins the work. Look at self_ms: who spends the time?",
    "answer": "Its time is that of the breakpoint in it: the engine's profiler counts standing still, too.",
    "_process": "Everything is called from there. Look at self_ms, not at total_ms.",
}


def _function(answer: Any) -> tuple[bool, str]:
    """Look at the name of a function, alone or as `watch.functions` has it."""
    if not isinstance(answer, str):
        raise NotUnderstood(
            worded("this asks for the name of a function, as text, not for a {v1}", v1=type(answer).__name__)
        )
    said = answer.strip().lower().removesuffix("()").rpartition("::")[2]
    if said == "find_path":
        return (
            True,
            "find_path: 400 calls in each slow frame. spawn_wave calls it and does next to nothing itself.",
        )
    return False, _OTHERS.get(
        said, "Look at watch.functions: which one has many calls and much time of its own?"
    )


QUESTIONS: Final = {
    "08.1": Question(
        "How many milliseconds did the longest game frame of watched-game take, not counting breaks?",
        number(
            184.5,
            "184.5 ms: eleven frames' time in one, in which nobody was answered.",
            unit="ms",
            within=0.01,
            wrong=(
                ((1400.0, 1440.0), "In that frame the game stood in a breakpoint. Look at the others."),
                ((120.0, 130.0), "That is a round trip. How long was the game's frame itself?"),
                ((16.0, 17.5), "That is how long a frame should take at 60 per second."),
            ),
            otherwise="Look at watch.frames.busy_ms, or at stall_ms of both.explained where what is 'frame'.",
        ),
        (
            "both.explained.query(\"what == 'frame'\").stall_ms.max()",
            "watch.frames.sort_values('busy_ms').tail(3): the last one holds the breakpoint.",
        ),
    ),
    "08.2": Question(
        "Which function of the game does the work that makes these frames long?",
        _function,
        ("watch.functions has self_ms (a function's own time) and total_ms (with those it calls).",),
    ),
    "08.3": Question(
        "What was in the packet that made the script fail?",
        _packet,
        (
            "both.causes has for each row of watch.log the row of its packet in the capture.",
            'row = both.causes[watch.log.kind == "script_error"].iloc[0]; cap.df.payload[row]',
        ),
    ),
    "08.4": Question(
        "For how many seconds did the game stand still in the breakpoint?",
        number(
            1.416,
            "1.4 s. Five seconds would have been enough for the peers of a multiplayer game to give up on it.",
            unit="s",
            within=0.02,
            wrong=(
                ((1380.0, 1450.0), "In milliseconds. And in seconds?"),
                (
                    (0.014, 0.018),
                    "That is the other break: the failed script, which was told to go on at once.",
                ),
            ),
            otherwise="Look at watch.break_times.stood_ms.",
        ),
        ("watch.break_times.stood_ms.max() / 1000",),
    ),
}
