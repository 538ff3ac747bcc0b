"""From rows of a message table to units and packets, in the order of the rows; keeps its place for more."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from gdlab.messages import IPV4_HEADER_BYTES, TCP_HEADER_BYTES, UDP_HEADER_BYTES, wire_bytes
from gdlab.multiplayer import record
from gdlab.multiplayer.enet import Datagram, Kind, take_apart
from gdlab.multiplayer.enet.connection import Half
from gdlab.multiplayer.record import Link, Mode, Packets, Units
from gdlab.multiplayer.scene import ScenePacket, take_packet_apart
from gdlab.multiplayer.websocket import StreamReader

#: Links told apart; rows of further ones are units that say so.
MAX_LINKS: Final = 4096
_i32: Final = struct.Struct("<i").unpack
_METHODS: Final = ("", "zlib", "zstd", "range", "fastlz", "unknown")
_CODE: Final = {name: code for code, name in enumerate(_METHODS)}
_WS_NAMES: Final = {
    "handshake": record.HANDSHAKE,
    "message": record.MESSAGE,
    "control": record.CONTROL,
    "part": record.PART,
    "lost": record.LOST,
}


class Row(NamedTuple):
    """What is needed of a row of the table.

    `wire` is -1 where the table has no such column; `trouble` tells why the bytes are not to be read.
    """

    endpoint: str
    peer: str
    out: bool
    payload: bytes
    wire: int = -1
    trouble: str = ""


class Dissector:
    """Takes rows, keeps what they hold.

    Attributes
    ----------
    links : connections, as places of the capture see them.
    units, packets : what was found.
    rows : how many rows were taken.
    """

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.units = Units()
        self.packets = Packets()
        self.rows = 0
        self._open: dict[tuple[str, str], Link] = {}

    def feed(self, rows: Iterable[Row], *, budget_s: float | None = None) -> int:
        """Take rows; how many of them were taken.

        Parameters
        ----------
        rows : in order of time.
        budget_s : stop after so many seconds; the caller gives the rest again later.
        """
        until = None if budget_s is None else time.monotonic() + budget_s
        taken = 0
        for row in rows:
            self._row(row)
            taken += 1
            # A compressed datagram may take 40 ms, so the clock is asked behind each row, which costs nothing beside.
            if until is not None and time.monotonic() > until:
                break
        return taken

    def forget(self) -> None:
        """Begin new lists of units and packets, for a view that keeps only sums.

        What is half put together is lost, and a copy of something from before is taken for the first.
        """
        self.units, self.packets = Units(), Packets()
        for link in self.links:
            if link.transport == "enet":
                for half in link.state:
                    half.forget()

    def finish(self) -> None:
        """Account for what streams hold that is not complete; call once, when there will be no more rows."""
        for link in self.links:
            if link.transport == "websocket":
                for out, half in enumerate(link.state):
                    if half.reader.buffer or half.overhead:
                        size = len(half.reader.buffer)
                        self.units.add(
                            max(half.row, 0), link.index, out, record.INCOMPLETE, size, size, size + half.overhead,
                            note="the end of a message is not in the capture",
                        )  # fmt: skip
                        half.reader.buffer.clear()
                        half.overhead = 0

    def _row(self, row: Row) -> None:
        number = self.rows
        self.rows += 1
        key = (row.endpoint, row.peer)
        link = self._open.get(key)
        if link is None:
            if len(self.links) >= MAX_LINKS:
                link = self.links[-1]
                self._unreadable(number, link, row, f"more than {MAX_LINKS} connections")
                return
            link = self._new(row, number)
        if row.trouble:
            self._unreadable(number, link, row, row.trouble)
        elif link.transport == "enet":
            self._datagram(number, link, row)
        else:
            self._stream(number, link, row)

    def _new(self, row: Row, number: int) -> Link:
        scheme = row.endpoint.partition("://")[0]
        stream = scheme in {"tcp", "ws", "wss"} or row.payload[:4] in {b"GET ", b"HTTP"}
        link = Link(len(self.links), row.endpoint, row.peer, "websocket" if stream else "enet", number)
        if stream:
            # A listener's rows are messages; a relay's or a packet capture's are pieces of the stream.
            pieces = scheme == "tcp" or row.payload[:4] in {b"GET ", b"HTTP"}
            link.state = (_StreamHalf(pieces), _StreamHalf(pieces))
        else:
            link.state = (Half(), Half())
        self.links.append(link)
        self._open[row.endpoint, row.peer] = link
        return link

    def _unreadable(self, number: int, link: Link, row: Row, why: str) -> None:
        size = len(row.payload)
        wire = row.wire if row.wire >= 0 else size + IPV4_HEADER_BYTES + UDP_HEADER_BYTES
        self.units.add(number, link.index, row.out, record.UNREADABLE, size, size, wire, note=why)

    # --- ENet ---

    def _datagram(self, number: int, link: Link, row: Row) -> None:
        out = int(row.out)
        half: Half = link.state[out]
        found = take_apart(row.payload, methods=half.methods, checked=half.checked > 0)
        half.checked += 1 if found.checked else -1
        if found.compressed:
            half.prefer(found.compressed)
        if found.commands and found.commands[0].kind == Kind.CONNECT:
            link = self._connect(number, link, row, found)
            half = link.state[out]
        units = self.units
        left = len(found.body) - sum([command.size for command in found.commands])
        sizes = [command.size for command in found.commands]
        shares: tuple[int, ...]
        wires: tuple[int, ...]
        if left or not sizes:
            sizes.append(left)
        size = len(row.payload)
        wire = row.wire if row.wire >= 0 else size + IPV4_HEADER_BYTES + UDP_HEADER_BYTES
        if len(sizes) == 1:
            shares, wires = (size,), (wire,)
        else:
            shares, wires = _split(size, sizes), _split(wire, sizes)
        compressed = _CODE[found.compressed]
        index = len(units)
        for command, share, part in zip(found.commands, shares, wires, strict=False):
            kind, flags, channel, sequence, _, taken, data, length, second, fields = command
            # Units.add, written out: this is the loop that a live view lives in.
            units.row.append(number)
            units.link.append(link.index)
            units.out.append(out)
            units.kind.append(kind)
            units.flags.append(flags)
            units.channel.append(channel)
            units.sequence.append(sequence)
            units.number.append(second)
            units.sent_time.append(found.sent_time)
            units.size.append(taken)
            units.bytes.append(share)
            units.wire.append(part)
            units.compressed.append(compressed)
            units.slot.append(found.slot)
            packet = -1
            before = -1
            if kind == 9:
                before = half.first((9, 0, second, 0), index)
                if before < 0:
                    packet = self._packet(
                        index, link, out, channel, Mode.UNRELIABLE, found.body[data : data + length]
                    )
            elif kind == 6:
                before = half.first((6, channel, sequence, 0), index)
                if before < 0:
                    packet = self._packet(
                        index, link, out, channel, Mode.RELIABLE, found.body[data : data + length]
                    )
            elif kind == 7:
                before = half.first((7, channel, sequence, second), index)
                if before < 0:
                    packet = self._packet(
                        index, link, out, channel, Mode.ORDERED, found.body[data : data + length]
                    )
            elif kind == 8 or kind == 12:
                count, order, total, offset = fields
                if kind == 8:
                    before = half.first((6, channel, sequence, 0), index)
                else:
                    before = half.first((12, channel, second, order), index)
                part_key = (kind, channel, second, 0)
                if before >= 0:
                    if units.packet[before] < 0:
                        half.copy(part_key, index)
                else:
                    piece = found.body[data : data + length]
                    whole = half.fragment(part_key, count, order, total, offset, piece, index)
                    if whole is not None:
                        mode = Mode.RELIABLE if kind == 8 else Mode.UNRELIABLE
                        packet = self._packet(index, link, out, channel, mode, whole[0])
                        for unit in whole[1]:
                            if unit < index:
                                units.packet[unit] = packet
            elif flags & 0x80:
                before = half.first((6, channel, sequence, 0), index)
                if kind == 4:
                    link.ended = True
            elif kind == 4:
                link.ended = True
            units.again.append(1 if before >= 0 else 0)
            units.packet.append(units.packet[before] if before >= 0 else packet)
            if fields:
                units.fields[index] = fields
            index += 1
        if left or not found.commands:
            units.add(
                number,
                link.index,
                out,
                record.UNREADABLE,
                left,
                shares[-1],
                wires[-1],
                compressed=compressed,
                slot=found.slot,
                sent_time=found.sent_time,
                note=found.trouble or "a datagram without a command",
            )

    def _connect(self, number: int, link: Link, row: Row, found: Datagram) -> Link:
        fields = found.commands[0].fields
        connect_id = fields[-2]
        if link.connected and link.connect_id != connect_id:
            link = self._new(row, number)  # the same two ports, another connection
        link.connect_id, link.connected = connect_id, True
        link.client_out = row.out
        link.client = fields[-1]
        return link

    def _packet(self, unit: int, link: Link, out: int, channel: int, mode: int, payload: bytes) -> int:
        return self.packets.add(unit, channel, mode, payload, take_packet_apart(payload))

    # --- WebSocket ---

    def _stream(self, number: int, link: Link, row: Row) -> None:
        half: _StreamHalf = link.state[int(row.out)]
        size = len(row.payload)
        if not half.pieces:
            wire = row.wire if row.wire >= 0 else wire_bytes("ws", size, masked=not row.out)
            self._message(number, link, row.out, row.payload, size, wire, half)
            return
        wire = row.wire if row.wire >= 0 else size + IPV4_HEADER_BYTES + TCP_HEADER_BYTES
        half.overhead += wire - size
        half.row = number
        for piece in half.reader.feed(row.payload):
            over, half.overhead = half.overhead, 0
            if piece.kind == "message":
                self._message(number, link, row.out, piece.payload, piece.size, piece.size + over, half)
                continue
            if piece.kind == "handshake" and link.client_out is None:
                asked = piece.payload.startswith(b"GET ")
                link.client_out = row.out if asked else not row.out
            self.units.add(
                number,
                link.index,
                int(row.out),
                _WS_NAMES[piece.kind],
                piece.size,
                piece.size,
                piece.size + over,
                note=piece.note,
            )

    def _message(
        self, number: int, link: Link, out: bool, payload: bytes, size: int, wire: int, half: _StreamHalf
    ) -> None:
        unit = self.units.add(
            number, link.index, int(out), record.MESSAGE, size, size, wire, number=half.messages
        )
        half.messages += 1
        if (
            half.messages == 1
            and len(payload) == 4
            and link.client_out in {None, not out}
            and not link.client
        ):
            (link.client,) = _i32(payload)
            link.client_out = not out
            packet = ScenePacket("peer_id", peer=link.client)
        else:
            packet = take_packet_apart(payload)
        self.units.packet[unit] = self.packets.add(unit, -1, Mode.STREAM, payload, packet)


class _StreamHalf:
    """One direction of a WebSocket connection."""

    __slots__ = ("messages", "overhead", "pieces", "reader", "row")

    def __init__(self, pieces: bool) -> None:
        self.pieces = pieces
        self.reader = StreamReader()
        self.messages = 0
        self.overhead = 0
        self.row = -1


def _split(total: int, sizes: list[int]) -> tuple[int, ...]:
    """Parts of a total in proportion to sizes, whole numbers that sum to it."""
    whole = sum(sizes) or 1
    given = run = 0
    parts = []
    for size in sizes:
        run += size
        until = total * run // whole
        parts.append(until - given)
        given = until
    parts[-1] += total - given
    return tuple(parts)


def method_name(code: int) -> str:
    """Name of a compressor by its number in `Units.compressed`."""
    return _METHODS[code]
