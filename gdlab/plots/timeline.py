"""All rows on a line of time: who spoke when, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import equals, messages, times_ns
from gdlab.analysis.source import Source
from gdlab.plots import decimate
from gdlab.plots.canvas import Heading, Note, axes, clock, plain, seconds
from gdlab.plots.groups import largest, legend
from gdlab.plots.shown import shown
from gdlab.text import count

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from gdlab.plots.style import ThemeName

#: Lanes at most; the quieter peers share the last one.
LANES: Final = 10
#: Markers of the events that are no messages.
EVENTS: Final = {"open": ">", "close": "<", "error": "X", "gap": "s"}


class TimelinePlot:
    """One lane per peer: a tick for each message (in above the line, out below), a marker for each event.

    Parameters
    ----------
    ax : where to draw.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> None:
        self.ax, self._theme = axes(ax, theme)
        self._messages = {
            direction: self.ax.plot(
                [], [], linestyle="none", marker="|", markersize=8, color=colour, alpha=0.8
            )[0]
            for direction, colour in zip(("in", "out"), self._theme.series, strict=False)
        }
        colours = (self._theme.series[1], self._theme.series[3], self._theme.warning, self._theme.warning)
        self._events = {
            name: self.ax.plot([], [], linestyle="none", marker=marker, markersize=7, color=colour)[0]
            for (name, marker), colour in zip(EVENTS.items(), colours, strict=True)
        }
        self.ax.grid(visible=False, axis="y")
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_ylabel("peer")

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        stamps = times_ns(table)
        start = int(stamps.min()) if len(stamps) else 0
        x = seconds(table, start)
        groups = largest(table["peer"].astype(object).fillna("").replace("", "no peer"), LANES)
        lane = np.zeros(len(table))
        for number, (_, rows) in enumerate(groups):
            lane[rows] = number
        entries = []
        for direction, artist in self._messages.items():
            rows = messages(table, direction)
            artist.set_data(
                *decimate.dots(x[rows], lane[rows] + (-0.16 if direction == "in" else 0.16), rows=400)
            )
            if rows.any():
                entries.append((artist, f"message {direction}"))
        for name, artist in self._events.items():
            rows = equals(table, "event", name)
            artist.set_data(*decimate.dots(x[rows], lane[rows]))
            if rows.any():
                entries.append((artist, name))
        legend(self.ax, self._theme, entries)
        names = [plain(name.replace(r"\$", "$"), 28) for name, _ in groups]
        self.ax.set_yticks(np.arange(len(groups)), names)
        self.ax.set_ylim(max(len(groups), 1) - 0.4, -0.6)
        lasted = float(x.max(initial=0.0)) or 1.0
        self.ax.set_xlim(-0.01 * lasted, 1.01 * lasted)
        self.ax.set_xlabel(clock(start))
        n = int(messages(table).sum())
        self._note.set("" if len(table) else "no rows yet")
        self._heading.set(
            "Who spoke when", f"n = {count(n, 'message')}, {count(len(table) - n, 'other event')}"
        )


def timeline(
    table: Source, ax: Axes | None = None, *, probes: bool = False, theme: ThemeName = "auto"
) -> Axes:
    """Draw every row at its time, one lane per peer.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    probes : include our own pings and their answers.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = TimelinePlot(ax, theme=theme)
    plot.update(shown(table, probes=probes))
    return plot.ax
