"""Waiting for what other threads and processes do."""

import threading
import time
from collections.abc import Callable

_PAUSE = threading.Event()  # never set: an interruptible pause


def wait_until(predicate: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Return as soon as the predicate is true; fail, showing it, after the time limit."""
    deadline = time.monotonic() + timeout_s
    while not predicate():
        assert time.monotonic() < deadline, f"still not true after {timeout_s} s: {predicate}"
        _PAUSE.wait(0.005)
