"""What a notebook shows of captures, and the buttons that steer them."""

from gdlab.capture import show_with
from gdlab.widgets.live import Live, live

__all__ = ["Live", "live"]

show_with(live)
