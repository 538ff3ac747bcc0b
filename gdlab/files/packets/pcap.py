"""The packets of a pcap file (draft-ietf-opsawg-pcap), of either byte order and resolution."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from gdlab.facts import Statement
from gdlab.files.packets.captured import LATEST_NS, Captured, Interface

_MAGIC: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 16),
    b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1, 16),
    # "Modified" pcap, of a patched libpcap: interface, protocol and packet type follow the header of each packet.
    b"\x34\xcd\xb2\xa1": ("<", 1000, 24),
    b"\xa1\xb2\xcd\x34": (">", 1000, 24),
}
_OUTGOING: Final = 4  # Linux' PACKET_OUTGOING


def is_pcap(beginning: bytes) -> bool:
    """Whether a file that begins so is pcap."""
    return beginning[:4] in _MAGIC


def form(beginning: bytes) -> tuple[str, int, int]:
    """Byte order, nanoseconds of a unit of time, and bytes before a packet, of a file that begins so."""
    return _MAGIC[beginning[:4]]


def read(data: bytes) -> Captured:
    """All packets that are whole."""
    order, scale, head = form(data)
    found = Captured(data)
    if len(data) < 24:
        found.stopped(0, Statement("stopped/header"))
        return found
    snap, link = struct.unpack_from(order + "II", data, 16)
    found.interfaces.append(Interface(link & 0xFFFF, snap_bytes=snap))
    length = struct.Struct(order + "I").unpack_from
    positions: list[int] = []
    keep = positions.append
    at, end = 24, len(data)
    while at < end:
        if end - at < head:
            found.stopped(at, Statement("stopped/packet header"))
            break
        (captured,) = length(data, at + 8)
        after = at + head + captured
        if after > end:
            found.stopped(at, Statement.of("stopped/packet", size=captured, there=end - at - head))
            break
        keep(at)
        at = after
    if head == 24:
        found.notes.append(Statement("note/modified pcap"))
    where = np.array(positions, np.int64)
    content = np.frombuffer(data, np.uint8)
    fields = content[where[:, None] + np.arange(16)].view(order + "u4").astype(np.int64)
    seconds, fraction, captured_bytes, found.original = fields.T
    # 2**32 seconds are within 2**63 nanoseconds, and so is any fraction more.
    found.time_ns = np.minimum(seconds * 1_000_000_000 + fraction * scale, LATEST_NS)
    found.start = where + head
    found.stop = found.start + captured_bytes
    found.interface = np.zeros(len(where), np.int64)
    found.direction = np.zeros(len(where), np.uint8)
    if head == 24:
        kind = content[where + 22]
        found.direction = np.where(kind == _OUTGOING, 2, 1).astype(np.uint8)
    return found
