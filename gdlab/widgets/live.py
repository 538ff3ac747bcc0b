"""The live view of one capture: what it hears, how fast, and its last messages."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Final

import ipywidgets

from gdlab import clock
from gdlab.capture import Capture, html
from gdlab.plots import LiveRates
from gdlab.widgets.rate_history import RateHistory
from gdlab.widgets.render import renderer
from gdlab.widgets.still import Still

_MESSAGES: Final = 8
_PLOT_SECONDS: Final = 30.0
_PICTURE_PX: Final = (640, 230)

#: The words of the status line ("0.3 s ago") are renewed at least this often, also when nothing arrives.
_STATUS_EVERY_S: Final = 1.0


class Live(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Status light and words, start and stop, counters, a plot of the rates, the last messages, and CSV.

    It shows and steers a `Capture` and holds no data of its own: everything it does can be done by plain calls.

    Parameters
    ----------
    capture : what to show.
    folder : where the CSV button writes; by default the folder the notebook runs in.
    """

    def __init__(self, capture: Capture, *, folder: str | Path = ".", **options: Any) -> None:
        self.capture = capture
        self._folder = Path(folder)
        self._lock = threading.RLock()  # button callbacks come on the main or on a subshell's thread
        self._shown: tuple[Any, ...] = ()
        self._status_shown_at = 0.0
        self._history = RateHistory(_PLOT_SECONDS)
        self._picture = LiveRates(*_PICTURE_PX, seconds=_PLOT_SECONDS)
        self.status = ipywidgets.HTML()
        self.toggle = ipywidgets.Button(layout={"width": "9em"})
        self.save = ipywidgets.Button(
            description="Save CSV",
            icon="download",
            tooltip="write all rows to a CSV file",
            layout={"width": "9em"},
        )
        self.saved = ipywidgets.HTML()
        self.plot = ipywidgets.Image(
            format="png", layout={"width": f"{_PICTURE_PX[0]}px", "height": f"{_PICTURE_PX[1]}px"}
        )
        self.messages = ipywidgets.HTML()
        self.toggle.on_click(self._toggle)
        self.save.on_click(self._save)
        super().__init__(
            [self.status, ipywidgets.HBox([self.toggle, self.save, self.saved]), self.plot, self.messages],
            **options,
        )
        self.add_class("gdlab-live")
        self._still = Still(self)
        self.refresh()
        renderer.add(self)

    # ---- what the render thread calls

    def refresh(self) -> bool:
        """Show the present state where it differs from what is shown; return whether the capture still runs."""
        with self._lock:
            capture = self.capture
            running = capture.running  # before the rest: what comes after the end is then drawn once more
            shown = (running, capture.version)
            changed = shown != self._shown
            now = time.monotonic()
            if changed or now - self._status_shown_at >= _STATUS_EVERY_S:
                self._show_status(running)
                self._status_shown_at = now
            if changed:
                tail = capture.tail(_MESSAGES)
                _set(self.messages, html.messages(tail) or "<i>no messages yet</i>")
            if changed or running:
                self._draw(running)
            self._shown = shown
            due = self._still.renew(running=running)
            return running or due

    def _show_status(self, running: bool) -> None:
        status = self.capture.status
        _set(self.status, html.status(html.Headline(status.light.value, status.text, status.hint)))
        for trait, value in (
            ("description", "Stop" if running else "Start"),
            ("icon", "stop" if running else "play"),
            ("tooltip", "stop listening and free the port; the data stays" if running else "listen again"),
        ):
            if getattr(self.toggle, trait) != value:
                setattr(self.toggle, trait, value)

    def _draw(self, running: bool) -> None:
        now_ns = clock.now_ns()
        self._history.follow(self.capture.snapshots(), now_ns)
        bins = self._history.table(self.capture.began_ns)
        self._picture.update(bins, now_ns=now_ns if running else None)
        picture = self._picture.png()
        if picture != self.plot.value:
            self.plot.value = picture

    def show_error(self, error: BaseException) -> None:
        """Show in the status line that the view itself has failed; the capture goes on."""
        text = f"the view could not be drawn: {type(error).__name__}: {error}"
        _set(
            self.status,
            html.status(html.Headline("failed", text, "the capture itself goes on; its data is in .df")),
        )

    # ---- buttons

    def _toggle(self, _button: object) -> None:
        with self._lock:
            try:
                if self.capture.running:
                    self.capture.stop()
                else:
                    self.capture.start()
            except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
                self.saved.value = html.status(html.Headline("failed", str(error)))
                return
            self.saved.value = ""
            self._shown = ()
            self.refresh()
        renderer.add(self)

    def _save(self, _button: object) -> None:
        name = self._folder / f"gdlab-{time.strftime('%Y%m%d-%H%M%S')}.csv"
        try:
            rows = len(self.capture.df)
            path = self.capture.to_csv(name)
        except Exception as error:  # noqa: BLE001 (see above)
            self.saved.value = html.status(html.Headline("failed", f"not saved: {error}"))
        else:
            self.saved.value = html.status(html.Headline("loaded", f"saved {rows} rows to {path}"))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Show the view, and leave its still in the notebook."""
        still = self._still.show()
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, **still}, metadata

    def close(self) -> None:
        """Take the view off the screen; the capture goes on."""
        renderer.remove(self)
        super().close()


def _set(widget: ipywidgets.HTML, value: str) -> None:
    """Send only what differs: an equal value would cross to the browser all the same."""
    if widget.value != value:
        widget.value = value


def live(capture: Capture) -> Live:
    """Return the live view of a capture; the same one each time, however many cells show it."""
    if capture.view is None or capture.view.comm is None:  # none yet, or closed
        capture.view = Live(capture)
    view: Live = capture.view
    return view
