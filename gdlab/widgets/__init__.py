"""What a notebook shows of captures, and the buttons that steer them."""

from gdlab.capture import capture as _captures
from gdlab.capture import show_with
from gdlab.widgets.dashboard import Dashboard, dashboard
from gdlab.widgets.live import Live, live
from gdlab.widgets.panel import Panel, started
from gdlab.widgets.render import renderer

__all__ = ["Dashboard", "Live", "Panel", "dashboard", "live", "renderer"]

show_with(live)
_captures.on_start.add(started)
