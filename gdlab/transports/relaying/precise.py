"""Waking up at the right time, to tens of microseconds where the system can."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, Final

_CLOCK_MONOTONIC: Final = 1
_NONBLOCK: Final = 0o4000
_CLOEXEC: Final = 0o2000000
_PR_SET_TIMERSLACK: Final = 29


class _Spec(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "value_s", "value_ns")]


class Timer:
    """Linux's timer as a file, which a selector waits for: selectors round their own time limit up to a millisecond.

    Raises
    ------
    OSError, AttributeError : the system has none.
    """

    def __init__(self) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._set: Any = library.timerfd_settime
        self.fd: int = library.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._spec = _Spec(0, 0, 0, 0)
        self._address = ctypes.byref(self._spec)

    def set(self, ns: int) -> None:
        """Become readable in so many nanoseconds, and not before."""
        ns = max(1, ns)
        self._spec.value_s, self._spec.value_ns = divmod(ns, 1_000_000_000)
        self._set(self.fd, 0, self._address, None)

    def clear(self) -> None:
        """Take the expiry; left alone it would wake the selector again and again."""
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            return


def timer() -> Timer | None:
    """Return a timer where the system has one."""
    if sys.platform != "linux":
        return None
    try:
        return Timer()
    except (OSError, AttributeError):
        return None


def sleep_exactly() -> bool:
    """Ask the kernel not to lengthen sleeps (by 50 microseconds, to save power); whether it granted it."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False
