"""Reply rules: what a listener answers to a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gdlab.messages import Message

#: What a user may give: the same answer to every message, or a function of the message that may answer None.
Reply: TypeAlias = bytes | str | Callable[[Message], bytes | str | None]
ReplyFunction: TypeAlias = Callable[[Message], bytes | None]


def reply_function(reply: Reply | None) -> ReplyFunction | None:
    """Make one function of any reply rule; its result is bytes, text being sent as UTF-8.

    Raises
    ------
    TypeError : `reply` is neither bytes, text nor callable; or, from the function returned, a user's function
        answered something else.
    """
    if reply is None:
        return None
    if callable(reply):
        function = reply
        return lambda message: _as_bytes(function(message))
    answer = _as_bytes(reply)
    return lambda _message: answer


def _as_bytes(answer: object) -> bytes | None:
    if answer is None or isinstance(answer, bytes):
        return answer
    if isinstance(answer, str):
        return answer.encode()
    if isinstance(answer, (bytearray, memoryview)):
        return bytes(answer)
    raise TypeError(f"a reply is bytes, text or None, not {type(answer).__name__}")
