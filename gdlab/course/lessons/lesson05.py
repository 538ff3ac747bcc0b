"""Questions on WebSocket."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any, Final

from gdlab.course.answers import NotUnderstood
from gdlab.course.answers import number as number_of
from gdlab.course.questions import Question, choice, number
from gdlab.words import worded

_SAID: Final = ("hello", b"bytes", "grüß dich")
_OWN_CODES: Final = range(4000, 5000)
_REGISTERED: Final = range(3000, 4000)


class _Connection:
    """A connection as a handler sees it: three messages come, and what is sent is kept."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        for message in _SAID:
            yield message

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def _handler(handler: Any) -> tuple[bool, str]:
    """Let a handler serve a connection."""
    if not inspect.iscoroutinefunction(handler):
        what = (
            worded("a function without `async`")
            if callable(handler)
            else worded("a {kind}", kind=type(handler).__name__)
        )
        raise NotUnderstood(worded("this asks for an `async def` function, and that is {what}", what=what))
    needed = [
        parameter.name
        for parameter in inspect.signature(handler).parameters.values()
        if parameter.default is inspect.Parameter.empty
        and parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) != 1:
        return False, (
            worded(
                "It wants {v1} arguments ({v2}), and `websockets` gives one: the connection. (The path is in "
                "ws.request.path today.)",
                v1=len(needed),
                v2=", ".join(needed) or "none",
            )
        )
    connection = _Connection()
    served = handler(connection)
    try:
        served.send(None)
    except StopIteration:
        pass
    else:
        served.close()
        return (
            False,
            "It waits for something else than the next message or ws.send(...). Leave that out here.",
        )
    if not connection.sent:
        return False, "Three messages came, and it sent nothing. `await ws.send(...)`, with `await`."
    if len(connection.sent) < len(_SAID):
        return (
            False,
            worded(
                "Of three messages it answered {v1}: `async for message in ws:` takes them all.",
                v1=len(connection.sent),
            ),
        )
    for came, went in zip(_SAID, connection.sent, strict=False):
        if type(came) is not type(went):
            return False, (
                worded(
                    "{came!r} came as {v1} and was answered as {v2}. A str is sent as text and bytes as binary, and "
                    "the game asks was_string_packet(): send back what came.",
                    came=came,
                    v1=type(came).__name__,
                    v2=type(went).__name__,
                )
            )
        if came != went:
            return False, worded(
                "{came!r} was answered by {went!r}. This is to be an echo.", came=came, went=went
            )
    return True, "It serves one connection, answers each message, and keeps text text and binary binary."


def _own_code(answer: Any) -> tuple[bool, str]:
    code = number_of(answer)
    if code in _OWN_CODES:
        return True, "4000 to 4999 are for private use: your game says what they mean."
    if code in _REGISTERED:
        return False, "3000 to 3999 are for libraries, which register theirs (RFC 6455 section 7.4.2)."
    if code in (1004, 1005, 1006, 1015):
        return False, worded(
            "{code:g} must never be sent: it is what a program notes when no code came.", code=code
        )
    if 1000 <= code < 3000:
        return False, "1000 to 2999 belong to the protocol itself, and say what it defines them to say."
    return False, "A close code has four digits (RFC 6455 section 7.4.2 says which range is whose)."


QUESTIONS: Final = {
    "05.1": Question(
        "Write a handler for `websockets` that sends back what came: text as text, bytes as bytes.",
        _handler,
        (
            "async def handler(ws): and nothing behind ws.",
            "async for message in ws: await ws.send(message)",
        ),
    ),
    "05.2": Question(
        "How many bytes does the largest message have that a Godot accepts unless told otherwise?",
        number(
            65_535,
            "65,535 bytes arrive, 65,536 end the connection with 1009. Raise inbound_buffer_size before you connect, "
            "or send less at once.",
            unit="bytes",
            wrong=(
                (65_536, "That one is too big by a byte: look at the sample ws-too-big."),
                (64_000, "Near, but the border is sharp: look at the sizes of what was sent."),
                (2**20, "1 MiB is what Python's websockets accepts; the game is stricter."),
                (125, "That is for control frames: ping, pong and close."),
            ),
            otherwise="Look at `size_bytes` of the rows with direction `out` in gd.sample('ws-too-big').",
        ),
        ("gd.sample('ws-too-big') has two rows with direction `out`: one arrived.",),
    ),
    "05.3": Question(
        "With which code does our side note the end of a game whose window was closed?",
        number(
            1006,
            "1006: no close frame came. It is never sent; each side notes it for itself. Godot's word for it is -1.",
            wrong=(
                (1000, "1000 is a proper goodbye, by close(). A game that just quits does not say it."),
                (
                    -1,
                    "That is what Godot itself reports for it; here in the table it has the number of the standard.",
                ),
                (1001, "1001 (going away) is what browsers say. Godot says nothing when it quits."),
                (1005, "1005 notes a close frame without a code; here there was no close frame at all."),
                (1009, "That is the end of the game to which too much was sent."),
                (4001, "That is the one that was kicked, with a code of the game's own."),
            ),
            otherwise="Look at the `close` rows of gd.sample('ws-endings'): four games, four ends.",
        ),
        ("Its third game quits without a word.",),
    ),
    "05.4": Question(
        "Name a close code that your own game may define, for 'the lobby is full'.",
        _own_code,
        ("Four thousand and ...",),
    ),
    "05.5": Question(
        "Godot gets a message and, right behind it, a close frame, in one frame of the game. What of the message?",
        choice(
            ("c*", "lost", "it is lost"),
            "It is lost: one poll() takes in both, the state leaves STATE_OPEN, and the packet count is 0. Send the "
            "last word, wait for the game's answer, then close.",
            wrong=(
                (("a*", "read*"), "One poll() takes in both, and a closed peer has no packets any more."),
                (("b*", "error*"), "There is no error, that is what makes it hard to find."),
            ),
            otherwise="Answer with 'a', 'b' or 'c'.",
        ),
        ("How often does a game look, and what does it do first when it looks?",),
    ),
}
