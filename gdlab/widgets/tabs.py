"""The parts of the dashboard, one at a time under a bar of names; a new part is one line in `TABS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture
from gdlab.widgets.conversations import Conversations
from gdlab.widgets.counters import Counters
from gdlab.widgets.drawn import message_grid, timeline
from gdlab.widgets.explain import Explain
from gdlab.widgets.findings import Findings
from gdlab.widgets.framing_menu import FramingMenu
from gdlab.widgets.gdscript_view import GDScriptView
from gdlab.widgets.godot_runner import GodotRunner
from gdlab.widgets.latency_plot import LatencyPlot
from gdlab.widgets.message_table import MessageTable
from gdlab.widgets.multiplayer_tab import MultiplayerTab
from gdlab.widgets.network_tab import NetworkTab
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.rate_plot import RatePlot
from gdlab.widgets.send_form import SendForm
from gdlab.widgets.size_lab import SizeLab
from gdlab.widgets.watch_panel import WatchPanel


class Tabs(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A bar of native buttons, and under it the one part that is chosen; the others rest.

    `ipywidgets.Tab` would do, but its bar cannot be reached by the keyboard and does not wrap in a narrow page. A part
    is made when it is first looked at.

    Parameters
    ----------
    whole : the panel that they are part of.
    tabs : names and parts.

    Attributes
    ----------
    capture : what parts follow that are made from now on.
    messages : the list of messages, whose choice other parts show.
    bar : the buttons; its `value` is the name of the part that is in sight.
    """

    def __init__(self, whole: Panel, tabs: Sequence[Tab] | None = None) -> None:
        self._whole = whole
        tabs = TABS if tabs is None else tabs
        self.capture: Capture | None = None
        self.messages: Any = MessageTable() if message_grid is None else message_grid.MessageGrid()
        self._tabs = {tab.title: tab for tab in tabs}
        self._parts: dict[str, Any] = {}
        self.bar = ipywidgets.ToggleButtons(
            options=list(self._tabs), value=tabs[0].title, tooltips=[tab.about for tab in tabs]
        )
        self.bar.add_class("gdlab-tabs")
        self.body = ipywidgets.VBox()
        super().__init__([self.bar, self.body])
        self.add_class("gdlab-tabbed")
        self.bar.observe(self._choose, "value")
        self._choose()

    def panels(self) -> Iterator[Panel]:
        """The panels that have been made."""
        for part in self._parts.values():
            yield from panels_in(part)

    def _choose(self, _change: object = None) -> None:
        title = self.bar.value
        if title not in self._parts:
            self._parts[title] = self._tabs[title].make(self)
            for panel in panels_in(self._parts[title]):
                panel.join(self._whole)
            self.body.children = (*self.body.children, self._parts[title])
        # A list of messages has room beside the plots; tables, games and sliders want the whole width.
        (self.remove_class if title == next(iter(self._tabs)) else self.add_class)("gdlab-wide")
        for name, part in self._parts.items():
            put(part.layout, "display", None if name == title else "none")
            for panel in panels_in(part):
                panel.in_sight = name == title


@dataclass(frozen=True, slots=True)
class Tab:
    """A name on the bar, what it is about, and what makes its widget."""

    title: str
    about: str
    make: Callable[[Tabs], Any]


def panels_in(widget: Any) -> Iterator[Panel]:
    """The outermost panels in a widget, itself among them."""
    if isinstance(widget, Panel):
        yield widget
        return
    for child in getattr(widget, "children", ()):
        yield from panels_in(child)


def _messages(tabs: Tabs) -> Any:
    """The list of messages, and beside it the chosen one byte by byte."""
    messages = tabs.messages
    explain = Explain()

    def show(payload: bytes | None) -> None:
        explain.show(payload, getattr(tabs.capture, "decode_with", "auto"), messages.guess_of_selected())

    show(messages.selected)
    messages.observe(lambda change: show(change["new"]), "selected")
    return ipywidgets.VBox([FramingMenu(tabs.capture), _beside(messages, explain)])


def _sizes(tabs: Tabs) -> Any:
    """The size laboratory of the chosen message."""
    lab = SizeLab(tabs.messages.selected)
    tabs.messages.observe(lambda change: lab.show(change["new"]), "selected")
    return lab


def _beside(*parts: Any) -> Any:
    """Side by side; below each other where the page is narrow."""
    pair = ipywidgets.HBox(parts, layout={"flex_flow": "row wrap"})
    pair.add_class("gdlab-pair")
    return pair


TABS: Final[Sequence[Tab]] = (
    Tab("Messages", "the last messages, decoded; choose one and see its bytes", _messages),
    Tab("Conversations", "who talks, and how much", lambda tabs: Conversations(tabs.capture)),
    Tab("Findings", "what stands out", lambda tabs: Findings(tabs.capture)),
    Tab(
        "Game",
        "what a watched game prints and reports, and how it runs",
        lambda tabs: WatchPanel(None, tabs.capture),
    ),
    Tab(
        "Multiplayer",
        "which RPC takes the bytes: Godot's high-level multiplayer taken apart",
        lambda tabs: MultiplayerTab(tabs.capture),
    ),
    Tab(
        "Network",
        "delay, loss and queues between the game and its server: relays and their conditions",
        lambda tabs: NetworkTab(tabs.capture),
    ),
    Tab("Counters", "what was received, sent and lost", lambda tabs: Counters(tabs.capture)),
    Tab("Sizes", "what the chosen message costs in other encodings", _sizes),
    Tab("Send", "send a message, or a test packet to yourself", lambda tabs: SendForm(tabs.capture)),
    Tab(
        "Godot",
        "a script for the game, and a game to try it with",
        lambda tabs: _beside(GDScriptView(tabs.capture), GodotRunner(tabs.capture)),
    ),
)


# What stands above the tabs and is always in sight.
def plots() -> Sequence[Callable[[], Panel]]:
    """Plots that the browser draws; without anywidget pictures of the last half minute."""
    return (timeline.TimelinePanel,) if timeline is not None else (RatePlot, LatencyPlot)
