"""Python values to the messages that are sent."""

from __future__ import annotations

import json
from typing import Any, Literal, TypeAlias

from gdlab.messages import Kind
from gdlab.transports import Outgoing
from gdlab.variant import dumps

Codec: TypeAlias = Literal["auto", "json", "variant"]

#: Framings whose frames are Variants.
_VARIANT_FRAMINGS = ("put_var", "put_var_be")


def encode(value: Any, codec: Codec = "auto", framing: str = "auto") -> Outgoing:
    """Make a message of a value.

    Parameters
    ----------
    value : bytes are sent as they are, whatever the codec. Text is sent as UTF-8, unless it becomes a Variant.
    codec : `json`, `variant`, or `auto`: a Variant where `framing` says so, else JSON.

    Raises
    ------
    TypeError : JSON does not know this value, or there is no such codec. VariantEncodeError : Godot does not.
    ValueError : JSON has no such number (NaN, Infinity), or the text is not Unicode that can be sent.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Outgoing(bytes(value), Kind.BINARY)
    if codec == "auto":
        codec = "variant" if framing in _VARIANT_FRAMINGS else "json"
        if codec == "json" and isinstance(value, str):
            return Outgoing(value.encode(), Kind.TEXT)
    if codec == "json":
        return Outgoing(_json(value), Kind.TEXT)
    if codec == "variant":
        return Outgoing(dumps(value), Kind.BINARY)
    raise TypeError(f"no codec is called {codec!r}; there are 'json' and 'variant'")


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
