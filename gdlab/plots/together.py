"""Packets, game frames and the log on one axis of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from gdlab.analysis.columns import equals, messages, times_ns
from gdlab.analysis.latency import round_trips
from gdlab.analysis.watched import stalls
from gdlab.plots import decimate
from gdlab.plots.canvas import DPI, Heading, NotebookFigure, clock, dress
from gdlab.plots.groups import legend
from gdlab.plots.style import theme_of
from gdlab.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gdlab.analysis.watched import Watched
    from gdlab.plots.style import Theme, ThemeName

#: Inches.
SIZE: Final = (10.0, 6.4)
#: Lanes of the log: what each holds, the most serious above.
LANES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("break", ("break",)),
    ("error", ("error", "script_error", "dropped")),
    ("warning", ("warning",)),
    ("print", ("print", "rich", "stderr")),
)
#: Slow frames and breaks that are marked, at most.
MARKED: Final = 200
#: Room left of and right of the data.
_MARGIN: Final = 0.01


def together(
    table: pd.DataFrame,
    watched: Watched,
    *,
    between: tuple[float, float] | None = None,
    theme: ThemeName = "auto",
) -> NotebookFigure:
    """Draw packets and round trips, game frames, and the log one above the other, on the same axis of time.

    Parameters
    ----------
    table : a message table. watched : a watch of the game.
    between : seconds since the first row of all; zooms all three pictures. By default everything is shown.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The figure; its three Axes share their time axis. Slow game frames and breaks are shaded in all three.

    Raises
    ------
    ValueError : `between` does not go forward in time.
    """
    if between is not None and not between[0] < between[1]:
        raise ValueError(f"between is {between}; it must be two seconds, the earlier first")
    colours = theme_of(theme, None)
    figure = NotebookFigure(figsize=SIZE, dpi=DPI, layout="constrained", facecolor=colours.background)
    FigureCanvasAgg(figure)
    packets, frames, log = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2))
    for ax in (packets, frames, log):
        dress(ax, colours)
        ax.set_autoscale_on(False)
    start = _start(table, watched)
    stood = stalls(watched)
    for stall in stood[:MARKED]:
        left, right = (stall.began_ns - start) / 1e9, (stall.ended_ns - start) / 1e9
        for ax in (packets, frames, log):
            ax.axvspan(left, right, color=colours.warning, alpha=0.25, linewidth=0)
    end = max(
        _packets(packets, colours, table, start),
        _frames(frames, colours, watched.frames, start),
        _log(log, colours, watched.log, start),
    )
    left, right = between if between is not None else (-_MARGIN * end, (1 + _MARGIN) * end)
    log.set_xlim(left, right)
    log.set_xlabel(clock(start))
    n = int(messages(table).sum())
    caption = (
        f"n = {count(n, 'message')}, {count(len(watched.frames), 'game frame')}, "
        f"{count(len(watched.log), 'log row')}; shaded: {count(len(stood), 'stall')} (slow frames and breaks)"
    )
    Heading(packets, colours).set("Packets and the game on one axis of time", caption)
    return figure


def _start(table: pd.DataFrame, watched: Watched) -> int:
    known = [int(times_ns(each).min()) for each in (table, watched.log, watched.frames) if len(each)]
    return min(known, default=0)


def _packets(ax: Axes, colours: Theme, table: pd.DataFrame, start: int) -> float:
    """Round trips where probes were answered, else sizes; events on the axis."""
    entries = []
    trips = round_trips(table)
    trips = trips[trips["rtt_ms"].notna()]
    if len(trips):
        x, y = (times_ns(trips) - start) / 1e9, trips["rtt_ms"].to_numpy(dtype=np.float64)
        (line,) = ax.plot(
            *decimate.dots(x, y), linestyle="none", marker=".", markersize=4, color=colours.series[0]
        )
        entries.append((line, "round trip (at the time of sending)"))
        ax.set_ylabel("round trip (ms)")
        top = float(y.max())
    else:
        top = 1.0
        for number, direction in enumerate(("in", "out")):
            rows = messages(table, direction)
            if not rows.any():
                continue
            x = (times_ns(table)[rows] - start) / 1e9
            y = table["size_bytes"].to_numpy(dtype=np.float64)[rows]
            (line,) = ax.plot(
                *decimate.dots(x, y),
                linestyle="none",
                marker=".|"[number],
                markersize=5,
                color=colours.series[number],
            )
            entries.append((line, f"message {direction}"))
            top = max(top, float(y.max()))
        ax.set_ylabel("message (bytes)")
    other = equals(table, "event", "error") | equals(table, "event", "gap") | equals(table, "event", "close")
    if other.any():
        x = (times_ns(table)[other] - start) / 1e9
        (line,) = ax.plot(x, np.zeros(len(x)), linestyle="none", marker="X", color=colours.warning)
        entries.append((line, "close, error or gap"))
    ax.set_ylim(-0.03 * top, 1.1 * top)
    legend(ax, colours, entries)
    return _last(times_ns(table), start)


def _frames(ax: Axes, colours: Theme, frames: pd.DataFrame, start: int) -> float:
    """Busy time of each game frame, a line per game."""
    entries = []
    top = 20.0
    games = frames["game"].unique().tolist() if len(frames) else []
    for number, game in enumerate(games[: len(colours.series)]):
        mine = frames[frames["game"] == game]
        x, y = (times_ns(mine) - start) / 1e9, mine["busy_ms"].to_numpy(dtype=np.float64)
        (line,) = ax.plot(
            *decimate.dots(x, y), linestyle="none", marker=".", markersize=4, color=colours.series[number]
        )
        entries.append((line, f"{game}: busy time of a game frame"))
        top = max(top, float(y.max()))
    ax.set_ylim(-0.03 * top, 1.1 * top)
    ax.set_ylabel("game frame (ms)")
    legend(ax, colours, entries)
    return _last(times_ns(frames), start)


def _log(ax: Axes, colours: Theme, log: pd.DataFrame, start: int) -> float:
    """A lane for each kind of rows."""
    markers = ("s", "X", "^", "|")
    shades = (colours.warning, colours.warning, colours.series[2], colours.series[5])
    kinds = log["kind"].astype(str)
    x = (times_ns(log.assign(time=log["happened"])) - start) / 1e9
    for lane, (_, inside) in enumerate(LANES):
        rows = kinds.isin(inside).to_numpy(dtype=np.bool_)
        y = np.full(int(rows.sum()), float(lane))
        ax.plot(
            *decimate.dots(x[rows], y),
            linestyle="none",
            marker=markers[lane],
            markersize=6,
            color=shades[lane],
        )
    ax.set_yticks(range(len(LANES)), [name for name, _ in LANES])
    ax.set_ylim(len(LANES) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    return _last(times_ns(log), start)


def _last(stamps: NDArray[np.int64], start: int) -> float:
    return float((stamps.max() - start) / 1e9) if len(stamps) else 0.0
