"""What a notebook shows of captures, and the buttons that steer them.

Each part stands alone in a cell, as in ``gdlab.widgets.MessageTable(capture)``.
"""

from gdlab.capture import capture as _captures
from gdlab.capture import show_with
from gdlab.relays.live_relay import show_with as show_relay_with
from gdlab.watching import registry as _watches
from gdlab.watching import show_with as show_watch_with
from gdlab.widgets.capture_view import Live, live
from gdlab.widgets.conversations import Conversations
from gdlab.widgets.counters import Counters
from gdlab.widgets.dashboard import Dashboard, dashboard
from gdlab.widgets.explain import Explain
from gdlab.widgets.findings import Findings
from gdlab.widgets.gdscript_view import GDScriptView
from gdlab.widgets.godot_runner import GodotRunner
from gdlab.widgets.latency_plot import LatencyPlot
from gdlab.widgets.message_table import MessageTable
from gdlab.widgets.multiplayer_tab import MultiplayerTab
from gdlab.widgets.network_tab import NetworkTab
from gdlab.widgets.panel import Panel, started
from gdlab.widgets.rate_plot import RatePlot
from gdlab.widgets.relay_panel import RelayPanel, relay_view
from gdlab.widgets.render import renderer
from gdlab.widgets.send_form import SendForm
from gdlab.widgets.size_lab import SizeLab
from gdlab.widgets.watch_panel import WatchPanel, watch_started, watch_view

__all__ = [
    "Conversations",
    "Counters",
    "Dashboard",
    "Explain",
    "Findings",
    "GDScriptView",
    "GodotRunner",
    "LatencyPlot",
    "Live",
    "MessageTable",
    "MultiplayerTab",
    "NetworkTab",
    "Panel",
    "RatePlot",
    "RelayPanel",
    "SendForm",
    "SizeLab",
    "WatchPanel",
    "dashboard",
    "live",
    "relay_view",
    "renderer",
    "watch_view",
]

try:  # drawn by the browser, where anywidget is installed
    from gdlab.widgets.message_grid import MessageGrid
    from gdlab.widgets.timeline import TimelinePanel
except ModuleNotFoundError:
    pass
else:
    __all__ += ["MessageGrid", "TimelinePanel"]

show_with(live)
show_relay_with(relay_view)
show_watch_with(watch_view)
_watches.on_start.add(watch_started)
_captures.on_start.add(started)
