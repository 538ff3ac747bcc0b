"""How often which delay occurred: a histogram of each peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import MaxNLocator

from gdlab.analysis.source import Source, table_of
from gdlab.plots.canvas import Heading, Note, axes
from gdlab.plots.groups import largest, legend
from gdlab.plots.latency import LOGARITHMIC, PLAIN, measure, middle_of
from gdlab.plots.style import DASHES
from gdlab.text import count, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

#: Bins: fewer hide the shape, more are narrower than the eye can tell apart at notebook width.
FEWEST, MOST = 12, 60
#: On a logarithmic scale, for each factor of ten.
PER_DECADE: Final = 20
#: Milliseconds. Shorter delays cannot be stamped, and a logarithmic scale must begin somewhere.
SHORTEST: Final = 1e-3


class HistogramPlot:
    """Counts of the delay that `latency` shows, in equal bins that all peers share.

    Parameters
    ----------
    ax : where to draw.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> None:
        self.ax, self._theme = axes(ax, theme)
        self._steps = [
            self.ax.stairs([0], [0, 1], color=colour, linewidth=1.4, linestyle=dash, visible=False)
            for colour, dash in zip(self._theme.series, DASHES, strict=True)
        ]
        self._area = self.ax.stairs(
            [0], [0, 1], fill=True, color=self._theme.series[0], alpha=0.25, linewidth=0, visible=False
        )
        self._median = self.ax.axvline(0, color=self._theme.text, linewidth=1, linestyle="--", visible=False)
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_ylabel("count per bin")
        self.ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        values, column, title, label = measure(table)
        lost = int((values["outcome"] == "lost").sum()) if "outcome" in values else 0
        known = values[values[column].notna()]
        sample = np.maximum(known[column].to_numpy(dtype=np.float64), 0.0)
        median = float(np.median(sample)) if len(sample) else 0.0
        logarithmic = median > 0 and float(sample.max()) > LOGARITHMIC * median
        edges, width = _decades(sample) if logarithmic else _equal(sample)
        groups = largest(known["peer"])
        entries, highest = [], 0
        for artist in (*self._steps, self._area):
            artist.set_visible(False)
        for artist, (name, rows) in zip(self._steps, groups, strict=False):
            counts = np.histogram(np.clip(sample[rows], edges[0], edges[-1]), edges)[0]
            artist.set_data(counts, edges)
            artist.set_visible(True)
            entries.append((artist, f"{name} (n={int(rows.sum())})"))
            highest = max(highest, int(counts.max()))
            if len(groups) == 1:  # areas of several peers would hide each other
                self._area.set_data(counts, edges)
                self._area.set_visible(True)
        legend(self.ax, self._theme, entries)
        self.ax.set_xscale("log" if logarithmic else "linear")
        if logarithmic:
            self.ax.xaxis.set_major_formatter(PLAIN)
        self.ax.set_xlim(*_limits(edges, logarithmic))
        self.ax.set_ylim(0, highest * 1.08 or 1)
        self.ax.set_xlabel(label)
        middle = middle_of(sample, lost)
        self._median.set_xdata([middle, middle])
        self._median.set_visible(bool(np.isfinite(middle)))
        self._note.set("" if len(sample) else "no answers to probes, and fewer than two messages of any peer")
        caption = f"n = {number(len(sample))}"
        if len(sample):
            caption += f"; median {number(middle)} ms (dashed)" if not np.isnan(middle) else ""
            caption += f"; {width}"
        if lost:
            caption += f"; {count(lost, 'ping')} lost, not in it"
        if len(groups) == 1:
            caption += f"; {groups[0][0]}"
        self._heading.set(title, caption)


def _equal(sample: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Edges of bins of a round width, and what to call it.

    The width is that of Freedman and Diaconis (1981), 2 IQR / n^(1/3), made round (1, 2 or 5 times a power of
    ten) so that bins begin where people count from.
    """
    if not len(sample):
        return np.array([0.0, 1.0]), ""
    low, high = float(sample.min()), float(sample.max())
    extent = high - low or high or 1.0
    quarters = np.quantile(sample, (0.25, 0.75))
    wanted = 2 * float(quarters[1] - quarters[0]) / len(sample) ** (1 / 3)
    width = _round(float(np.clip(wanted, extent / MOST, extent / FEWEST)))
    first, last = np.floor(low / width), np.floor(high / width) + 1
    return np.arange(first, last + 1) * width, f"bins of {width:g} ms"


def _round(width: float) -> float:
    """The next 1, 2 or 5 times a power of ten below."""
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(factor * power for factor in (10, 5, 2, 1) if factor * power <= width * 1.001))


def _decades(sample: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Edges of bins that are equal on a logarithmic scale, and what to call them."""
    low = np.floor(np.log10(max(float(sample.min()), SHORTEST)) * PER_DECADE)
    high = np.floor(np.log10(float(sample.max())) * PER_DECADE) + 1
    return 10 ** (np.arange(low, high + 1) / PER_DECADE), f"{PER_DECADE} bins for each factor of ten"


def _limits(edges: NDArray[np.float64], logarithmic: bool) -> tuple[float, float]:
    """From zero, where that leaves the bins most of the room."""
    low, high = float(edges[0]), float(edges[-1])
    if logarithmic:
        return low, high
    return (0.0 if low < (high - low) * 2 else low), high


def histogram(table: Source, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
    """Draw how often which delay occurred, of the measure that `latency` shows.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = HistogramPlot(ax, theme=theme)
    plot.update(table_of(table))
    return plot.ax
