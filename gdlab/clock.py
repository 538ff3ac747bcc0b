"""The one clock all rows of a process are stamped with: UTC, in nanoseconds.

The kernel stamps datagrams with its real-time clock, so on Linux and macOS user-space stamps come from the same clock
and both may stand in one table. Elsewhere nothing is stamped by the kernel, and `time.time_ns` can tick as coarsely
as 15.6 ms (Windows before Python 3.13); there a performance counter is anchored to the wall clock once.
"""

from __future__ import annotations

import sys
import time

_ANCHOR_NS = time.time_ns() - time.perf_counter_ns()

#: What the stamps are made of, for sidecar files and `doctor`.
DESCRIPTION: str

if sys.platform in ("linux", "darwin"):
    DESCRIPTION = "CLOCK_REALTIME, UTC nanoseconds; the kernel's own stamp where `time_source` is `kernel`"
    now_ns = time.time_ns
else:
    DESCRIPTION = "performance counter anchored to the wall clock when gdlab was imported, UTC nanoseconds"

    def now_ns() -> int:
        """Nanoseconds since 1970-01-01 UTC, never stepping back."""
        return _ANCHOR_NS + time.perf_counter_ns()
