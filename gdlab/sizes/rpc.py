"""Bytes of a remote procedure call of Godot's multiplayer.

An argument is not written as ``var_to_bytes`` writes it: a bool takes one byte, an int its narrowest of 8, 16, 32
and 64 bits and one more, and a single PackedByteArray goes bare. Everything else, and all that lies *inside* an
Array or Dictionary, is written as usual. Source: captured packets of Godot 4.6.3.
"""

from __future__ import annotations

from typing import Any, Final

from gdlab.multiplayer.scene import write_value
from gdlab.variant.kinds import Type
from gdlab.variant.types import type_of

#: Command, node and method: one byte each, once the receiver has confirmed the node's path.
HEADER_BYTES: Final = 3
#: ENet's share of a datagram with one unreliable packet: peer id, command and its parameters.
ENET_BYTES: Final = 10


def argument(value: object, *, double: bool = False) -> bytes:
    """One argument among several.

    Raises
    ------
    VariantEncodeError : Godot has no Variant for it.
    """
    return write_value(value, double=double)


def call_bytes(*arguments: object, double: bool = False) -> int:
    """Bytes of the packet of a call with these arguments, as the editor's network profiler counts them."""
    if not arguments:
        return HEADER_BYTES
    if len(arguments) == 1 and type_of(arguments[0]) is Type.PACKED_BYTE_ARRAY:
        alone: Any = arguments[0]
        return HEADER_BYTES + len(bytes(alone))
    return HEADER_BYTES + 1 + sum(len(argument(value, double=double)) for value in arguments)
