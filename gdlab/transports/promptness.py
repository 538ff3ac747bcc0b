"""Whether anybody waits for what an endpoint takes, or it may lie with the kernel for a moment."""

from __future__ import annotations

import contextlib
import time
from typing import Final

from gdlab.errors import EndpointClosed
from gdlab.transports.bound import Bound
from gdlab.transports.endpoint import Endpoint
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.replies import Reply
from gdlab.transports.sink import Sink

#: After something was sent, its answer is looked for without a nap for so long.
PROMPT_FOR_S: Final = 1.0

#: How long a reader waits for the rows of what has arrived; the thread that takes it answers at once unless it is kept
#: busy.
CATCH_UP_S: Final = 0.2


class Promptness(Endpoint):
    """Knows when its naps have to end; its parameters are those of `Endpoint`."""

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._spoke_s = -PROMPT_FOR_S  # when something was sent last, in seconds of the steady clock

    def _nobody_waits(self) -> bool:
        return (
            not self._answers
            and self.options.ping is None
            and time.monotonic() - self._spoke_s > PROMPT_FOR_S
        )

    def _rise(self) -> None:
        """End a nap: take what it brought. A call ends those of the loop by itself."""

    def set_reply(self, reply: Reply | None, every: float | None = None) -> None:
        """Replace the reply rule, as `Endpoint.set_reply`; messages that wait are answered at once."""
        super().set_reply(reply, every)
        self._rise_soon()

    def set_ping(self, ping: float | None) -> None:
        """Change how often peers are pinged, as `Endpoint.set_ping`."""
        super().set_ping(ping)
        self._rise_soon()

    def _rise_soon(self) -> None:
        with contextlib.suppress(EndpointClosed):
            self.call(self._rise)
