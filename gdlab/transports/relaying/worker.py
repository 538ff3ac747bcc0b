"""The relay's process: one loop that reads, decides by `gdlab.impair`, and releases on time.

Two rules make it punctual: what the kernel stamped is the zero of every delay, so reading a little late costs nothing;
and wake-ups are grouped, at most one turn in 250 microseconds while packets come.
"""

from __future__ import annotations

import gc
import itertools
import json
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final, Protocol

from gdlab.errors import GdlabError
from gdlab.impair import WAYS, Copy, Fate, Path, Scenario, Step
from gdlab.impair.truth import HELD
from gdlab.transports.relaying import precise
from gdlab.transports.relaying.outlet import Outlet

_TURN_NS: Final = 250_000
_LONGEST_NAP_NS: Final = 5_000_000
#: Below this a nap does not pay: the selector wakes for each packet.
_SHORTEST_NAP_NS: Final = 400_000
#: Where something comes one way only, and the other way has no delay.
_QUIET_NAP_NS: Final = 500_000
_ACTIVE_NS: Final = 100_000_000
_FLUSH_NS: Final = 50_000_000
_STATUS_NS: Final = 200_000_000
_HOUSEKEEPING_NS: Final = 1_000_000_000
#: Of so many packets a report's percentiles are taken.
_REPORTED: Final = 500
#: All packets on the line together.
MOST_HELD_BYTES: Final = 64 * 2**20


class Core(Protocol):
    """The sockets of one transport."""

    def register(self, selector: selectors.BaseSelector) -> None:
        """Begin to listen."""

    def send(self, copy: Copy) -> bool:
        """Hand a copy to the system; False where it refuses."""

    def housekeep(self, now_ns: int) -> None:
        """Look after clients, about once per second."""

    def close(self) -> None:
        """Close every socket."""

    @property
    def clients(self) -> int:
        """Clients that are served."""


class Later:
    """Something to be done at a time, behind the packets that are due before it."""

    sent = 0
    fate = 0

    def __init__(self, release: int, run: Callable[[], None]) -> None:
        self.release = release
        self.run = run


class Worker:
    """The loop, the line, and the commands."""

    def __init__(self, path: Path, outlet: Outlet) -> None:
        self.path = path
        self.outlet = outlet
        self.selector = selectors.DefaultSelector()
        self.core: Core | None = None
        self._line: list[tuple[int, int, Copy | Later]] = []
        self._serial = itertools.count()
        self.held = 0
        self.held_bytes = 0
        self.last_arrival_ns = 0
        self._heard_ns = dict.fromkeys(WAYS, 0)
        self._commands: deque[dict[str, Any]] = deque()
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self.selector.register(self._here, selectors.EVENT_READ, self._woken)
        self._timer = precise.timer()
        if self._timer is not None:
            self.selector.register(self._timer.fd, selectors.EVENT_READ, self._rung)
        self.precise = precise.sleep_exactly() and self._timer is not None
        self._paused = False
        self._credit = 0
        self._held_since = self._held_until = 0
        self._stopping = False
        self._flush = False
        self._counts = {"arrived": 0, "passed": 0, "dropped": 0}
        #: Lateness, and how long they were held, of those that passed since the last report.
        self._late: list[int] = []
        self._took: list[int] = []

    # ---- what the sockets call

    def arrive(self, client: int, way: str, time_ns: int, handle: bytes) -> None:
        """Take a packet, and put what is left of it on the line."""
        self.last_arrival_ns = self._heard_ns[way] = time_ns
        self._counts["arrived"] += 1
        size = len(handle)
        for copy in self.path.arrive(client, way, time_ns, size):
            copy.handle = handle
            if copy.fate:
                self.finish(copy)
            elif self.held_bytes + size > MOST_HELD_BYTES:
                copy.fate = Fate.LIMIT
                self.finish(copy)
            else:
                self.held += 1
                self.held_bytes += size
                copy.rank = next(self._serial)
                heappush(self._line, (copy.release, copy.rank, copy))
        if self.path.moved:
            self._moved()

    def later(self, release: int, run: Callable[[], None]) -> None:
        """Do something at a time, in order with what is on the line."""
        heappush(self._line, (release, next(self._serial), Later(release, run)))

    def finish(self, copy: Copy) -> None:
        """Tell what became of a copy that will not be sent any more, or has been."""
        if copy.fate == Fate.PASSED:
            self._counts["passed"] += 1
            self._late.append(copy.sent - copy.release)
            self._took.append(copy.sent - copy.time)
        elif not copy.copy:
            self._counts["dropped"] += 1
        self.outlet.truth(copy)

    def _moved(self) -> None:
        moved, self.path.moved = self.path.moved, []
        for copy in moved:
            if not copy.sent and copy.fate == Fate.PASSED:
                heappush(self._line, (copy.release, copy.rank, copy))

    # ---- the loop

    def run(self) -> None:
        """Serve until told to stop."""
        selector, timer, outlet = self.selector, self._timer, self.outlet
        next_flush = next_status = next_housekeeping = 0
        timeout: float | None = 0.0
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles per packet, and a collection takes milliseconds
        while True:
            for key, mask in selector.select(timeout):
                key.data(mask)
            now = time.time_ns()
            if self._commands:
                self._obey(now)
            self.path.advance(now)
            if self.path.changed:
                self._tell_changes()
            if self.path.moved:
                self._moved()
            self._release(now)
            if outlet.waiting:
                outlet.push()
            if now >= next_flush:
                outlet.flush()
                next_flush = now + _FLUSH_NS
                if now >= next_status:
                    self._tell_status(now)
                    next_status = now + _STATUS_NS
                if now >= next_housekeeping and self.core is not None:
                    self.core.housekeep(now)
                    next_housekeeping = now + _HOUSEKEEPING_NS
            if self._stopping and (not self._flush or not self._line):
                break
            timeout = self._wait(now, next_flush, timer)
        self._end()

    def _wait(self, began_ns: int, next_flush_ns: int, timer: precise.Timer | None) -> float:
        """Nap where that makes nothing late; return how long the selector may wait then, seconds."""
        now = time.time_ns()
        due = self._line[0][0] if self._line and not (self._paused and not self._credit) else None
        step = self.path.due_ns()
        if step is not None and (due is None or step < due):
            due = step
        nap = self._nap_ns(now)
        if nap and now - self.last_arrival_ns < _ACTIVE_NS:
            until = now + nap if due is None else min(due, now + nap)
            until = max(until, began_ns + _TURN_NS)
            if until > now:
                time.sleep((until - now) / 1e9)
            return 0.0
        if self.outlet.waiting:
            next_flush_ns = min(next_flush_ns, now + _TURN_NS)
        if due is not None:
            if due <= now:
                return 0.0
            if timer is not None:
                timer.set(due - now)
            else:
                return min(due, next_flush_ns) / 1e9 - now / 1e9
        idle = now - self.last_arrival_ns > _HOUSEKEEPING_NS and not self.outlet.waiting
        if due is None and not self._line and idle:
            return _HOUSEKEEPING_NS / 1e9
        return max(0, next_flush_ns - now) / 1e9

    def _nap_ns(self, now: int) -> int:
        """So long reading may wait: half of the smallest delay of the ways on which something comes.

        A way that is silent may begin at any time; what comes there first may then be late by this nap, so it is short.
        """
        active = quiet = _LONGEST_NAP_NS
        for way, link in self.path.links.items():
            nap = round((link.delay_ms - link.jitter_ms) * 500_000)
            if now - self._heard_ns[way] < _ACTIVE_NS:
                active = min(active, nap)
            elif nap < _SHORTEST_NAP_NS:
                quiet = _QUIET_NAP_NS
        nap = min(active, quiet)
        return nap if nap >= _SHORTEST_NAP_NS else 0

    def _release(self, now: int) -> None:
        line, core = self._line, self.core
        if core is None:
            return
        while line and line[0][0] <= now:
            if self._paused and not self._credit:
                return
            due, _, copy = heappop(line)
            if copy.sent or copy.fate or copy.release != due:
                continue  # planned anew, or done
            if isinstance(copy, Later):
                copy.run()
                continue
            if self._credit:
                self._credit -= 1
            if self._held_since and due < self._held_until:
                # It was held by hand: that is no lateness of ours.
                moved = max(0, now - copy.release)
                copy.hold += moved
                copy.release += moved
                copy.also |= HELD
            self.held -= 1
            self.held_bytes -= copy.size
            if not core.send(copy):
                copy.fate = Fate.UNSENT
            self.finish(copy)

    # ---- commands

    def command(self, line: str) -> None:
        """Take a command; called by the thread that reads them."""
        self._commands.append(json.loads(line))
        self._there.send(b".")

    def _woken(self, _mask: int) -> None:
        self._here.recv(4096)

    def _rung(self, _mask: int) -> None:
        if self._timer is not None:
            self._timer.clear()

    def _obey(self, now: int) -> None:
        while self._commands:
            command = self._commands.popleft()
            try:
                self._do(command, now)
            except GdlabError as error:
                self.outlet.tell(refused=str(error))
            if "id" in command:
                self.outlet.tell(done=command["id"])

    def _do(self, command: dict[str, Any], now: int) -> None:
        for step in command.get("steps", ()):
            self.path.do(Step.from_json(step), now)
        if "scenario" in command:
            found = command["scenario"]
            self.path.run(None if found is None else Scenario.from_json(found), now)
        if "off" in command:
            self.path.off(now, off=bool(command["off"]))
        if "pause" in command:
            self._pause(bool(command["pause"]), now)
        if "step" in command:
            self._credit += int(command["step"])
        if command.get("stop"):
            self._stopping, self._flush = True, bool(command.get("flush"))
            if self._paused:
                self._pause(False, now)

    def _pause(self, pause: bool, now: int) -> None:
        if pause and not self._paused:
            self._held_since, self._held_until = now, 1 << 62
        elif not pause and self._paused:
            self._held_until, self._credit = now, 0
        self._paused = pause

    def _tell_changes(self) -> None:
        changed, self.path.changed = self.path.changed, []
        for time_ns, number, step in changed:
            self.outlet.tell(setting=number, time=time_ns, step=step.as_json())

    def _tell_status(self, now: int) -> None:
        sent = len(self._late)
        # Of many a part is enough, and sorting all of them would itself make packets late.
        step = max(1, sent // _REPORTED)
        late, took = sorted(self._late[::step]), sorted(self._took[::step])
        self._late.clear()
        self._took.clear()
        self.outlet.tell(
            status={
                **self._counts,
                "time": now,
                "held": self.held,
                "held_bytes": self.held_bytes,
                "queue_up": self.path.waiting_bytes("up", now),
                "queue_down": self.path.waiting_bytes("down", now),
                "clients": self.core.clients if self.core else 0,
                "sent": sent,
                "late_p50_us": late[len(late) // 2] / 1e3 if late else 0.0,
                "late_p99_us": late[min(len(late) - 1, len(late) * 99 // 100)] / 1e3 if late else 0.0,
                "held_p50_us": took[len(took) // 2] / 1e3 if took else 0.0,
                "paused": self._paused,
                "off": self.path.is_off,
            }
        )

    def _end(self) -> None:
        for _, _, copy in self._line:
            if isinstance(copy, Copy) and not copy.sent and copy.fate == Fate.PASSED:
                copy.fate = Fate.STOPPED
                self.finish(copy)
        if self.core is not None:
            self.core.close()
        self._tell_status(time.time_ns())
        self.outlet.tell(stopped=True)
        self.outlet.close(5.0)
