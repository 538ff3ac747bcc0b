"""The rows of a capture one by one, as they arrive, and never more of them at once than can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gdlab.messages import CATEGORIES
from gdlab.store import Cursor, Snapshot
from gdlab.store.blocks import Block
from gdlab.words import sentence

#: Longer payloads are not kept with their row; `payload_of` fetches them from the capture while it has them.
KEPT_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One message or event.

    Attributes
    ----------
    key : which row it is, for as long as the capture lives: number of the store, number of the row in it.
    time_ns : UTC nanoseconds since 1970.
    payload : its first `KEPT_BYTES` bytes.
    size_bytes : of the whole payload.
    """

    key: tuple[int, int]
    time_ns: int
    endpoint: str
    peer: str
    direction: str
    event: str
    kind: str
    size_bytes: int
    payload: bytes = field(repr=False)
    detail: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether `payload` is all of it."""
        return len(self.payload) == self.size_bytes


class Follower:
    """Gives each row of a capture's stores at most once, the newest where there are too many."""

    def __init__(self) -> None:
        self._cursor = Cursor()

    def new_rows(self, snapshots: Sequence[Snapshot], most: int) -> tuple[list[Row], int]:
        """Return the rows since the last call, oldest first, and how many older ones were passed over.

        Parameters
        ----------
        most : so many rows at most, of each store and of all together.
        """
        found: list[Row] = []
        arrived = 0
        for store, snapshot in enumerate(snapshots):
            new = self._cursor.pass_over(store, snapshot)
            arrived += new
            found += last_rows(snapshot, min(most, new), store)
        found.sort(key=lambda row: row.time_ns)
        found = found[-most:] if most else []
        return found, arrived - len(found)

    def rewind(self, rows: int) -> None:
        """Give the last rows of each store once more."""
        self._cursor.rewind(rows)


def last_rows(snapshot: Snapshot, most: int, store: int = 0) -> list[Row]:
    """Return the last rows of one store, oldest first."""
    part = snapshot.tail(most)
    number = snapshot.end - sum(len(block) for block in part.blocks)
    found = []
    for block in part.blocks:
        found += [_row(snapshot, block, row, (store, number + row)) for row in range(len(block))]
        number += len(block)
    return found


def row_of(snapshot: Snapshot, number: int, store: int = 0) -> Row | None:
    """Return one row by its number in the store; None where the store no longer has it."""
    at = snapshot.end
    for block in reversed(snapshot.blocks):  # most looks are at what has come last
        at -= len(block)
        if number >= at:
            return _row(snapshot, block, number - at, (store, number)) if number < at + len(block) else None
    return None


def _row(snapshot: Snapshot, block: Block, row: int, key: tuple[int, int]) -> Row:
    columns = block.columns
    start, size = int(columns.offset[row]), int(columns.size[row])
    return Row(
        key,
        int(columns.time_ns[row]),
        snapshot.endpoint,
        snapshot.peers[columns.peer[row]],
        CATEGORIES["direction"][columns.direction[row]],
        CATEGORIES["event"][columns.event[row]],
        CATEGORIES["kind"][columns.kind[row]],
        size,
        block.arena[start : start + min(size, KEPT_BYTES)].tobytes(),
        sentence(fact) if (fact := block.facts[columns.fact[row]]) else "",
    )


def payload_of(row: Row, snapshots: Sequence[Snapshot]) -> bytes | None:
    """Return the whole payload of a row; None where the capture has dropped it meanwhile."""
    if row.is_whole:
        return row.payload
    store, number = row.key
    if store >= len(snapshots):
        return None
    at = snapshots[store].end
    for block in reversed(snapshots[store].blocks):
        at -= len(block)
        if number >= at:
            start = int(block.columns.offset[number - at])
            return block.arena[start : start + row.size_bytes].tobytes()
    return None
