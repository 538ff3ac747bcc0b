"""The one clock all rows of a process are stamped with: UTC, in nanoseconds, and never stepping.

The kernel stamps datagrams with its real-time clock, so on Linux user-space stamps come from the same clock and
both may stand in one table. Somebody may set that clock while a capture runs (a time server, a virtual machine that
wakes up): by how much it has leapt against the clock that nobody sets is taken off every stamp, so that differences
stay true. Elsewhere nothing is stamped by the kernel, and `time.time_ns` can tick as coarsely as 15.6 ms (Windows
before Python 3.13); there a performance counter is anchored to the wall clock once.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    _Readings = TypeVar("_Readings", int, npt.NDArray[np.int64])

#: What the stamps are made of, for sidecar files and `doctor`.
DESCRIPTION: str

#: A smaller difference between the two clocks is the time between reading them, and no step.
_LEAST_NS: Final = 10_000_000
#: Readings of both clocks in a row, of which the closest counts.
_TRIES: Final = 5

if sys.platform == "linux":
    DESCRIPTION = (
        "CLOCK_REALTIME without its steps, UTC ns; the kernel's own stamp where `time_source` is `kernel`"
    )
    _real_ns = time.time_ns
    #: What `from_readings` makes times of, for those who take many of them: much cheaper than `now_ns` each.
    reading_ns = time.time_ns
    _READING_AT_ZERO_NS = 0

    def _steady_ns() -> int:
        """Nanoseconds of the clock that nobody sets, and that counts while the computer sleeps."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

else:
    DESCRIPTION = "performance counter anchored to the wall clock when gdlab was imported, UTC nanoseconds"
    _COUNTER_ANCHOR_NS: Final = time.time_ns() - time.perf_counter_ns()

    def _real_ns() -> int:
        """Nanoseconds since 1970-01-01 UTC, never stepping back."""
        return _COUNTER_ANCHOR_NS + time.perf_counter_ns()

    _steady_ns = time.perf_counter_ns
    reading_ns = time.perf_counter_ns
    _READING_AT_ZERO_NS = _COUNTER_ANCHOR_NS


def _apart_ns() -> int:
    """How far the two clocks are apart: of several readings the one that took least time."""
    best, closest = 0, 1 << 62
    for _ in range(_TRIES):
        before = _steady_ns()
        real = _real_ns()
        after = _steady_ns()
        if after - before < closest:
            best, closest = real - (before + after) // 2, after - before
    return best


_anchor_ns = _apart_ns()
_step_ns = 0
_looked_ns = 0  # when `taken_off` has looked, by the clock that is set


def now_ns() -> int:
    """Nanoseconds since 1970-01-01 UTC, as the wall clock would tell had nobody set it since gdlab was imported."""
    real = _real_ns()
    if abs(real - _steady_ns() - _anchor_ns - _step_ns) < _LEAST_NS:
        return real - _step_ns
    return _real_ns() - _looked_again_ns()


def stepped_ns() -> int:
    """By how much the wall clock has been set forward since; what is to be taken off a stamp of the kernel's."""
    if abs(_real_ns() - _steady_ns() - _anchor_ns - _step_ns) < _LEAST_NS:
        return _step_ns
    return _looked_again_ns()


def taken_off(stamp_ns: int) -> int:
    """What `stepped_ns` says, for a stamp that the kernel has just taken: much cheaper where stamps come often.

    As long as they follow the moment of the last look, by less than what counts as a step, there can have been none.
    """
    global _looked_ns
    if 0 <= stamp_ns - _looked_ns < _LEAST_NS:
        return _step_ns
    step_ns, _looked_ns = stepped_ns(), _real_ns()
    return step_ns


def from_readings(readings: _Readings) -> _Readings:
    """Times as `now_ns` takes them, of one or many readings of `reading_ns` that were taken a moment ago."""
    return readings + (_READING_AT_ZERO_NS - stepped_ns())


def _looked_again_ns() -> int:
    """The step, where it is none that the time between two readings made; 0 where there is none."""
    global _step_ns  # noqa: PLW0603 (one process, one clock; a reference that is swapped whole)
    apart = _apart_ns() - _anchor_ns
    if abs(apart - _step_ns) >= _LEAST_NS:
        _step_ns = apart
    return _step_ns


def anew() -> None:
    """Take the wall clock as it is now, for those who begin something new while nothing else is measured."""
    global _anchor_ns, _step_ns
    if stepped_ns():
        _anchor_ns, _step_ns = _apart_ns(), 0
