"""Endpoints that write messages of many connections together."""

from __future__ import annotations

from gdlab.messages import TimeSource
from gdlab.transports.bound import Bound
from gdlab.transports.endpoint import Endpoint
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.sink import Sink
from gdlab.transports.wholes import Wholes


class Gathering(Endpoint):
    """Keeps messages that were reads of their own until all sockets have been looked at that are ready.

    They are written then, or before anything else is, so that the rows keep their order.
    """

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._wholes = Wholes()

    @property
    def sink(self) -> Sink:
        """Where the rows go; all that came before has been written to it."""
        if self._wholes:
            self._write_wholes()
        return self._sink

    @sink.setter
    def sink(self, sink: Sink) -> None:
        self._sink = sink

    def _gather(
        self, time_ns: int, peer: int, whole: tuple[bytes, int, str], time_source: TimeSource
    ) -> None:
        """Keep a message; `whole` is what `Session.whole` returned."""
        if not self._wholes:
            self._loop.soon(self, self._write_wholes)
        self._wholes.add(time_ns, peer, *whole, time_source)

    def _write_wholes(self) -> None:
        self._wholes.write(self._sink)
