"""The cumulative distribution of a delay, on a scale that shows the tail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab import analysis
from gdlab.analysis.source import Source, table_of
from gdlab.plots.canvas import Heading, Note, axes
from gdlab.plots.groups import largest, legend, lines
from gdlab.plots.latency import LOGARITHMIC, PLAIN, measure
from gdlab.text import count, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

#: Ticks: share of the values that are larger, and the percentile's name.
TICKS: Final = {
    1.0: "0 %",
    0.5: "50 %",
    0.1: "90 %",
    0.05: "95 %",
    0.01: "99 %",
    1e-3: "99.9 %",
    1e-4: "99.99 %",
}
#: A scale down to shares this small has no room between the tens.
CROWDED: Final = 4e-4
#: Points of a curve at most, spread evenly on the scale.
POINTS: Final = 600


class PercentilesPlot:
    """Percentiles against delay: each step to the right on the scale is ten times rarer.

    Parameters
    ----------
    ax : where to draw.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> None:
        self.ax, self._theme = axes(ax, theme)
        self._lines = lines(self.ax, self._theme, linewidth=1.6)
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_xscale("log")
        self.ax.set_xlim(1.0, 1e-2)
        self.ax.set_xlabel("percentile (shown as far as ten values lie beyond it)")

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        values, column, title, label = measure(table)
        lost = int((values["outcome"] == "lost").sum()) if "outcome" in values else 0
        known = values[values[column].notna()]
        groups = largest(known["peer"])
        entries, rarest, highest, lowest = [], 0.01, 0.0, np.inf
        for artist in self._lines:
            artist.set_data([], [])
        for artist, (name, rows) in zip(self._lines, groups, strict=False):
            sample = np.sort(known[column].to_numpy(dtype=np.float64)[rows])
            # Losses of a single peer are later than all its answers; those of several, the caption tells.
            x, y = _curve(sample, lost if len(groups) == 1 else 0)
            artist.set_data(x, y)
            entries.append((artist, f"{name} (n={len(sample)})"))
            if len(x):
                rarest, highest = min(rarest, float(x[-1])), max(highest, float(y[-1]))
                lowest = min(lowest, max(float(y[0]), 1e-3))
        legend(self.ax, self._theme, entries)
        tall = len(known) > 0 and highest > LOGARITHMIC * float(known[column].median())
        self.ax.set_yscale("log" if tall else "linear")
        if tall:
            self.ax.yaxis.set_major_formatter(PLAIN)
        self.ax.set_ylim(lowest / 1.2 if tall else 0, highest * 1.1 or 1)
        self.ax.set_xlim(1.0, rarest)
        ticks = {share: name for share, name in TICKS.items() if share >= rarest * 0.99}
        if rarest < CROWDED:
            ticks = {share: name for share, name in ticks.items() if share not in (0.5, 0.05)}
        self.ax.set_xticks(list(ticks), list(ticks.values()))
        self.ax.set_xticks([], minor=True)
        self.ax.set_ylabel(label)
        self._note.set("" if highest else "too few values for a distribution (20 at least)")
        caption = f"n = {number(len(known))}"
        for _, row in (
            analysis.percentiles(known[column], (0.5, 0.95, 0.99), missing=lost).dropna().iterrows()
        ):
            caption += f"; {row['quantile'] * 100:g} % below {number(row['value'])} ms"
        if lost:
            caption += f"; {count(lost, 'ping')} lost, counted as later than all"
        self._heading.set(title, caption)


def _curve(sample: NDArray[np.float64], missing: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of larger values, and value; as far as ten values lie beyond, and lost ones are not reached."""
    n = len(sample) + missing
    if n < 2 * analysis.TAIL_SAMPLES:
        return np.empty(0), np.empty(0)
    rarest = max(analysis.TAIL_SAMPLES, missing) / n
    share = np.geomspace(1.0, rarest, POINTS)
    rank = np.clip(np.round((1 - share) * (n - 1)).astype(np.int64), 0, len(sample) - 1)
    return share, sample[rank]


def percentiles(table: Source, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
    """Draw the cumulative distribution of the delay that `latency` shows.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = PercentilesPlot(ax, theme=theme)
    plot.update(table_of(table))
    return plot.ax
