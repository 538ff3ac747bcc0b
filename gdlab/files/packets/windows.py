"""A capture file in windows of whole packets: each is read as a file of its own, with what must stand before it."""

from __future__ import annotations

import mmap as memory
import struct
from mmap import mmap
from typing import Final, NamedTuple

from gdlab.files.packets import pcap, pcapng
from gdlab.files.packets.captured import Captured
from gdlab.files.packets.ip import TCP, Segment, dissect

_INTERFACE: Final = 1
_NAMES: Final = 4
_STATISTICS: Final = 5
_PACKET: Final = 6
_PSH: Final = 0x08
_ETHERNET: Final = 1


class Window(NamedTuple):
    """A part of a file.

    `begin` and `end` are positions in the file, `head` is what must stand before it, and `interfaces` how many
    interfaces the sections before that of the head have.
    """

    begin: int
    end: int
    head: bytes
    interfaces: int = 0


def windows(data: mmap, most: int, *, of_messages: bool = False) -> list[Window]:
    """Divide a file.

    Parameters
    ----------
    most : bytes of a window; one that would end within a packet has all of it.
    of_messages : the file is our own: no window ends within a message over TCP.
    """
    if pcapng.is_pcapng(data[:4]):
        return _Blocks(data, most, of_messages=of_messages).windows()
    order, _, head = pcap.form(data[:4])
    length = struct.Struct(order + "I").unpack_from
    found: list[Window] = []
    begin = at = min(24, len(data))
    end = len(data)
    while at < end:
        if at - begin >= most:
            found.append(Window(begin, at, data[:24]))
            begin = at
            forget(data)
        if end - at < head:
            break
        at += head + length(data, at + 8)[0]
    return [*found, Window(begin, end, data[:24])]


def forget(data: mmap) -> None:
    """Let the system have the memory of what was read of a file; it is read again where it is needed."""
    if hasattr(memory, "MADV_DONTNEED"):
        data.madvise(memory.MADV_DONTNEED)


def read(data: mmap, window: Window) -> Captured:
    """The packets of a window; interfaces are numbered, and drops counted, as in the whole file."""
    content = window.head + data[window.begin : window.end]
    if not pcapng.is_pcapng(content):
        return pcap.read(content)
    found = pcapng.read(content)
    known = pcapng.read(window.head) if window.head else Captured(b"")
    found.drops = found.drops[len(known.drops) :]
    return found


class _Blocks:
    """Walks the blocks of a pcapng file."""

    def __init__(self, data: mmap, most: int, *, of_messages: bool) -> None:
        self._data, self._most, self._of_messages = data, most, of_messages
        self._order = "<"
        self._section = b""
        self._interfaces: list[bytes] = []
        self._before = 0  # interfaces of the sections before
        self._names: list[bytes] = []
        self._statistics: dict[bytes, bytes] = {}
        self._within = False  # a message

    def windows(self) -> list[Window]:
        data, end = self._data, len(self._data)
        found: list[Window] = []
        begin = at = 0
        head, before = b"", 0
        while end - at >= 12:
            if at - begin >= self._most and not self._within:
                found.append(Window(begin, at, head, before))
                begin, head, before = at, self._head(), self._before
                forget(data)
            if data[at : at + 4] == pcapng.SECTION:
                order = pcapng.order(data[at + 8 : at + 12])
                if order is None:
                    break
                self._order = order
            kind, length = struct.unpack_from(self._order + "II", data, at)
            if length < 12 or length & 3 or length > end - at:
                break
            self._note(kind, at, length)
            at += length
        return [*found, Window(begin, end, head, before)]

    def _head(self) -> bytes:
        return b"".join((self._section, *self._interfaces, *self._names, *self._statistics.values()))

    def _note(self, kind: int, at: int, length: int) -> None:
        if kind == _PACKET:
            if self._of_messages:
                self._within = self._begins_message(at, length)
            return
        block = self._data[at : at + length]
        if block[:4] == pcapng.SECTION:
            self._before += len(self._interfaces)
            self._section, self._within = block, False
            self._interfaces, self._names, self._statistics = [], [], {}
        elif kind == _INTERFACE:
            self._interfaces.append(block)
        elif kind == _NAMES:
            self._names.append(block)
        elif kind == _STATISTICS:
            self._statistics[block[8:12]] = block

    def _begins_message(self, at: int, length: int) -> bool:
        """Whether a packet of our own is a piece of a message whose end comes in a later one."""
        if length < 32:
            return self._within
        size = struct.unpack_from(self._order + "I", self._data, at + 20)[0]
        packet = self._data[at + 28 : at + 28 + min(size, length - 32)]
        found = dissect(packet, _ETHERNET, 0, len(packet))
        return isinstance(found, Segment) and found.protocol == TCP and not found.tcp_flags & _PSH
