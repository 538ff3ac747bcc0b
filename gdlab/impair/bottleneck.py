"""The byte queue before a slow link, whose end drops what does not fit."""

from __future__ import annotations

from collections import deque
from typing import Final

from gdlab.impair.link import DEFAULT_QUEUE_MS, Link
from gdlab.impair.truth import Copy

#: Bytes of one opportunity of a trace (mahimahi: one packet of an Ethernet's MTU).
OPPORTUNITY_BYTES: Final = 1500
_NS_PER_MS: Final = 1_000_000


class Bottleneck:
    """One queue; of one client and way, or shared by several.

    Departures are computed when a packet comes, and computed anew for all that wait when the rate changes. Only what
    waits here counts against the limit: packets that merely travel are in no queue (netem counts those, too).
    """

    def __init__(self, link: Link) -> None:
        self._waiting: deque[Copy] = deque()
        self.backlog = 0  # bytes
        self._free_ns = 0  # when the last one has left
        self._tokens = 0.0  # bytes, at `_free_ns`
        self._began_ns: int | None = None
        self._slot = 0  # of the trace: the next opportunity, and what is left of it
        self._left = OPPORTUNITY_BYTES
        self._take(link)
        self._tokens = float(self._burst)

    def _take(self, link: Link) -> None:
        self.rate = link.rate_kbps / 8e6 if link.rate_kbps else 0.0  # bytes per nanosecond
        self._burst = link.burst_bytes
        self._trace = link.trace
        rate = self.rate
        if self._trace:
            rate = len(self._trace) * OPPORTUNITY_BYTES / (self._trace[-1] * _NS_PER_MS)
        self.limit_bytes = link.queue_bytes or round(
            rate * (DEFAULT_QUEUE_MS if link.queue_ms is None else link.queue_ms) * _NS_PER_MS
        )

    @property
    def active(self) -> bool:
        """Whether there is a bottleneck at all, or something still waits in it."""
        return bool(self.rate or self._trace or self._waiting)

    def settle(self, now_ns: int) -> None:
        """Let go what has left by now."""
        waiting = self._waiting
        while waiting and waiting[0].leave <= now_ns:
            self.backlog -= waiting.popleft().wire

    def enter(self, copy: Copy, now_ns: int, *, bounded: bool = True) -> bool:
        """Put a copy in, and say when it leaves; False where there is no room for it."""
        self.settle(now_ns)
        copy.backlog = self.backlog
        if bounded and self.backlog and self.backlog + copy.wire > self.limit_bytes:
            return False
        self._leave(copy, now_ns)
        self._waiting.append(copy)
        self.backlog += copy.wire
        return True

    def _leave(self, copy: Copy, now_ns: int) -> None:
        if self._trace:
            leave = self._by_trace(copy.wire, now_ns)
            copy.queue, copy.serial = leave - now_ns, 0
        elif not self.rate:
            leave = max(now_ns, self._free_ns)
            copy.queue, copy.serial = leave - now_ns, 0
        elif not self._burst:
            begin = max(now_ns, self._free_ns)
            copy.serial = round(copy.wire / self.rate)
            copy.queue = begin - now_ns
            leave = begin + copy.serial
        else:
            begin = max(now_ns, self._free_ns)
            bucket = max(self._burst, copy.wire)
            tokens = min(bucket, self._tokens + self.rate * (begin - self._free_ns))
            missing = max(0.0, copy.wire - tokens)
            copy.queue, copy.serial = begin - now_ns, round(missing / self.rate)
            leave = begin + copy.serial
            self._tokens = max(0.0, tokens - copy.wire)
        self._free_ns = copy.leave = leave

    def _by_trace(self, wire: int, now_ns: int) -> int:
        if self._began_ns is None:
            self._began_ns = now_ns
        period = self._trace[-1] * _NS_PER_MS
        while True:
            turn, place = divmod(self._slot, len(self._trace))
            at = self._began_ns + turn * period + self._trace[place] * _NS_PER_MS
            if at < now_ns:  # passed unused
                if now_ns - at > period:
                    self._slot += (now_ns - at) // period * len(self._trace)
                else:
                    self._slot += 1
                self._left = OPPORTUNITY_BYTES
                continue
            if self._left >= wire:
                self._left -= wire
                if not self._left:
                    self._slot, self._left = self._slot + 1, OPPORTUNITY_BYTES
                return at
            wire -= self._left
            self._slot, self._left = self._slot + 1, OPPORTUNITY_BYTES

    def change(self, link: Link, now_ns: int) -> list[Copy]:
        """Take a link's rate and limit from now on; return what waits, in order, each with its new departure.

        What the one that is leaving has already transmitted stays transmitted.
        """
        self.settle(now_ns)
        before = (self.rate, self._burst, self._trace)
        old_rate = self.rate
        self._take(link)
        if (self.rate, self._burst, self._trace) == before:
            return []
        if self._trace != before[2]:
            self._began_ns, self._slot, self._left = None, 0, OPPORTUNITY_BYTES
        waiting = list(self._waiting)
        self._free_ns = now_ns if waiting else min(self._free_ns, now_ns)
        for place, copy in enumerate(waiting):
            began = copy.leave - copy.serial
            entered = began - copy.queue
            if place == 0 and old_rate and began < now_ns:
                left_bytes = (copy.leave - now_ns) * old_rate
                leave = now_ns + (round(left_bytes / self.rate) if self.rate else 0)
                self._free_ns = copy.leave = leave
                copy.serial = leave - began
            else:
                self._leave(copy, now_ns)
                copy.queue = copy.leave - copy.serial - entered
        return waiting

    @property
    def waiting(self) -> int:
        """Packets that wait."""
        return len(self._waiting)
