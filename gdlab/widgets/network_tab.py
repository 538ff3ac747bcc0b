"""The relays of this kernel on the dashboard: one in front of a capture, and its conditions."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets

from gdlab.capture.html import visible
from gdlab.errors import GdlabError
from gdlab.relays import Relay, relay
from gdlab.relays.registry import running
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.relay_panel import RelayPanel
from gdlab.widgets.style import row, style_sheet

_NONE: Final = (
    '<span class="gdlab-q">No relay runs. One between the game and its server delays, loses and queues as networks do: '
    "press the button, and let the game connect to the relay's address instead.</span>"
)


class NetworkTab(Panel):
    """Chooses a relay of this kernel, and shows its panel; starts one in front of the capture that is followed.

    Attributes
    ----------
    choice : the relays that run. start : puts one in front of the capture.
    shown : the panel of the chosen one; None where none runs.
    """

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self.shown: RelayPanel | None = None
        self._relays: list[Relay] = []
        self.choice = ipywidgets.Dropdown(description="relay", layout={"width": "32em"})
        self.start = ipywidgets.Button(
            description="Relay in front",
            icon="random",
            tooltip="starts a relay on a free port, which forwards to this capture",
        )
        self.words = ipywidgets.HTML(_NONE)
        self.place = ipywidgets.VBox()
        self.choice.observe(lambda _change: self._show(), "value")
        self.start.on_click(lambda _button: self._start())
        super().__init__(
            [style_sheet(), row(self.choice, self.start), self.words, self.place], capture, **options
        )
        self.add_class("gdlab-network")

    def _running(self) -> bool:
        """While the capture runs a relay may be started elsewhere at any time."""
        return super()._running() or any(each.running for each in running())

    def state(self) -> Any:
        """Whenever a relay comes or goes, or another capture is followed."""
        return tuple(id(each) for each in running()), id(self._capture)

    def update(self) -> None:
        """Take up relays that were started elsewhere."""
        self._relays = sorted(running(), key=lambda each: each.address)
        capture = self._capture
        put(self.start, "disabled", capture is None or not capture.running or not capture.addresses)
        options = tuple((f"{each.address} to {each.to}", each) for each in self._relays)
        chosen = self.choice.value
        if tuple(self.choice.options) != options:
            self.choice.options = options
            kept = chosen in self._relays
            put(self.choice, "value", chosen if kept else self._relays[-1] if self._relays else None)
        put(self.choice.layout, "display", None if self._relays else "none")
        self._show()

    def _show(self) -> None:
        with self.lock:
            relay_shown: Relay | None = self.choice.value
            if self.shown is not None and self.shown.relay is relay_shown:
                return
            if self.shown is not None:
                self.shown.close()
            self.shown = None
            if relay_shown is not None:
                self.shown = RelayPanel(relay_shown)
                self.shown.join(self)
                self.shown.redraw()  # no cell shows it, which would ask for it
            self.place.children = () if self.shown is None else (self.shown,)
            put(self.words, "value", _NONE if self.shown is None else "")

    def _start(self) -> None:
        capture = self._capture
        if capture is None or not capture.addresses:
            return
        to = capture.addresses[0]
        try:
            started = relay(f"{to.partition('://')[0]}://127.0.0.1:0", to=to)
        except (GdlabError, OSError) as error:
            put(self.words, "value", f'<span class="gdlab-bad">{visible(str(error), 400)}</span>')
            return
        self.redraw()
        self.refresh()
        put(self.choice, "value", started)

    def close(self) -> None:
        """Take it off the screen; relays go on."""
        if self.shown is not None:
            self.shown.close()
        super().close()
