"""Reply rules: what an endpoint answers to a message, with ready-made ones.

A ready-made rule is given by name: ``gd.listen("udp://127.0.0.1:4242", reply=gd.replies.echo)``. What they answer to
text is text and what they answer to bytes is bytes, which WebSocket tells apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from gdlab import clock, probe
from gdlab.messages import Kind, Message
from gdlab.transports.encoding import Outgoing, encode

#: What a user may give: the same answer to every message, or a function of the message that may answer None.
Reply: TypeAlias = bytes | str | Callable[[Message], bytes | str | None]
ReplyFunction: TypeAlias = Callable[[Message], Outgoing | None]


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
        return lambda message: _outgoing(function(message))
    answer = _outgoing(reply)
    return lambda _message: answer


def _outgoing(answer: object) -> Outgoing | None:
    if answer is None:
        return None
    if isinstance(answer, (str, bytes, bytearray, memoryview)):
        return encode(answer)
    raise TypeError(f"a reply is bytes, text or None, not {type(answer).__name__}")


def echo(message: Message) -> bytes | str:
    """The message itself."""
    return message.payload.decode() if message.kind == Kind.TEXT else message.payload


def prefix(before: bytes | str) -> Callable[[Message], bytes | str]:
    """The message behind some words of ours: ``prefix(b"Got our msg: ")``; bytes are sent as bytes, text as text."""
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


def first(*rules: Reply) -> Callable[[Message], bytes | str | None]:
    """The first answer that is not None: ``first(probe_answer, echo)``."""

    def answer(message: Message) -> bytes | str | None:
        for rule in rules:
            found = rule(message) if callable(rule) else rule
            if found is not None:
                return found
        return None

    return answer
