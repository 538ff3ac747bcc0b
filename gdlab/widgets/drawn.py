"""What the browser draws, as modules; None where there is no anywidget, or where pictures are asked for."""

from __future__ import annotations

import os
from types import ModuleType

timeline: ModuleType | None
message_grid: ModuleType | None
try:
    from gdlab.widgets import message_grid, timeline
except ModuleNotFoundError:  # no anywidget: pictures, and the last messages
    message_grid = timeline = None
#: ``pictures`` shows the pictures of the last half minute and the last messages also where the browser could draw.
if os.environ.get("GDLAB_VIEWS", "") == "pictures":
    message_grid = timeline = None

__all__ = ["message_grid", "timeline"]
