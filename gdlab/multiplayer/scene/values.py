"""Values as RPCs and synchronizers write them: Variants whose top level is shortened.

Notes
-----
Godot 4.6.3, ``MultiplayerAPI::encode_and_compress_variant``: a bool is one byte, an int as narrow as it may be;
everything else is the usual Variant, ints inside containers too.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from gdlab.errors import VariantDecodeError, VariantEncodeError
from gdlab.facts import Statement
from gdlab.variant.codec import dumps
from gdlab.variant.decode import decode

#: Values read from one packet: an RPC has at most 255, a state of 65,535 bytes at most as many.
MAX_VALUES: Final = 65_536

_INTS: Final = tuple(struct.Struct(f"<{code}") for code in "bhiq")
_WIDTHS: Final = (1, 2, 4, 8)


def read_value(data: bytes, pos: int, end: int) -> tuple[Any, int]:
    """The value at `pos`, and the position after it.

    Raises
    ------
    VariantDecodeError : the engine would refuse it, too.
    """
    if pos >= end:
        raise VariantDecodeError(
            Statement.of("scene/value", at=pos),
            offset=pos,
            expected=Statement("scene/a value"),
            found=Statement("scene/the end"),
        )
    first = data[pos]
    kind = first & 0x3F
    if kind == 1:
        return first > 0x7F, pos + 1
    if kind == 2:
        mode = first >> 6
        after = pos + 1 + _WIDTHS[mode]
        if after > end:
            raise VariantDecodeError(
                Statement.of("scene/int", at=pos, width=_WIDTHS[mode], there=end - pos - 1),
                offset=pos,
                expected=Statement.of("variant/bytes", size=_WIDTHS[mode]),
                found=str(end - pos - 1),
            )
        return _INTS[mode].unpack_from(data, pos + 1)[0], after
    value, after = decode(data, pos, end)
    return value, min(after, end)


def read_values(data: bytes, pos: int, end: int) -> tuple[Any, ...]:
    """All values from `pos` to `end`."""
    found = []
    while pos < end:
        value, pos = read_value(data, pos, end)
        found.append(value)
        if len(found) > MAX_VALUES:
            raise VariantDecodeError(Statement.of("scene/many", most=MAX_VALUES), offset=pos)
    return tuple(found)


def read_arguments(data: bytes, pos: int, end: int, *, raw: bool) -> tuple[tuple[Any, ...], int]:
    """The arguments of an RPC, and the position after them.

    Parameters
    ----------
    raw : the flag of the packet's first byte: one PackedByteArray as it is, or nothing at all.
    """
    if raw:
        return ((data[pos:end],) if end > pos else ()), end
    if pos >= end:
        raise VariantDecodeError(Statement("scene/count"), offset=pos)
    count = data[pos]
    pos += 1
    found = []
    for _ in range(count):
        value, pos = read_value(data, pos, end)
        found.append(value)
    return tuple(found), pos


def write_value(value: Any, *, double: bool = False) -> bytes:
    """The bytes of one value; `double` as a double-precision build writes it.

    Raises
    ------
    VariantEncodeError : Godot has no such value.
    """
    if isinstance(value, bool):
        return b"\x81" if value else b"\x01"
    if isinstance(value, int):
        for mode, width in enumerate(_WIDTHS):
            if -(1 << 8 * width - 1) <= value < 1 << 8 * width - 1:
                return bytes((2 | mode << 6,)) + _INTS[mode].pack(value)
        raise VariantEncodeError(f"{value} does not fit an int of 64 bits")
    return dumps(value, double=double)


def write_arguments(arguments: tuple[Any, ...]) -> tuple[bytes, bool]:
    """The bytes of the arguments, and whether the packet's raw flag is set."""
    if not arguments:
        return b"", True
    if len(arguments) == 1 and isinstance(arguments[0], (bytes, bytearray)):
        return bytes(arguments[0]), True
    if len(arguments) > 255:
        raise VariantEncodeError(f"an RPC has at most 255 arguments, not {len(arguments)}")
    return bytes((len(arguments),)) + b"".join(map(write_value, arguments)), False
