"""Answers folded on the frame: when in a frame a question came, and how long its answer took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gdlab import analysis
from gdlab.analysis.columns import times_ns
from gdlab.analysis.source import Source, table_of
from gdlab.plots import decimate
from gdlab.plots.canvas import Heading, Note, axes, plain
from gdlab.plots.groups import legend, lines
from gdlab.plots.shown import runs
from gdlab.text import number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName


class FramePhasePlot:
    """Round trip against the moment within a frame at which the ping was sent.

    Parameters
    ----------
    ax : where to draw.
    hz : the rate to fold on; by default the frame rate that is found.
    theme : ``auto``, ``light`` or ``dark``.

    Notes
    -----
    A game that answers once per frame draws a falling line: a ping sent just before the frame
    waits little. A cloud without a line means that frames of this rate explain nothing. Each run of an overlay is
    folded on its own frame rate.
    """

    def __init__(self, ax: Axes | None = None, *, hz: float | None = None, theme: ThemeName = "auto") -> None:
        if hz is not None and not 0 < hz < 1e6:
            raise ValueError(f"hz is a rate above 0, not {hz!r}")
        self.ax, self._theme = axes(ax, theme)
        self._hz = hz
        (self._dots,) = self.ax.plot(
            [],
            [],
            linestyle="none",
            marker="o",
            markersize=3.5,
            markeredgewidth=0,
            alpha=0.7,
            color=self._theme.series[0],
        )
        (self._model,) = self.ax.plot([], [], color=self._theme.series[2], linewidth=1.5, linestyle="--")
        self._runs: list[Line2D] = []
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_ylabel("round trip (ms)")
        self.ax.set_xlabel("moment within the frame (ms)")

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        parts = runs(table)
        if parts:
            self._draw_runs(parts)
            return
        trips = analysis.round_trips(table)
        found = analysis.frame_rate(table, trips=trips)
        hz = self._hz or (found.hz if found else None)
        known = trips[trips["rtt_ms"].notna()]
        if found is not None:
            known = known[(known["peer"] == found.peer) & (known["endpoint"] == found.endpoint)]
        self._dots.set_data([], [])
        self._model.set_data([], [])
        title = "No frame rate in the round trips"
        caption = f"n = {number(len(known))}"
        self._note.set("" if len(known) else "no round trips: send probes (ping=...)")
        if hz and len(known):
            frame = 1e3 / hz
            moment, rtt = _folded(known, frame)
            self._dots.set_data(*decimate.dots(moment, rtt))
            title = f"Round trips folded on {hz:.4g} Hz"
            top = float(np.quantile(rtt, 0.99))
            if found is not None and abs(found.hz - hz) < 1:
                path = found.path_ms
                x = np.linspace(0, frame, 200)
                wait = np.mod(-x - path, frame) + path
                wait[1:][np.diff(wait) > 0] = np.nan  # the jump at the frame is no part of the line
                self._model.set_data(x, wait)
                title = f"Answers come once per frame: {found.hz:.1f} Hz"
                caption += (
                    f"; waiting {number(found.wait_ms)} ms of {number(found.rtt_ms)} ms on average, explains "
                    f"{found.explained:.0%} of the variance (dashed); {plain(found.peer)}"
                )
                top = max(top, frame + path)
            self.ax.set_xlim(0, frame)
            self.ax.set_ylim(0, top * 1.15 or 1)
        elif len(known):
            self._note.set("these round trips lie on no frame's grid (or are fewer than 50)")
        self._heading.set(title, caption)

    def _draw_runs(self, parts: dict[str, pd.DataFrame]) -> None:
        """Each run of an overlay in its own colour."""
        if not self._runs:
            self._runs = lines(
                self.ax, self._theme, dashed=False, markersize=3.5, markeredgewidth=0, alpha=0.7
            )
        entries, captions, widest, top = [], [], 0.0, 0.0
        for artist, (name, part) in zip(self._runs, parts.items(), strict=False):
            trips = analysis.round_trips(part)
            found = analysis.frame_rate(part, trips=trips)
            hz = self._hz or (found.hz if found else None)
            known = trips[trips["rtt_ms"].notna()]
            if found is not None:
                known = known[(known["peer"] == found.peer) & (known["endpoint"] == found.endpoint)]
            captions.append(f"{plain(name)}: n = {number(len(known))}")
            if not hz or not len(known):
                artist.set_data([], [])
                continue
            moment, rtt = _folded(known, 1e3 / hz)
            artist.set_data(*decimate.dots(moment, rtt))
            entries.append((artist, f"{plain(name)}, {hz:.1f} Hz"))
            widest, top = max(widest, 1e3 / hz), max(top, float(np.quantile(rtt, 0.99)))
        legend(self.ax, self._theme, entries)
        self.ax.set_xlim(0, widest or 1)
        self.ax.set_ylim(0, top * 1.15 or 1)
        self._note.set("" if entries else "no round trips on a grid of frames")
        self._heading.set("Round trips of each run folded on its frames", "; ".join(captions))


def _folded(known: pd.DataFrame, frame_ms: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When in a frame each ping was sent, and how long its answer took, both in ms."""
    rtt = known["rtt_ms"].to_numpy(dtype=np.float64)
    sent = (times_ns(known) - times_ns(known).min()) / 1e6
    start = _start_of_frame(sent + rtt, frame_ms)
    return np.mod(sent - start, frame_ms), rtt


def _start_of_frame(arrived_ms: NDArray[np.float64], frame_ms: float) -> float:
    """The phase at which most answers arrive: the median around the circular mean, which stragglers pull."""
    turns = np.exp(2j * np.pi * np.mod(arrived_ms / frame_ms, 1.0))
    mean = float(np.angle(turns.mean()) / (2 * np.pi) * frame_ms)
    beside = np.mod(arrived_ms - mean + frame_ms / 2, frame_ms) - frame_ms / 2
    return mean + float(np.median(beside))


def frame_phase(
    table: Source, ax: Axes | None = None, *, hz: float | None = None, theme: ThemeName = "auto"
) -> Axes:
    """Draw round trips against the moment within a frame at which they began.

    Parameters
    ----------
    table : a message table with probes.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    hz : rate to fold on; by default the frame rate that `analysis.frame_rate` finds.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = FramePhasePlot(ax, hz=hz, theme=theme)
    plot.update(table_of(table))
    return plot.ax
