"""The packets of a capture file as columns, and what else the file tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from gdlab.facts import Statement
from gdlab.payloads import Int64, UInt8

LATEST_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Interface:
    """What a packet was captured on.

    Times of its packets are in 1 / `units_per_s` seconds since 1970 and `offset_s`.
    """

    link_type: int
    name: str = ""
    description: str = ""
    units_per_s: int = 1_000_000
    offset_s: int = 0
    snap_bytes: int = 0


class Drop(NamedTuple):
    """Packets that the capturing program lost, by its own count; statistics without a time, 0, are of the end."""

    time_ns: int
    interface: int
    packets: int


@dataclass(slots=True)
class Captured:
    """All packets of a file, in its order.

    Attributes
    ----------
    data : the file.
    time_ns, start, stop, original : (n,) int64, UTC since 1970; the captured bytes are ``data[start:stop]``, `original`
        is the length on the wire.
    interface : (n,) int64, position in `interfaces`.
    direction : (n,) uint8: 1 inbound, 2 outbound, 0 where the file does not tell.
    comments : of single packets, by position.
    names : names of addresses, by their bytes.
    drops : what the capturing program lost.
    application, comment : who wrote the file, and what it tells of the whole.
    notes : where and why reading stopped early, and what was left out.
    """

    data: bytes
    time_ns: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    start: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    stop: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    original: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    interface: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    direction: UInt8 = field(default_factory=lambda: np.empty(0, np.uint8))
    comments: dict[int, list[str]] = field(default_factory=dict)
    interfaces: list[Interface] = field(default_factory=list)
    names: dict[bytes, str] = field(default_factory=dict)
    drops: list[Drop] = field(default_factory=list)
    application: str = ""
    comment: str = ""
    notes: list[Statement] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.time_ns)

    def stopped(self, at: int, why: Statement) -> None:
        """Note that nothing after this byte was read."""
        self.notes.append(Statement.of("note/stopped", at=at, size=len(self.data), why=why))
