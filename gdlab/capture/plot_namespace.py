"""`.plot`: the pictures of a table, with the names and defaults of `gdlab.plots`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Plots:
    """Draws what a table shows; each method returns the Axes it drew on, which a notebook shows by itself.

    matplotlib is loaded when the first picture is drawn. Options go to the function of the same name in
    `gdlab.plots`; all take ``ax=`` (where to draw) and ``theme=`` (``auto``, ``light``, ``dark``).
    """

    def __init__(self, table: Callable[[], pd.DataFrame]) -> None:
        self._table = table

    def _draw(self, name: str, ax: Axes | None, options: dict[str, Any]) -> Axes:
        from gdlab import plots

        drawn: Axes = getattr(plots, name)(self._table(), ax=ax, **options)
        return drawn

    def rates(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Messages per second over time, of each peer and direction."""
        return self._draw("rates", ax, options)

    def latency(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Round-trip times where probes were answered, else the time between arrivals."""
        return self._draw("latency", ax, options)

    def percentiles(self, ax: Axes | None = None, **options: Any) -> Axes:
        """The same as a distribution, on a scale that shows its tail."""
        return self._draw("percentiles", ax, options)

    def histogram(self, ax: Axes | None = None, **options: Any) -> Axes:
        """The same as counts: how often which delay occurred."""
        return self._draw("histogram", ax, options)

    def jitter(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Inter-arrival jitter (RFC 3550) over time."""
        return self._draw("jitter", ax, options)

    def sequence(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Sequence numbers: what was lost, duplicated, reordered."""
        return self._draw("sequence", ax, options)

    def frame_phase(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Times folded on the length of a frame: a game that reads once per frame shows itself."""
        return self._draw("frame_phase", ax, options)

    def overhead(self, ax: Axes | None = None, **options: Any) -> Axes:
        """What of the bytes is payload, and what headers of each layer."""
        return self._draw("overhead", ax, options)

    def ladder(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Messages between the two sides as arrows down a time axis."""
        return self._draw("ladder", ax, options)

    def timeline(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Messages and events of each peer over time."""
        return self._draw("timeline", ax, options)
