"""Messages or bytes per second against time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab import analysis
from gdlab.analysis.columns import STREAM, names_of, times_ns
from gdlab.analysis.source import Source
from gdlab.plots.canvas import Heading, Note, axes, clock, plain, seconds
from gdlab.plots.decimate import line as decimated
from gdlab.plots.groups import legend, lines
from gdlab.plots.shown import nothing, shown
from gdlab.plots.style import GROUPS
from gdlab.text import count, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from gdlab.plots.style import ThemeName

#: What can be shown: the column of `analysis.rates`, the title, the label of the axis.
SHOWN: Final = {
    "messages_hz": ("Messages per second", "messages per second"),
    "goodput_bytes_s": ("Payload bytes per second (goodput)", "payload (bytes/s)"),
    "wire_bytes_s": ("Bytes per second on the wire, estimated", "with headers (bytes/s)"),
}


class RatesPlot:
    """Rates of each peer and direction; the busiest five have a line of their own.

    Parameters
    ----------
    ax : where to draw.
    value : ``messages_hz``, ``goodput_bytes_s`` or ``wire_bytes_s``.
    bin_s : width of a bin in seconds, see `analysis.rates`.
    by : columns that tell the lines apart, see `analysis.rates`.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(
        self,
        ax: Axes | None = None,
        *,
        value: str = "messages_hz",
        bin_s: float | None = None,
        by: str | Sequence[str] = STREAM,
        theme: ThemeName = "auto",
    ) -> None:
        if value not in SHOWN:
            raise ValueError(f"value is one of {', '.join(SHOWN)}, not {value!r}")
        self.ax, self._theme = axes(ax, theme)
        self._value, self._bin_s, self._by = value, bin_s, names_of(by)
        self._lines = lines(
            self.ax, self._theme, drawstyle="steps-post", linewidth=1.6, solid_capstyle="butt"
        )
        # Along the foot of the axes, whatever the scale: where messages are known to be missing.
        (self._missing,) = self.ax.plot(
            [],
            [],
            color=self._theme.warning,
            linewidth=7,
            alpha=0.8,
            transform=self.ax.get_xaxis_transform(),
            solid_capstyle="butt",
            clip_on=True,
        )
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.set_ylabel(SHOWN[value][1])

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        rates = analysis.rates(table, bin_s=self._bin_s, by=self._by, top=GROUPS - 1, probes=True)
        bin_s = rates.attrs["bin_s"]
        bins = int(rates["time"].nunique())
        shapes = rates.iloc[::bins] if bins else rates
        entries = []
        start = int(times_ns(rates.iloc[:1])[0]) if bins else 0
        highest = 0.0
        for number_, artist in enumerate(self._lines):
            part = rates.iloc[number_ * bins : (number_ + 1) * bins]
            if not len(part):
                artist.set_data([], [])
                continue
            # One more point, at the end of the last bin, so that its step has a width.
            x = seconds(part, start)
            x = np.append(x, x[-1] + part["covered_s"].iloc[-1])
            y = part[self._value].to_numpy(dtype=np.float64)
            if np.isfinite(y).any():
                highest = max(highest, float(np.nanmax(y)))
            artist.set_data(*decimated(x, np.append(y, y[-1])))
            entries.append((artist, self._name(shapes.iloc[number_], rest=number_ == GROUPS - 1)))
        self._mark_missing(rates, bins, bin_s)
        if self._missing.get_xdata().size:  # type: ignore[union-attr]
            entries.append((self._missing, "messages missing"))
        legend(self.ax, self._theme, entries)

        n = int(rates["messages"].sum())
        lasted = float(rates["covered_s"].iloc[:bins].sum())
        peers = table.loc[table["event"] == "message", "peer"].nunique()
        self._note.set(nothing(table) if not n else "" if highest else "too few messages for a rate")
        self.ax.set_xlim(0, lasted or 1)
        self.ax.set_ylim(0, highest * 1.08 or 1)
        self.ax.set_xlabel(clock(start))
        caption = f"n = {count(n, 'message')}, {count(int(peers), 'peer')}, {number(lasted)} s"
        if n:
            caption += f"; bins of {bin_s:g} s"
        if len(entries) == 1:
            caption += f"; {entries[0][1]}"
        self._heading.set(SHOWN[self._value][0], caption)

    def _name(self, row: pd.Series, *, rest: bool) -> str:
        """What the legend calls a group."""
        if rest:
            return "all others together"
        if self._by == STREAM:
            return f"{'from' if row['direction'] == 'in' else 'to'} {plain(row['peer'] or 'nobody')}"
        return plain(", ".join(_value(name, row[name]) for name in self._by)) or "all messages"

    def _mark_missing(self, rates: pd.DataFrame, bins: int, bin_s: float) -> None:
        incomplete = ~rates["complete"].to_numpy().reshape(-1, max(bins, 1)).all(axis=0)
        where = np.flatnonzero(incomplete) * bin_s
        x = np.column_stack([where, where + bin_s, np.full(len(where), np.nan)]).ravel()
        self._missing.set_data(x, np.where(np.isnan(x), np.nan, 0.012))


def rates(
    table: Source,
    ax: Axes | None = None,
    *,
    value: str = "messages_hz",
    bin_s: float | None = None,
    by: str | Sequence[str] = STREAM,
    probes: bool = False,
    theme: ThemeName = "auto",
) -> Axes:
    """Draw messages (or bytes) per second against time; gaps in the capture are gaps in the lines.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    value : ``messages_hz``, ``goodput_bytes_s`` (payload) or ``wire_bytes_s`` (with headers).
    bin_s : width of a bin in seconds; chosen by default.
    by : columns that tell the lines apart, or one, such as ``"v.type"``; ``()`` for one line of all messages.
    probes : include our own pings and their answers.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = RatesPlot(ax, value=value, bin_s=bin_s, by=by, theme=theme)
    plot.update(shown(table, probes=probes))
    return plot.ax


def _value(name: str, value: Any) -> str:
    if pd.isna(value):
        return f"no {name}"
    # Whole numbers are floats in a column in which some are missing, as those of the rest are.
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
