"""Running tasks here or on somebody else's executor, with a bound on what is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, Final, TypeVar

from gdlab.files.progress import Progress, ProgressFunction

T = TypeVar("T")
R = TypeVar("R")

#: Tasks given to an executor at a time: enough for the workers of a room, few enough that results do not pile up.
UNDER_WAY: Final = 32


def run(
    task: Callable[[T], R],
    units: Sequence[T],
    *,
    executor: Executor | None,
    label: str,
    progress: ProgressFunction | None = None,
) -> Iterator[tuple[int, R]]:
    """Results of a task of each unit, with the unit's number, as they are done.

    Parameters
    ----------
    task : a function of a module, so that it can be sent to another process.
    executor : of PEP 3148, such as a process pool or ``client.get_executor()`` of Dask; None for this thread.
    label, progress : as for `Progress`.

    Notes
    -----
    A task changes nothing and can be run again: an engine that loses a worker repeats it.
    """
    with Progress(len(units), label, progress, unit=" parts") as shown:
        if executor is None:
            for number, unit in enumerate(units):
                yield number, task(unit)
                shown.advance(1)
            return
        pending: dict[Future[Any], int] = {}
        given = 0
        try:
            while given < len(units) or pending:
                while given < len(units) and len(pending) < UNDER_WAY:
                    pending[executor.submit(task, units[given])] = given
                    given += 1
                done, _ = wait(list(pending), return_when=FIRST_COMPLETED)
                for future in done:
                    number = pending.pop(future)
                    yield number, future.result()
                    shown.advance(1)
        finally:
            for future in pending:
                future.cancel()
