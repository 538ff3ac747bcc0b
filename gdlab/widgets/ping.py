"""The button that pings the peers, and what their answers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import ipywidgets
import numpy as np

from gdlab import clock
from gdlab.capture import Capture
from gdlab.live.round_trips import RoundTrips
from gdlab.widgets.render import put
from gdlab.widgets.style import row

#: How often the button pings.
PING_S: Final = 0.5
#: As everywhere in gdlab: with fewer values than this no percentile of theirs is shown.
_LEAST_FOR_P95: Final = 200


class PingRow:
    """A button and a line of words over the round trips of the last seconds.

    Parameters
    ----------
    seconds : how far back the words look.
    changed : called after the button has changed what the capture does; with what went wrong, or None.

    Attributes
    ----------
    box : what to show. capture : whose peers are pinged. trips : the round trips, followed by `update`.
    """

    def __init__(self, seconds: float, changed: Callable[[Exception | None], None]) -> None:
        self._seconds = seconds
        self._changed = changed
        self.capture: Capture | None = None
        self._setting = False
        self._own = True
        self.trips = RoundTrips(seconds)
        self.toggle = ipywidgets.ToggleButton(
            description="Ping peers",
            icon="exchange",
            tooltip=f"send every peer a small probe message every {PING_S} s",
            layout={"width": "9em"},
        )
        self.text = ipywidgets.HTML()
        self.box = row(self.toggle, self.text)
        self.toggle.observe(self._pressed, "value")

    def follow(self, capture: Capture | None, trips: RoundTrips | None = None) -> None:
        """Look at another capture; `trips` are round trips that somebody else follows already."""
        self.capture = capture
        self._own = trips is None
        self.trips = trips or RoundTrips(self._seconds)
        self._setting = True
        put(self.toggle, "value", capture is not None and capture.ping_s is not None)
        put(self.toggle, "disabled", capture is None)
        self._setting = False

    def update(self) -> None:
        """Take what is new, and put it in words."""
        if self.capture is not None and self._own:
            self.trips.follow(self.capture.snapshots(), clock.now_ns())
        put(self.text, "value", self._words())

    def _words(self) -> str:
        if self.capture is None:
            return '<span class="gdlab-q">no capture is chosen</span>'
        trips = self.trips
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
        trips = self.trips
        if not trips.sent:
            if trips.theirs:
                return (
                    f"the game itself has measured with {trips.theirs} pings, which is its measurement; "
                    "for round trips from here press Ping peers"
                )
            if self.toggle.value:
                return "nobody to ping yet: a game is pinged as soon as it has sent something"
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

    def _pressed(self, change: Any) -> None:
        if self.capture is None or self._setting:
            return
        problem: Exception | None = None
        try:
            self.capture.set_ping(PING_S if change["new"] else None)
        except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
            problem = error
        self._changed(problem)


def _ms(value: Any) -> str:
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
