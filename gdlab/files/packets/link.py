"""From the link layer of a packet to the IP packet in it; pure, and safe with any bytes.

Sources: the LINKTYPE_ pages of tcpdump.org, RFC 1042 (SNAP), 1661 (PPP), 2516 (PPPoE), 3032 (MPLS), IEEE 802.1Q,
802.1ah, 802.1AE and 802.11, RFC 8300 (NSH), and radiotap.org.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from gdlab.facts import Statement

IPV4, IPV6 = 0x0800, 0x86DD
_VLAN = {0x8100, 0x88A8, 0x9100, 0x9200}
_PPPOE, _MPLS, _BRIDGED, _PPP, _ERSPAN = 0x8864, {0x8847, 0x8848}, 0x6558, 0x880B, 0x88BE
_NSH, _WCCP, _ARUBA, _BACKBONE = 0x894F, 0x883E, range(0x8200, 0x8211), 0x88E7
_MACSEC, _SECURED, _WITH_CHANNEL = 0x88E5, 0x0C, 0x20
_DEEPEST: Final = 16  # headers around an IP packet; what has more was made to be hard to read
_OUTGOING: Final = 4  # Linux' PACKET_OUTGOING

RAW_IP: Final = frozenset({12, 14, 101, 228, 229})
LOOPBACK: Final = frozenset({0, 108})


class Inner(NamedTuple):
    """Where an IP packet begins, which version it is of, and whether the machine itself sent it, where that is told."""

    at: int
    ether_type: int
    outgoing: bool | None = None


def inner(data: bytes, link_type: int, at: int, stop: int, depth: int = 0) -> Inner | Statement:
    """The IP packet in ``data[at:stop]``, or in words what there is instead.

    Raises
    ------
    struct.error, IndexError : the packet is cut off within the headers.
    """
    if depth > _DEEPEST:
        return Statement("left out/headers")
    if link_type == 1:
        return bridged(data, at, stop, depth)
    if link_type in RAW_IP:
        return by_version(data, at, stop)
    if link_type in LOOPBACK:  # the family is in the byte order of the machine, IP's version is not
        return by_version(data, at + 4, stop)
    reader = _READERS.get(link_type)
    if reader is None:
        return Statement.of("left out/link type", number=link_type)
    return reader(data, at, stop, depth + 1)


def bridged(data: bytes, at: int, stop: int, depth: int = 0) -> Inner | Statement:
    """The IP packet in an Ethernet frame."""
    if at + 14 > stop:
        raise IndexError
    (ether_type,) = struct.unpack_from(">H", data, at + 12)
    return typed(data, ether_type, at + 14, stop, depth)


def typed(data: bytes, ether_type: int, at: int, stop: int, depth: int = 0) -> Inner | Statement:
    """The IP packet behind an EtherType, or a length that stands in its place."""
    for _ in range(_DEEPEST - depth):
        depth += 1
        if ether_type in {IPV4, IPV6}:
            return Inner(at, ether_type)
        if ether_type in _VLAN:
            (ether_type,) = struct.unpack_from(">H", data, at + 2)
            at += 4
        elif ether_type in _MPLS:
            return _mpls(data, at, stop, depth)
        elif ether_type == _PPPOE:
            return ppp(data, at + 6, stop, depth)
        elif ether_type == _PPP:
            return ppp(data, at, stop, depth)
        elif ether_type == _BRIDGED:
            return bridged(data, at, stop, depth)
        elif ether_type == _BACKBONE:  # a service tag around a frame (802.1ah)
            return bridged(data, at + 4, stop, depth)
        elif ether_type == _ERSPAN:
            return bridged(data, at + 8, stop, depth)
        elif ether_type == _MACSEC:  # what is authenticated only stands there as it was, behind the tag
            if data[at] & _SECURED:
                return Statement("left out/macsec")
            at += 14 if data[at] & _WITH_CHANNEL else 6
            (ether_type,) = struct.unpack_from(">H", data, at)
            at += 2
        elif ether_type == _NSH:
            (head,) = struct.unpack_from(">H", data, at)
            return numbered(data, data[at + 3], at + max(head & 63, 1) * 4, stop, depth)
        elif ether_type == _WCCP:  # its second version has a header of four bytes
            return by_version(data, at if data[at] >> 4 == 4 else at + 4, stop)
        elif ether_type in _ARUBA:
            return _wifi(data, at, stop, depth)
        elif ether_type <= 1500:
            found = _llc(data, at, stop)
            if found is None:
                return Statement("left out/not ip")
            at, ether_type = found
        else:
            return Statement("left out/not ip")
    return Statement("left out/headers")


def numbered(data: bytes, protocol: int, at: int, stop: int, depth: int = 0) -> Inner | Statement:
    """The IP packet in what service headers (RFC 8300) and VXLAN number on their own."""
    ether_type = {1: IPV4, 2: IPV6, 3: _BRIDGED, 4: _NSH, 5: 0x8847}.get(protocol)
    return (
        Statement("left out/not ip") if ether_type is None else typed(data, ether_type, at, stop, depth + 1)
    )


def by_version(data: bytes, at: int, stop: int) -> Inner | Statement:
    """The IP packet that begins here, by its first byte."""
    if at >= stop:
        raise IndexError
    ether_type = {4: IPV4, 6: IPV6}.get(data[at] >> 4)
    return Statement("left out/not ip") if ether_type is None else Inner(at, ether_type)


def _llc(data: bytes, at: int, stop: int) -> tuple[int, int] | None:
    """Where SNAP or LLC end, and the EtherType; None for other protocols."""
    if at + 3 > stop:
        raise IndexError
    if data[at : at + 3] == b"\xaa\xaa\x03":
        if at + 8 > stop:
            raise IndexError
        (ether_type,) = struct.unpack_from(">H", data, at + 6)
        # The organisation 00-80-C2 bridges whole Ethernet frames, with a checksum or without.
        if data[at + 3 : at + 6] == b"\0\x80\xc2" and ether_type in {1, 7}:
            return at + 8 + 2 * (ether_type == 1), _BRIDGED
        return (at + 8, ether_type) if ether_type > 1500 else None
    return (at + 3, IPV4) if data[at : at + 2] == b"\x06\x06" else None


def _mpls(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    while at + 4 <= stop:
        last = data[at + 2] & 1
        at += 4
        if last:
            if data[at] >> 4 == 0:  # a pseudowire's control word (RFC 4385), then Ethernet
                return bridged(data, at + 4, stop, depth)
            return by_version(data, at, stop)
    raise IndexError


def ppp(data: bytes, at: int, stop: int, depth: int = 0) -> Inner | Statement:
    """The IP packet in a frame of PPP."""
    if data[at : at + 2] == b"\xff\x03":
        at += 2
    elif data[at : at + 2] in {b"\x0f\0", b"\x8f\0"}:  # Cisco's form, which libpcap calls PPP, too
        return typed(data, int.from_bytes(data[at + 2 : at + 4], "big"), at + 4, stop, depth)
    if at + 1 >= stop:
        raise IndexError
    if data[at] & 1:  # compressed to its last byte
        protocol, at = data[at], at + 1
    else:
        (protocol,) = struct.unpack_from(">H", data, at)
        at += 2
    if protocol == 0x0281:
        return _mpls(data, at, stop, depth)
    ether_type = {0x21: IPV4, 0x57: IPV6}.get(protocol)
    return Statement("left out/not ip") if ether_type is None else Inner(at, ether_type)


def _ppp_with_direction(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    return _told(ppp(data, at + 1, stop, depth), data[at] != 0)


def _pppoe(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    return ppp(data, at + 6, stop, depth)


def _cooked(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    kind, protocol = struct.unpack_from(">H12xH", data, at)
    return _told(_cooked_protocol(data, protocol, at + 16, stop, depth), kind == _OUTGOING)


def _cooked_2(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    protocol, kind = struct.unpack_from(">H8xB", data, at)
    return _told(_cooked_protocol(data, protocol, at + 20, stop, depth), kind == _OUTGOING)


def _cooked_protocol(data: bytes, protocol: int, at: int, stop: int, depth: int) -> Inner | Statement:
    if protocol in {1, 3}:  # Novell's raw 802.3; all frames
        return Statement("left out/not ip")
    return typed(data, protocol, at, stop, depth)


def _wifi(data: bytes, at: int, stop: int, depth: int, padded: bool = False) -> Inner | Statement:
    control, flags = data[at], data[at + 1]
    if control >> 2 & 3 != 2 or control & 0x40:
        return Statement("left out/wifi management")
    if flags & 0x40:
        return Statement("left out/wifi encrypted")
    (sequence,) = struct.unpack_from("<H", data, at + 22)
    if flags & 0x04 or sequence & 15:
        return Statement("left out/wifi fragments")
    header = 24 + 6 * (flags & 3 == 3)
    if control & 0x80:  # quality of service
        if data[at + header] & 0x80:
            return Statement("left out/wifi several")
        header += 2 + 4 * bool(flags & 0x80)
    if padded:
        header += -header % 4
    found = _llc(data, at + header, stop)
    return Statement("left out/not ip") if found is None else typed(data, found[1], found[0], stop, depth)


def _radiotap(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    (length,) = struct.unpack_from("<H", data, at + 2)
    (present,) = words = struct.unpack_from("<I", data, at + 4)
    fields = at + 8
    while words[0] & 0x80000000 and fields < at + length:
        words = struct.unpack_from("<I", data, fields)
        fields += 4
    if present & 1:  # a time of 8 bytes, aligned
        fields += -(fields - at) % 8 + 8
    padded = bool(present & 2 and fields < at + length and data[fields] & 0x20)
    return _wifi(data, at + length, stop, depth, padded) if length >= 8 else Statement("left out/radiotap")


def _prism(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    for order in "<>":
        (length,) = struct.unpack_from(order + "I", data, at + 4)
        if 8 <= length <= 1024:
            return _wifi(data, at + length, stop, depth)
    return Statement("left out/prism")


def _avs(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    (length,) = struct.unpack_from(">I", data, at + 4)
    return _wifi(data, at + length, stop, depth) if 8 <= length <= 1024 else Statement("left out/avs")


def _per_packet(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    length, link_type = struct.unpack_from("<xxHI", data, at)
    return inner(data, link_type, at + length, stop, depth) if length >= 8 else Statement("left out/ppi")


def _pktap(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    length, _, link_type, flags = struct.unpack_from("<III24xI", data, at)
    if not 40 <= length <= stop - at:
        return Statement("left out/pktap")
    found = inner(data, link_type, at + length, stop, depth)
    return _told(found, flags & 3 == 2) if flags & 3 else found


def _nflog(data: bytes, at: int, stop: int, _depth: int) -> Inner | Statement:
    """Netfilter's log: fields in the byte order of the machine that captured; one is the packet."""
    ether_type = {2: IPV4, 10: IPV6}.get(data[at])
    begin = at + 4
    for order in "<>":
        at = begin
        while at + 4 <= stop:
            length, kind = struct.unpack_from(order + "HH", data, at)
            if length < 4:
                break
            if kind == 9:
                return Inner(at + 4, ether_type) if ether_type else by_version(data, at + 4, stop)
            at += length + (-length % 4)
    return Statement("left out/not ip")


def _pflog(data: bytes, at: int, stop: int, _depth: int) -> Inner | Statement:
    return by_version(data, at + data[at] + (-data[at] % 4), stop)


def _skipping(size: int) -> _Reader:
    def read(data: bytes, at: int, stop: int, _depth: int) -> Inner | Statement:
        return by_version(data, at + size, stop)

    return read


def _typed_at(position: int) -> _Reader:
    """Behind a header whose last two bytes are an EtherType."""

    def read(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
        (ether_type,) = struct.unpack_from(">H", data, at + position)
        return typed(data, ether_type, at + position + 2, stop, depth)

    return read


def _llc_at(position: int) -> _Reader:
    def read(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
        found = _llc(data, at + position, stop)
        return Statement("left out/not ip") if found is None else typed(data, found[1], found[0], stop, depth)

    return read


def _arcnet(address_bytes: int) -> _Reader:
    """ARCNET (RFC 1051 and 1201), behind its addresses."""

    def read(data: bytes, at: int, stop: int, _depth: int) -> Inner | Statement:
        kind, split = data[at + address_bytes], data[at + address_bytes + 1]
        if kind == 0xF0:
            return by_version(data, at + address_bytes + 1, stop)
        if kind != 0xD4:
            return Statement("left out/not ip")
        if split and split != 0xFF:
            return Statement("left out/arcnet")
        return by_version(data, at + address_bytes + (4 if split == 0 else 8), stop)

    return read


def _frame_relay(data: bytes, at: int, stop: int, depth: int) -> Inner | Statement:
    while not data[at] & 1:  # the address ends with an odd byte
        at += 1
    if data[at + 1 : at + 3] == b"\x03\xcc":
        return by_version(data, at + 3, stop)
    if data[at + 1 : at + 4] == b"\x03\x00\x80":
        (ether_type,) = struct.unpack_from(">H", data, at + 7)
        return typed(data, ether_type, at + 9, stop, depth)
    return Statement("left out/not ip")


def _told(found: Inner | Statement, outgoing: bool) -> Inner | Statement:
    return found if isinstance(found, Statement) else found._replace(outgoing=outgoing)


_Reader = Callable[[bytes, int, int, int], Inner | Statement]

_READERS: Final[dict[int, _Reader]] = {
    7: _arcnet(2),
    9: ppp,
    11: _llc_at(0),  # ATM (RFC 1483)
    50: ppp,
    51: _pppoe,
    104: _typed_at(2),  # Cisco HDLC
    105: _wifi,
    107: _frame_relay,
    109: _skipping(12),  # OpenBSD's IPsec
    113: _cooked,
    117: _pflog,
    119: _prism,
    123: _llc_at(4),  # ATM of SunOS
    127: _radiotap,
    129: _arcnet(4),  # of Linux
    138: _typed_at(16),  # Apple's IP over FireWire
    149: _pktap,
    163: _avs,
    166: _ppp_with_direction,
    192: _per_packet,
    204: _ppp_with_direction,
    239: _nflog,
    258: _pktap,
    276: _cooked_2,
}
