"""Totals of a game while it plays: rows go in as they come, sums and the last packets come out; memory is bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gdlab.multiplayer.dissector import Dissector, Row
from gdlab.multiplayer.names import Names
from gdlab.multiplayer.record import UNIT_NAMES, UNREADABLE
from gdlab.multiplayer.scene import ScenePacket
from gdlab.multiplayer.scene.packets import PATH_BIT

#: Units kept for copies and fragments to be told; beyond, the dissector begins a new list.
KEPT_UNITS: Final = 100_000
#: Packets kept to be looked at, rows waiting to be read, and different things summed up.
KEPT_PACKETS: Final = 400
MAX_WAITING: Final = 100_000
MAX_KEYS: Final = 4096
#: Paths and spawned nodes remembered, and synchronizers of one such node.
MAX_PATHS: Final = 65_536
MAX_SYNCHRONIZERS: Final = 64


@dataclass(slots=True)
class Total:
    """What one method, object or part of the transport has sent."""

    kind: str
    path: str
    method: str
    calls: int = 0
    bytes: int = 0
    wire_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A packet that passed: when, by which link and which way, what it is."""

    time_ns: int
    link: int
    out: int
    packet: ScenePacket
    payload: bytes
    number: int


_FRAGMENTS: Final = (8, 12)
_Key = tuple[str, int, int, object, int]


class Running:
    """Sums of what was fed.

    Parameters
    ----------
    names : of methods, as far as known; may be replaced at any time.

    Attributes
    ----------
    packets, unreadable : how many packets were read, and parts that could not be.
    skipped : rows that were never read, as too many waited.
    recent : the last packets, the newest last.
    """

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()
        self.skipped = 0
        self.packets = 0
        self.unreadable = 0
        self.recent: deque[Seen] = deque(maxlen=KEPT_PACKETS)
        self._dissector = Dissector()
        self._waiting: deque[tuple[int, Row]] = deque()
        self._sums: dict[_Key, list[int]] = {}
        self._paths: dict[tuple[int, int, int], tuple[str, str]] = {}
        self._sums_of_path: dict[tuple[int, int, str], str] = {}
        self._spawned: dict[tuple[int, int, int], str] = {}
        self._keys: list[_Key] = []
        self._units = 0
        self._fragments: list[int] = []

    @property
    def waiting(self) -> int:
        """Rows that were given and not read yet."""
        return len(self._waiting)

    def feed(self, rows: Iterable[tuple[int, Row]], *, budget_s: float | None = None) -> None:
        """Take rows with their times, and read as many as the budget allows; the rest waits for the next call."""
        for row in rows:
            if len(self._waiting) >= MAX_WAITING:
                self.skipped += 1
            else:
                self._waiting.append(row)
        times: list[int] = []
        batch = list(islice(self._waiting, MAX_WAITING))
        times = [when for when, _ in batch]
        taken = self._dissector.feed((row for _, row in batch), budget_s=budget_s)
        for _ in range(taken):
            self._waiting.popleft()
        self._add(times[:taken])
        if len(self._dissector.units) > KEPT_UNITS:
            for index in self._fragments:
                self._add_unit(index)
            self._fragments.clear()
            self._dissector.forget()
            self._keys.clear()
            self._units = 0

    def totals(self) -> list[Total]:
        """All sums, the largest on the wire first; names as they are known now."""
        named: dict[tuple[str, str, str], Total] = {}
        for (kind, link, out, about, method), (calls, size, wire) in self._sums.items():
            path, called = self._named(kind, link, out, about, method)
            total = named.setdefault((kind, path, called), Total(kind, path, called))
            total.calls += calls
            total.bytes += size
            total.wire_bytes += wire
        return sorted(named.values(), key=lambda total: -total.wire_bytes)

    def label(self, seen: Seen) -> tuple[str, str]:
        """Path and method of a packet."""
        packet = seen.packet
        return self._named(packet.kind, seen.link, seen.out, _about(packet), packet.method)

    def _named(self, kind: str, link: int, out: int, about: object, method: int) -> tuple[str, str]:
        if kind == "transport":
            return "", str(about)
        path, md5 = "", ""
        if isinstance(about, str):
            path = about
            md5 = self._sums_of_path.get((link, out, path), "")
        elif isinstance(about, int) and about >= 0:
            if (kind in {"sync", "delta"} and not about & PATH_BIT) or kind in {"spawn", "despawn"}:
                path = self._spawned.get((link, out, about), f"#net{about}")
            else:
                # What is confirmed is an id of the other side.
                side = 1 - out if kind == "confirm_path" else out
                path, md5 = self._paths.get((link, side, about & ~PATH_BIT), (f"#{about & ~PATH_BIT}", ""))
        return path, self.names.method(md5, path, method) if kind == "rpc" else ""

    def _add(self, times: list[int]) -> None:
        """Sum up the units and packets that are new."""
        units, packets = self._dissector.units, self._dissector.packets
        first_row = self._dissector.rows - len(times)
        for number in range(len(self._keys), len(packets)):
            unit = packets.unit[number]
            packet, payload = packets.packet[number], packets.payload[number]
            link, out = units.link[unit], units.out[unit]
            if packet.kind == "simplify_path" and len(self._paths) < MAX_PATHS:
                self._paths[link, out, packet.node] = packet.path, packet.text
                self._sums_of_path[link, out, packet.path] = packet.text
            elif packet.kind == "spawn" and len(self._spawned) < MAX_PATHS:
                # The synchronizers inside of it have numbers of their own, and the node's name is what a reader knows.
                for net_id in (packet.node, *packet.ids[1 : 1 + MAX_SYNCHRONIZERS]):
                    self._spawned[link, out, net_id] = packet.text
            about = _about(packet)
            key: _Key = (packet.kind, link, out, about, packet.method if packet.kind == "rpc" else -1)
            total = self._total(key)
            total[0] += 1
            total[1] += len(payload)
            self._keys.append(key)
            self.packets += 1
            when = times[max(0, units.row[unit] - first_row)]
            self.recent.append(Seen(when, link, out, packet, payload, self.packets))
        # Fragments wait until the packet that they are part of is known.
        waiting, self._fragments = self._fragments, []
        for index in (*waiting, *range(self._units, len(units))):
            number = units.packet[index]
            if number >= 0:
                self._total(self._keys[number])[2] += units.wire[index]
            elif units.kind[index] in _FRAGMENTS:
                self._fragments.append(index)
            else:
                self._add_unit(index)
        self._units = len(units)

    def _add_unit(self, index: int) -> None:
        """Sum up a unit that is no part of a packet."""
        units = self._dissector.units
        kind = units.kind[index]
        self.unreadable += kind == UNREADABLE
        total = self._total(("transport", units.link[index], units.out[index], UNIT_NAMES[kind], -1))
        total[0] += 1
        total[1] += units.size[index]
        total[2] += units.wire[index]

    def _total(self, key: _Key) -> list[int]:
        total = self._sums.get(key)
        if total is None:
            if len(self._sums) >= MAX_KEYS:
                key = ("transport", 0, 0, "everything else", -1)
            total = self._sums.setdefault(key, [0, 0, 0])
        return total


def _about(packet: ScenePacket) -> object:
    """What a packet is about: a path, or an id."""
    if packet.kind in {"sync", "delta"}:
        return packet.objects[0].net_id if len(packet.objects) == 1 else f"{len(packet.objects)} objects"
    return packet.path or packet.node
