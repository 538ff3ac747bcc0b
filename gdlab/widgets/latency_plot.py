"""Round-trip times, live."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets
import numpy as np

from gdlab import clock
from gdlab.capture import Capture
from gdlab.live.round_trips import RoundTrips
from gdlab.plots import LiveLatency
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.style import row, style_sheet

SECONDS: Final = 30.0
#: Pixels of the picture.
SIZE_PX: Final = (640, 230)
#: How often the button pings.
PING_S: Final = 0.5
#: As everywhere in gdlab: with fewer values than this no percentile of theirs is shown.
_LEAST_FOR_P95: Final = 200


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
        capture: Capture | None = None,
        *,
        size_px: tuple[int, int] = SIZE_PX,
        seconds: float = SECONDS,
        **options: Any,
    ) -> None:
        self._seconds = seconds
        self._setting = False
        self._trips = RoundTrips(seconds)
        self._picture = LiveLatency(*size_px, seconds=seconds)
        self.ping = ipywidgets.ToggleButton(
            description="Ping peers",
            icon="exchange",
            tooltip=f"send every peer a small probe message each {PING_S} s",
            layout={"width": "9em"},
        )
        self.text = ipywidgets.HTML()
        self.image = ipywidgets.Image(
            format="png", layout={"width": f"{size_px[0]}px", "height": f"{size_px[1]}px"}
        )
        self.ping.observe(self._ping_changed, "value")
        super().__init__([style_sheet(), row(self.ping, self.text), self.image], capture, **options)
        self.add_class("gdlab-latency")

    def follow(self, capture: Capture | None) -> None:
        """Follow another capture."""
        with self.lock:
            self._trips = RoundTrips(self._seconds)
            self._setting = True
            put(self.ping, "value", capture is not None and capture.ping_s is not None)
            self._setting = False
        super().follow(capture)

    def state(self) -> Any:
        """While the capture runs the picture moves on with the time, also when nothing comes."""
        state = super().state()
        return state if state is None or not state[1] else (*state, clock.now_ns() // 500_000_000)

    def update(self) -> None:
        """Draw what has come."""
        now_ns = clock.now_ns()
        if self._capture is not None:
            self._trips.follow(self._capture.snapshots(), now_ns)
        put(self.text, "value", self._words())
        self._picture.update(self._trips.by_peer(), now_ns=now_ns)
        put(self.image, "value", self._picture.png())

    def _words(self) -> str:
        if self._capture is None:
            return '<span class="gdlab-q">no capture is chosen</span>'
        trips = self._trips
        recent = np.sort([trip.rtt_ms for trip in trips.recent()])
        if len(recent):
            said = f"<b>median {_ms(np.median(recent))}</b>"
            if len(recent) >= _LEAST_FOR_P95:
                said += f", 95 % below {_ms(np.percentile(recent, 95))}"
            said += (
                f", longest {_ms(recent[-1])} of {len(recent)} round trips in the last {self._seconds:.0f} s"
            )
            asked, answering = trips.peers
            if answering < asked:
                said += f"; {asked - answering} of {asked} peers answer no pings"
            elif trips.unanswered:
                said += f"; {trips.unanswered} of {trips.sent} pings without an answer within 2 s"
            return said
        return f'<span class="gdlab-q">{self._what_to_do()}</span>'

    def _what_to_do(self) -> str:
        trips = self._trips
        if not trips.sent:
            if trips.theirs:
                return (
                    f"the game itself has measured with {trips.theirs} pings, which is its measurement; "
                    "for round trips from here press Ping peers"
                )
            return (
                "nothing has been measured yet: press Ping peers (or listen with ping=0.5). The game must send "
                'back each message that begins with {"probe": "ping" …; the script "echo" does it'
            )
        if trips.answered:
            return f"no answer in the last {self._seconds:.0f} s; {trips.answered} of {trips.sent} pings were answered"
        return (
            f"{trips.sent} pings were sent and none was answered: the game must send them back as they are. "
            'The script "echo" does it'
        )

    def _ping_changed(self, change: Any) -> None:
        with self.lock:
            if self._capture is None or self._setting:
                return
            try:
                self._capture.set_ping(PING_S if change["new"] else None)
            except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
                self.show_error(error)
        self.redraw()


def _ms(value: Any) -> str:
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
