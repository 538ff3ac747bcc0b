"""Messages per second, live."""

from __future__ import annotations

from typing import Any, Final

from gdlab import clock
from gdlab.live.rates import RateHistory
from gdlab.plots import LiveRates
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.picture import picture
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import style_sheet

SECONDS: Final = 30.0
#: Pixels of the picture.
SIZE_PX: Final = (640, 230)


class RatePlot(Panel):
    """A strip chart of the last half minute: messages received and sent per second.

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
        self._seconds = seconds
        self._history = RateHistory(seconds)
        self._picture = LiveRates(*size_px, seconds=seconds)
        self.image = picture(size_px)
        super().__init__([style_sheet(), self.image], capture, **options)
        self.add_class("gdlab-rates")

    def follow(self, capture: Shown | None) -> None:
        """Follow another capture."""
        with self.lock:
            self.rows_changed()
        super().follow(capture)

    def rows_changed(self) -> None:
        """Count anew."""
        self._history = RateHistory(self._seconds)

    def state(self) -> Any:
        """While the capture runs the picture moves on with the time, also when nothing comes."""
        state = super().state()
        return state if state is None or not state[1] else (*state, clock.now_ns() // 500_000_000)

    def update(self) -> None:
        """Draw what has come."""
        capture, now_ns = self._capture, clock.now_ns()
        self._history.follow(capture.snapshots() if capture is not None else (), now_ns)
        bins = self._history.table(capture.began_ns if capture is not None else now_ns)
        self._picture.update(bins, now_ns=now_ns if capture is not None and capture.running else None)
        put(self.image, "value", self._picture.png())
