"""Reply rules: what an endpoint answers to a message, with ready-made ones.

A ready-made rule is given by name: ``gd.listen("udp://127.0.0.1:4242", reply=gd.replies.echo)``. They answer text
with text and bytes with bytes; WebSocket distinguishes the two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from gdlab import clock, probe
from gdlab.messages import Kind, Message
from gdlab.transports.encoding import Outgoing, encode

#: Answers to one message at most; a generator without an end is cut off.
MOST_ANSWERS: Final = 1000

_BINARY: Final = Kind.BINARY


class Close(NamedTuple):
    """Ends the connection, after what was answered before it: see `close`."""

    code: int
    reason: str


Answer: TypeAlias = "bytes | str | Close | Iterable[bytes | str | Close | None] | None"

#: What a user may give: the same answer to every message, or a function of the message that may answer None.
Reply: TypeAlias = "bytes | str | Callable[[Message], Answer]"
ReplyFunction: TypeAlias = "Callable[[Message], Sequence[Outgoing | Close]]"


def reply_function(reply: Reply | None) -> ReplyFunction | None:
    """Make one function of any reply rule; text is sent as UTF-8, on a stream of Variants as a String.

    Raises
    ------
    TypeError : `reply` is neither bytes, text nor callable; or, from the function returned, a user's function
        answered something else.
    """
    if reply is None:
        return None
    if callable(reply):
        function = reply
        return lambda message: _answers(function(message))
    if not isinstance(reply, (str, bytes, bytearray, memoryview, Close, list, tuple, Generator)):
        raise TypeError(
            f"reply= is bytes, text, or a function of the message that returns them, not {type(reply).__name__}; "
            "json.dumps(...) makes text of what JSON can hold"
        )
    answers = _answers(reply)
    return lambda _message: answers


def short_rule(reply: Reply | None) -> Callable[[bytes, Kind], Outgoing] | None:
    """A rule whose answer follows from payload and kind alone, without a `Message`; None for what is no such rule."""
    if reply is echo:
        return _echoed
    if isinstance(reply, (str, bytes, bytearray, memoryview)):
        answer = encode(reply)
        return lambda _payload, _kind: answer
    return None


def _echoed(payload: bytes, kind: Kind) -> Outgoing:
    return Outgoing(payload, kind) if kind is not Kind.TEXT else encode(payload.decode())


def _answers(answer: object) -> Sequence[Outgoing | Close]:
    if type(answer) is bytes:  # mostly, and the cheapest
        return (Outgoing(answer, _BINARY),)
    if answer is None:
        return ()
    if isinstance(answer, (str, bytes, bytearray, memoryview)):
        return (encode(answer),)
    if isinstance(answer, Close):
        return (answer,)
    if isinstance(answer, (list, tuple, Generator)):
        return [one for part in islice(answer, MOST_ANSWERS) for one in _answers(part)]
    raise TypeError(f"a reply is bytes, text, None, or a list of these, not {type(answer).__name__}")


def close(code: int = 1000, reason: str = "") -> Close:
    """End the connection: what a reply function returns, alone or as the last of several answers.

    Parameters
    ----------
    code : of WebSocket's close frame: 1000, or 3000 to 4999 with a meaning of the game's own. TCP has none.
    reason : text for the game; at most 123 bytes.

    Raises
    ------
    ValueError : no such code may be sent, or the reason is too long.
    """
    if code != 1000 and not 3000 <= code <= 4999:
        raise ValueError(
            f"the code {code} may not be sent; take 1000, or one of 3000 to 4999 with a meaning of yours"
        )
    if len(reason.encode()) > 123:
        raise ValueError("a reason is at most 123 bytes long")
    return Close(code, reason)


def echo(message: Message) -> bytes | str:
    """The message itself."""
    return message.payload.decode() if message.kind == Kind.TEXT else message.payload


def prefix(before: bytes | str) -> Callable[[Message], bytes | str]:
    """The message with a text of ours in front: ``prefix(b"Got our msg: ")``; bytes are sent as bytes, text as text."""
    if isinstance(before, str):
        return lambda message: before + message.text
    return lambda message: before + message.payload


def json_ack(message: Message) -> str:
    """A receipt: ``{"ack": true, "size_bytes": ..., "received_us": ...}``, with the `seq` and `id` of a JSON object."""
    receipt = {"ack": True, "size_bytes": message.size_bytes, "received_us": message.time_ns // 1000}
    try:
        said = json.loads(message.payload)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        receipt |= {
            name: said[name] for name in ("seq", "id") if isinstance(said.get(name), (int, float, str))
        }
    return json.dumps(receipt)


def probe_answer(message: Message) -> bytes | str | None:
    """The pong to a ping of `gdlab.probe`, JSON or Variant as that was, and nothing to other messages."""
    pong = probe.answer(message.payload, message.time_ns, clock.now_ns())
    return pong if pong is None or probe.is_variant(pong) else pong.decode()


def first(*rules: Reply) -> Callable[[Message], Answer]:
    """The first answer that is not None: ``first(probe_answer, echo)``."""

    def answer(message: Message) -> Answer:
        for rule in rules:
            found = rule(message) if callable(rule) else rule
            if found is not None:
                return found
        return None

    return answer
