"""From an IP packet to what UDP or TCP carries in it, through tunnels; pure, and safe with any bytes."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from gdlab.facts import Statement
from gdlab.files.packets import link, tunnels

UDP: Final = 17
TCP: Final = 6
_AH, _ESP, _FRAGMENT = 51, 50, 44
_IP_IN_IP, _IPV6_IN_IP, _GRE = 4, 41, 47
#: IPv6 extension headers (RFC 8200, 6275, 7401, 5533) whose second byte is their length in units of eight.
_EXTENSIONS = {0, 43, 60, 135, 139, 140}
_GRE_IN_UDP: Final = 4754  # RFC 8086
TUNNEL_PORTS: Final = frozenset({*tunnels.PORTS, _GRE_IN_UDP})
_DEEPEST: Final = 8  # tunnels in tunnels
_CUT: Final = Statement("left out/cut")


class Segment(NamedTuple):
    """The transport's part of a packet.

    `start` and `stop` are positions of the captured payload, `missing` how many bytes of it were not captured.
    `ip_bytes` is the length of the IP packet on the wire. `outgoing` is None where the link layer does not tell.
    `lies` is whether the length in the UDP header cannot be; the payload then is what the IP packet holds.
    """

    protocol: int
    source: tuple[bytes, int]
    target: tuple[bytes, int]
    start: int
    stop: int
    missing: int
    ip_bytes: int
    tcp_flags: int = 0
    sequence: int = 0
    acknowledged: int = 0
    outgoing: bool | None = None
    lies: bool = False

    def within(self, missing: int) -> Segment:
        """The same of a frame of which no more than so many bytes were not captured, whatever IP says."""
        more = self.missing - missing
        if more <= 0:
            return self
        lies = self.lies or self.protocol == UDP
        return self._replace(missing=missing, ip_bytes=self.ip_bytes - more, lies=lies)


class Fragment(NamedTuple):
    """A part of an IP packet: ``data[start:stop]`` belongs at `offset`, `more` is whether others follow."""

    source: bytes
    target: bytes
    protocol: int
    identification: int
    offset: int
    more: bool
    start: int
    stop: int
    missing: int
    ip_bytes: int
    outgoing: bool | None = None


class _Ip(NamedTuple):
    protocol: int
    source: bytes
    target: bytes
    at: int  # where the next header begins
    end: int  # where the packet ends on the wire, by its own length
    ip_bytes: int


def dissect(
    data: bytes, link_type: int, start: int, stop: int, also: int = -1
) -> Segment | Fragment | Statement:
    """Find UDP or TCP in ``data[start:stop]``.

    Parameters
    ----------
    link_type : LINKTYPE_ number, see `link`.
    also : one more IP protocol to give, whose header is its two ports.

    Returns
    -------
    The segment, or the fragment of one; else what it is instead.
    """
    try:
        found = link.inner(data, link_type, start, stop)
        if isinstance(found, Statement):
            return found
        result = _ip(data, found.ether_type, found.at, stop, also, 0)
        if isinstance(result, Statement) or found.outgoing is None:
            return result
        return result._replace(outgoing=found.outgoing)
    except (struct.error, IndexError):
        return _CUT


def whole(data: bytes, fragment: Fragment, ip_bytes: int, also: int = -1) -> Segment | Fragment | Statement:
    """What is in `data`, the fragments of one IP packet put together."""
    try:
        ip = _Ip(fragment.protocol, fragment.source, fragment.target, 0, len(data), ip_bytes)
        result = _behind(data, ip, len(data), also, 1)
    except (struct.error, IndexError):
        return _CUT
    return result if isinstance(result, Statement) else result._replace(outgoing=fragment.outgoing)


def _ip(
    data: bytes, ether_type: int, at: int, stop: int, also: int, depth: int
) -> Segment | Fragment | Statement:
    if depth > _DEEPEST:
        return Statement("left out/tunnels")
    found = _ipv4(data, at, stop) if ether_type == link.IPV4 else _ipv6(data, at, stop)
    return found if isinstance(found, (Statement, Fragment)) else _behind(data, found, stop, also, depth)


def _ipv4(data: bytes, at: int, stop: int) -> _Ip | Fragment | Statement:
    if stop - at < 20:
        return _CUT
    head, length, identification, fragment, protocol = struct.unpack_from(">BxHHHxB", data, at)
    header = (head & 15) * 4
    if header < 20 or head >> 4 != 4:
        return Statement("left out/ip")
    # A length of zero stands in captures made before the network card cut the packet up.
    end = at + length if length else stop
    if end < at + header:
        return Statement("left out/ip")
    source, target = data[at + 12 : at + 16], data[at + 16 : at + 20]
    begin = at + header
    if fragment & 0x3FFF:  # an offset, or more to come
        offset, more = (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)
        return _fragment(source, target, protocol, identification, offset, more, begin, stop, end, end - at)
    return _Ip(protocol, source, target, begin, end, end - at)


def _ipv6(data: bytes, at: int, stop: int) -> _Ip | Fragment | Statement:
    if stop - at < 40:
        return _CUT
    if data[at] >> 4 != 6:
        return Statement("left out/ip")
    length, following = struct.unpack_from(">HB", data, at + 4)
    end = at + 40 + length if length else stop
    source, target = data[at + 8 : at + 24], data[at + 24 : at + 40]
    begin, at = at, at + 40
    while following in _EXTENSIONS or following == _FRAGMENT:
        if at + 8 > min(stop, end):
            return _CUT
        if following == _FRAGMENT:
            following, word, identification = struct.unpack_from(">BxHI", data, at)
            at += 8
            if word & 0xFFF9:
                offset, more = word & 0xFFF8, bool(word & 1)
                return _fragment(
                    source, target, following, identification, offset, more, at, stop, end, end - begin
                )
        else:
            following, at = data[at], at + (data[at + 1] + 1) * 8
    return _Ip(following, source, target, at, end, end - begin)


def _fragment(
    source: bytes,
    target: bytes,
    protocol: int,
    identification: int,
    offset: int,
    more: bool,
    begin: int,
    stop: int,
    end: int,
    ip_bytes: int,
) -> Fragment | Statement:
    captured = min(end, stop)
    if begin > captured:
        return _CUT
    return Fragment(
        source, target, protocol, identification, offset, more, begin, captured, end - captured, ip_bytes
    )


def _behind(data: bytes, ip: _Ip, stop: int, also: int, depth: int) -> Segment | Fragment | Statement:
    """What is behind the header of IP."""
    limit = min(stop, ip.end)
    for _ in range(_DEEPEST):
        if ip.protocol != _AH:
            break
        if ip.at + 8 > limit:
            return _CUT
        ip = ip._replace(protocol=data[ip.at], at=ip.at + (data[ip.at + 1] + 2) * 4)
        if ip.protocol in _EXTENSIONS:
            return Statement("left out/authenticated")
    if ip.protocol in {UDP, TCP, also}:
        return _transport(data, ip, stop, also, depth)
    if ip.protocol == _IP_IN_IP:
        return _ip(data, link.IPV4, ip.at, limit, also, depth + 1)
    if ip.protocol == _IPV6_IN_IP:
        return _ip(data, link.IPV6, ip.at, limit, also, depth + 1)
    if ip.protocol == _GRE:
        return _gre(data, ip.at, limit, also, depth + 1)
    return Statement("left out/esp") if ip.protocol == _ESP else Statement("left out/protocol")


def _gre(data: bytes, at: int, stop: int, also: int, depth: int) -> Segment | Fragment | Statement:
    """Generic routing encapsulation (RFC 2784, 2890, and 2637 of PPTP)."""
    flags, ether_type = struct.unpack_from(">HH", data, at)
    if flags & 0x4000 or flags & 7 > 1:
        return Statement("left out/gre")
    sequence = bool(flags & 0x1000)
    at += 4 + 4 * (bool(flags & 0x8000) + bool(flags & 0x2000) + sequence + bool(flags & 7 and flags & 0x80))
    if ether_type == 0x88BE and not sequence:  # the first ERSPAN has no header of its own
        ether_type = 0x6558
    return _inside(data, link.typed(data, ether_type, at, stop), stop, also, depth)


def _inside(
    data: bytes, found: link.Inner | Statement, stop: int, also: int, depth: int
) -> Segment | Fragment | Statement:
    return found if isinstance(found, Statement) else _ip(data, found.ether_type, found.at, stop, also, depth)


def _transport(data: bytes, ip: _Ip, stop: int, also: int, depth: int) -> Segment | Fragment | Statement:
    at, end, flags, sequence, acknowledged, lies = ip.at, ip.end, 0, 0, 0, False
    if ip.protocol == UDP:
        header = 8
    elif ip.protocol == TCP:
        if at + 20 > min(stop, end):
            return _CUT
        sequence, acknowledged, words, flags = struct.unpack_from(">IIBB", data, at + 4)
        header = (words >> 4) * 4
        if header < 20:
            return Statement("left out/tcp")
    else:
        header = 4
    if at + header > min(stop, end):
        return _CUT
    source, target = struct.unpack_from(">HH", data, at)
    if ip.protocol == UDP:
        (length,) = struct.unpack_from(">H", data, at + 4)
        lies = bool(length) and (length < 8 or at + length > end)
        end = at + length if length and not lies else end
        for port in TUNNEL_PORTS.intersection((target, source)):
            tunnelled = _tunnelled(data, port, at + 8, min(end, stop), also, depth + 1)
            if not isinstance(tunnelled, Statement):
                return tunnelled
    begin, captured = at + header, min(end, stop)
    return Segment(
        ip.protocol,
        (ip.source, source),
        (ip.target, target),
        begin,
        captured,
        end - captured,
        ip.ip_bytes,
        flags,
        sequence,
        acknowledged,
        None,
        lies,
    )


def _tunnelled(
    data: bytes, port: int, at: int, stop: int, also: int, depth: int
) -> Segment | Fragment | Statement:
    """What is in a tunnel over UDP; in words where it is none, as anybody may use the port."""
    try:
        if port == _GRE_IN_UDP:
            return _gre(data, at, stop, also, depth)
        return _inside(data, tunnels.carried(data, port, at, stop), stop, also, depth)
    except (struct.error, IndexError):
        return _CUT
