"""Numbered messages against time: what was lost, doubled, or came out of order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab import analysis
from gdlab.analysis.columns import times_ns
from gdlab.analysis.source import Source, table_of
from gdlab.plots import decimate
from gdlab.plots.canvas import Heading, Note, axes, clock, plain, seconds
from gdlab.plots.groups import legend, lines
from gdlab.plots.shown import runs
from gdlab.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

#: Names and markers of what `analysis.numbered` calls a message.
MARKERS: Final = {"in order": "o", "duplicate": "s", "reordered": "^", "late": "D"}


class SequencePlot:
    """Messages by number and time of arrival; missing numbers as crosses where they should have been.

    Parameters
    ----------
    ax : where to draw.
    seq, window, bits : as for `analysis.numbered`.
    theme : ``auto``, ``light`` or ``dark``.

    Notes
    -----
    Of several peers the one with the most numbered messages is drawn; the caption shows out of how many. In an overlay
    one per run is drawn, in the run's own colour.
    """

    def __init__(
        self,
        ax: Axes | None = None,
        *,
        seq: str | None = None,
        window: int = 64,
        bits: int | None = None,
        theme: ThemeName = "auto",
    ) -> None:
        self.ax, self._theme = axes(ax, theme)
        self._seq, self._window, self._bits = seq, window, bits
        self._runs: list[Line2D] = []
        self._dots = {}
        for (name, marker), colour in zip(MARKERS.items(), self._theme.series, strict=False):
            size = 2.5 if name == "in order" else 6
            (self._dots[name],) = self.ax.plot(
                [], [], linestyle="none", marker=marker, markersize=size, markeredgewidth=0, color=colour
            )
        (self._lost,) = self.ax.plot(
            [], [], linestyle="none", marker="x", markersize=5, color=self._theme.warning
        )
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_ylabel("number of the message")

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        each = analysis.numbered(table, seq=self._seq, window=self._window, bits=self._bits)
        peers = each["peer"].value_counts()
        peers = peers[peers > 0]
        parts = {name: _busiest(part["peer"], peers) for name, part in runs(table).items()}
        each = each[each["peer"].isin([*parts.values()] if parts else peers.index[:1].tolist())]
        stamps = times_ns(table)
        start = int(stamps.min()) if len(stamps) else 0
        x, y = seconds(each, start), each["seq"].to_numpy(dtype=np.float64)
        status = each["status"].to_numpy()
        entries, caption = [], f"n = {count(len(each), 'message')}"
        if parts:
            entries += self._draw_runs(parts, each["peer"].astype(object).to_numpy(), status, x, y)
        for name, artist in self._dots.items():
            rows = status == (name if not parts or name != "in order" else "")
            artist.set_data(*decimate.dots(x[rows], y[rows]))
            if rows.any():
                entries.append((artist, name))
                caption += "" if name == "in order" else f", {rows.sum()} {name}"
        numbers = each.groupby(["peer", "run"], observed=True).ngroup().to_numpy()
        lost_x, lost_y = _missing(x, y, np.asarray(numbers, np.int64))
        self._lost.set_data(*decimate.dots(lost_x, lost_y))
        if len(lost_x):
            entries.append((self._lost, "lost"))
        expected = len(lost_x) + int(each.drop_duplicates(["peer", "run", "seq"]).shape[0])
        caption += f", {len(lost_x)} lost of {expected}"
        if len(peers) and not parts:
            caption += f"; {plain(peers.index[0])}" + (
                f", the busiest of {len(peers)} peers" if len(peers) > 1 else ""
            )
        legend(self.ax, self._theme, entries)
        self.ax.set_xlim(0, (np.ptp(stamps) / 1e9 if len(stamps) else 0.0) or 1.0)
        low, high = (y.min(), y.max()) if len(y) else (0.0, 1.0)
        margin = max((high - low) * 0.05, 0.5)
        self.ax.set_ylim(low - margin, high + margin)
        self.ax.ticklabel_format(axis="y", style="plain", useOffset=False)
        self.ax.set_xlabel(clock(start))
        self._note.set(
            "" if len(each) else "no numbered messages (decode them, and name the column: seq='v.seq')"
        )
        self._heading.set("Numbered messages: lost, duplicated, reordered", caption)

    def _draw_runs(
        self,
        parts: dict[str, str],
        peer: NDArray[np.object_],
        status: NDArray[np.object_],
        x: NDArray[np.float64],
        y: NDArray[np.float64],
    ) -> list[tuple[Line2D, str]]:
        """What is in order of each run of an overlay, in its own colour; all else has the colour of text."""
        if not self._runs:
            self._runs = lines(self.ax, self._theme, dashed=False, markersize=3.5, markeredgewidth=0)
            for artist in self._dots.values():
                artist.set_color(self._theme.text)
        entries = []
        for artist, (name, of) in zip(self._runs, parts.items(), strict=False):
            rows = (status == "in order") & (peer == of)
            artist.set_data(*decimate.dots(x[rows], y[rows]))
            entries.append((artist, plain(name)))
        return entries


def _busiest(names: pd.Series, counts: pd.Series) -> str:
    """Of some peers the one with most numbered messages; empty where none has any."""
    have = counts[counts.index.isin(names.unique())]
    return str(have.index[0]) if len(have) else ""


def _missing(
    x: NDArray[np.float64], y: NDArray[np.float64], run: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the missing numbers of each run would have been: between their neighbours."""
    order = np.lexsort((x, y, run))
    x, y, run = x[order], y[order], run[order]
    step = np.diff(y)
    gap = np.flatnonzero((step > 1) & (run[1:] == run[:-1]))
    lengths = (step[gap] - 1).astype(np.int64)
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    at = np.repeat(gap, lengths)
    share = within / np.repeat(step[gap], lengths)
    return x[at] + (x[at + 1] - x[at]) * share, y[at] + within


def sequence(
    table: Source,
    ax: Axes | None = None,
    *,
    seq: str | None = None,
    window: int = 64,
    bits: int | None = None,
    theme: ThemeName = "auto",
) -> Axes:
    """Draw numbered messages against time, and mark what is missing, duplicated, or out of order.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    seq, window, bits : as for `analysis.numbered`; by default the numbers of probes.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = SequencePlot(ax, seq=seq, window=window, bits=bits, theme=theme)
    plot.update(table_of(table, seq))
    return plot.ax
