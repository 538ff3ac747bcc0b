"""Loss as TCP shows it: nothing is missing, but everything waits until it has been sent again.

A relay above the kernel cannot lose a segment of somebody else's connection. What it can do is to let the bytes wait
for as long as Linux would have needed to notice and to send them again: RACK where later segments are acknowledged
(RFC 8985), else the tail loss probe, else the retransmission timer.
"""

from __future__ import annotations

import math
from typing import Final

from gdlab.impair.bottleneck import Bottleneck
from gdlab.impair.link import Link
from gdlab.impair.pipeline import Pipeline
from gdlab.impair.truth import HELD, RESENT, Copy

SEGMENT_BYTES: Final = 1448
#: IP and TCP headers with time stamps, of each segment.
SEGMENT_HEADER_BYTES: Final = 52
_LEAST_RTO_NS: Final = 200_000_000
_NS: Final = 1_000_000
#: What a loss leaves of the congestion window, and its floor, in segments. The window of a sender that has little to
#: send is about what it has in flight (RFC 7661). The share and the spare segment are no constants of Linux: they were
#: chosen so that the waits are those recorded of Linux 6.1 behind netem (60 messages per second, 20 ms each way, 2 %
#: loss), percentiles 50 to 99 within 15 %.
_LOSS_LEAVES: Final = 0.9
_LEAST_WINDOW: Final = 2.0
_SPARE: Final = 1
_MOST_RESENDS: Final = 15


class StreamPipeline(Pipeline):
    """One way of one connection: units in order, none lost, doubled or overtaken.

    `arrive` gives one copy of each unit. A later unit can move a stalled one: what it moved is in `moved`.
    """

    def __init__(
        self, seed: int, client: int, way: int, link: Link, queue: Bottleneck, *, header_bytes: int = 0
    ) -> None:
        super().__init__(seed, client, way, link, queue, header_bytes=header_bytes)
        #: The way back: its delay is half of a round trip.
        self.other: StreamPipeline | None = None
        self.moved: list[Copy] = []
        self._tail: Copy | None = None  # lost, and nothing came after it yet
        self._tail_wait = 0
        self._window = math.inf
        self._acks: list[tuple[int, int]] = []  # when segments in flight will be acknowledged, and how many

    def round_trip_ns(self, copy: Copy) -> int:
        """What TCP would have measured: both ways' delay and the queue's wait."""
        back = 0 if self.other is None else round(self.other.link.delay_ms * _NS)
        return round(self.link.delay_ms * _NS) + back + copy.queue + copy.serial

    def arrive(self, time_ns: int, size: int) -> list[Copy]:
        """Take the next unit: a message, or what one read brought; see `Pipeline.arrive`."""
        if self._began_ns is None:
            self._began_ns = time_ns
        losing = self._losing
        if self._fresh or losing is None:
            losing = self._prepare(self._began_ns)
        n = self.count
        self.count = n + 1
        copy = Copy(self, self.way, self.client, n, 0, time_ns, size, self.setting)
        copy.fragments = max(1, -(-size // SEGMENT_BYTES))
        copy.wire = size + copy.fragments * SEGMENT_HEADER_BYTES + self.link.overhead_bytes
        lost = losing.loses(n, time_ns, copy.fragments)
        copy.state = losing.state
        cut, enter_ns, slower_ns = self._through_windows(time_ns) if self.windows else (False, time_ns, 0)
        if (
            cut
        ):  # whether the line holds or cuts, TCP sends again what was lost: it stalls until the line is up
            enter_ns = max(window.end_ns for window in self.windows if window.hold is not None)
        if enter_ns > time_ns:
            copy.also |= HELD
        enter_ns = self._wait_for_window(copy, enter_ns)
        copy.hold = enter_ns - time_ns
        if self.queue.active:
            self.queue.enter(copy, enter_ns, bounded=False)
        else:
            copy.leave = enter_ns
        difference = 0 if self._steady else round(self._jitter.of(n, time_ns) * _NS)
        copy.delay = max(0, self._delay_ns + difference) + slower_ns
        self._hasten_tail(copy)
        if lost:
            self._stall(copy)
        self.plan(copy)
        # Later segments are acknowledged each for itself (SACK), whatever waits before them.
        self._acks.append((copy.leave + copy.delay + copy.stall + self._back_ns(), copy.fragments))
        return [copy]

    def _back_ns(self) -> int:
        return 0 if self.other is None else round(self.other.link.delay_ms * _NS)

    def _wait_for_window(self, copy: Copy, enter_ns: int) -> int:
        """When the congestion window lets a unit go; it only makes wait where losses have made it small."""
        self._acks = [ack for ack in self._acks if ack[0] > enter_ns]
        if self._window == math.inf:
            return enter_ns
        flying = sum(segments for _, segments in self._acks)
        at = enter_ns
        for ack_ns, segments in sorted(self._acks):
            if flying + copy.fragments <= int(self._window):
                break
            at, flying = ack_ns, flying - segments
        if at > enter_ns:  # the limit: it grows by one segment for each round trip in which it is that
            self._window += copy.fragments / self._window
        return at

    def _stall(self, copy: Copy) -> None:
        trip = self.round_trip_ns(copy)
        alone = not any(ack > copy.leave for ack, _ in self._acks)
        self._tail, self._tail_wait = copy, 2 * trip + (_LEAST_RTO_NS if alone else 0)
        copy.stall, copy.resends = self._tail_wait, 1
        copy.also |= RESENT
        again, share = self._stream("resend"), self._share_lost()
        timer = max(_LEAST_RTO_NS, trip + trip // 2)
        while copy.resends < _MOST_RESENDS and again.at(copy.n * 16 + copy.resends) < share:
            copy.stall += timer
            timer *= 2
            copy.resends += 1
        used = sum(segments for _, segments in self._acks) + _SPARE
        self._window = max(_LEAST_WINDOW, min(self._window, used) * _LOSS_LEAVES)

    def _hasten_tail(self, later: Copy) -> None:
        """The unit after a lost one is what tells the sender that it is lost."""
        tail, self._tail = self._tail, None
        if tail is None:
            return
        trip = self.round_trip_ns(tail)
        noticed = trip + max(0, later.leave - tail.leave, trip // 8)
        if noticed < self._tail_wait:
            self._acks.pop()  # the last one that was put there, and not acknowledged yet
            tail.stall += noticed - self._tail_wait
            self._acks.append((tail.leave + tail.delay + tail.stall + self._back_ns(), tail.fragments))
            self.go_back(tail)
            self.plan(tail)
            self.moved.append(tail)

    def plan(self, copy: Copy) -> None:
        """Set the release of a unit: never before that of the one before it."""
        release = copy.leave + copy.delay + copy.stall
        copy.floor = self._last_release
        copy.order = max(0, copy.floor - release)
        copy.release = self._last_release = release + copy.order

    @property
    def is_full(self) -> bool:
        """Whether so much waits that reading should stop: a stream's queue drops nothing, its sender waits."""
        return bool(self.queue.rate) and self.queue.backlog >= max(self.queue.limit_bytes, SEGMENT_BYTES)
