"""Round-trip times, live."""

from __future__ import annotations

from typing import Any, Final

from gdlab import clock
from gdlab.plots import LiveLatency
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.picture import picture
from gdlab.widgets.ping import PingRow
from gdlab.widgets.recorded import Shown, as_capture
from gdlab.widgets.style import style_sheet

SECONDS: Final = 30.0
#: Pixels of the picture.
SIZE_PX: Final = (640, 230)


class LatencyPlot(Panel):
    """The round trips of the last half minute, a point each, and what to do where there are none.

    Parameters
    ----------
    capture : what to follow.
    size_px : width and height of the picture.
    seconds : how far back it reaches.
    """

    def __init__(
        self,
        capture: Shown | None = None,
        *,
        size_px: tuple[int, int] = SIZE_PX,
        seconds: float = SECONDS,
        **options: Any,
    ) -> None:
        self._pings = PingRow(seconds, self._pinged)
        self._picture = LiveLatency(*size_px, seconds=seconds)
        self.ping, self.text = self._pings.toggle, self._pings.text
        self.image = picture(size_px)
        super().__init__([style_sheet(), self._pings.box, self.image], capture, **options)
        self.add_class("gdlab-latency")

    def follow(self, capture: Shown | None) -> None:
        """Follow another capture."""
        with self.lock:
            self._pings.follow(as_capture(capture))
        super().follow(capture)

    def state(self) -> Any:
        """While the capture runs the picture moves on with the time, also when nothing comes."""
        state = super().state()
        return state if state is None or not state[1] else (*state, clock.now_ns() // 500_000_000)

    def update(self) -> None:
        """Draw what has come."""
        self._pings.update()
        self._picture.update(self._pings.trips.by_peer(), now_ns=clock.now_ns())
        put(self.image, "value", self._picture.png())

    def _pinged(self, problem: Exception | None) -> None:
        if problem is not None:
            self.show_error(problem)
        self.redraw()
