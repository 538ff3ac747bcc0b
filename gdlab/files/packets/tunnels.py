"""From a datagram of a tunnel over UDP to the packet in it; pure, and safe with any bytes.

Anybody may use the port of a tunnel, so what a header tells is held against what it can be.

Sources: RFC 7348 (VXLAN), its drafts of group policies and of other protocols (GPE), RFC 8926 (Geneve), 3GPP TS 29.281
and 09.60 (GTP), RFC 4380 (Teredo), RFC 2661 (L2TP), and the draft of AYIYA.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from gdlab.facts import Statement
from gdlab.files.packets import link

_NONE: Final = Statement("left out/no tunnel")
#: Extension headers of GTP that a packet may have; none has more.
_MOST_EXTENSIONS: Final = 8


def carried(data: bytes, port: int, at: int, stop: int) -> link.Inner | Statement:
    """The IP packet in ``data[at:stop]``, the payload of a datagram from or to one of `PORTS`.

    Raises
    ------
    struct.error, IndexError : it is cut off within the headers.
    """
    reader = PORTS.get(port)
    if reader is None or at + 8 > stop:
        return _NONE
    return reader(data, at, stop)


def _vxlan(data: bytes, at: int, stop: int) -> link.Inner | Statement:
    flags = data[at]
    names_next, has_policy = flags & 0x04, flags & 0x80
    if not flags & 0x08 or flags & 0x73 or data[at + 7] or (data[at + 1] and not has_policy):
        return _NONE
    if names_next:
        return link.numbered(data, data[at + 3], at + 8, stop)
    if data[at + 2 : at + 4] != b"\0\0" and not has_policy:
        return _NONE
    return link.bridged(data, at + 8, stop)


def _geneve(data: bytes, at: int, stop: int) -> link.Inner | Statement:
    (ether_type,) = struct.unpack_from(">H", data, at + 2)
    if data[at] >> 6:
        return _NONE
    return link.typed(data, ether_type, at + 8 + (data[at] & 63) * 4, stop)


def _gtp(data: bytes, at: int, stop: int) -> link.Inner | Statement:
    flags, kind, length = struct.unpack_from(">BBH", data, at)
    if kind != 255 or flags & 0x10 == 0:  # a user's packet; not the prime version
        return _NONE
    if flags >> 5 == 0:
        return link.by_version(data, at + 20, stop) if at + 20 + length <= stop else _NONE
    if flags >> 5 != 1 or at + 8 + length > stop:
        return _NONE
    following = data[at + 11] if flags & 4 else 0
    at += 12 if flags & 7 else 8
    for _ in range(_MOST_EXTENSIONS):
        if not following:
            return link.by_version(data, at, stop)
        words = data[at]
        if not words:
            return _NONE
        following = data[at + words * 4 - 1]
        at += words * 4
    return _NONE


def _teredo(data: bytes, at: int, stop: int) -> link.Inner | Statement:
    if data[at : at + 2] == b"\0\1":  # authentication
        at += 13 + data[at + 2] + data[at + 3]
    if data[at : at + 2] == b"\0\0":  # where the other side was seen
        at += 8
    return link.Inner(at, link.IPV6) if at < stop and data[at] >> 4 == 6 else _NONE


def _l2tp(data: bytes, at: int, stop: int) -> link.Inner | Statement:
    (flags,) = struct.unpack_from(">H", data, at)
    if flags & 0x8000 or flags & 15 != 2:  # control; version 3
        return _NONE
    at += 2 + 2 * bool(flags & 0x4000) + 4 + 4 * bool(flags & 0x0800)
    if flags & 0x0200:
        at += 2 + struct.unpack_from(">H", data, at)[0]
    return link.ppp(data, at, stop)


def _ayiya(data: bytes, at: int, stop: int) -> link.Inner | Statement:
    forwards, is_ipv6 = data[at + 2] & 15 == 1, data[at + 3] == 41
    if not forwards or not is_ipv6:
        return _NONE
    return link.by_version(data, at + 8 + 2 ** (data[at] >> 4) + (data[at + 1] >> 4) * 4, stop)


#: By port. VXLAN's second is that of Linux before there was a number; its third is for other protocols than Ethernet.
PORTS: Final[dict[int, Callable[[bytes, int, int], link.Inner | Statement]]] = {
    4789: _vxlan,
    8472: _vxlan,
    4790: _vxlan,
    6081: _geneve,
    2152: _gtp,
    3386: _gtp,
    3544: _teredo,
    1701: _l2tp,
    5072: _ayiya,
}
