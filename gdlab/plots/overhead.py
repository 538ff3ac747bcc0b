"""Bytes a message by layer, as stacked bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab import analysis
from gdlab.analysis.source import Source
from gdlab.plots.canvas import Heading, Note, axes, plain
from gdlab.plots.shown import nothing, runs, shown
from gdlab.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gdlab.plots.style import ThemeName

#: Bars at most: endpoints and directions with most bytes.
BARS: Final = 8
#: Hatches in step with the layers, so that colour is not the only sign.
HATCHES: Final = ("", "///", "...", "xxx")
#: Names of the layers in the legend.
NAMES: Final = {"payload": "payload", "websocket": "WebSocket frame", "transport": "UDP or TCP", "ip": "IP"}


class OverheadPlot:
    """One bar for each endpoint and direction, payload first, headers after it.

    Parameters
    ----------
    ax : where to draw.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> None:
        self.ax, self._theme = axes(ax, theme)
        self._bars = []
        for (layer, name), hatch, colour in zip(NAMES.items(), HATCHES, self._theme.series, strict=False):
            # Made once; an update sets their widths.
            bars = self.ax.barh(
                np.arange(BARS),
                np.zeros(BARS),
                0.6,
                color=colour,
                hatch=hatch,
                edgecolor=self._theme.text,
                linewidth=0,
                label=name,
            )
            self._bars.append((layer, bars))
        self._shares = [
            self.ax.text(0, i, "", va="center", fontsize=10, color=self._theme.text) for i in range(BARS)
        ]
        self.ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            borderaxespad=0.0,
            frameon=False,
            fontsize=10,
            labelcolor=self._theme.text,
        )
        self.ax.grid(visible=False, axis="y")
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_xlabel("bytes per message, mean (estimate with headers)")

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        parts = runs(table) or {"": table}
        layers = pd.concat(
            [analysis.overhead(part, probes=True).assign(run=name) for name, part in parts.items()],
            ignore_index=True,
        )
        groups = len(layers) // len(NAMES)
        mean = layers["mean_bytes"].to_numpy(dtype=np.float64).reshape(groups, len(NAMES))
        share = layers["share"].to_numpy(dtype=np.float64).reshape(groups, len(NAMES))
        total = layers["bytes"].to_numpy(dtype=np.float64).reshape(groups, len(NAMES)).sum(axis=1)
        shown = np.argsort(-total, kind="stable")[:BARS]
        left = np.zeros(BARS)
        for number_, (_, bars) in enumerate(self._bars):
            width = np.zeros(BARS)
            width[: len(shown)] = mean[shown, number_]
            for place, bar in enumerate(bars):
                bar.set_x(left[place])
                bar.set_width(width[place])
            left += width
        heads = layers.iloc[:: len(NAMES)].reset_index(drop=True)
        labels = [
            f"{plain(row.run) + ': ' if row.run else ''}{plain(row.endpoint, 40)} {row.direction}"
            for row in heads.iloc[shown].itertuples()
        ]
        self.ax.set_yticks(np.arange(len(shown)), labels)
        self.ax.set_ylim(max(len(shown), 2) - 0.4, -0.6)
        top = float(left.max(initial=0.0))
        for place, text in enumerate(self._shares):
            text.set_text(f"{1 - share[shown[place], 0]:.0%} overhead" if place < len(shown) else "")
            text.set_position((left[place] + top * 0.01, place))
        self.ax.set_xlim(0, top * 1.4 or 1)
        n = int(heads["messages"].sum())
        more = f"; the largest {BARS} of {groups}" if groups > BARS else ""
        self._note.set(nothing(table))
        self._heading.set("Size of a message by layer", f"n = {count(n, 'message')}{more}")


def overhead(
    table: Source, ax: Axes | None = None, *, probes: bool = False, theme: ThemeName = "auto"
) -> Axes:
    """Draw the mean bytes of a message by layer: payload, WebSocket, UDP or TCP, IP.

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
    plot = OverheadPlot(ax, theme=theme)
    plot.update(shown(table, probes=probes))
    return plot.ax
