"""The packets of a pcapng file (draft-ietf-opsawg-pcapng): blocks are walked one by one, packets read as columns.

Nothing is trusted: every length is held against the bytes that are there, and reading stops, saying so, where the
file stops making sense.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from gdlab.facts import Statement
from gdlab.files.packets.captured import LATEST_NS, Captured, Drop, Interface
from gdlab.payloads import Int64

SECTION: Final = b"\x0a\x0d\x0d\x0a"
_MAGIC: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_SECTION_KIND, _INTERFACE, _OLD_PACKET, _SIMPLE, _NAMES, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 2, 3, 4, 5, 6
_NATIVE: Final = "<" if sys.byteorder == "little" else ">"
_MAX_COUNT: Final = 2**62  # of packets dropped; what claims more is damaged


def is_pcapng(beginning: bytes) -> bool:
    """Whether a file that begins so is pcapng."""
    return beginning.startswith(SECTION)


def order(mark: bytes) -> str | None:
    """The byte order of a section whose third word is this, as for `struct`; None where it is none."""
    return _MAGIC.get(mark)


def read(data: bytes) -> Captured:
    """All packets that are whole."""
    return _Reader(data).read()


class _Reader:
    """Walks the blocks; what a section has defined holds until the next."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bytes = np.frombuffer(data, np.uint8)
        self._found = Captured(data)
        self._order = "<"
        self._first = 0  # the section's first interface, in those of the file
        self._enhanced: list[int] = []  # where the section's enhanced packet blocks are
        self._columns: list[tuple[Any, ...]] = []
        self._words = memoryview(data)[: len(data) // 4 * 4].cast("I")
        self._damaged = self._untimed = self._strange = 0
        self._dropped: dict[int, int] = {}

    def read(self) -> Captured:
        at, end = 0, len(self._data)
        while at < end:
            after = self._walk(at)
            if after is None:
                break
            at = after
        self._end_section()
        self._finish()
        return self._found

    def _walk(self, at: int) -> int | None:
        """Take the block at a position, and the plain packets after it; gives where the next block begins."""
        found, data, end = self._found, self._data, len(self._data)
        if end - at < 12:
            found.stopped(at, Statement("stopped/block"))
            return None
        if data[at : at + 4] == SECTION:
            self._end_section()
            known = order(data[at + 8 : at + 12])
            if known is None:
                found.stopped(at, Statement("stopped/order"))
                return None
            self._order, self._first = known, len(found.interfaces)
        kind, length = struct.unpack_from(self._order + "II", data, at)
        if length < 12 or length & 3 or length > end - at:
            found.stopped(at, Statement.of("stopped/length", length=length))
            return None
        if struct.unpack_from(self._order + "I", data, at + length - 4) != (length,):
            found.stopped(at, Statement("stopped/lengths"))
            return None
        try:
            if kind == _PACKET and length >= 32:
                self._enhanced.append(at)
            else:
                self._block(kind, at + 8, at + length - 4)
        except struct.error:
            found.stopped(at, Statement("stopped/short"))
            return None
        return self._run(at + length) if self._order == _NATIVE else at + length

    def _run(self, at: int) -> int:
        """Take the packets that follow each other from a position on; gives where they end."""
        # Nearly all blocks are such packets; a word of a memoryview is had in half the time of unpacking.
        words, keep = self._words, self._enhanced.append
        word, end = at >> 2, len(words)
        while word + 8 <= end and words[word] == _PACKET:
            length = words[word + 1]
            after = word + (length >> 2)
            if length < 32 or length & 3 or after > end or words[after - 1] != length:
                break
            keep(word << 2)
            word = after
        return word << 2

    def _finish(self) -> None:
        found = self._found
        if self._columns:
            positions, *columns = (np.concatenate(parts) for parts in zip(*self._columns, strict=True))
            in_order = np.argsort(positions, kind="stable")
            if bool(np.any(in_order[1:] < in_order[:-1])):
                columns = [column[in_order] for column in columns]
            rows = (
                dict(zip(positions[in_order].tolist(), range(len(in_order)), strict=True))
                if found.comments
                else {}
            )
            found.time_ns, found.interface, found.start, found.stop, found.original, found.direction = columns
            found.comments = {rows[block]: text for block, text in found.comments.items() if block in rows}
        if self._damaged:
            found.notes.append(Statement.of("note/damaged", count=self._damaged))
        if self._untimed:
            found.notes.append(Statement.of("note/untimed", count=self._untimed))
        if self._strange:
            found.notes.append(Statement.of("note/strange times", count=self._strange))

    # ---- packets

    def _end_section(self) -> None:
        """Read the packets of the section as columns."""
        if not self._enhanced:
            return
        at = np.array(self._enhanced, np.int64)
        self._enhanced.clear()
        # Blocks are of whole words, so all stand at multiples of four.
        words = self._bytes[: len(self._bytes) // 4 * 4].view(self._order + "u4")

        def word(offset: int) -> Int64:
            column: Int64 = words[(at + offset) >> 2].astype(np.int64)
            return column

        length, interface, captured, original = word(4), word(8), word(20), word(24)
        start, end = at + 28, at + length - 4
        good = (captured <= end - start) & (interface < len(self._found.interfaces) - self._first)
        if not good.all():
            self._damaged += int((~good).sum())
            if not good.any():
                return
        ticks = words[(at + 12) >> 2].astype(np.uint64) << np.uint64(32) | words[(at + 16) >> 2].astype(
            np.uint64
        )
        chosen = np.flatnonzero(good)
        interface = np.where(good, interface, 0) + self._first
        time_ns = self._times(ticks[chosen], interface[chosen])
        direction = self._directions(words, at, start + captured + (-captured & 3), end, good)
        self._columns.append(
            (
                at[chosen],
                time_ns,
                interface[chosen],
                start[chosen],
                (start + captured)[chosen],
                original[chosen],
                direction[chosen],
            )
        )

    def _times(self, ticks: Any, interface: Int64) -> Int64:
        """Nanoseconds of the ticks of interfaces."""
        time_ns = np.empty(len(ticks), np.int64)
        for which in np.unique(interface).tolist():
            one = self._found.interfaces[which]
            rows = np.flatnonzero(interface == which)
            mine = ticks[rows]
            factor, rest = divmod(1_000_000_000, one.units_per_s)
            limit = LATEST_NS // factor if factor else 0
            if factor and not rest and not one.offset_s and int(mine.max()) <= limit:
                time_ns[rows] = mine.astype(np.int64) * factor
            else:
                time_ns[rows] = [self._time(each, one) for each in mine.tolist()]
        return time_ns

    def _time(self, ticks: int, interface: Interface) -> int:
        time_ns = ticks * 1_000_000_000 // interface.units_per_s + interface.offset_s * 1_000_000_000
        if not 0 <= time_ns <= LATEST_NS:
            self._strange += 1
        return min(max(time_ns, 0), LATEST_NS)

    def _directions(self, words: Any, at: Int64, options: Int64, end: Int64, good: Any) -> Any:
        """What the options tell; those of a form that many programs write all together."""
        direction = np.zeros(len(at), np.uint8)
        has = good & (end - options >= 4)
        if not has.any():
            return direction
        plain = has & (end - options >= 8)
        rows = np.flatnonzero(plain)
        first = words[options[rows] >> 2]
        flags_head = 2 | 4 << 16 if self._order == "<" else 2 << 16 | 4
        rows = rows[first == flags_head]
        direction[rows] = words[(options[rows] + 4) >> 2] & 3
        after = options[rows] + 8
        finished = end[rows] - after < 4
        finished[~finished] = words[after[~finished] >> 2] == 0
        done = np.zeros(len(at), np.bool_)
        done[rows[finished]] = True
        for row in np.flatnonzero(has & ~done).tolist():
            direction[row] = self._packet_options(int(options[row]), int(end[row]), int(at[row]))
        return direction

    def _packet_options(self, at: int, end: int, block: int) -> int:
        direction = 0
        for code, value in self._options(at, end):
            if code == 2 and len(value) == 4:
                direction = struct.unpack(self._order + "I", value)[0] & 3
            elif code == 1:
                self._found.comments.setdefault(block, []).append(_text(value))
        return direction

    def _add(
        self, time_ns: int, interface: int, start: int, stop: int, original: int, direction: int
    ) -> None:
        """A packet of one of the rarer blocks."""
        values = (start, time_ns, interface, start, stop, original)
        self._columns.append(
            (*(np.array([value], np.int64) for value in values), np.array([direction], np.uint8))
        )

    # ---- other blocks

    def _block(self, kind: int, at: int, end: int) -> None:
        if kind == _SECTION_KIND:
            self._section(at, end)
        elif kind == _INTERFACE:
            self._found.interfaces.append(self._interface(at, end))
        elif kind == _NAMES:
            self._resolve(at, end)
        elif kind == _STATISTICS:
            self._statistics(at, end)
        elif kind == _OLD_PACKET:
            self._old_packet(at, end)
        elif kind == _SIMPLE:
            self._simple(at, end)
        elif kind == _PACKET:
            raise struct.error

    def _unpack(self, form: str, at: int, end: int) -> tuple[Any, ...]:
        """Fields at a position, which must be within the block."""
        compiled = struct.Struct(self._order + form)
        if at + compiled.size > end:
            raise struct.error
        return compiled.unpack_from(self._data, at)

    def _section(self, at: int, end: int) -> None:
        for code, value in self._options(at + 16, end):
            if code == 1:
                self._found.comment = _text(value)
            elif code == 4:
                self._found.application = _text(value)

    def _old_packet(self, at: int, end: int) -> None:
        number, drops, high, low, captured, original = self._unpack("HHIIII", at, end)
        start, interface = at + 20, self._first + number
        if captured > end - start or interface >= len(self._found.interfaces):
            self._damaged += 1
            return
        time_ns = self._time(high << 32 | low, self._found.interfaces[interface])
        if 0 < drops < 0xFFFF:  # since the packet before; all ones say that it is not known
            self._found.drops.append(Drop(time_ns, interface, drops))
        direction = self._packet_options(start + captured + (-captured % 4), end, start)
        self._add(time_ns, interface, start, start + captured, original, direction)

    def _simple(self, at: int, end: int) -> None:
        if self._first >= len(self._found.interfaces):
            self._damaged += 1
            return
        (original,) = self._unpack("I", at, end)
        snap = self._found.interfaces[self._first].snap_bytes or original
        self._untimed += 1
        start = at + 4
        self._add(0, self._first, start, min(start + min(original, snap), end), original, 0)

    def _interface(self, at: int, end: int) -> Interface:
        link, _, snap = self._unpack("HHI", at, end)
        name = description = ""
        units, offset = 1_000_000, 0
        for code, value in self._options(at + 8, end):
            if code == 2:
                name = _text(value)
            elif code == 3:
                description = _text(value)
            elif code == 9 and value:
                # Beyond 63 digits or bits no time could be told from another.
                power = min(value[0] & 0x7F, 63)
                units = 2**power if value[0] & 0x80 else 10**power
            elif code == 14 and len(value) == 8:
                (offset,) = struct.unpack(self._order + "q", value)
        return Interface(link, name, description, units, offset, snap)

    def _resolve(self, at: int, end: int) -> None:
        for code, value in self._options(at, end):
            size = {1: 4, 2: 16}.get(code)
            if size:
                self._found.names[value[:size]] = _text(value[size:].split(b"\0")[0])

    def _statistics(self, at: int, end: int) -> None:
        """What was dropped since the statistics before: their counts are of the whole capture."""
        number, high, low = self._unpack("III", at, end)
        interface = self._first + number
        if interface >= len(self._found.interfaces):
            return
        one = self._found.interfaces[interface]
        total = 0
        for code, value in self._options(at + 12, end):
            if code in {5, 7} and len(value) == 8:  # by the interface; by the operating system
                total += struct.unpack(self._order + "Q", value)[0]
        new = total - self._dropped.get(interface, 0)
        if 0 < new < _MAX_COUNT:
            self._dropped[interface] = total
            strange = self._strange
            self._found.drops.append(Drop(self._time(high << 32 | low, one), interface, new))
            self._strange = strange  # it is no packet

    def _options(self, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        while end - at >= 4:
            code, length = struct.unpack_from(self._order + "HH", self._data, at)
            if code == 0 or length > end - at - 4:
                return
            yield code, self._data[at + 4 : at + 4 + length]
            at += 4 + length + (-length % 4)


def _text(value: bytes) -> str:
    return value.decode(errors="replace").rstrip("\0")
