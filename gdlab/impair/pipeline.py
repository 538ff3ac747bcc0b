"""One client's way through a network: packets in, with their time; copies out, with their fate and release.

Nothing here reads a clock or owns a socket. The stages and their order are those of the documentation page
"Conditioning"; they follow netem's (net/sched/sch_netem.c) where that is not a trap.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from gdlab.impair.bottleneck import Bottleneck
from gdlab.impair.delay import Steady, Varying, varying
from gdlab.impair.link import Link
from gdlab.impair.loss import Losing, Streams, deciding, of_any
from gdlab.impair.streams import Stream
from gdlab.impair.truth import COPY, DAMAGED, HELD, REORDERED, WAYS, Copy, Fate

#: IPv4 and UDP headers of a datagram; over IPv6 there are 20 more.
HEADER_BYTES: Final = 28
_IP_BYTES: Final = 20
_UDP_BYTES: Final = 8
_NS: Final = 1_000_000
#: Packet spacings that a reordered packet is held back, and the least.
_SPACINGS: Final = 3
_LEAST_REORDER_NS: Final = 5_000_000


class Window(NamedTuple):
    """A time in which the line is down, or slower."""

    begin_ns: int
    end_ns: int
    hold: bool | None  # None: not down, but slower by `delay_ns`
    delay_ns: int = 0


class Pipeline:
    """One way of one client.

    Parameters
    ----------
    seed, client, way : what decides on fates, with the packets' numbers.
    link : in force from the first packet on.
    queue : the bottleneck's queue, which others may share.
    header_bytes : of IP and UDP, for one packet.
    """

    def __init__(
        self,
        seed: int,
        client: int,
        way: int,
        link: Link,
        queue: Bottleneck,
        *,
        header_bytes: int = HEADER_BYTES,
    ) -> None:
        self.client, self.way = client, way
        self.count = 0
        self.setting = 0
        self.windows: list[Window] = []
        self.queue = queue
        self._seed = seed
        self._name = WAYS[way]
        self._header = header_bytes
        self._began_ns: int | None = None
        self._last_release = 0
        self._last_arrival = 0
        self._spacing_ns = 0.0
        self._streams = Streams(seed, client, self._name)
        self._named: dict[str, Stream] = {}
        self._losing: Losing | None = None
        self._jitter: Varying = Steady()
        self._copy_jitter: Varying = self._jitter
        self._steady = True
        self._delay_ns = 0
        self.link = link
        self._fresh = True

    def _stream(self, stage: str) -> Stream:
        stream = self._named.get(stage)
        if stream is None:
            stream = self._named[stage] = Stream(self._seed, self.client, self._name, stage)
        return stream

    @property
    def last_release(self) -> int:
        """The release of the last packet whose order is kept; 0 before the first."""
        return self._last_release

    def change(self, link: Link, setting: int) -> None:
        """Take another link from the next packet on; the streams of random numbers go on."""
        self.link, self.setting, self._fresh = link, setting, True

    def _prepare(self, began_ns: int) -> Losing:
        link, self._fresh = self.link, False
        self._losing = deciding(
            self._streams,
            loss=link.loss,
            burst=link.burst,
            burst_ms=link.burst_ms,
            model=link.loss_model,
            began_ns=began_ns,
            state=None if self._losing is None else self._losing.state,
        )
        self._jitter = varying(self._seed, self.client, self._name, link, began_ns)
        self._copy_jitter = varying(self._seed, self.client, self._name, link, began_ns, "delay of copy")
        self._steady = isinstance(self._jitter, Steady)
        self._delay_ns = round(link.delay_ms * _NS)
        return self._losing

    def arrive(self, time_ns: int, size: int) -> list[Copy]:
        """Take a packet that came at this time, of so many payload bytes; the next in order.

        Returns
        -------
        Its copies, mostly one. Those whose fate is `Fate.PASSED` are to be sent at their `release`.
        """
        if self._began_ns is None:
            self._began_ns = time_ns
        losing = self._losing
        if self._fresh or losing is None:
            losing = self._prepare(self._began_ns)
        link = self.link
        n = self.count
        self.count = n + 1
        copy = Copy(self, self.way, self.client, n, 0, time_ns, size, self.setting)
        wire = copy.wire = size + self._header + link.overhead_bytes
        if link.mtu is not None:
            self._fragment(copy, link, link.mtu)
        lost = losing.loses(n, time_ns, copy.fragments)
        copy.state = losing.state
        self._measure_spacing(time_ns)
        enter_ns, slower_ns = time_ns, 0
        if self.windows:
            cut, enter_ns, slower_ns = self._through_windows(time_ns)
            copy.hold = enter_ns - time_ns
            if copy.hold:
                copy.also |= HELD
            if cut:
                copy.fate = Fate.CUT
                return [copy]
        if lost:
            copy.fate = Fate.LOSS
        elif copy.fate == Fate.PASSED:
            if link.damage and self._stream("damage").at(n) < link.damage:
                copy.also |= DAMAGED
            self._onward(copy, enter_ns, slower_ns)
        if not link.duplicate:
            return [copy]
        return [copy, *self._duplicate(copy, wire, enter_ns, slower_ns)]

    def _measure_spacing(self, time_ns: int) -> None:
        if self._last_arrival:
            between = time_ns - self._last_arrival
            if self._spacing_ns:
                self._spacing_ns += (between - self._spacing_ns) / 8
            else:
                self._spacing_ns = float(between)
        self._last_arrival = time_ns

    def _fragment(self, copy: Copy, link: Link, mtu: int) -> None:
        ip = self._header - _UDP_BYTES
        if copy.size + self._header <= mtu:
            return
        pieces = math.ceil((copy.size + _UDP_BYTES) / (8 * ((mtu - ip) // 8)))
        if link.fragments == "drop":
            copy.fate = Fate.MTU
            return
        copy.fragments = pieces
        copy.wire = copy.size + _UDP_BYTES + pieces * (ip + link.overhead_bytes)

    def _through_windows(self, time_ns: int) -> tuple[bool, int, int]:
        """Whether the line is cut; when it is up again; by how much it is slower."""
        self.windows = [window for window in self.windows if window.end_ns > time_ns]
        cut, enter_ns, slower_ns = False, time_ns, 0
        for window in self.windows:
            if window.begin_ns > time_ns:
                continue
            if window.hold is None:
                slower_ns += window.delay_ns
            elif window.hold:
                enter_ns = max(enter_ns, window.end_ns)
            else:
                cut = True
        return cut, enter_ns, slower_ns

    def _duplicate(self, first: Copy, wire: int, enter_ns: int, slower_ns: int) -> list[Copy]:
        link, n = self.link, first.n
        if self._stream("duplicate").at(n) >= link.duplicate or first.fate == Fate.MTU:
            return []
        copy = Copy(self, self.way, self.client, n, 1, first.time, first.size, self.setting)
        copy.wire = first.wire if first.fragments > 1 else wire
        copy.fragments, copy.hold, copy.state = first.fragments, first.hold, first.state
        copy.also = COPY | (first.also & (HELD | DAMAGED))
        if self._stream("loss of copy").at(n) < of_any(self._share_lost(), first.fragments):
            copy.fate = Fate.LOSS
        else:
            self._onward(copy, enter_ns, slower_ns)
        return [copy]

    def _share_lost(self) -> float:
        link = self.link
        return link.loss if link.loss_model is None else getattr(link.loss_model, "loss", 0.0)

    def _onward(self, copy: Copy, enter_ns: int, slower_ns: int) -> None:
        """From the queue on: the stages that take time."""
        link, n = self.link, copy.n
        if self.queue.active:
            if not self.queue.enter(copy, enter_ns):
                copy.fate = Fate.QUEUE
                return
        else:
            copy.leave = enter_ns
        if self._steady:
            copy.delay = self._delay_ns + slower_ns
        else:
            jitter = self._copy_jitter if copy.copy else self._jitter
            difference = round(jitter.of(n, copy.time) * _NS)
            copy.delay = max(0, self._delay_ns + difference) + slower_ns
        if link.reorder and not copy.copy and self._stream("reorder").at(n) < link.reorder:
            copy.also |= REORDERED
            if link.promote:
                copy.delay = 0
            elif link.reorder_ms is not None:
                copy.reorder = round(link.reorder_ms * _NS)
            else:
                copy.reorder = max(round(_SPACINGS * self._spacing_ns), _LEAST_REORDER_NS)
        self.plan(copy)

    def plan(self, copy: Copy) -> None:
        """Set the release of a copy from its departure on; again where that has changed."""
        link = self.link
        release = copy.leave + copy.delay + copy.reorder
        if link.slot_ms is not None:
            copy.slot = self._next_slot(release, link.slot_ms) - release
            release += copy.slot
        copy.floor = self._last_release
        if link.order == "keep" and not copy.also & REORDERED:
            if release < copy.floor:
                copy.order = copy.floor - release
                release = copy.floor
            else:
                copy.order = 0
                self._last_release = release
        copy.release = release

    def go_back(self, copy: Copy) -> None:
        """Forget the releases from this copy on; they will be planned anew."""
        self._last_release = copy.floor

    def _next_slot(self, time_ns: int, slot_ms: tuple[float, float]) -> int:
        """The first boundary from a time on.

        Boundary k stands at k times the mean distance, and a random part of half the range later: so distances are
        from the smallest to the largest, and any boundary is found without those before it.
        """
        begin = self._began_ns or 0
        least, most = slot_ms[0] * _NS, slot_ms[1] * _NS
        mean, half = (least + most) / 2, (most - least) / 2
        stream = self._stream("slot")
        k = max(0, int((time_ns - begin) / mean) - 1)
        while True:
            at = begin + round(k * mean + half * stream.at(k))
            if at >= time_ns:
                return at
            k += 1
