"""Values to the messages that are sent, as a peer's framing wants them: the one home of it, for `send` and replies."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gdlab.messages import Kind

#: Framings whose frames are Variants: `get_var` prints an error about anything else.
VARIANT_FRAMINGS: Final = frozenset({"put_var", "put_var_be", "variants"})


class Outgoing(NamedTuple):
    """A message to send.

    Attributes
    ----------
    kind : how it was given; only WebSocket can pass that on to the peer.
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


def encode(value: Any, codec: str = "auto", framing: str = "auto") -> Outgoing:
    """Make a message of a value.

    Parameters
    ----------
    value : bytes are sent as they are, whatever the codec. Text is sent as UTF-8, unless it becomes a Variant.
    codec : as for `codecs.writing.write`, or `auto`: a Variant where the framing says so, else JSON.
    framing : of the peers, where it was chosen; one that is found out later decides when it is sent.

    Raises
    ------
    As `codecs.writing.write`.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Outgoing(bytes(value), Kind.BINARY)
    if codec == "auto" and framing in VARIANT_FRAMINGS:
        codec = "variant"
    if codec == "auto":
        payload = value.encode() if isinstance(value, str) else _written(value, "json")
        return Outgoing(payload, Kind.TEXT, functools.partial(_written, value, "variant"))
    return Outgoing(_written(value, codec), Kind.TEXT if codec in ("json", "text") else Kind.BINARY)


def _written(value: Any, codec: str) -> bytes:
    from gdlab.codecs.writing import write  # which a listener that sends none need not load

    return write(value, codec)
