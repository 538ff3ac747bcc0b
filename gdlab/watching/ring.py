"""A bounded list of rows: the oldest go first, and are counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Ring(Generic[Row]):
    """The newest rows of one kind; one thread appends, any may read.

    Parameters
    ----------
    max_rows, max_cost : what is kept; the cost of a row is what its writer says, usually bytes.
    """

    def __init__(self, max_rows: int, max_cost: int) -> None:
        self._rows: deque[tuple[Row, int]] = deque()
        self._max_rows, self._max_cost = max_rows, max_cost
        self._cost = 0
        #: Rows that have gone.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def total(self) -> int:
        """Rows there have ever been."""
        return self.dropped + len(self._rows)

    def append(self, row: Row, cost: int = 0) -> None:
        """Add a row; the oldest go while there are too many."""
        self._rows.append((row, cost))
        self._cost += cost
        while len(self._rows) > self._max_rows or (self._cost > self._max_cost and len(self._rows) > 1):
            _, gone = self._rows.popleft()
            self._cost -= gone
            self.dropped += 1

    def rows(self, last: int | None = None) -> list[Row]:
        """The rows as they are now, the oldest first; only the `last` of them."""
        while True:
            try:
                if last is None:
                    return [row for row, _ in self._rows]
                size = len(self._rows)
                return [self._rows[i][0] for i in range(max(0, size - last), size)]
            except (RuntimeError, IndexError):  # a row was appended meanwhile
                continue

    def newest(self) -> Row | None:
        """The last row; None if there is none."""
        found = self.rows(1)
        return found[0] if found else None

    def replace_newest(self, row: Row) -> None:
        """Put another row in the place of the last one."""
        _, cost = self._rows[-1]
        self._rows[-1] = (row, cost)

    def amend(self, wanted: Callable[[Row], bool], change: Callable[[Row], Row]) -> None:
        """Change the last row that is wanted; it is looked for among the newest hundred."""
        size = len(self._rows)
        for index in range(size - 1, max(-1, size - 101), -1):
            row, cost = self._rows[index]
            if wanted(row):
                self._rows[index] = (change(row), cost)
                return
