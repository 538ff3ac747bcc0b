"""The counters of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gdlab.messages import Direction


class ProbeCounts(NamedTuple):
    """How many of the messages are our pings, and their answers."""

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0

    def plus(self, direction: Direction, count: int, payload_bytes: int) -> ProbeCounts:
        """So many more of one direction."""
        received, received_bytes, sent, sent_bytes = self
        if direction is Direction.IN:
            return ProbeCounts(received + count, received_bytes + payload_bytes, sent, sent_bytes)
        return ProbeCounts(received, received_bytes, sent + count, sent_bytes + payload_bytes)


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """Counters since the store began; evicted rows are still in them.

    `received` and `sent` count our pings and their answers as well; `probes` says how many of them those are.
    """

    received: int
    received_bytes: int
    sent: int
    sent_bytes: int
    probes: ProbeCounts
    errors: int
    gaps: int
    lost_before_us: int
    peers: int
    rows_kept: int
    bytes_kept: int
    evicted_rows: int
    last_received_ns: int
