"""A reader's place in the stores of a capture: it is given each row once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdlab.store.blocks import Block
from gdlab.store.snapshot import Snapshot


class Cursor:
    """What is new in the stores of a capture since it was last asked.

    One writer writes, and any number of readers follow, each with a cursor of its own that nobody else knows of. Rows
    that were evicted before the reader came back are passed over: `Snapshot.evicted` counts them.

    Parameters
    ----------
    snapshots : what has been seen already; by default nothing.
    """

    def __init__(self, snapshots: Sequence[Snapshot] = ()) -> None:
        self._seen = {store: snapshot.end for store, snapshot in enumerate(snapshots)}

    def new(self, snapshots: Sequence[Snapshot]) -> Iterator[tuple[int, Snapshot, Block]]:
        """Give the blocks with the rows that are new, oldest first.

        Yields
        ------
        Number of the store, its snapshot, a block of new rows. A store counts as seen once its last block was taken.
        """
        for store, snapshot in enumerate(snapshots):
            for block in snapshot.since(self._seen.get(store, 0)).blocks:
                yield store, snapshot, block
            self._seen[store] = snapshot.end

    def pass_over(self, store: int, snapshot: Snapshot) -> int:
        """Count the rows of one store that are new, and take them as seen."""
        seen, self._seen[store] = self._seen.get(store, 0), snapshot.end
        return snapshot.end - seen

    def rewind(self, rows: int) -> None:
        """Take the last rows of each store as not seen yet."""
        self._seen = {store: max(0, seen - rows) for store, seen in self._seen.items()}
