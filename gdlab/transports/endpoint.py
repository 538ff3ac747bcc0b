"""What all endpoints share: a thread of its own, its states, and how it is woken and stopped.

The sockets are bound in the caller's thread, so that a taken port is an error in the cell that asked. From then on
only the endpoint's thread touches them; it is the one writer of its sink. Others hand it work by `call`, which wakes
it through a socket pair: nothing ever waits for a packet to come.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import itertools
import logging
import random
import selectors
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final, SupportsFloat, TypeVar

from gdlab import clock, probe
from gdlab.errors import EndpointClosed, NotSent
from gdlab.facts import US, Fact, Reason
from gdlab.messages import Direction, Event, Kind, Message, Peer
from gdlab.transports.address import Address
from gdlab.transports.replies import Outgoing, Reply, ReplyFunction, reply_function
from gdlab.transports.sink import Sink
from gdlab.words import sentence

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class State(Enum):
    """Where an endpoint is in its life."""

    IDLE = "bound, not yet receiving"
    LISTENING = "listening"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


#: Every legal change of state. CLOSED and FAILED are final: a stopped endpoint is not started again, a new one is made.
TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.IDLE: frozenset({State.LISTENING, State.CLOSED}),
    State.LISTENING: frozenset({State.CLOSING, State.FAILED}),
    State.CLOSING: frozenset({State.CLOSED, State.FAILED}),
    State.CLOSED: frozenset(),
    State.FAILED: frozenset(),
}

#: How long `close` waits for the thread. It comes at once unless a reply function of the user's does not return.
CLOSE_DEADLINE_S: Final = 5.0

#: How long `send` waits for a peer that does not read.
SEND_DEADLINE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class EndpointStatistics:
    """What an endpoint knows beyond its rows.

    Attributes
    ----------
    kernel_drops : messages the kernel dropped because the receive buffer was full; None where it does not tell.
    receive_buffer_bytes : size of that buffer as the system granted it; 0 where there is none.
    connections : open connections; for UDP 0.
    """

    kernel_drops: int | None = None
    receive_buffer_bytes: int = 0
    connections: int = 0


class Endpoint(ABC):
    """A bound address and the thread that serves it.

    Parameters
    ----------
    address : what to bind; port 0 is replaced by the port the system gave.
    sink : where the rows go; this endpoint becomes its one writer when it is started.
    reply : answer to each message, see `replies`.
    ping_s : send each peer a probe message this often on average, to measure round trips; see `gdlab.probe`.
    every_s : do not answer, but say `reply` to each peer this often. All peers hear it at the same moment, the first
        time at most this long after they connected. A function gets a `Message` without payload then, with the
        direction `out` and the peer it is for.

    Raises
    ------
    PortInUse, PortForbidden, AddressError : the address cannot be bound; nothing is left open.
    """

    #: Whether it goes to a peer, instead of waiting for peers to come.
    is_client: ClassVar[bool] = False

    def __init__(
        self,
        address: Address,
        sink: Sink,
        *,
        reply: Reply | None = None,
        ping_s: float | None = None,
        every_s: float | None = None,
    ) -> None:
        self.sink = sink
        self.error: BaseException | None = None
        #: What the user should know of how it runs, beyond its state; mostly nothing.
        self.remark = ""
        #: When its thread ended, UTC nanoseconds; None before that.
        self.ended_ns: int | None = None
        self._ping_s = _checked_period(ping_s)
        self._every_s = _checked_period(every_s)
        self._pings = itertools.count()
        # Which start of the two repetitions is the valid one: a timer of an earlier start must not go on beside it.
        self._ping_run = self._speak_run = 0
        self._reply: ReplyFunction | None = reply_function(reply)
        self._state = State.IDLE
        self._lock = threading.Lock()
        self._calls: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_ids = itertools.count()
        self._thread: threading.Thread | None = None
        self.address = self._bind(address)
        self._selector = selectors.DefaultSelector()
        self._waker, self._wake = socket.socketpair()
        self._waker.setblocking(False)
        self._wake.setblocking(False)
        self._selector.register(self._waker, selectors.EVENT_READ, self._woken)

    # ---- what a transport supplies

    @abstractmethod
    def _bind(self, address: Address) -> Address:
        """Open and bind the sockets; return the address with its real port. Must close what it opened on error."""

    @abstractmethod
    def _register(self) -> None:
        """Register the sockets with `self._selector`, each with a function of its events as data."""

    @abstractmethod
    def _finish(self) -> None:
        """Take what the kernel still holds. Runs last on the endpoint's thread, before the sockets are closed."""

    @abstractmethod
    def _send(self, outgoing: Outgoing, peer: Any) -> Fact | None:
        """Send to a peer and write the row; return what went wrong, which is in the row, too, else nothing."""

    @abstractmethod
    def _ping_targets(self) -> Iterable[Any]:
        """Return the peers to ping now, in the form that `_send` takes: connected, or heard lately."""

    @abstractmethod
    def _peer_of(self, target: Any) -> tuple[Peer, int]:
        """Return the name of what `_send` takes as peer, and the number under which the sink knows it."""

    @abstractmethod
    def statistics(self) -> EndpointStatistics:
        """Return the counters as they are now; from any thread."""

    @abstractmethod
    def _close_sockets(self) -> None:
        """Close the sockets of an endpoint that was never started, or has ended."""

    # ---- life, from any thread

    @property
    def doing(self) -> str:
        """What it does at its address, in words."""
        return "listening on"

    def wait_ready(self) -> None:  # noqa: B027 (a listener is ready when it is bound)
        """Wait until it has found its peer, where it looks for one."""

    @property
    def state(self) -> State:
        """Where the endpoint is in its life."""
        return self._state

    def _enter(self, state: State) -> None:
        if state not in TRANSITIONS[self._state]:
            raise EndpointClosed(f"{self.address} is {self._state.value}; it cannot become {state.value!r}")
        self._state = state

    def start(self) -> None:
        """Begin to receive, in a thread of its own."""
        with self._lock:
            self._enter(State.LISTENING)
            self._register()
            if self._ping_s is not None:
                self._after(self._ping_s, functools.partial(self._ping_peers, self._ping_run))
            if self._every_s is not None:
                self._after(self._every_s, functools.partial(self._speak, self._speak_run))
            self._thread = threading.Thread(target=self._run, name=f"gdlab {self.address}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop and free the port; returns when both are done. Calling it again does nothing."""
        with self._lock:
            if self._state is State.IDLE:
                self._enter(State.CLOSED)
                self._close_sockets()
                self._release()
                return
            if self._state is State.LISTENING:
                self._enter(State.CLOSING)
        self._signal()
        thread = self._thread
        if thread and thread is not threading.current_thread():
            thread.join(CLOSE_DEADLINE_S)
            if thread.is_alive():
                log.warning(
                    "%s has not stopped within %g s, because a reply function does not return; its port stays taken "
                    "until it does",
                    self.address,
                    CLOSE_DEADLINE_S,
                )

    def call(self, function: Callable[[], None]) -> None:
        """Have the endpoint's thread run a function soon.

        Raises
        ------
        EndpointClosed : it has ended, or is about to.
        """
        if self._state is not State.LISTENING:
            anew = "gdlab.connect" if self.is_client else "gdlab.listen"
            raise EndpointClosed(
                f"{self.address} is {self._state.value}; start() of its capture starts it again and keeps the data, "
                f"{anew} makes a new one"
            )
        self._calls.append(function)
        self._signal()

    def ask(self, function: Callable[[], _T], timeout_s: float = CLOSE_DEADLINE_S) -> _T:
        """Have the endpoint's thread run a function, and return or raise what it does.

        Raises
        ------
        EndpointClosed : it has ended. TimeoutError : its thread is kept busy, by a reply function perhaps.
        """
        if threading.current_thread() is self._thread:  # a reply function that sends
            return function()
        result: Future[_T] = Future()

        def answer() -> None:
            try:
                result.set_result(function())
            except Exception as error:  # noqa: BLE001 (it is raised where it was asked for)
                result.set_exception(error)

        self.call(answer)
        return result.result(timeout_s)

    def send(self, outgoing: Outgoing, to: str | None = None, timeout_s: float = SEND_DEADLINE_S) -> int:
        """Send a message to every peer that is there, or to one; from any thread.

        Where too much waits to be sent already, this waits until the peers have read some of it.

        Parameters
        ----------
        to : the peer as the rows name it, such as ``"127.0.0.1:53211"``; None sends to all.

        Returns
        -------
        To how many peers it was sent. Each is a row.

        Raises
        ------
        NotSent : nobody is there, or nobody reads, or the message does not fit. EndpointClosed : it has ended.
        """
        deadline = time.monotonic() + timeout_s
        own = threading.current_thread() is self._thread
        while not (sent := self.ask(lambda: self._send_to(outgoing, to, wait=not own))):
            if time.monotonic() > deadline:
                raise NotSent(
                    f"{to or 'a peer'} of {self.address} has not read for {timeout_s:g} s what was sent before; "
                    "nothing was added. Is the game paused, or does it not call poll()?"
                )
            time.sleep(0.005)
        return sent

    def _send_to(self, outgoing: Outgoing, to: str | None, *, wait: bool) -> int:
        """Send to the peers that are meant; 0 if one of them has no room for it."""
        everyone = list(self._ping_targets()) if to is None else list(self._targets())
        targets = [target for target in everyone if to is None or str(self._peer_of(target)[0]) == to]
        if not targets:
            known = ", ".join(str(self._peer_of(target)[0]) for target in everyone[:5])
            raise NotSent(
                f"{to} is not there; {self.address} knows {known}"
                if known
                else f"nobody is there to send to: no peer has come to {self.address} lately"
            )
        if wait and not all(map(self._has_room, targets)):
            return 0
        problems = [problem for target in targets if (problem := self._send(outgoing, target))]
        if problems:
            raise NotSent(sentence(problems[0]), fact=problems[0])
        return len(targets)

    def _targets(self) -> Iterable[Any]:
        """Return all peers that could be sent to."""
        return self._ping_targets()

    def _may_ping(self, _target: Any) -> bool:
        """Whether a ping would reach a peer as the message that it is."""
        return True

    def _takes_only_variants(self, _target: Any) -> bool:
        """Whether a peer would not understand a ping in JSON."""
        return False

    def _has_room(self, _target: Any) -> bool:
        """Whether a peer has read enough of what was sent before to be sent more."""
        return True

    def set_reply(self, reply: Reply | None, every_s: float | None = None) -> None:
        """Replace the reply rule; takes effect with the next message, or the next time to speak."""
        every_s = _checked_period(every_s)
        self._reply = reply_function(reply)
        before, self._every_s = self._every_s, every_s
        if every_s is not None and before is None and self._state is State.LISTENING:
            self._speak_run += 1
            self.call(functools.partial(self._speak, self._speak_run))

    def set_ping(self, ping_s: float | None) -> None:
        """Change how often peers are pinged; None stops it."""
        before, self._ping_s = self._ping_s, _checked_period(ping_s)
        if self._ping_s is not None and before is None and self._state is State.LISTENING:
            self._ping_run += 1
            self.call(functools.partial(self._ping_peers, self._ping_run))

    def _signal(self) -> None:
        with contextlib.suppress(OSError):  # closed already, or full of wake-ups: both mean it is awake
            self._wake.send(b"\0")

    # ---- the endpoint's thread

    def _run(self) -> None:
        try:
            while self._state is State.LISTENING:
                for key, events in self._selector.select(self._until_timer()):
                    key.data(events)
                while self._calls:
                    self._calls.popleft()()
                self._fire_timers()
        except BaseException as error:  # noqa: BLE001 (a dead thread must say why; nobody else would)
            self._fail(error)
        try:
            while self._calls:  # somebody waits for their results
                self._calls.popleft()()
            self._finish()
        except BaseException as error:  # noqa: BLE001
            self._fail(error)
        finally:
            self._close_sockets()
            self._release()
            self.ended_ns = clock.now_ns()
            with self._lock:
                if self._state is State.CLOSING:
                    self._enter(State.CLOSED)

    def _end(self) -> None:
        """End by itself, from its own thread."""
        with self._lock:
            if self._state is State.LISTENING:
                self._enter(State.CLOSING)

    def _fail(self, error: BaseException) -> None:
        log.error("%s stopped: %r", self.address, error, exc_info=error)
        self.error = error
        with self._lock:
            if self._state is not State.FAILED:
                self._enter(State.FAILED)
        fact = Fact.of(Reason.ENDPOINT_FAILED, by=US, error=f"{type(error).__name__}: {error}")
        self.sink.append(clock.now_ns(), event=Event.ERROR, fact=fact)

    def _release(self) -> None:
        self._selector.close()
        self._waker.close()
        self._wake.close()

    def _woken(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._waker.recv(4096):
                pass

    def _after(self, delay_s: float, function: Callable[[], None]) -> None:
        """Run a function on this thread later."""
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._timer_ids), function))

    def _until_timer(self) -> float | None:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _fire_timers(self) -> None:
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()

    def _ping_peers(self, run: int) -> None:
        if self._ping_s is None or run != self._ping_run:
            return
        for target in filter(self._may_ping, self._ping_targets()):
            ping = probe.ping(next(self._pings), clock.now_ns(), as_variant=self._takes_only_variants(target))
            self._send(Outgoing(ping, Kind.TEXT), target)
        # At irregular moments (RFC 2330 section 11.1.1): in step with a game's frames, all pings would wait alike.
        self._after(self._ping_s * random.uniform(0.5, 1.5), functools.partial(self._ping_peers, run))

    def _speak(self, run: int) -> None:
        """Say the reply to each peer, without being asked."""
        if self._every_s is None or run != self._speak_run:
            return
        self._after(self._every_s, functools.partial(self._speak, run))
        for target in list(self._ping_targets()):
            peer, code = self._peer_of(target)
            about = Message(clock.now_ns(), str(self.address), peer, direction=Direction.OUT, kind=Kind.TEXT)
            self._reply_to(about, target, code)

    @property
    def _answers(self) -> bool:
        """Whether messages are answered one by one."""
        return self._reply is not None and self._every_s is None

    def _answer(self, message: Message, peer: Any, peer_code: int) -> None:
        """Apply the reply rule to a message, if messages are answered."""
        if self._every_s is None:
            self._reply_to(message, peer, peer_code)

    def _reply_to(self, message: Message, peer: Any, peer_code: int) -> None:
        """Send what the reply rule says; what it raises becomes a row."""
        if self._reply is None:
            return
        try:
            answer = self._reply(message)
        except Exception as error:  # noqa: BLE001 (the user's function; the listener must live on)
            self.sink.append(
                clock.now_ns(),
                peer_code,
                direction=Direction.OUT,
                event=Event.ERROR,
                fact=Fact.of(Reason.REPLY_RAISED, by=US, error=f"{type(error).__name__}: {error}"),
            )
            return
        if answer is not None:
            self._send(answer, peer)


def _checked_period(period_s: float | None) -> float | None:
    if period_s is None:
        return None
    wanted = "give seconds, at least 0.001, or None"
    if not isinstance(period_s, SupportsFloat):
        raise TypeError(f"{period_s!r} is no period for ping or every; {wanted}")
    if not 0.001 <= float(period_s) < float("inf"):
        raise ValueError(f"a period of {period_s} s is not possible for ping or every; {wanted}")
    return period_s
