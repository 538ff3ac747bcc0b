"""Waiting for what other threads and processes do, however slow the machine is."""

import os
import threading
import time
from collections.abc import Callable
from typing import Final

_PAUSE = threading.Event()  # never set: an interruptible pause

#: Every time limit of the tests is multiplied by this: a limit is there to end a test that hangs, and no test may
#: depend on how fast a machine is or on what else it does. `tests/check.py` runs tests side by side and raises it.
PATIENCE: Final = float(os.environ.get("GDLAB_TEST_PATIENCE", "1"))


def limit(seconds: float) -> float:
    """A time limit as this machine needs it, in seconds."""
    return seconds * PATIENCE


def limit_ms(seconds: float) -> float:
    """A time limit as this machine needs it, in the milliseconds that playwright counts in."""
    return 1000 * limit(seconds)


def wait_until(predicate: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Return as soon as the predicate is true; fail, showing it, after the time limit.

    One that takes long to ask is asked less often, so that what it waits for has the processor, too.
    """
    timeout_s = limit(timeout_s)
    began = time.monotonic()
    deadline = began + timeout_s
    while not predicate():
        now = time.monotonic()
        assert now < deadline, f"still not true after {timeout_s} s: {predicate}"
        _PAUSE.wait(min(max(0.005, 2 * (now - began)), 0.1))
        began = time.monotonic()
