"""The life of an endpoint: bound, started, ended, in a loop that it may share.

The sockets are bound in the caller's thread, so that a taken port is an error in the cell that asked (`bind`); the
endpoint is then made of them. From its start on only its loop's thread touches them; it is the one writer of its
sink. Others hand it work by `call`.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final, Self, TypeVar

from gdlab import clock
from gdlab.errors import EndpointClosed
from gdlab.facts import US, Fact, Reason
from gdlab.messages import Event
from gdlab.transports.address import Address
from gdlab.transports.bound import Bound
from gdlab.transports.loop import ANSWER_S, Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.sink import Sink
from gdlab.transports.states import TRANSITIONS, EndpointStatistics, State

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: How long `close` waits for the end. It comes at once unless a reply function of the user's does not return.
CLOSE_DEADLINE_S: Final = 5.0


class Life(ABC):
    """What starts and ends in a loop; `endpoint.Endpoint` has its parameters.

    What a transport supplies is below; the rest is the same for all.
    """

    #: Whether it goes to a peer, instead of waiting for peers to come.
    is_client: ClassVar[bool] = False

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        self.address = bound.address
        self.sink = sink
        self.options = options or EndpointOptions()
        self.error: BaseException | None = None
        #: What the user should know of how it runs, beyond its state; mostly nothing.
        self.remark = ""
        #: When it ended, UTC nanoseconds; None before that.
        self.ended_ns: int | None = None
        self._state = State.IDLE
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._loop = loop or Loop(f"gdlab {bound.address}")
        self._loop.enter()

    # ---- what a transport supplies

    @classmethod
    @abstractmethod
    def bind(cls, address: Address) -> Bound:
        """Open and bind the sockets of an address, or find the peer.

        Raises
        ------
        PortInUse, PortForbidden, AddressError : the address cannot be bound; nothing is left open.
        NotConnected : there is no such host.
        """

    @abstractmethod
    def _register(self) -> None:
        """Have the loop watch the sockets."""

    @abstractmethod
    def _finish(self) -> None:
        """Take what the kernel still holds. Runs last on the endpoint's thread, before the sockets are closed."""

    @abstractmethod
    def _begin_speaking(self) -> None:
        """Have the loop do what the endpoint does without being asked. Runs after `_register`."""

    def catch_up(self) -> None:  # noqa: B027 (most take everything at once)
        """Have the rows of all that has arrived by now; from any thread, for whoever is about to read them."""

    @abstractmethod
    def statistics(self) -> EndpointStatistics:
        """Return the counters as they are now; from any thread."""

    @abstractmethod
    def _close_sockets(self) -> None:
        """Close the sockets of an endpoint that was never started, or has ended."""

    # ---- life, from any thread

    @classmethod
    def at(
        cls,
        address: Address,
        sink: Sink,
        options: EndpointOptions | None = None,
        *,
        loop: Loop | None = None,
    ) -> Self:
        """Bind an address, and make its endpoint; it receives nothing before it is started."""
        bound = cls.bind(address)
        try:
            return cls(bound, sink, options, loop=loop)
        except BaseException:
            bound.close()
            raise

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
        """Begin to receive."""
        with self._lock:
            self._enter(State.LISTENING)
        self._loop.start()
        self._loop.ask(self, self._begin)

    def close(self) -> None:
        """Stop and free the port; returns when both are done. Calling it again does nothing."""
        with self._lock:
            if self._state is State.IDLE:
                self._enter(State.CLOSED)
                self._close_sockets()
                self._loop.leave()
                self._ended.set()
                return
            if self._state is State.LISTENING:
                self._enter(State.CLOSING)
                self._loop.call(self, self._finish_all)
        if self._loop.is_mine:
            return
        if self._ended.wait(CLOSE_DEADLINE_S):
            self._loop.join(CLOSE_DEADLINE_S)
        else:
            log.warning(
                "%s has not stopped within %g s; its port stays taken until it does. %s",
                self.address,
                CLOSE_DEADLINE_S,
                self._loop.doing(),
            )

    def after_fork(self) -> None:
        """In the child of a fork: the parent goes on, and here it has ended."""
        self._lock = threading.Lock()
        if self._state not in {State.CLOSED, State.FAILED}:
            self._state = State.CLOSED
            self.ended_ns = clock.now_ns()
        self._loop.after_fork()
        self._ended.set()

    def call(self, function: Callable[[], object]) -> None:
        """Have the endpoint's thread run a function soon.

        Raises
        ------
        EndpointClosed : it has ended, or is about to.
        """
        self._check_running()
        self._loop.call(self, function)

    def ask(self, function: Callable[[], _T], timeout_s: float = ANSWER_S) -> _T:
        """Have the endpoint's thread run a function, and return or raise what it does.

        Raises
        ------
        EndpointClosed : it has ended. TimeoutError : its thread is kept busy, by a reply function perhaps.
        """
        self._check_running()
        return self._loop.ask(self, function, timeout_s)

    def _check_running(self) -> None:
        if self._state is not State.LISTENING:
            anew = "gdlab.connect" if self.is_client else "gdlab.listen"
            raise EndpointClosed(
                f"{self.address} is {self._state.value}; start() of its capture starts it again and keeps the data, "
                f"{anew} makes a new one"
            )

    # ---- on the loop's thread

    def failed(self, error: BaseException) -> None:
        """End because of a fault of our own; it becomes a row, and stands in `error`."""
        log.error("%s stopped: %r", self.address, error, exc_info=error)
        self.error = self.error or error
        with self._lock:
            running = self._state is State.LISTENING
            if State.FAILED in TRANSITIONS[self._state]:
                self._enter(State.FAILED)
        fact = Fact.of(Reason.ENDPOINT_FAILED, by=US, error=f"{type(error).__name__}: {error}")
        self.sink.append(clock.now_ns(), event=Event.ERROR, fact=fact)
        if running:
            self._finish_all()

    def _begin(self) -> None:
        try:
            self._register()
            self._begin_speaking()
        except BaseException as error:
            self.failed(error)
            raise

    def _end(self) -> None:
        """End by itself."""
        with self._lock:
            if self._state is not State.LISTENING:
                return
            self._enter(State.CLOSING)
        self._loop.call(self, self._finish_all)

    def _finish_all(self) -> None:
        """Take what is left, and close everything."""
        try:
            self._loop.run_calls()  # somebody waits for their results
            self._finish()
        except BaseException as error:  # noqa: BLE001 (it must still be closed)
            self.failed(error)
        finally:
            self._close_sockets()
            self.ended_ns = clock.now_ns()
            with self._lock:
                if self._state is State.CLOSING:
                    self._enter(State.CLOSED)
            self._loop.leave()
            self._ended.set()

    def _after(self, delay_s: float, function: Callable[[], object]) -> None:
        """Run a function on the loop's thread later, unless the endpoint has ended by then."""

        def run() -> None:
            if not self._ended.is_set():
                function()

        self._loop.after(self, delay_s, run)
