"""What must be remembered of one ENet connection to read it: copies, fragments, the compressor. Sans-I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gdlab.multiplayer.enet.compressors import METHODS

#: Sequence numbers have 16 bits; what is older than half of them is forgotten.
WINDOW: Final = 32_768
#: Packets being put together per direction, and their bytes; the oldest goes first, and is told.
MAX_ASSEMBLIES: Final = 64
MAX_ASSEMBLY_BYTES: Final = 8 << 20
#: Fragments and copies of them remembered for one packet.
MAX_COPIES: Final = 65_536


@dataclass(slots=True)
class Assembly:
    """A packet of which fragments are still missing."""

    count: int
    total: int
    parts: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # number -> (offset, data)
    units: list[int] = field(default_factory=list)  # of every copy of every fragment
    kept: int = 0

    def whole(self) -> bytes | None:
        """The packet, if nothing is missing."""
        if len(self.parts) < self.count:
            return None
        at = 0
        pieces = []
        for _, (offset, data) in sorted(self.parts.items()):
            if offset != at:
                return None
            pieces.append(data)
            at += len(data)
        return b"".join(pieces) if at == self.total else None


@dataclass(slots=True)
class Half:
    """One direction of a connection.

    Attributes
    ----------
    seen : unit of the first copy, by kind of number, channel and number.
    assemblies : by channel, kind and number of the first fragment.
    methods : compressors, the one that was right last first.
    checked : datagrams with a checksum behind the header, less those without.
    given_up : packets whose fragments were dropped to stay within the limits.
    """

    seen: dict[tuple[int, int, int, int], int] = field(default_factory=dict)
    assemblies: dict[tuple[int, int, int, int], Assembly] = field(default_factory=dict)
    methods: tuple[str, ...] = METHODS
    checked: int = 0
    kept: int = 0
    given_up: int = 0

    def first(self, key: tuple[int, int, int, int], unit: int) -> int:
        """The unit of the first copy, or -1 if this is the first."""
        before = self.seen.get(key, -1)
        if before < 0:
            self.seen[key] = unit
            if len(self.seen) > WINDOW:
                del self.seen[next(iter(self.seen))]
        return before

    def forget(self) -> None:
        """Forget which units came before; the compressor stays known."""
        self.seen.clear()
        self.assemblies.clear()
        self.kept = 0

    def prefer(self, method: str) -> None:
        """Try this compressor first from now on."""
        if method in METHODS and self.methods[0] != method:
            self.methods = (method, *(other for other in METHODS if other != method))

    def fragment(
        self,
        key: tuple[int, int, int, int],
        count: int,
        number: int,
        total: int,
        offset: int,
        data: bytes,
        unit: int,
    ) -> tuple[bytes, list[int]] | None:
        """Take a fragment; the packet and its units when it is the last one."""
        if total > MAX_ASSEMBLY_BYTES:
            self.given_up += 1
            return None
        held = self.assemblies.get(key)
        if held is None or held.count != count or held.total != total:
            if held is not None:
                self._drop(key)
            held = self.assemblies[key] = Assembly(count, total)
        if number not in held.parts:
            held.parts[number] = (offset, data)
            held.units.append(unit)
            held.kept += len(data)
            self.kept += len(data)
        whole = held.whole()
        if whole is not None:
            self.kept -= held.kept
            del self.assemblies[key]
            return whole, held.units
        while len(self.assemblies) > MAX_ASSEMBLIES or self.kept > MAX_ASSEMBLY_BYTES:
            self._drop(next(iter(self.assemblies)))
        return None

    def copy(self, key: tuple[int, int, int, int], unit: int) -> None:
        """Take a copy of a fragment whose packet is not complete: it is a part of it, too."""
        held = self.assemblies.get(key)
        if held is not None and len(held.units) < MAX_COPIES:
            held.units.append(unit)

    def _drop(self, key: tuple[int, int, int, int]) -> None:
        self.kept -= self.assemblies.pop(key).kept
        self.given_up += 1
