"""A snapshot: the rows of a store at one moment, for readers of any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gdlab.facts import US, Fact, Reason
from gdlab.store.blocks import Block
from gdlab.store.limits import Limit

#: What a table says of evicted rows where nothing keeps them; with their number, payload bytes and the limit.
KEEP_MORE = Fact(Reason.EVICTED, US, limit="limit")


class Evicted(NamedTuple):
    """What the bounds have pushed out so far."""

    rows: int = 0
    payload_bytes: int = 0
    until_ns: int = 0  # time of the last row that went


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows at one moment. Nothing sealed is copied, and what was written later is not in it."""

    endpoint: str
    blocks: tuple[Block, ...]
    peers: tuple[str, ...]
    evicted: Evicted
    limit: Limit
    #: The same for all snapshots of one store, whose rows only grow until some are evicted.
    origin: object = None
    #: Where evicted rows are, or what would keep them.
    about_evicted: Fact = KEEP_MORE
    #: Rows that were taken back, see `Store.withdraw`.
    withdrawn: int = 0

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks) + (self.evicted.rows > 0)

    @property
    def end(self) -> int:
        """How many rows the store has ever had; the number of the next one."""
        return self.evicted.rows + self.withdrawn + sum(len(block) for block in self.blocks)

    @property
    def begin(self) -> int:
        """The number of the first row that is kept, as `end` counts them."""
        return self.evicted.rows + self.withdrawn

    def since(self, number: int) -> Snapshot:
        """Return the rows from a number on, as `end` counts them; those already evicted are missing."""
        return self.tail(max(0, self.end - number)) if number > self.begin else self

    def tail(self, rows: int) -> Snapshot:
        """Return the last rows; the note about evicted ones stays only where all rows do."""
        kept: list[Block] = []
        wanted = rows
        for block in reversed(self.blocks):
            if wanted <= 0:
                break
            kept.append(block if len(block) <= wanted else block.rows(len(block) - wanted, len(block)))
            wanted -= len(block)
        evicted = self.evicted if wanted > 0 else Evicted()
        return Snapshot(
            self.endpoint,
            tuple(reversed(kept)),
            self.peers,
            evicted,
            self.limit,
            about_evicted=self.about_evicted,
        )
