"""WebSocket frames of many messages made at once, without a mask, RFC 6455 section 5.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gdlab.messages import CATEGORIES, Kind
from gdlab.payloads import Int64, UInt8
from gdlab.transports.encoding import Outgoing
from gdlab.transports.session import ManyEncoded
from gdlab.transports.wscolumns import BINARY, TEXT

#: From so many bytes on a frame has its length in two bytes more.
EXTENDED_BYTES: Final = 126

#: The codes of `kind`.
TEXT_CODE: Final = np.int8(CATEGORIES["kind"].index(Kind.TEXT))
BINARY_CODE: Final = np.int8(CATEGORIES["kind"].index(Kind.BINARY))

#: How a short frame begins, by its kind and its length; so does a longer one, and its length is behind it.
_HEADS: Final = {
    code: [bytes([first, size]) for size in range(EXTENDED_BYTES + 1)]
    for code, first in ((int(TEXT_CODE), TEXT), (int(BINARY_CODE), BINARY))
}


def of_outgoing(outgoing: Sequence[Outgoing], overhead: int) -> ManyEncoded:
    """Make frames of messages of less than 64 KiB; `overhead` is what a frame takes on the wire beside its payload."""
    payloads = [one[0] for one in outgoing]
    codes = [int(TEXT_CODE if one[1] is Kind.TEXT else BINARY_CODE) for one in outgoing]
    joined = np.frombuffer(b"".join(payloads), np.uint8)
    sizes = np.array(list(map(len, payloads)), np.int64)
    return _encoded(joined, sizes, np.array(codes, np.int8), _joined(payloads, codes), overhead)


def of_columns(payloads: UInt8, sizes: Int64, kinds: npt.NDArray[np.int8], overhead: int) -> ManyEncoded:
    """Make frames of messages that stand one behind the other."""
    size, code = int(sizes[0]), int(kinds[0])
    if bool((sizes == size).all()) and bool((kinds == code).all()):
        head = np.frombuffer(_head(code, size), np.uint8)
        made = np.empty((len(sizes), len(head) + size), np.uint8)
        made[:, : len(head)] = head
        made[:, len(head) :] = payloads.reshape(len(sizes), size)
        return _encoded(payloads, sizes, kinds, made.tobytes(), overhead)
    data, pieces, at = payloads.tobytes(), [], 0
    for length in sizes.tolist():
        pieces.append(data[at : at + length])
        at += length
    return _encoded(payloads, sizes, kinds, _joined(pieces, kinds.tolist()), overhead)


def _joined(payloads: Sequence[bytes], codes: Sequence[int]) -> bytes:
    parts: list[bytes] = []
    for payload, code in zip(payloads, codes, strict=True):
        size = len(payload)
        parts += (_HEADS[code][size] if size < EXTENDED_BYTES else _head(code, size), payload)
    return b"".join(parts)


def _head(code: int, size: int) -> bytes:
    if size < EXTENDED_BYTES:
        return _HEADS[code][size]
    return _HEADS[code][EXTENDED_BYTES] + size.to_bytes(2)


def _encoded(
    payloads: UInt8, sizes: Int64, kinds: npt.NDArray[np.int8], data: bytes, overhead: int
) -> ManyEncoded:
    wires = sizes + overhead
    wires += 2 * (sizes >= EXTENDED_BYTES)
    return ManyEncoded(payloads, sizes, kinds, wires, data)
