"""Progress of long reads and writes: to the caller's function, else as a bar where tqdm is installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

#: Called with rows done and rows in all.
ProgressFunction = Callable[[int, int], None]

_BAR_AFTER_S = 1.0


class Progress:
    """Counts rows and shows them.

    Parameters
    ----------
    total : rows there are.
    label : what the bar says.
    unit : what is counted.
    function : told after every batch instead of showing a bar; what it raises ends the work, so that it may also
        be used to cancel.
    """

    def __init__(
        self, total: int, label: str, function: ProgressFunction | None = None, *, unit: str = " rows"
    ) -> None:
        self.total = total
        self.done = 0
        self._label = label
        self._unit = unit
        self._function = function
        self._begun = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, rows: int) -> None:
        """Say that this many more rows are done."""
        self.done += rows
        if self._function is not None:
            self._function(self.done, self.total)
        elif self._bar is not None:
            self._bar.update(rows)
        elif self.done < self.total and time.monotonic() - self._begun > _BAR_AFTER_S:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                self._begun = float("inf")  # not installed: do not look again
                return
            self._bar = tqdm(
                total=self.total,
                initial=self.done,
                desc=self._label,
                unit=self._unit,
                unit_scale=True,
                leave=False,
            )
