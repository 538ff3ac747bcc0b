"""What a notebook shows of captures, and the buttons that steer them."""

from gdlab.capture import show_with
from gdlab.widgets.live import Live, live
from gdlab.widgets.message_table import MessageTable

__all__ = ["Live", "MessageTable", "live"]

show_with(live)
