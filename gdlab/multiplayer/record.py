"""What dissecting gives, in columns: a row for each part of the wire, a row for each packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from gdlab.multiplayer.scene import ScenePacket


class Mode(IntEnum):
    """How a packet was sent; Godot's three transfer modes, and a stream, which has none."""

    RELIABLE = 0
    ORDERED = 1
    UNRELIABLE = 2
    STREAM = 3


MODES: Final = ("reliable", "unreliable_ordered", "unreliable", "stream")

#: Kinds of units beside the commands of ENet, which keep their numbers 1 to 12.
UNREADABLE, HANDSHAKE, MESSAGE, CONTROL, PART, LOST, INCOMPLETE = range(16, 23)
UNIT_NAMES: Final = {
    1: "acknowledge",
    2: "connect",
    3: "verify",
    4: "disconnect",
    5: "ping",
    6: "reliable",
    7: "unreliable",
    8: "fragment",
    9: "unsequenced",
    10: "bandwidth",
    11: "throttle",
    12: "unreliable_fragment",
    UNREADABLE: "unreadable",
    HANDSHAKE: "handshake",
    MESSAGE: "message",
    CONTROL: "control",
    PART: "part",
    LOST: "lost",
    INCOMPLETE: "incomplete",
}

_UNIT_COLUMNS: Final = (
    "row",  # position in the table
    "link",
    "out",  # 1 where the capture's own side sent it
    "kind",
    "flags",
    "channel",
    "sequence",
    "number",
    "sent_time",
    "size",  # bytes of the command, unpacked
    "bytes",  # its part of the row's payload
    "wire",  # its part of the row's bytes on the wire
    "again",  # 1 for a copy of something that was seen before
    "packet",  # which packet it is part of, or -1
    "compressed",  # position in `methods`
    "slot",
)


class Units:
    """Every part of every row: commands, messages, what could not be read."""

    __slots__ = (*_UNIT_COLUMNS, "fields", "notes")

    def __init__(self) -> None:
        for name in _UNIT_COLUMNS:
            setattr(self, name, [])
        self.fields: dict[int, tuple[int, ...]] = {}
        self.notes: dict[int, str] = {}

    row: list[int]
    link: list[int]
    out: list[int]
    kind: list[int]
    flags: list[int]
    channel: list[int]
    sequence: list[int]
    number: list[int]
    sent_time: list[int]
    size: list[int]
    bytes: list[int]
    wire: list[int]
    again: list[int]
    packet: list[int]
    compressed: list[int]
    slot: list[int]

    def __len__(self) -> int:
        return len(self.row)

    def columns(self) -> dict[str, list[int]]:
        """The columns by name."""
        return {name: getattr(self, name) for name in _UNIT_COLUMNS}

    def add(
        self,
        row: int,
        link: int,
        out: int,
        kind: int,
        size: int,
        stated: int,
        wire: int,
        *,
        flags: int = 0,
        channel: int = -1,
        sequence: int = -1,
        number: int = -1,
        sent_time: int = -1,
        again: int = 0,
        packet: int = -1,
        compressed: int = 0,
        slot: int = -1,
        note: str = "",
    ) -> int:
        """Append one; its index. `stated` is its part of the payload."""
        index = len(self.row)
        self.row.append(row)
        self.link.append(link)
        self.out.append(out)
        self.kind.append(kind)
        self.flags.append(flags)
        self.channel.append(channel)
        self.sequence.append(sequence)
        self.number.append(number)
        self.sent_time.append(sent_time)
        self.size.append(size)
        self.bytes.append(stated)
        self.wire.append(wire)
        self.again.append(again)
        self.packet.append(packet)
        self.compressed.append(compressed)
        self.slot.append(slot)
        if note:
            self.notes[index] = note
        return index


class Packets:
    """Every packet of SceneMultiplayer, once: copies and fragments are units of the same packet."""

    __slots__ = ("channel", "mode", "packet", "payload", "unit")

    def __init__(self) -> None:
        self.unit: list[int] = []  # the one that completed it
        self.channel: list[int] = []
        self.mode: list[int] = []
        self.payload: list[bytes] = []
        self.packet: list[ScenePacket] = []

    def __len__(self) -> int:
        return len(self.unit)

    def add(self, unit: int, channel: int, mode: int, payload: bytes, packet: ScenePacket) -> int:
        """Append one; its index."""
        self.unit.append(unit)
        self.channel.append(channel)
        self.mode.append(mode)
        self.payload.append(payload)
        self.packet.append(packet)
        return len(self.unit) - 1


@dataclass(slots=True)
class Link:
    """One connection as one place of the capture sees it.

    Attributes
    ----------
    endpoint, peer : as in the table.
    transport : ``enet`` or ``websocket``.
    connect_id : number of an ENet connection, drawn by the client; 0 until known.
    client : the client's id in the game; 0 until known.
    client_out : whether the client is on the capture's own side; None until known, then taken as False.
    ended : a disconnect was seen.
    """

    index: int
    endpoint: str
    peer: str
    transport: str
    first_row: int
    connect_id: int = 0
    client: int = 0
    client_out: bool | None = None
    connected: bool = False
    ended: bool = False
    state: Any = field(default=None, repr=False)

    @property
    def from_client(self) -> int:
        """Value of a unit's `out` for what the client sent."""
        return 1 if self.client_out else 0
