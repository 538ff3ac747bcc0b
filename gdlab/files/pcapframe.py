"""The packets and blocks of a file for Wireshark, byte by byte."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

#: The IP protocol of rows that are no messages.
EVENT_PROTOCOL: Final = 253
MAX_OPTION: Final = 65_535 - 3

_UDP, _TCP = 17, 6


class Host(NamedTuple):
    """An address as it stands in a packet."""

    packed: bytes
    port: int


def in_family(packed: bytes, size: int) -> bytes:
    """The address with 4 or 16 bytes where it has such a form, else as it is.

    Loopback stays loopback, the wildcard the wildcard; other IPv4 addresses are mapped (RFC 4291 section 2.5.5.2).
    """
    if len(packed) == size:
        return packed
    if size == 16:
        mapped = bytes(10) + b"\xff\xff" + packed
        return bytes(15) + b"\1" if packed[0] == 127 else mapped if any(packed) else bytes(16)
    narrow = {bytes(16): bytes(4), bytes(15) + b"\1": b"\x7f\0\0\1"}
    return narrow.get(packed, packed)


# ---- packets


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes, not all zero.

    A one's complement sum of 16-bit words is the number modulo 65535, which Python takes of all bytes at once.
    """
    return 0xFFFF - (int.from_bytes(data, "big") % 0xFFFF or 0xFFFF)


def ip(source: bytes, target: bytes, protocol: int, content: bytes) -> bytes:
    """An IP packet."""
    if len(source) == 4:
        head = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(content), 0, 0x4000, 64, protocol, 0, source, target
        )
        return head[:10] + _checksum(head).to_bytes(2, "big") + head[12:] + content
    return struct.pack(">IHBB16s16s", 6 << 28, len(content), protocol, 64, source, target) + content


def _with_checksum(source: bytes, target: bytes, protocol: int, content: bytes, at: int) -> bytes:
    """Transport header and payload with their checksum, which covers addresses and length, too (RFC 9293, 8200)."""
    pseudo = source + target + struct.pack(">II", len(content), protocol)
    checksum = _checksum(pseudo + content + b"\0" * (len(content) % 2))
    if protocol == _UDP:
        checksum = checksum or 0xFFFF  # zero would say that there is none
    return content[:at] + checksum.to_bytes(2, "big") + content[at + 2 :]


def udp(source: Host, target: Host, payload: bytes) -> bytes:
    """A datagram."""
    content = struct.pack(">HHHH", source.port, target.port, 8 + len(payload), 0) + payload
    content = _with_checksum(source.packed, target.packed, _UDP, content, 6)
    return ip(source.packed, target.packed, _UDP, content)


def tcp(source: Host, target: Host, payload: bytes, sequence: int, acknowledged: int, flags: int) -> bytes:
    """A segment."""
    head = struct.pack(
        ">HHIIBBHHH", source.port, target.port, sequence, acknowledged, 5 << 4, flags, 65_535, 0, 0
    )
    content = _with_checksum(source.packed, target.packed, _TCP, head + payload, 16)
    return ip(source.packed, target.packed, _TCP, content)


def event(source: Host, target: Host, payload: bytes) -> bytes:
    """The two ports, then the bytes of the row."""
    content = struct.pack(">HH", source.port, target.port) + payload
    return ip(source.packed, target.packed, EVENT_PROTOCOL, content)


# ---- blocks


def padded(data: bytes) -> bytes:
    """Bytes up to a multiple of four."""
    return data + b"\0" * (-len(data) % 4)


def block(kind: int, body: bytes) -> bytes:
    """A block of pcapng."""
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def options(*pairs: tuple[int, bytes]) -> bytes:
    """The options of a block, with their end."""
    return b"".join(padded(struct.pack("<HH", code, len(value)) + value) for code, value in pairs) + bytes(4)
