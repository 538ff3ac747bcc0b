"""Telling text from binary for many payloads at once; the definition is `messages.guess_kind`."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gdlab.messages import CATEGORIES, Kind, guess_kind
from gdlab.payloads import Int64, UInt8

#: The code of `kind` of what reads as text.
TEXT: Final = CATEGORIES["kind"].index(Kind.TEXT)
#: The code of `kind` that most payloads have.
BINARY: Final = CATEGORIES["kind"].index(Kind.BINARY)
_IS_CONTROL: Final = np.zeros(256, np.bool_)
_IS_CONTROL[:32] = True
_IS_CONTROL[127] = True
_IS_CONTROL[[9, 10, 13]] = False
_CONTROLS: Final = bytes(np.flatnonzero(_IS_CONTROL).tolist())

#: Where binary payloads are nearly always found out: Godot's values begin with a small 32-bit number, whose last byte
#: is 0, and so do most formats.
_TELLING_POSITIONS: Final = (3, 0, 1, 2, 4, 5, 6, 7)


def are_binary(data: UInt8, starts: Int64, sizes: Int64) -> bool:
    """Whether a control character stands among the first bytes of each of some payloads: all of them are binary then.

    Parameters
    ----------
    data : uint8, what the payloads lie in.
    starts, sizes : (n,) int64, bytes; n is at least 1.
    """
    undecided, size = starts, sizes
    for position in _TELLING_POSITIONS:
        if int(size.min()) <= position:
            return False
        texts = ~_IS_CONTROL[data[undecided + position]]
        if not texts.any():
            return True
        if position == _TELLING_POSITIONS[0] and texts[0]:
            return False  # nothing to be found out quickly
        undecided, size = undecided[texts], size[texts]
    return False


def guess_kinds(payloads: UInt8, sizes: Int64) -> npt.NDArray[np.int8]:
    """Codes of `kind`, what `messages.guess_kind` says of each payload.

    Parameters
    ----------
    payloads : uint8, all payloads one behind the other.
    sizes : (n,) int64, bytes of each.

    Notes
    -----
    Two quick looks decide nearly everything: all of it is plain ASCII, or a control character stands among the first
    bytes. What is left is looked at one by one.
    """
    if not len(payloads):
        return np.full(len(sizes), TEXT, np.int8)
    # These methods of bytes keep the interpreter's lock, which numpy would give up and have to win again.
    whole, size, packed = payloads.data, int(sizes[0]), sizes.tobytes()
    if guess_kind(bytes(whole[: size or 1])) is Kind.TEXT:
        copied = bytes(whole)
        if copied.isascii() and guess_kind(copied) is Kind.TEXT:
            return np.full(len(sizes), TEXT, np.int8)
    telling = _TELLING_POSITIONS[0]
    if size > telling and packed == packed[: sizes.itemsize] * len(sizes):
        column = bytes(whole[telling::size])
        if not column.translate(None, _CONTROLS):
            return np.full(len(sizes), BINARY, np.int8)
    kinds = np.full(len(sizes), TEXT, np.int8)
    starts = np.cumsum(sizes) - sizes
    undecided = np.arange(len(sizes))
    for position in _TELLING_POSITIONS:
        long_enough = undecided[sizes[undecided] > position]
        found = long_enough[_IS_CONTROL[payloads[starts[long_enough] + position]]]
        kinds[found] = BINARY
        undecided = undecided[kinds[undecided] == TEXT]
        if not len(undecided):
            break
    undecided = np.flatnonzero((kinds == TEXT) & (sizes > 0))
    for row, start, size in zip(
        undecided.tolist(), starts[undecided].tolist(), sizes[undecided].tolist(), strict=True
    ):
        if guess_kind(bytes(whole[start : start + size])) is Kind.BINARY:
            kinds[row] = BINARY
    return kinds
