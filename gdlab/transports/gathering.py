"""Endpoints that read all connections which are ready at one time, one after the other."""

from __future__ import annotations

import contextlib
import math
import selectors
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

from gdlab import clock
from gdlab.errors import EndpointClosed
from gdlab.facts import Fact
from gdlab.messages import TimeSource
from gdlab.transports.bound import Bound
from gdlab.transports.connections import READ_BYTES, Connection, Phase, broken_by
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.promptness import CATCH_UP_S, Promptness
from gdlab.transports.sink import Sink
from gdlab.transports.states import State
from gdlab.transports.stream_naps import CLOSE_NS, StreamNaps
from gdlab.transports.wholes import Wholes

#: Messages wait so long for others to be written with.
TOGETHER_S: Final = 0.010

#: Larger reads are taken for themselves, in columns.
MOST_BYTES: Final = 8 * 1024


class Gathering(Promptness):
    """Keeps messages that came in reads of their own, until several can be written together.

    One that comes alone is written at once; those close behind it wait for some hundredths of a second at most. They
    are written before anything else is, so that the rows keep their order, and when somebody is about to read them.
    """

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        self._wholes = Wholes()
        self._written_s = -math.inf  # when they were written last
        self._is_due = False  # whether they will be, by a timer
        super().__init__(bound, sink, options, loop=loop)
        self._naps = StreamNaps()
        self._messages = 0  # of reads that were not just some whole messages
        self._reads = self._read_together  # one object, however many sockets are watched
        self._buffers = [memoryview(bytearray(READ_BYTES))]

    @property
    def sink(self) -> Sink:
        """Where the rows go; all that came before has been written to it."""
        self._write_wholes()
        return self._sink

    @sink.setter
    def sink(self, sink: Sink) -> None:
        self._sink = sink

    def _write_wholes(self) -> None:
        if self._wholes:
            self._wholes.write(self._sink)
            self._written_s = time.monotonic()

    def _write_later(self) -> None:
        """Write what is kept, unless that was just done, as soon as it would have waited for long enough."""
        if not self._wholes:
            return
        if time.monotonic() - self._written_s >= TOGETHER_S:
            self._write_wholes()
        elif not self._is_due:
            self._is_due = True
            self._after(TOGETHER_S, self._write_due)

    def _write_due(self) -> None:
        self._is_due = False
        self._write_wholes()

    def catch_up(self) -> None:
        """Have the rows of all that has arrived; whoever reads them need not know that they are kept, nor of naps."""
        if (self._wholes or self._naps.naps_now) and not self._loop.is_mine:
            with contextlib.suppress(EndpointClosed, TimeoutError):
                self._loop.ask(self, self._look, CATCH_UP_S)

    def _look(self) -> None:
        if self._naps.naps_now:  # what came since the turn began would wait for the nap's end
            self._loop.serve()
        self._write_wholes()

    @abstractmethod
    def _ready(self, connection: Connection, events: int) -> None:
        """React to the events of one connection."""

    @abstractmethod
    def _take_read(self, connection: Connection, chunk: bytes, time_ns: int, time_source: TimeSource) -> int:
        """Take what a read has brought; return its size, 0 where nothing more can be read now."""

    @abstractmethod
    def drop(self, connection: Connection, reason: Fact, *, reset: bool = False) -> None:
        """Close a connection at once."""

    @abstractmethod
    def _failed_at(self, connection: Connection, error: Exception) -> None:
        """End a connection for a fault of ours."""

    def _read_together(self, ready: Sequence[Connection]) -> None:
        """Read connections that have something to be read.

        This is the loop of many quiet connections: one clock for all, and hardly a call for each that need not be.
        """
        if self._answers:
            for connection in ready:
                self._ready(connection, selectors.EVENT_READ)
            return
        wholes, buffers = self._wholes, self._buffers
        close: list[int] = []  # whose messages are so close that a nap might let them meet
        time_source = TimeSource.USER
        stepped_ns = clock.stepped_ns() if len(ready) > 1 else None
        for connection in ready:
            phase = connection.phase
            if phase is Phase.CLOSED:  # by what happened to another one
                continue
            try:
                try:
                    chunk, time_ns, time_source = connection.receive(buffers, stepped_ns)
                except (BlockingIOError, InterruptedError):
                    continue
                except OSError as error:
                    self.drop(connection, broken_by(error))
                    continue
                since_ns = time_ns - connection.last_message_ns
                # Where the kernel has just begun to stamp, the reads before have our own time, which is later.
                if phase is Phase.OPEN and time_ns >= connection.last_read_ns:
                    session = connection.session
                    whole = session.whole(chunk)
                    if whole is not None:
                        connection.last_read_ns = connection.last_message_ns = time_ns
                        wholes.add(time_ns, connection.code, whole, time_source)
                        if since_ns < CLOSE_NS:
                            close.append(connection.code)
                        continue
                    some = session.wholes(chunk) if len(chunk) <= MOST_BYTES else None
                    if some:
                        connection.last_read_ns = connection.last_message_ns = time_ns
                        for one in some:
                            wholes.add(time_ns, connection.code, one, time_source)
                        close.append(connection.code)
                        continue
                before = self._messages
                self._take_read(connection, chunk, time_ns, time_source)
                messages = self._messages - before
                if messages:
                    connection.last_message_ns = time_ns
                    if messages > 1 or since_ns < CLOSE_NS:
                        close.append(connection.code)
            except Exception as error:  # noqa: BLE001 (it is logged, and ends the connection)
                self._failed_at(connection, error)
        self._write_later()
        if time_source is TimeSource.KERNEL:
            self._nap(len(ready), close)

    def _nap(self, reads: int, close: Sequence[int]) -> None:
        """Put the next turn off where it would bring but a message or two, and nobody waits for them."""
        nap_s = self._naps.looked(time.monotonic(), reads, close)
        if not nap_s:
            return
        if self._state is State.LISTENING and self._nobody_waits():
            self._loop.put_off(nap_s)
        else:
            self._naps.rise()
