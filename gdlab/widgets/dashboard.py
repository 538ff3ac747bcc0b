"""The dashboard: endpoints started and stopped with the mouse, and what they hear."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture, Recording, running
from gdlab.capture.selftest import is_sender
from gdlab.relays import Relay
from gdlab.text import number
from gdlab.widgets.capture_row import CaptureRow
from gdlab.widgets.endpoint_form import EndpointForm
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown, as_capture
from gdlab.widgets.render import RenderStatistics, renderer
from gdlab.widgets.tabs import Tabs, panels_in, plots

_NOTHING_YET: Final = (
    '<div style="padding:10px 0 4px">Nothing is captured yet. Choose above where your game sends to and press '
    "<b>Listen</b>, or run <code>gd.listen(...)</code> in a cell: it will appear here.</div>"
)


class Dashboard(Panel):
    """Every capture of this kernel in one place: start, watch, save and stop them.

    It shows and steers `Capture` objects and holds no data of its own: everything it does can be done by plain calls.

    Parameters
    ----------
    captures : to show beside those that run already; the last one is followed.
    folder : where CSV files go; by default the folder the notebook runs in.
    """

    def __init__(
        self, *captures: Capture | Recording | Relay, folder: str | Path = ".", **options: Any
    ) -> None:
        self._folder = Path(folder)
        self._rows: dict[Capture, CaptureRow] = {}
        self.headline = ipywidgets.HTML(layout={"flex": "1 1 20em"})
        self.stop_all = ipywidgets.Button(
            description="Stop all",
            icon="stop",
            button_style="danger",
            tooltip="stop every capture of this kernel and free the ports; the rows stay",
            layout={"width": "8em"},
        )
        self.stop_all.on_click(self._stop_all)
        title = ipywidgets.HTML('<span class="gdlab-title">gdlab</span>')
        head = ipywidgets.HBox([title, self.headline, self.stop_all])
        head.add_class("gdlab-bar")
        self.form = EndpointForm(self.add)
        self.list = ipywidgets.VBox()
        self.list.add_class("gdlab-box")
        self.list.add_class("gdlab-list")
        self.plots = ipywidgets.HBox([make() for make in plots()], layout={"flex_flow": "row wrap"})
        self.plots.add_class("gdlab-plots")
        self.plots.add_class("gdlab-box")
        self.tabs = Tabs(self)
        for plot in self.plots.children:
            if plot.has_trait("marked_ns") and hasattr(self.tabs.messages, "between"):
                plot.observe(lambda change: self.tabs.messages.between(change["new"]), "marked_ns")
                plot.observe(lambda change: self.tabs.messages.choose_at(change["new"]), "picked")
        # Beside each other where there is room: plots and messages are on the first screen of a projector.
        main = ipywidgets.HBox([self.plots, self.tabs], layout={"flex_flow": "row wrap"})
        main.add_class("gdlab-main")
        self.empty = ipywidgets.HTML(_NOTHING_YET)
        self.foot = ipywidgets.HTML()
        self.foot.add_class("gdlab-dim")
        super().__init__([head, self.form, self.list, self.empty, main, self.foot], **options)
        self.add_class("gdlab-dashboard")
        for panel in self.plots.children:
            panel.join(self)
        self.follow(None)
        for capture in (*_of_the_user(), *captures):
            self.add(capture)
        if captures:
            self.follow(as_capture(captures[-1]))

    # ---- what is shown

    @property
    def captures(self) -> tuple[Capture, ...]:
        """Those on the list, in its order."""
        return tuple(self._rows)

    def panels(self) -> Iterator[Panel]:
        """The panels that follow `capture`, as far as they have been made."""
        for part in self.plots.children:
            yield from panels_in(part)
        yield from self.tabs.panels()

    def add(self, capture: Capture | Recording | Relay) -> None:
        """Put a capture, a recording or a relay on the list and follow it."""
        shown: Capture = as_capture(capture)
        with self.lock:
            self._list(shown)
            self.follow(shown)

    def _list(self, capture: Capture) -> None:
        if capture in self._rows:
            return
        row = CaptureRow(
            capture,
            folder=self._folder,
            chosen=self._chosen,
            removed=lambda row: self.remove(row.capture) if row.capture is not None else None,
        )
        row.join(self)
        self._rows[capture] = row
        self.list.children = tuple(self._rows.values())

    def remove(self, capture: Capture) -> None:
        """Stop a capture and take it off the list; its rows are gone unless somebody else holds it."""
        with self.lock:
            capture.stop()
            for panel in self.panels():
                panel.forget(capture)
            row = self._rows.pop(capture, None)
            self.list.children = tuple(self._rows.values())
            if row is not None:
                row.close()
            if capture is self._capture:
                self.follow(next(reversed(self._rows), None))
            self.redraw()

    def follow(self, capture: Shown | None) -> None:
        """Have the plots and the tabs show this capture."""
        followed: Capture | None = as_capture(capture)
        with self.lock:
            if followed is None or followed is not self._capture:
                self.tabs.capture = followed
                for panel in self.panels():
                    panel.follow(followed)
            for listed, row in self._rows.items():
                row.followed = listed is followed
            for widget, shown in (
                (self.empty, followed is None),
                (self.plots, followed is not None),
                (self.tabs, followed is not None),
                (self.list, bool(self._rows)),
            ):
                put(widget.layout, "display", None if shown else "none")
            super().follow(followed)
        self.redraw()

    def _chosen(self, row: CaptureRow) -> None:
        if row.capture is not None:
            self.follow(row.capture)

    # ---- what the render thread calls

    def wants(self, capture: Capture) -> bool:
        """Whatever starts in this kernel is to be on the list."""
        return True

    def _running(self) -> bool:
        return any(capture.running for capture in self._rows) or bool(_of_the_user())

    def state(self) -> Any:
        """Once a second, and whenever a capture comes, starts or ends."""
        live = tuple(id(capture) for capture in _of_the_user())
        return live, len(self._rows), int(time.monotonic()) if live else 0

    def update(self) -> None:
        """Take up captures that were started elsewhere, and count."""
        for capture in _of_the_user():
            if capture not in self._rows:
                self._list(capture)
                if self._capture is None or not self._capture.running:
                    self.follow(capture)  # a newcomer does not take the place of what is being watched
        live = [capture for capture in self._rows if capture.running]
        put(self.headline, "value", _summary(list(self._rows), live))
        put(self.stop_all, "disabled", not live)
        put(self.foot, "value", _cost(renderer.statistics()) if live else "")

    def _stop_all(self, _button: object) -> None:
        for capture in self.captures:
            try:
                capture.stop()
            except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
                self.form.say("failed", f"{', '.join(capture.addresses)}: {error}")
        self.redraw()

    def close(self) -> None:
        """Take the dashboard off the screen and free what it holds; captures that run go on."""
        super().close()
        self._rows.clear()


def _of_the_user() -> list[Capture]:
    return [capture for capture in running() if not is_sender(capture)]


def _summary(captures: list[Capture], live: list[Capture]) -> str:
    if not captures:
        return '<span class="gdlab-dim">listens, shows, measures what a Godot game sends</span>'
    counters = [capture.statistics() for capture in captures]
    received, sent = sum(each.received for each in counters), sum(each.sent for each in counters)
    dropped = sum(each.dropped for each in counters)
    counts = ((received, "received"), (sent, "sent"), (dropped, "dropped"))
    return f"{len(live)} of {len(captures)} running, " + ", ".join(
        f"{number(count)} {what}" for count, what in counts
    )


def _cost(spent: RenderStatistics) -> str:
    return (
        f'<span title="what this page costs: redraws, and bytes from the kernel to the browser '
        f'with the most that is sent on average">drawn {spent.turns_hz:.0f} times per second, '
        f"{spent.bytes_per_s / 1000:.0f} of {spent.budget_bytes_per_s / 1000:.0f} kB/s to the browser</span>"
    )


_dashboard: Dashboard | None = None


def dashboard(*captures: Capture | Recording | Relay, folder: str | Path = ".") -> Dashboard:
    """Return the dashboard of this kernel: the same one each time, however many cells show it.

    Parameters
    ----------
    captures : to show, such as results of `gdlab.listen`; those that run are shown anyway. The last one is followed.
    folder : where CSV files go; that of the first call counts until the dashboard is closed.
    """
    global _dashboard  # noqa: PLW0603 (one kernel, one dashboard)
    if _dashboard is None or _dashboard.comm is None:  # none yet, or closed
        _dashboard = Dashboard(*captures, folder=folder)
    else:
        for capture in captures:
            _dashboard.add(capture)
    return _dashboard
