"""Which side of a conversation is the capture's own: what was spoken to first, as far as a file shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from gdlab.files.packets.captured import Captured
from gdlab.files.packets.columns import OUTGOING, UNKNOWN, Bools, Segments
from gdlab.payloads import Int64

Host = tuple[bytes, int]
_Side = TypeVar("_Side", int, Host)


def told(captured: Captured, found: Segments, rows: Int64) -> Int64:
    """(n,) int64: `OUTGOING`, `NOT_OUTGOING`, or `UNKNOWN` where neither the file nor the link layer tells."""
    direction = captured.direction[rows].astype(np.int64)
    outgoing = found.outgoing[rows].copy()
    # On loopback everything comes in as well as it goes out; the link layer says only one of them.
    numbers: dict[bytes, int] = {}
    address = np.array([numbers.setdefault(host[0], len(numbers)) for host in found.hosts] or [0])
    home = np.array([host[0][0] == 127 for host in found.hosts] or [False])
    source, target = found.source[rows], found.target[rows]
    outgoing[home[source] | (address[source] == address[target])] = UNKNOWN
    result: Int64 = np.where(direction > 0, (direction == 2).astype(np.int64), outgoing)
    return result


class Datagrams:
    """Whose side the conversations of UDP are seen from; a file may come in parts, in its order."""

    def __init__(self) -> None:
        self._own: dict[tuple[Host, Host], Host] = {}
        self._spoken_to: set[Host] = set()

    def of(self, captured: Captured, found: Segments, rows: Int64) -> Bools:
        """(n,) bool: which of these packets the capture's own side sent."""
        outgoing = told(captured, found, rows)
        source, target = found.source[rows], found.target[rows]
        unknown = np.flatnonzero(outgoing == UNKNOWN)
        low, high = np.minimum(source, target)[unknown], np.maximum(source, target)[unknown]
        _, first, pair = np.unique(
            low * (len(found.hosts) + 1) + high, return_index=True, return_inverse=True
        )
        own = np.zeros(len(first), np.int64)
        for number in np.argsort(first).tolist():
            here, there = int(source[unknown[first[number]]]), int(target[unknown[first[number]]])
            own[number] = here if self._own_of(found.hosts[here], found.hosts[there]) else there
        outgoing[unknown] = (source[unknown] == own[pair]) & (source[unknown] != target[unknown])
        result: Bools = outgoing == OUTGOING
        return result

    def _own_of(self, source: Host, target: Host) -> bool:
        """Whether the source of a conversation's datagram is the capture's own side."""
        pair = (source, target) if source < target else (target, source)
        own = self._own.get(pair)
        if own is None:
            own = self._own[pair] = _own(source, target, self._spoken_to)
        return own == source


def of_connections(
    captured: Captured,
    found: Segments,
    connection: Int64,
    packet: Int64,
    source: Int64,
    target: Int64,
    listening: Mapping[int, int],
) -> dict[int, int]:
    """The host of each connection that is the capture's own.

    Parameters
    ----------
    connection, packet, source, target : (n,) what arrived, as for `tcp.Streams`.
    listening : who was connected to, where a SYN was captured.
    """
    numbers, first = np.unique(connection, return_index=True)
    outgoing = told(captured, found, packet[first])
    spoken_to = set(listening.values())
    own: dict[int, int] = {}
    for position in np.argsort(packet[first], kind="stable").tolist():
        number, row = int(numbers[position]), int(first[position])
        here, there = int(source[row]), int(target[row])
        if outgoing[position] != UNKNOWN:
            own[number] = here if outgoing[position] == OUTGOING else there
        elif number in listening:
            own[number] = listening[number]
        else:
            own[number] = _own(here, there, spoken_to)
    return own


def _own(source: _Side, target: _Side, spoken_to: set[_Side]) -> _Side:
    """Whose side a conversation is seen from that begins so."""
    own = source if target not in spoken_to and source in spoken_to else target
    spoken_to.add(own)
    return own
