"""What a notebook shows of captures, and the buttons that steer them."""

from gdlab.capture import show_with
from gdlab.widgets.conversations import Conversations
from gdlab.widgets.counters import Counters
from gdlab.widgets.explain import Explain
from gdlab.widgets.latency_plot import LatencyPlot
from gdlab.widgets.live import Live, live
from gdlab.widgets.message_table import MessageTable
from gdlab.widgets.rate_plot import RatePlot

__all__ = ["Conversations", "Counters", "Explain", "LatencyPlot", "Live", "MessageTable", "RatePlot", "live"]

show_with(live)
