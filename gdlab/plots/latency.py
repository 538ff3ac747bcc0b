"""Delay against time: round trips where there are probes, else what can honestly be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import FuncFormatter

from gdlab import analysis
from gdlab.analysis.columns import times_ns
from gdlab.analysis.source import Source, table_of
from gdlab.plots import decimate
from gdlab.plots.canvas import Heading, Note, axes, clock, seconds
from gdlab.plots.groups import largest, legend, lines
from gdlab.text import count, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

#: From this ratio of the largest to the median value on, a linear scale shows only the outliers.
LOGARITHMIC: Final = 30
#: Ticks of a logarithmic axis as people write numbers.
PLAIN: Final = FuncFormatter(lambda value, _: f"{value:g}")


class LatencyPlot:
    """One dot per round trip, lost ones at the top; without probes another measure, and named as such.

    Parameters
    ----------
    ax : where to draw.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> None:
        self.ax, self._theme = axes(ax, theme)
        self._dots = lines(self.ax, self._theme, dashed=False, markersize=3, markeredgewidth=0, alpha=0.7)
        self._median = self.ax.axhline(0, color=self._theme.text, linewidth=1, linestyle="--", visible=False)
        (self._lost,) = self.ax.plot(
            [],
            [],
            linestyle="none",
            marker="x",
            markersize=6,
            color=self._theme.warning,
            clip_on=False,
            transform=self.ax.get_xaxis_transform(),
        )
        self._lost.set_in_layout(False)  # without points it would claim room at the corner of the figure
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        values, column, title, axis = measure(table)
        known = values[values[column].notna()]
        stamps = times_ns(table)
        start = int(stamps.min()) if len(stamps) else 0
        entries = []
        groups = largest(known["peer"])
        for number_, artist in enumerate(self._dots):
            if number_ >= len(groups):
                artist.set_data([], [])
                continue
            name, rows = groups[number_]
            part = known[rows]
            artist.set_data(*decimate.dots(seconds(part, start), part[column].to_numpy(dtype=np.float64)))
            entries.append((artist, name))
        lost = 0
        if "outcome" in values:
            gone = values[values["outcome"] == "lost"]
            lost = len(gone)
            self._lost.set_data(*decimate.line(seconds(gone, start), np.ones(lost)))
            if lost:
                entries.append((self._lost, "lost"))
        else:
            self._lost.set_data([], [])
        legend(self.ax, self._theme, entries)
        shown = known[column].to_numpy(dtype=np.float64)
        self._scale(shown)
        middle = middle_of(shown, lost)
        self._median.set_ydata([middle, middle])
        self._median.set_visible(bool(np.isfinite(middle)))
        lasted = ((int(stamps.max()) - start) / 1e9 if len(stamps) else 0.0) or 1.0
        margin = lasted * 0.01
        self.ax.set_xlim(-margin, lasted + margin)
        self.ax.set_xlabel(clock(start))
        self.ax.set_ylabel(axis)
        self._note.set("" if len(known) else missing(values))
        self._heading.set(title, self._caption(shown, lost, [name for _, name in entries]))

    def _scale(self, values: NDArray[np.float64]) -> None:
        median = float(np.median(values)) if len(values) else 0.0
        logarithmic = len(values) > 0 and median > 0 and values.max() > LOGARITHMIC * median
        self.ax.set_yscale("log" if logarithmic else "linear")
        if logarithmic:
            self.ax.yaxis.set_major_formatter(PLAIN)
        top = float(values.max()) if len(values) else 1.0
        if logarithmic:
            self.ax.set_ylim(max(float(values.min()), 1e-4) / 1.5, top * 1.5)
        else:
            self.ax.set_ylim(0, top * 1.1 or 1)

    @staticmethod
    def _caption(values: NDArray[np.float64], lost: int, names: list[str]) -> str:
        caption = f"n = {number(len(values))}"
        middle = middle_of(values, lost)
        if np.isfinite(middle):
            caption += f"; median {number(middle)} ms (dashed)"
            quantiles = analysis.percentiles(values, (0.95, 0.99), missing=lost).dropna()
            for _, row in quantiles[np.isfinite(quantiles["value"])].iterrows():
                caption += f", {row['quantile'] * 100:g} % {number(row['value'])} ms"
        if lost:
            caption += f"; {count(lost, 'ping')} lost (x)"
        if len(names) == 1:
            caption += f"; {names[0]}"
        return caption


def middle_of(values: NDArray[np.float64], lost: int) -> float:
    """The median that a caption may state: lost pings are later than all; NaN for less than 20 values."""
    return float(analysis.percentiles(values, (0.5,), missing=lost)["value"].iloc[0])


def missing(values: pd.DataFrame) -> str:
    """Why a measure, as `measure` gives it, has no value to draw."""
    if "outcome" not in values:
        return "no answers to probes, and fewer than two messages of any peer"
    if not (values["outcome"] == "lost").any():
        return f"{count(len(values), 'ping')} sent, none answered yet"
    return (
        f"Nothing answers the pings ({number(len(values))} sent, 0 answered):\n"
        'paste into the game what cap.gdscript("echo") writes'
    )


def measure(table: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str]:
    """The best measure of delay that the table has.

    Returns
    -------
    Its table, the name of its column, a title, and the label of the axis.
    """
    trips = analysis.round_trips(table)
    if len(trips):
        return trips, "rtt_ms", "Round-trip time of probes", "round trip (ms)"
    responses = analysis.response_times(table)
    if len(responses):
        title = "Time until the peer's next message (no probes: not proven to be the answer)"
        return responses, "response_ms", title, "time to next message (ms)"
    title = "Time between arrivals (no probes: says nothing about delay)"
    return analysis.inter_arrival(table), "iat_ms", title, "inter-arrival time (ms)"


def latency(table: Source, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
    """Draw delay against time: round trips of probes, else response times, else times between arrivals.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes; the title says which measure it is.
    """
    plot = LatencyPlot(ax, theme=theme)
    plot.update(table_of(table))
    return plot.ax
