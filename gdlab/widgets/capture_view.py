"""The live view of one capture: what it hears, how fast, and its last messages."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture, html
from gdlab.widgets.drawn import timeline
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.rate_plot import RatePlot
from gdlab.widgets.recorded import Shown
from gdlab.widgets.saving import save_csv

_MESSAGES: Final = 8

#: Words ("0.3 s ago") age also when nothing arrives; so often per second.
_TICKS_HZ: Final = 2


class Live(Panel):
    """Status light and text, start and stop, counters, live plots, the last messages, and CSV.

    It shows and steers a `Capture` and holds no data of its own: everything it does can be done by plain calls. The
    browser draws the plots, to zoom into and to read (`TimelinePanel`); without anywidget they are a picture.

    Parameters
    ----------
    capture : what to show.
    folder : where the CSV button writes; by default the folder the notebook runs in.
    """

    def __init__(self, capture: Capture, *, folder: str | Path = ".", **options: Any) -> None:
        self._folder = Path(folder)
        self.plot: Panel = RatePlot() if timeline is None else timeline.TimelinePanel(slim=True)
        self.status = ipywidgets.HTML()
        self.toggle = ipywidgets.Button(layout={"width": "9em"})
        self.save = ipywidgets.Button(
            description="Save CSV",
            icon="download",
            tooltip="write all rows to a CSV file",
            layout={"width": "9em"},
        )
        self.saved = ipywidgets.HTML()
        self.messages = ipywidgets.HTML()
        self.toggle.on_click(self._toggle)
        self.save.on_click(self._save)
        buttons = ipywidgets.HBox([self.toggle, self.save, self.saved], layout={"align_items": "center"})
        super().__init__([self.status, buttons, self.plot, self.messages], capture, **options)
        self.add_class("gdlab-live")
        self.plot.join(self)
        self.refresh()  # at once, so that the page does not jump

    def alone(self) -> ipywidgets.DOMWidget | None:
        """The plots as one anywidget without widgets around it, for marimo; None without anywidget."""
        if timeline is None:
            return None
        canvas: ipywidgets.DOMWidget = self.plot.canvas
        canvas.pull, self.plot.slim = True, False
        return canvas

    # ---- what the render thread calls

    def follow(self, capture: Shown | None) -> None:
        """Show another capture, with a history of its own."""
        with self.lock:
            self.plot.follow(capture)
            super().follow(capture)

    def state(self) -> Any:
        """While it runs the text ages."""
        return super().state(), int(time.monotonic() * _TICKS_HZ) if self._running() else 0

    def update(self) -> None:
        """Show status and last messages; the plots are a panel of their own."""
        capture = self._capture
        if capture is None:
            return
        running = capture.running
        status = capture.status
        put(self.status, "value", html.status(html.Headline(status.light.value, status.text, status.hint)))
        put(self.toggle, "description", "Stop" if running else "Start")
        put(self.toggle, "icon", "stop" if running else "play")
        put(
            self.toggle,
            "tooltip",
            "stop listening and free the port; the data stays" if running else "listen again",
        )
        put(
            self.messages,
            "value",
            html.messages(capture.tail(_MESSAGES)) or "<i>no messages yet</i>",
        )

    # ---- buttons

    def _toggle(self, _button: object) -> None:
        capture = self._capture
        if capture is None:
            return
        try:
            if capture.running:
                capture.stop()
            else:
                capture.start()
        except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
            self._say("failed", str(error))
        else:
            put(self.saved, "value", "")
        self.redraw()
        self.refresh()

    def _save(self, _button: object) -> None:
        if self._capture is None:
            return
        try:
            link = save_csv(self._capture, self._folder).link()
        except Exception as error:  # noqa: BLE001 (see above)
            self._say("failed", f"not saved: {error}")
        else:
            put(self.saved, "value", link)

    def _say(self, light: str, text: str) -> None:
        put(self.saved, "value", html.status(html.Headline(light, text)))


def live(capture: Capture) -> Live:
    """Return the live view of a capture; the same one each time, however many cells show it."""
    if capture._view is None or capture._view.comm is None:  # none yet, or closed
        capture._view = Live(capture)
    view: Live = capture._view
    return view
