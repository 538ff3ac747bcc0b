"""ENet datagrams taken apart into their commands.

Every integer is big-endian. A datagram is a header of 2 bytes (4 with the time it was sent), then commands to the
last byte, compressed as a whole or not.

Notes
-----
ENet 1.3.18, ``protocol.h`` and ``protocol.c``; checked against datagrams of Godot 4.6.3.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum
from typing import Final, NamedTuple

from gdlab.multiplayer.enet.compressors import METHODS, decompress

#: The largest datagram ENet sends or unpacks (``ENET_PROTOCOL_MAXIMUM_MTU``).
MAX_DATAGRAM_BYTES: Final = 4096
#: Commands ENet puts into a datagram at most (``ENET_PROTOCOL_MAXIMUM_PACKET_COMMANDS``).
MAX_COMMANDS: Final = 32
#: Channel number of commands that belong to the connection and not to a channel.
CONTROL_CHANNEL: Final = 255


class Kind(IntEnum):
    """What a command does: the low four bits of its first byte."""

    ACKNOWLEDGE = 1
    CONNECT = 2
    VERIFY = 3
    DISCONNECT = 4
    PING = 5
    RELIABLE = 6
    UNRELIABLE = 7
    FRAGMENT = 8
    UNSEQUENCED = 9
    BANDWIDTH = 10
    THROTTLE = 11
    UNRELIABLE_FRAGMENT = 12


WANTS_ACKNOWLEDGE: Final = 0x80
UNSEQUENCED: Final = 0x40

_COMPRESSED, _TIMED = 0x4000, 0x8000
_header: Final = struct.Struct(">BBH").unpack_from
_u16: Final = struct.Struct(">H").unpack_from
_u16u16: Final = struct.Struct(">HH").unpack_from
_connect: Final = struct.Struct(">HBB10I").unpack_from
_verify: Final = struct.Struct(">HBB9I").unpack_from
_fragment: Final = struct.Struct(">HHIIII").unpack_from
_two: Final = struct.Struct(">II").unpack_from
_three: Final = struct.Struct(">III").unpack_from
_one: Final = struct.Struct(">I").unpack_from

#: Bytes of each command without its data.
SIZES: Final = {
    Kind.ACKNOWLEDGE: 8,
    Kind.CONNECT: 48,
    Kind.VERIFY: 44,
    Kind.DISCONNECT: 8,
    Kind.PING: 4,
    Kind.RELIABLE: 6,
    Kind.UNRELIABLE: 8,
    Kind.FRAGMENT: 24,
    Kind.UNSEQUENCED: 8,
    Kind.BANDWIDTH: 12,
    Kind.THROTTLE: 16,
    Kind.UNRELIABLE_FRAGMENT: 24,
}
_SIZE_OF: Final = tuple(SIZES.get(Kind(kind), 0) if kind in set(Kind) else 0 for kind in range(16))


class Command(NamedTuple):
    """One command of a datagram.

    Attributes
    ----------
    kind, flags, channel, sequence : of the command's header; `sequence` counts what is reliable.
    start, size : where it begins in the body, and its bytes with its data.
    data, length : where its data begin, and their bytes.
    number : the unreliable sequence number, the group, the first number of a fragmented packet, or what is
        acknowledged.
    fields : the rest: sent time of an acknowledgement; count, number, total and offset of a fragment; the
        parameters of a connect, verify, disconnect, bandwidth limit or throttle.
    """

    kind: int
    flags: int
    channel: int
    sequence: int
    start: int
    size: int
    data: int
    length: int
    number: int
    fields: tuple[int, ...] = ()


class Datagram(NamedTuple):
    """A datagram taken apart.

    Attributes
    ----------
    slot : the peer's number at the receiver; 0xfff before it is known.
    session : two bits that tell connections in the same slot apart.
    sent_time : milliseconds of the sender's clock, 16 bits; -1 where the header has none.
    header : bytes of the header.
    compressed : how the body was compressed; empty if it was not.
    body : the commands' bytes, unpacked.
    commands : in order.
    trouble : why bytes of the body are left over; empty if none are.
    checked : a checksum stands behind the header.
    """

    slot: int
    session: int
    sent_time: int
    header: int
    compressed: str
    body: bytes
    commands: list[Command]
    trouble: str = ""
    checked: bool = False


def take_apart(data: bytes, *, methods: tuple[str, ...] = METHODS, checked: bool = False) -> Datagram:
    """Read a datagram as ENet does; never raises, `trouble` says where it goes wrong.

    Parameters
    ----------
    data : the UDP payload.
    methods : compressors to try, the likeliest first; the one is right whose output is commands to the last byte.
    checked : whether datagrams of this connection have a checksum, as far as known. Its four bytes may look like a
        command, one in sixty do.
    """
    if len(data) < 2:
        return Datagram(0, 0, -1, 0, "", data, [], "no ENet: shorter than its header of 2 bytes")
    (first,) = _u16(data)
    slot, session = first & 0xFFF, first >> 12 & 3
    header, sent = 2, -1
    if first & _TIMED:
        if len(data) < 4:
            return Datagram(slot, session, -1, 0, "", data, [], "no ENet: ends within its header")
        (sent,) = _u16(data, 2)
        header = 4
    if len(data) > MAX_DATAGRAM_BYTES:
        return Datagram(
            slot, session, sent, 0, "", data, [], f"no ENet: more than {MAX_DATAGRAM_BYTES} bytes"
        )
    if first & _COMPRESSED:
        return _unpacked(data, slot, session, sent, header, methods, checked)
    body = data[header:]
    commands, trouble = read_commands(body)
    if trouble or checked:
        behind = _with_checksum(data, header)
        if behind is not None:
            return Datagram(slot, session, sent, header + 4, "", data[header + 4 :], behind, "", True)
    if trouble and looks_like_dtls(data):
        return Datagram(0, 0, -1, 0, "", data, [], "encrypted (DTLS): sizes and times are all there is")
    return Datagram(slot, session, sent, header, "", body, commands, trouble)


def _unpacked(
    data: bytes, slot: int, session: int, sent: int, header: int, methods: tuple[str, ...], checked: bool
) -> Datagram:
    packed = data[header:]
    if looks_like_dtls(data):
        return Datagram(0, 0, -1, 0, "", data, [], "encrypted (DTLS): sizes and times are all there is")
    for skipped in (4, 0) if checked else (0, 4):  # a checksum stands before what is compressed
        for method in methods:
            body = decompress(method, packed[skipped:], MAX_DATAGRAM_BYTES, _Follower())
            if body is None:
                continue
            commands, trouble = read_commands(body)
            if commands and not trouble:
                return Datagram(
                    slot, session, sent, header + skipped, method, body, commands, "", skipped > 0
                )
    tried = ", ".join(methods)
    return Datagram(
        slot,
        session,
        sent,
        header,
        "unknown",
        packed,
        [],
        f"no ENet, or compressed by a method that is not known ({tried} tried)",
    )


def _with_checksum(data: bytes, header: int) -> list[Command] | None:
    """The commands behind a checksum of 4 bytes, which ENet offers and Godot does not switch on."""
    if len(data) < header + 8:
        return None
    commands, trouble = read_commands(data[header + 4 :])
    if trouble or not commands:
        return None
    # The sum is taken with the connection's number in its place; a CONNECT has none yet.
    known = data[:header] + b"\0\0\0\0" + data[header + 4 :]
    right = zlib.crc32(known).to_bytes(4, "little") == data[header : header + 4]
    return commands if right or commands[0].kind != Kind.CONNECT else None


def looks_like_dtls(data: bytes) -> bool:
    """Whether these are records of DTLS 1.0 to 1.3: type 20 to 25, then the version."""
    return len(data) >= 13 and 20 <= data[0] <= 25 and data[1] == 0xFE and data[2] in {0xFC, 0xFD, 0xFF}


class _Follower:
    """Sees as early as possible that bytes which are still being unpacked are no commands.

    Called with what there is, it says how many bytes it wants to see next, or -1. It is never stricter than
    `read_commands`.
    """

    __slots__ = ("_at", "_headed")

    def __init__(self) -> None:
        self._at = 0
        self._headed = False  # the first byte of the command at `_at` was looked at

    def __call__(self, body: bytearray) -> int:
        kind = body[self._at] & 15
        size = _SIZE_OF[kind]
        if not self._headed:
            if not size or body[self._at] & 0x30:
                return -1
            self._headed = True
            return self._at + size
        length = 0
        if kind == 6:
            (length,) = _u16(body, self._at + 4)
        elif kind in {7, 9}:
            (length,) = _u16(body, self._at + 6)
        elif kind in {8, 12}:
            _, length, count, number, total, offset = _fragment(body, self._at + 4)
            if number >= count or offset + length > total:
                return -1
        self._at += size + length
        self._headed = False
        return self._at + 1 if self._at <= MAX_DATAGRAM_BYTES else -1


def read_commands(body: bytes) -> tuple[list[Command], str]:
    """The commands in an unpacked body, and why the rest is none; empty if nothing is left over."""
    found: list[Command] = []
    at, end = 0, len(body)
    while at < end:
        if end - at < 4:
            return found, f"{end - at} bytes are left over, too few for a command"
        first, channel, sequence = _header(body, at)
        kind = first & 15
        size = _SIZE_OF[kind]
        if not size or first & 0x30:
            return found, f"no ENet command begins with the byte 0x{first:02x}"
        if end - at < size:
            return found, f"a command of {size} bytes ({Kind(kind).name.lower()}) has only {end - at}"
        if len(found) == MAX_COMMANDS * 4:
            return found, f"more than {MAX_COMMANDS * 4} commands in a datagram"
        length = number = 0
        fields: tuple[int, ...] = ()
        if kind == 9 or kind == 7:
            number, length = _u16u16(body, at + 4)
        elif kind == 1:
            number, sent = _u16u16(body, at + 4)
            fields = (sent,)
        elif kind == 6:
            (length,) = _u16(body, at + 4)
        elif kind == 8 or kind == 12:
            number, length, *rest = _fragment(body, at + 4)
            fields = tuple(rest)
            if rest[1] >= rest[0] or rest[3] + length > rest[2]:
                return found, "a fragment that lies outside its packet"
        elif kind == 2:
            fields = _connect(body, at + 4)[:14]
        elif kind == 3:
            fields = _verify(body, at + 4)
        elif kind == 4:
            fields = _one(body, at + 4)
        elif kind == 10:
            fields = _two(body, at + 4)
        elif kind == 11:
            fields = _three(body, at + 4)
        data = at + size
        if end - data < length:
            return found, f"a command announces {length} bytes of data and has {end - data}"
        found.append(
            Command(kind, first & 0xC0, channel, sequence, at, size + length, data, length, number, fields)
        )
        at = data + length
    return found, ""
