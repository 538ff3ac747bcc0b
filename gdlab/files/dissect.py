"""From a packet's bytes to what UDP or TCP carries in it; pure, and safe with any bytes."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

UDP: Final = 17
TCP: Final = 6

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN = {0x8100, 0x88A8, 0x9100}
#: IPv6 extension headers that may stand before UDP or TCP (RFC 8200): options for hops and targets, and routing.
_EXTENSIONS = {0, 43, 60}
_FRAGMENT = 44


class Segment(NamedTuple):
    """The transport's part of a packet.

    `start` and `stop` are positions of the captured payload, `missing` how many bytes of it were not captured.
    `tcp_seq` is the number of the first byte of TCP's payload. `ip_bytes` is the length of the IP packet on the wire.
    `outgoing` is None where the link layer does not tell.
    """

    protocol: int
    source: tuple[bytes, int]
    target: tuple[bytes, int]
    start: int
    stop: int
    missing: int
    ip_bytes: int
    tcp_flags: int
    outgoing: bool | None
    tcp_seq: int = 0


def dissect(data: bytes, link_type: int, start: int, stop: int, also: int = -1) -> Segment | str:
    """Find UDP or TCP in ``data[start:stop]``.

    Parameters
    ----------
    link_type : LINKTYPE_ number: Ethernet, raw IP, Linux cooked (1 and 2) and BSD loopback are known.
    also : one more IP protocol to give, whose header is its two ports.

    Returns
    -------
    The segment, or in words what it is instead.
    """
    try:
        found = _link(data, link_type, start, stop)
        if isinstance(found, str):
            return found
        at, ether_type, outgoing = found
        if ether_type == _IPV4:
            ip = _ipv4(data, at, stop)
        elif ether_type == _IPV6:
            ip = _ipv6(data, at, stop)
        else:
            return "not IP"
        return ip if isinstance(ip, str) else _transport(data, ip, stop, outgoing, also)
    except (struct.error, IndexError):
        return "cut off within the headers"


class _Ip(NamedTuple):
    protocol: int
    source: bytes
    target: bytes
    at: int  # where the transport's header begins
    end: int  # where the packet ends on the wire, by its own length
    begin: int


def _link(data: bytes, link_type: int, at: int, stop: int) -> tuple[int, int, bool | None] | str:
    """Where the IP header begins, its EtherType, and whether the machine itself sent it."""
    outgoing: bool | None = None
    if link_type == 1:  # Ethernet
        (ether_type,) = struct.unpack_from(">H", data, at + 12)
        at += 14
        while ether_type in _VLAN and at + 4 <= stop:
            (ether_type,) = struct.unpack_from(">H", data, at + 2)
            at += 4
        return at, ether_type, None
    if link_type == 113:  # Linux cooked
        kind, ether_type = struct.unpack_from(">H12xH", data, at)
        return at + 16, ether_type, kind == 4
    if link_type == 276:  # Linux cooked, version 2
        ether_type, kind = struct.unpack_from(">H8xB", data, at)
        return at + 20, ether_type, kind == 4
    if link_type in {
        0,
        108,
    }:  # BSD loopback; the family is in the byte order of the machine, IP's version is not
        at += 4
    elif link_type not in {12, 14, 101, 228, 229}:  # raw IP under its several numbers
        return f"link type {link_type} is not known"
    if at >= stop:
        return "cut off within the headers"
    return at, {4: _IPV4, 6: _IPV6}.get(data[at] >> 4, 0), outgoing


def _ipv4(data: bytes, at: int, stop: int) -> _Ip | str:
    if stop - at < 20:
        return "cut off within the headers"
    head, length, fragment, protocol = struct.unpack_from(">BxHxxHxB", data, at)
    header = (head & 15) * 4
    if header < 20:
        return "a damaged IP header"
    if fragment & 0x3FFF:  # an offset, or more to come
        return "fragments, which are not put together"
    # A length of zero stands in captures made before the network card cut the packet up.
    end = at + length if length else stop
    if end < at + header:
        return "a damaged IP header"
    return _Ip(protocol, data[at + 12 : at + 16], data[at + 16 : at + 20], at + header, end, at)


def _ipv6(data: bytes, at: int, stop: int) -> _Ip | str:
    if stop - at < 40:
        return "cut off within the headers"
    length, following = struct.unpack_from(">HB", data, at + 4)
    end = at + 40 + length if length else stop
    source, target = data[at + 8 : at + 24], data[at + 24 : at + 40]
    begin, at = at, at + 40
    while following in _EXTENSIONS:
        if at + 8 > min(stop, end):
            return "cut off within the headers"
        following, at = data[at], at + (data[at + 1] + 1) * 8
    if following == _FRAGMENT:
        return "fragments, which are not put together"
    return _Ip(following, source, target, at, end, begin)


def _transport(data: bytes, ip: _Ip, stop: int, outgoing: bool | None, also: int) -> Segment | str:
    at, end, flags, number = ip.at, ip.end, 0, 0
    if ip.protocol == UDP:
        header = 8
    elif ip.protocol == TCP:
        if at + 20 > min(stop, end):
            return "cut off within the headers"
        header, flags = (data[at + 12] >> 4) * 4, data[at + 13]
        (number,) = struct.unpack_from(">I", data, at + 4)
        if header < 20:
            return "a damaged TCP header"
    elif ip.protocol == also:
        header = 4
    else:
        return "neither UDP nor TCP"
    if at + header > min(stop, end):
        return "cut off within the headers"
    source, target = struct.unpack_from(">HH", data, at)
    if ip.protocol == UDP:
        (length,) = struct.unpack_from(">H", data, at + 4)
        if length and (length < 8 or at + length > end):
            return "a damaged UDP header"
        end = at + length if length else end
    begin, captured = at + header, min(end, stop)
    return Segment(
        ip.protocol,
        (ip.source, source),
        (ip.target, target),
        begin,
        captured,
        end - captured,
        ip.end - ip.begin,
        flags,
        outgoing,
        number,
    )
