"""Jitter of arrivals against time, by the estimator of RFC 3550."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gdlab import analysis
from gdlab.analysis.columns import times_ns
from gdlab.analysis.source import Source, table_of
from gdlab.plots.canvas import Heading, Note, axes, clock, seconds
from gdlab.plots.decimate import line as decimated
from gdlab.plots.groups import largest, legend, lines
from gdlab.text import number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from gdlab.plots.style import ThemeName


class JitterPlot:
    """The smoothed jitter of each peer.

    Parameters
    ----------
    ax : where to draw.
    sent, unit : the sender's clock, as for `analysis.jitter`.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(
        self, ax: Axes | None = None, *, sent: str | None = None, unit: str = "us", theme: ThemeName = "auto"
    ) -> None:
        self.ax, self._theme = axes(ax, theme)
        self._sent, self._unit = sent, unit
        self._lines = lines(self.ax, self._theme, linewidth=1.3)
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_ylabel("jitter (ms)")

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        values = analysis.jitter(table, sent=self._sent, unit=self._unit)
        values = values[values["jitter_ms"].notna()]
        stamps = times_ns(table)
        start = int(stamps.min()) if len(stamps) else 0
        entries = []
        for artist in self._lines:
            artist.set_data([], [])
        for artist, (name, rows) in zip(self._lines, largest(values["peer"]), strict=False):
            part = values[rows]
            artist.set_data(*decimated(seconds(part, start), part["jitter_ms"].to_numpy(dtype=np.float64)))
            entries.append((artist, name))
        legend(self.ax, self._theme, entries)
        shown = values["jitter_ms"].to_numpy(dtype=np.float64)
        self.ax.set_xlim(0, (np.ptp(stamps) / 1e9 if len(stamps) else 0.0) or 1.0)
        self.ax.set_ylim(0, float(shown.max(initial=0.0)) * 1.1 or 1.0)
        self.ax.set_xlabel(clock(start))
        self._note.set("" if len(values) else "no messages that carry their sender's clock")
        last = f"; last {number(float(shown[-1]))} ms" if len(shown) else ""
        only = f"; {entries[0][1]}" if len(entries) == 1 else ""
        self._heading.set("Inter-arrival jitter (RFC 3550)", f"n = {number(len(values))}{last}{only}")


def jitter(
    table: Source,
    ax: Axes | None = None,
    *,
    sent: str | None = None,
    unit: str = "us",
    theme: ThemeName = "auto",
) -> Axes:
    """Draw the inter-arrival jitter of each peer against time.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    sent, unit : column and unit of the sender's clock, as for `analysis.jitter`; by default that of probes.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = JitterPlot(ax, sent=sent, unit=unit, theme=theme)
    plot.update(table_of(table, sent))
    return plot.ax
