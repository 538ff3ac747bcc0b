"""The thread that serves sockets: a selector, timers, calls from other threads, and how it is woken.

One loop may serve several endpoints (its tenants), as a relay's two sides want it; mostly it serves one. It is made
with its first tenant, its thread begins when one of them starts, and both end with the last of them. What a tenant's
function raises is that tenant's affair: it is told, and the others go on.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import os
import select
import selectors
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from types import FrameType
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from gdlab.errors import EndpointClosed

_T = TypeVar("_T")

#: How long `ask` waits for an answer, which comes at once unless a function of the user's does not return.
ANSWER_S: Final = 5.0

_READ: Final = selectors.EVENT_READ
_WRITE: Final = selectors.EVENT_WRITE

#: What `epoll` says of a socket that can be read, or written to; everything else is told as both.
_IN: Final = getattr(select, "EPOLLIN", 0)
_OUT: Final = getattr(select, "EPOLLOUT", 0)

#: No wait is longer.
_LONG_S: Final = 3600.0


class Tenant(Protocol):
    """Whoever has sockets and timers in a loop."""

    def failed(self, error: BaseException) -> None:
        """Take note, on the loop's thread, of what one of its functions raised."""


class _Task(NamedTuple):
    """Something to do for a tenant."""

    tenant: Tenant
    function: Callable[[], object]


class _Watch(NamedTuple):
    """Who is told of a socket's events.

    Attributes
    ----------
    events : which it is told of.
    together : what is told of all that can only be read, and `item`, what stands for this one.
    """

    events: int
    tenant: Tenant
    function: Callable[[int], object]
    together: Callable[[list[Any]], object] | None = None
    item: Any = None


class Loop:
    """A thread with its selector.

    `call`, `ask`, `enter`, `start`, `leave` and `join` are for any thread; the rest is for the loop's own, and for
    the one that made it as long as it has not been started.

    Parameters
    ----------
    name : of its thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._tenants = 0
        self._released = False
        self._calls: deque[_Task] = deque()
        self._timers: list[tuple[float, int, _Task]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._selector = selectors.DefaultSelector()
        self._waker, self._wake = socket.socketpair()
        self._waker.setblocking(False)
        self._wake.setblocking(False)
        self._selector.register(self._waker, _READ, None)
        # The same as the selector has, by the sockets' numbers.
        self._watches: dict[int, _Watch | None] = {self._waker.fileno(): None}
        self._waits = _epoll_of(self._selector)
        self._called = _ready_at(self._waker)
        self._nap_s = 0.0  # before the next turn

    # ---- from any thread

    def enter(self) -> None:
        """Count one more tenant."""
        with self._lock:
            if self._released:
                raise EndpointClosed(
                    f"the thread of {self._name} has ended with its last endpoint; make a new one"
                )
            self._tenants += 1

    def start(self) -> None:
        """Begin to run, unless another tenant has begun already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def leave(self) -> None:
        """Count one tenant less; the last one ends the loop."""
        with self._lock:
            self._tenants -= 1
            if self._tenants:
                return
            if self._thread is None:
                self._release()
                return
        self.wake()

    def join(self, timeout_s: float) -> bool:
        """Wait until the loop's thread has ended, where it has no tenant any more; return whether it has."""
        thread = self._thread
        if thread is None or self._tenants or self.is_mine:
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def doing(self) -> str:
        """What its thread is busy with, in words: a function of the user's that does not return, as a rule."""
        frame = sys._current_frames().get(self._thread.ident or 0) if self._thread is not None else None
        busy = frame
        while frame is not None and not _is_ours(frame):
            busy, frame = frame, frame.f_back
        if busy is None or busy is frame:
            return "Its thread is busy with what has arrived."
        place = f"{busy.f_code.co_filename}, line {busy.f_lineno}"
        return f"Its thread is in {busy.f_code.co_qualname} ({place}), which has not returned."

    @property
    def is_mine(self) -> bool:
        """Whether it is the loop's own thread that asks."""
        return threading.current_thread() is self._thread

    def call(self, tenant: Tenant, function: Callable[[], object]) -> None:
        """Have the loop's thread run a function soon.

        Raises
        ------
        EndpointClosed : it has ended.
        """
        with self._lock:
            if self._released:
                raise EndpointClosed(f"the thread of {self._name.removeprefix('gdlab ')} has ended")
            self._calls.append(_Task(tenant, function))
        self.wake()

    def ask(self, tenant: Tenant, function: Callable[[], _T], timeout_s: float = ANSWER_S) -> _T:
        """Have the loop's thread run a function, and return or raise what it does.

        Raises
        ------
        EndpointClosed : it has ended. TimeoutError : its thread is kept busy, by a reply function perhaps.
        """
        if self.is_mine:
            return function()
        result: Future[_T] = Future()

        def answer() -> None:
            try:
                result.set_result(function())
            except BaseException as error:  # noqa: BLE001 (it is raised where it was asked for)
                result.set_exception(error)

        self.call(tenant, answer)
        return result.result(timeout_s)

    def after_fork(self) -> None:
        """In the child of a fork: there is no thread, and the sockets are the parent's, which goes on with them."""
        self._lock = threading.Lock()
        self._thread, self._tenants = None, 0
        self._calls.clear()
        self._timers.clear()
        if self._released:
            return
        # Closed here, each of them stays open there; nothing is taken out of the parent's selector.
        for key in list(self._selector.get_map().values()):
            with contextlib.suppress(OSError):
                key.fileobj.close()  # type: ignore[union-attr]  # all of them are sockets
        self._release()

    def wake(self) -> None:
        """Have the thread look at its calls."""
        with contextlib.suppress(OSError):  # closed already, or full of wake-ups: both mean it is awake
            self._wake.send(b"\0")

    # ---- on the loop's thread

    def watch(
        self,
        tenant: Tenant,
        sock: socket.socket,
        events: int,
        function: Callable[[int], object] | None = None,
        together: Callable[[list[Any]], object] | None = None,
        item: Any = None,
    ) -> None:
        """Call a function at these events of a socket (`selectors.EVENT_READ`, `EVENT_WRITE`); 0 ends that.

        Parameters
        ----------
        together : a function of the tenant's that is called in its place where there is something to read and nothing
            else, with a list of the items of all sockets of which that is true; it is the same for all of them.
        """
        number = sock.fileno()
        known = number in self._watches
        if not events or function is None:
            if known:
                self._selector.unregister(sock)
                del self._watches[number]
            return
        self._watches[number] = watch = _Watch(events, tenant, function, together, item)
        if known:
            self._selector.modify(sock, events, watch)
        else:
            self._selector.register(sock, events, watch)

    def after(self, tenant: Tenant, delay_s: float, function: Callable[[], object]) -> None:
        """Run a function later."""
        task = _Task(tenant, function)
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._numbers), task))

    def turn(self, most_s: float | None = None) -> None:
        """Wait for something to happen, at most so long, and do what it asks for."""
        if self._nap_s:
            self._nap(most_s)
        self.serve(0 if self._calls else self._until_timer(most_s))
        self.run_calls()
        now_s = time.monotonic()  # those that they set in turn come after the sockets' next turn
        while self._timers and self._timers[0][0] <= now_s:
            _perform(heapq.heappop(self._timers)[2])

    def serve(self, most_s: float | None = 0.0) -> None:
        """Wait for the sockets, at most so long, and do what they ask for."""
        readable: dict[Tenant, tuple[Callable[[list[Any]], object], list[Any]]] = {}
        for watch, events in self._found(most_s):
            if watch is None:
                self._woken()
                continue
            _, tenant, function, together, item = watch
            if together is not None and events == _READ:
                known = readable.get(tenant)
                if known is None:
                    readable[tenant] = together, [item]
                else:
                    known[1].append(item)
                continue
            try:
                function(events)
            except BaseException as error:  # noqa: BLE001 (the tenant says it; nobody else would)
                tenant.failed(error)
        for tenant, (read, items) in readable.items():
            try:
                read(items)
            except BaseException as error:  # noqa: BLE001 (as above)
                tenant.failed(error)

    def _found(self, most_s: float | None) -> list[tuple[_Watch | None, int]]:
        """What happened at which sockets; None stands for the waker."""
        if self._waits is None:
            return [(key.data, events) for key, events in self._selector.select(most_s)]
        # As the selector does it, without a call and two objects for each socket.
        watches = self._watches
        seconds = most_s if most_s is None else math.ceil(1000 * most_s) / 1000
        return [
            (watch := watches[number], _READ if bits == _IN or watch is None else _told(bits) & watch.events)
            for number, bits in self._waits.poll(seconds, len(watches))
        ]

    def rest(self, seconds: float) -> bool:
        """Wait so long in the middle of a turn; False as soon as there is something else to do, or will be before.

        A timer does the same at three times the price, which counts for who wakes up hundreds of times a second.
        """
        if self._waits is None or self._calls:
            return False
        if self._timers and self._timers[0][0] < time.monotonic() + seconds:
            return False
        return not self._waits.poll(seconds, 1)

    def beside(self, sock: socket.socket) -> Callable[[], bool]:
        """Give what waits in the middle of a turn for something at a socket, which is watched.

        Waiting so costs a third of a turn, which counts for who is woken by each of thousands of datagrams.

        Returns
        -------
        A function that waits, and is False as soon as there is something else to do; only for this turn.
        """
        calls, now_s = self._calls, time.monotonic
        until_s = self._timers[0][0] if self._timers else math.inf
        wait = _only_at(sock, self._selector, self._waits)

        def alone() -> bool:
            left_s = min(until_s - now_s(), _LONG_S)
            return left_s > 0 and not calls and wait(left_s)

        return alone

    def put_off(self, seconds: float) -> None:
        """Let the next turn wait so long for whatever the sockets bring; a call or a timer ends that.

        Nothing happens where there is another tenant, who has sockets of its own.
        """
        if self._tenants == 1:
            self._nap_s = seconds

    def _nap(self, most_s: float | None) -> None:
        seconds, self._nap_s = self._nap_s, 0.0
        due_s = self._until_timer(most_s)
        milliseconds = math.floor(1000 * (seconds if due_s is None else min(seconds, due_s)))
        if milliseconds and not self._calls and self._called is not None:
            self._called(milliseconds)

    def run_calls(self) -> None:
        """Do what other threads have asked for."""
        while self._calls:
            _perform(self._calls.popleft())

    def _until_timer(self, most_s: float | None) -> float | None:
        if not self._timers:
            return most_s
        until_s = max(0.0, self._timers[0][0] - time.monotonic())
        return until_s if most_s is None else min(until_s, most_s)

    def _run(self) -> None:
        while self._tenants:
            self.turn()
        with self._lock:
            self._release()
        self.run_calls()  # whoever asked at the last moment waits for an answer

    def _release(self) -> None:
        self._released = True
        self._selector.close()
        if self._waits is not None:
            self._waits.close()
        self._waker.close()
        self._wake.close()

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._waker.recv(4096):
                pass


def _is_ours(frame: FrameType) -> bool:
    """Whether it is a function of gdlab that runs there."""
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == "gdlab"


def _told(bits: int) -> int:
    """What a selector tells of what `epoll` does."""
    return (_READ if bits & ~_OUT else 0) | (_WRITE if bits & ~_IN else 0)


def _epoll_of(selector: selectors.BaseSelector) -> select.epoll | None:
    """What waits for what a selector would tell, and leaves it there; None where that cannot be."""
    if sys.platform != "linux" or not isinstance(selector, selectors.EpollSelector):
        return None
    return select.epoll.fromfd(os.dup(selector.fileno()))


def _only_at(
    sock: socket.socket, selector: selectors.BaseSelector, epoll: select.epoll | None
) -> Callable[[float], bool]:
    """Waits so many seconds for a socket; whether it has something, and nothing else has that the selector watches."""
    if epoll is not None:
        here, poll = sock.fileno(), epoll.poll

        def by_epoll(seconds: float) -> bool:
            found = poll(seconds, 2)
            return len(found) == 1 and found[0][0] == here

        return by_epoll
    if not isinstance(selector, selectors.SelectSelector):  # `select` takes no file with a high number there

        def by_selector(seconds: float) -> bool:
            events = selector.select(seconds)
            return len(events) == 1 and events[0][0].fileobj is sock

        return by_selector
    keys = list(selector.get_map().values())
    readers = [key.fileobj for key in keys if key.events & selectors.EVENT_READ]
    writers = [key.fileobj for key in keys if key.events & selectors.EVENT_WRITE]
    alone: tuple[list[Any], ...] = [sock], [], []

    def by_select(seconds: float) -> bool:
        # Windows tells of a connection that failed as of an exception.
        return select.select(readers, writers, writers, seconds) == alone

    return by_select


def _ready_at(sock: socket.socket) -> Callable[[int], object] | None:
    """Waits so many milliseconds until there is something to be read at a socket; None where stamps allow no naps."""
    if sys.platform != "linux":
        return None
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return poll.poll


def _perform(task: _Task) -> None:
    try:
        task.function()
    except BaseException as error:  # noqa: BLE001 (as above)
        task.tenant.failed(error)
