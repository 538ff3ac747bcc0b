"""The parts of the dashboard, one below the other's tab; a new part is one line in `TABS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ipywidgets

from gdlab import clock
from gdlab.capture import Capture, html
from gdlab.plots import LiveRates
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.rate_history import RateHistory


class Rates(Panel):
    """Messages a second, both ways, over the last half minute."""

    def __init__(self, capture: Capture | None = None) -> None:
        self.image = ipywidgets.Image(format="png")
        self._picture = LiveRates(640, 230)
        self._history = RateHistory()
        super().__init__([self.image], capture)

    def follow(self, capture: Capture | None) -> None:
        """Follow another capture, with a history of its own."""
        with self.lock:
            self._history = RateHistory()
            super().follow(capture)

    def state(self) -> Any:
        """The axis moves with time."""
        return (super().state(), clock.now_ns() // 500_000_000 if self._running() else 0)

    def update(self) -> None:
        """Draw the picture."""
        if self.capture is None:
            return
        now_ns = clock.now_ns()
        self._history.follow(self.capture.snapshots(), now_ns)
        self._picture.update(
            self._history.table(self.capture.began_ns), now_ns=now_ns if self.capture.running else None
        )
        put(self.image, "value", self._picture.png())


class Messages(Panel):
    """The last messages."""

    def __init__(self, capture: Capture | None = None) -> None:
        self.table = ipywidgets.HTML()
        super().__init__([self.table], capture)

    def update(self) -> None:
        """Show the last messages."""
        rows = html.messages(self.capture.tail(15)) if self.capture is not None else ""
        put(self.table, "value", rows or "<i>no messages yet</i>")


@dataclass(frozen=True, slots=True)
class Tab:
    """A name on the bar, and what makes its widget when it is first looked at."""

    title: str
    make: Callable[[Capture | None], Any]


TABS: Final[Sequence[Tab]] = (Tab("Messages", Messages),)

#: What stands above the tabs and is always in sight.
PLOTS: Final[Sequence[Callable[[Capture | None], Any]]] = (Rates,)


class Tabs(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A bar of native buttons, and under it the one part that is chosen; the others rest.

    `ipywidgets.Tab` would do, but its bar cannot be reached by the keyboard and does not wrap in a narrow page.
    """

    def __init__(self, tabs: Sequence[Tab] = TABS) -> None:
        self._tabs = {tab.title: tab for tab in tabs}
        self._parts: dict[str, Any] = {}
        self._capture: Capture | None = None
        self._in_sight = True
        self.bar = ipywidgets.ToggleButtons(options=list(self._tabs), value=tabs[0].title)
        self.bar.add_class("gdlab-tabs")
        self.body = ipywidgets.VBox()
        super().__init__([self.bar, self.body])
        self.bar.observe(self._choose, "value")
        self._choose()

    def begin_with(self, capture: Capture | None) -> None:
        """Let parts that are made from now on follow this capture; those that are there are in `panels`."""
        self._capture = capture

    def panels(self) -> Iterator[Panel]:
        """All panels that have been made."""
        for part in self._parts.values():
            yield from panels_in(part)

    def _choose(self, _change: object = None) -> None:
        title = self.bar.value
        if title not in self._parts:
            self._parts[title] = self._tabs[title].make(self._capture)
            self.body.children = (*self.body.children, self._parts[title])
        for name, part in self._parts.items():
            put(part.layout, "display", None if name == title else "none")
            for panel in panels_in(part):
                panel.in_sight = name == title


def panels_in(widget: Any) -> Iterator[Panel]:
    """The outermost panels in a widget, itself among them."""
    if isinstance(widget, Panel):
        yield widget
        return
    for child in getattr(widget, "children", ()):
        yield from panels_in(child)
