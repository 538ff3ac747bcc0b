"""Values to the messages that are sent, as a peer's framing wants them: the one home of it, for `send` and replies."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from gdlab.messages import Kind

Codec: TypeAlias = Literal["auto", "json", "variant"]

#: Framings whose frames are Variants: `get_var` prints an error about anything else.
VARIANT_FRAMINGS: Final = frozenset({"put_var", "put_var_be", "variants"})


class Outgoing(NamedTuple):
    """A message to send.

    Attributes
    ----------
    kind : how it was given; only WebSocket can tell it to the peer.
    variant : makes what a peer gets that takes nothing but Variants; None where it gets the same as all others.
    """

    payload: bytes
    kind: Kind
    variant: Callable[[], bytes] | None = None

    def in_framing(self, name: str) -> Outgoing:
        """The message as a stream of this framing wants it."""
        if self.variant is None or name not in VARIANT_FRAMINGS:
            return self
        return Outgoing(self.variant(), Kind.BINARY)


def encode(value: Any, codec: Codec = "auto", framing: str = "auto") -> Outgoing:
    """Make a message of a value.

    Parameters
    ----------
    value : bytes are sent as they are, whatever the codec. Text is sent as UTF-8, unless it becomes a Variant.
    codec : `json`, `variant`, or `auto`: a Variant where the framing says so, else JSON.
    framing : of the peers, where it was chosen; one that is found out later decides when it is sent.

    Raises
    ------
    TypeError : JSON does not know this value, or there is no such codec. VariantEncodeError : Godot does not.
    ValueError : JSON has no such number (NaN, Infinity), or the text is not Unicode that can be sent.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Outgoing(bytes(value), Kind.BINARY)
    if codec == "auto" and framing in VARIANT_FRAMINGS:
        codec = "variant"
    if codec == "auto":
        payload = value.encode() if isinstance(value, str) else _json(value)
        return Outgoing(payload, Kind.TEXT, functools.partial(_dumps, value))
    if codec == "json":
        return Outgoing(_json(value), Kind.TEXT)
    if codec == "variant":
        return Outgoing(_dumps(value), Kind.BINARY)
    raise TypeError(f"no codec is called {codec!r}; there are 'json' and 'variant'")


def _dumps(value: Any) -> bytes:
    from gdlab.variant import dumps  # which a listener that sends none need not load

    return dumps(value)


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        kind = (
            TypeError if isinstance(error, TypeError) else ValueError
        )  # not UnicodeEncodeError, which takes more
        raise kind(
            f"this message cannot be sent as JSON: {error}. Send what JSON has (numbers, text, lists, dicts), or "
            f'Godot\'s types with codec="variant"; bytes are sent as they are'
        ) from error
