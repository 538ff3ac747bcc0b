"""The packets in a pcap or pcapng file, of any program and either byte order.

Nothing is trusted: every length is held against the bytes that are there, and reading stops, saying so, where the
file stops making sense. Packets are positions in the file's bytes, so memory stays in proportion to the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION = b"\x0a\x0d\x0d\x0a"
_LATEST_NS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Interface:
    """What a packet was captured on."""

    link_type: int
    name: str = ""
    description: str = ""
    units_per_s: int = 1_000_000
    offset_s: int = 0


class Packet(NamedTuple):
    """One packet; its bytes are ``data[start:stop]`` of the file.

    `time_ns` is UTC since 1970. `original` is its length on the wire. `direction` is 1 inbound, 2 outbound, else 0.
    """

    time_ns: int
    interface: Interface
    start: int
    stop: int
    original: int
    direction: int = 0
    comment: str = ""


@dataclass(slots=True)
class PacketFile:
    """A file's packets, and what else it tells; the rest is known when `packets` has ended.

    Attributes
    ----------
    application : the program that wrote it.
    comment : of the whole file.
    names : names of addresses, by their bytes.
    notes : where and why reading stopped early, and what was left out.
    """

    data: bytes
    application: str = ""
    comment: str = ""
    names: dict[bytes, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _damaged: int = 0
    _untimed: int = 0
    _strange_times: int = 0

    def packets(self) -> Iterator[Packet]:
        """All packets, in the order of the file."""
        yield from self._pcapng() if self.data.startswith(_SECTION) else self._pcap()
        if self._damaged:
            self.notes.append(f"{self._damaged} packets are damaged and were left out")
        if self._untimed:
            self.notes.append(f"{self._untimed} packets have no time in the file; they stand at 1970")
        if self._strange_times:
            self.notes.append(
                f"{self._strange_times} packets have times beyond 1970 to 2262; they stand at its ends"
            )

    def _stopped(self, at: int, why: str) -> None:
        self.notes.append(
            f"reading stopped at byte {at} of {len(self.data)}: {why}; the file was cut short or damaged, what comes "
            "before is here"
        )

    def _time(self, ticks: int, interface: Interface) -> int:
        time_ns = ticks * 1_000_000_000 // interface.units_per_s + interface.offset_s * 1_000_000_000
        if not 0 <= time_ns <= _LATEST_NS:
            self._strange_times += 1
        return min(max(time_ns, 0), _LATEST_NS)

    # ---- pcap (draft-ietf-opsawg-pcap)

    def _pcap(self) -> Iterator[Packet]:
        order, scale = _PCAP[self.data[:4]]
        if len(self.data) < 24:
            self._stopped(0, "the header is incomplete")
            return
        (link,) = struct.unpack_from(order + "I", self.data, 20)
        interface = Interface(link & 0xFFFF)
        record = struct.Struct(order + "IIII")
        at, end = 24, len(self.data)
        while at < end:
            if end - at < 16:
                self._stopped(at, "a packet's header is incomplete")
                return
            seconds, fraction, captured, original = record.unpack_from(self.data, at)
            start = at + 16
            if captured > end - start:
                self._stopped(at, f"a packet of {captured} bytes has {end - start}")
                return
            yield Packet(
                min(seconds * 1_000_000_000 + fraction * scale, _LATEST_NS),
                interface,
                start,
                start + captured,
                original,
            )
            at = start + captured

    # ---- pcapng (draft-ietf-opsawg-pcapng)

    def _pcapng(self) -> Iterator[Packet]:
        order = "<"
        interfaces: list[Interface] = []
        at, end = 0, len(self.data)
        while at < end:
            if end - at < 12:
                self._stopped(at, "a block is incomplete")
                return
            if self.data[at : at + 4] == _SECTION:
                magic = self.data[at + 8 : at + 12]
                if magic not in {b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"}:
                    self._stopped(at, "a section has no byte order")
                    return
                order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
                interfaces = []
            kind, length = struct.unpack_from(order + "II", self.data, at)
            if length < 12 or length % 4 or length > end - at:
                self._stopped(at, f"a block says that it has {length} bytes")
                return
            if struct.unpack_from(order + "I", self.data, at + length - 4) != (length,):
                self._stopped(at, "a block's two lengths differ")
                return
            try:
                packet = self._block(kind, order, at + 8, at + length - 4, interfaces)
            except struct.error:
                self._stopped(at, "a block is too short for what it is")
                return
            if packet is not None:
                yield packet
            at += length

    def _block(self, kind: int, order: str, at: int, end: int, interfaces: list[Interface]) -> Packet | None:
        data = self.data
        if kind == 0x0A0D0D0A:
            for code, value in self._options(order, at + 16, end):
                if code == 1:
                    self.comment = _text(value)
                elif code == 4:
                    self.application = _text(value)
        elif kind == 1:
            interfaces.append(self._interface(order, at, end))
        elif kind == 4:
            self._resolve(order, at, end)
        elif kind in {2, 6}:
            if kind == 6:
                number, high, low, captured, original = struct.unpack(
                    order + "IIIII", data[at : min(at + 20, end)]
                )
            else:
                number, _, high, low, captured, original = struct.unpack(
                    order + "HHIIII", data[at : min(at + 20, end)]
                )
            start = at + 20
            if captured > end - start or number >= len(interfaces):
                self._damaged += 1
                return None
            direction, comment = 0, ""
            for code, value in self._options(order, start + captured + (-captured % 4), end):
                if code == 2 and len(value) == 4:
                    direction = struct.unpack(order + "I", value)[0] & 3
                elif code == 1:
                    comment = _text(value)
            interface = interfaces[number]
            time_ns = self._time(high << 32 | low, interface)
            return Packet(time_ns, interface, start, start + captured, original, direction, comment)
        elif kind == 3 and interfaces:
            (original,) = struct.unpack(order + "I", data[at : min(at + 4, end)])
            self._untimed += 1
            return Packet(0, interfaces[0], at + 4, min(at + 4 + original, end), original)
        return None

    def _interface(self, order: str, at: int, end: int) -> Interface:
        link, _, _ = struct.unpack(order + "HHI", self.data[at : min(at + 8, end)])
        name = description = ""
        units, offset = 1_000_000, 0
        for code, value in self._options(order, at + 8, end):
            if code == 2:
                name = _text(value)
            elif code == 3:
                description = _text(value)
            elif code == 9 and value:
                # Beyond 63 digits or bits no time could be told from another.
                power = min(value[0] & 0x7F, 63)
                units = 2**power if value[0] & 0x80 else 10**power
            elif code == 14 and len(value) == 8:
                (offset,) = struct.unpack(order + "q", value)
        return Interface(link, name, description, units, offset)

    def _resolve(self, order: str, at: int, end: int) -> None:
        for code, value in self._options(order, at, end):
            size = {1: 4, 2: 16}.get(code)
            if size:
                self.names[value[:size]] = _text(value[size:].split(b"\0")[0])

    def _options(self, order: str, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        while end - at >= 4:
            code, length = struct.unpack_from(order + "HH", self.data, at)
            if code == 0 or length > end - at - 4:
                return
            yield code, self.data[at + 4 : at + 4 + length]
            at += 4 + length + (-length % 4)


def is_capture(beginning: bytes) -> bool:
    """Whether a file that begins so is pcap or pcapng."""
    return beginning[:4] in _PCAP or beginning.startswith(_SECTION)


def _text(value: bytes) -> str:
    return value.decode(errors="replace").rstrip("\0")
