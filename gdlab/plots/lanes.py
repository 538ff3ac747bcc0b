"""A stretch of a timeline on paper: one axes per lane, over one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from gdlab.plots.canvas import DPI, NotebookAxes, NotebookFigure
from gdlab.plots.style import DASHES, theme_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gdlab.live.timeline import Lane
    from gdlab.plots.style import Theme, ThemeName


def lanes_figure(
    lanes: Sequence[Lane], first_ns: int, last_ns: int, *, theme: ThemeName = "auto", width: float = 8.0
) -> NotebookFigure:
    """Draw lanes below each other.

    Parameters
    ----------
    lanes : what a `Timeline` answered for the window.
    first_ns, last_ns : the window, UTC nanoseconds.
    width : inches.

    Returns
    -------
    Figure; ``.savefig("stretch.pdf")`` writes it.
    """
    colors = theme_of(theme)
    heights = [0.45 if lane.shape == "marks" else 2.0 for lane in lanes]
    figure = NotebookFigure(figsize=(width, sum(heights) + 0.9), dpi=DPI, layout="constrained")
    figure.set_facecolor(colors.background)
    grid = figure.add_gridspec(len(lanes), 1, height_ratios=heights)
    first = None
    edges = np.array([first_ns, last_ns], "datetime64[ns]")
    for index, lane in enumerate(lanes):
        ax = figure.add_subplot(grid[index], axes_class=NotebookAxes, sharex=first)
        first = first or ax
        _draw(ax, lane, first_ns, colors)
        ax.set_xlim(edges[0], edges[1])
        ax.set_title(
            lane.title + (f", {lane.unit}" if lane.unit else ""), loc="left", fontsize=10, color=colors.text
        )
        if lane.note:
            ax.set_title(lane.note, loc="right", fontsize=10, color=colors.muted)
        if index < len(lanes) - 1:
            ax.tick_params(labelbottom=False)
        _paint(ax, colors)
    if first is not None:
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    return figure


def _paint(ax: Axes, theme: Theme) -> None:
    ax.set_facecolor(theme.background)
    ax.tick_params(colors=theme.text, labelsize=8)
    ax.grid(visible=True, color=theme.grid, lw=0.6)
    for spine in ax.spines.values():
        spine.set_color(theme.grid)


def _draw(ax: Axes, lane: Lane, first_ns: int, theme: Theme) -> None:
    if lane.shape == "marks":
        ax.set_yticks([])
        ax.set_ylim(0, 1)
    for number, series in enumerate(lane.series):
        when = np.int64(first_ns) + (series.x * 1e9).astype(np.int64)
        times = when.view("datetime64[ns]")
        color = theme.series[number % len(theme.series)]
        if lane.shape == "steps":
            # The last bin ends where it ends.
            edges = np.append(when, when[-1:] + int(lane.step_s * 1e9)).view("datetime64[ns]")
            ax.stairs(
                series.high,
                edges,
                color=color,
                baseline=None,
                label=series.name,
                lw=1.4,
                ls=DASHES[number % len(DASHES)],
            )
        elif lane.shape == "dots":
            ax.vlines(times, series.low, series.high, color=color, lw=1)
            ax.plot(times, series.high, ".", color=color, ms=3, label=series.name)
        else:
            ax.plot(times, np.full(len(times), 0.5), "|", color=color, ms=9, label=series.name)
    highest = max((float(each.high.max()) for each in lane.series if len(each.high)), default=0.0)
    if lane.shape == "steps" and highest:
        ax.set_ylim(0, 1.06 * highest)
    told_apart = len(lane.series) > 1 or lane.shape == "marks"
    if told_apart and any(len(series.x) for series in lane.series):
        ax.legend(fontsize=10, loc="upper left", ncols=4, frameon=False, labelcolor=theme.text)
