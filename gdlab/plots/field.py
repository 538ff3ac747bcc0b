"""Any field of the messages: against time, against another field, or as a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gdlab.analysis.columns import require, times_ns
from gdlab.analysis.probes import messages_of
from gdlab.analysis.source import Source, table_of
from gdlab.plots.canvas import Heading, Note, axes, clock, plain, seconds
from gdlab.plots.decimate import line as decimated
from gdlab.plots.groups import largest, legend, lines
from gdlab.text import count, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName


class FieldPlot:
    """One line or cloud for each group.

    Parameters
    ----------
    ax : where to draw.
    name : the field, such as ``"v.pos.x"``, or another column of numbers.
    by : column that tells groups apart, such as ``"v.id"``.
    against : another field, in place of the time.
    distribution : draw which share of the values is below each value, in place of when they came.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(
        self,
        ax: Axes | None = None,
        *,
        name: str,
        by: str = "peer",
        against: str | None = None,
        distribution: bool = False,
        theme: ThemeName = "auto",
    ) -> None:
        if against is not None and distribution:
            raise ValueError("against= and distribution= are two different pictures; give one of them")
        self.ax, self._theme = axes(ax, theme)
        self._name, self._by, self._against, self._distribution = name, by, against, distribution
        dots = {"markersize": 3, "alpha": 0.7} if against else {"linewidth": 1.3}
        self._lines = lines(self.ax, self._theme, dashed=against is None, **dots)
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        fields = [self._name, *([self._against] if self._against else [])]
        require(table, [*fields, self._by])
        rows = messages_of(table)
        for field in fields:
            rows &= _numbers(table[field]).notna().to_numpy(dtype=np.bool_)
        part = table[rows]
        stamps = times_ns(part)
        start = int(stamps.min()) if len(stamps) else 0
        y = _values(part[self._name])
        x = _values(part[self._against]) if self._against else seconds(part, start)
        entries = []
        for artist in self._lines:
            artist.set_data([], [])
        for artist, (name, mine) in zip(self._lines, largest(part[self._by].astype(str)), strict=False):
            if self._distribution:
                values = np.sort(y[mine])
                artist.set_data(*decimated(values, (np.arange(len(values)) + 1) / max(len(values), 1)))
            elif self._against:
                artist.set_data(x[mine], y[mine])
            else:
                artist.set_data(*decimated(x[mine], y[mine]))
            entries.append((artist, name))
        legend(self.ax, self._theme, entries)
        self._note.set("" if len(part) else f"no message has a number as {plain(self._name)}")
        shown, heads = plain(self._name), f"n = {count(len(part), 'message')}"
        if len(part):
            heads += f"; {number(float(y.min()))} to {number(float(y.max()))}"
        if len(entries) == 1:
            heads += f"; {entries[0][1]}"
        if self._distribution:
            self._limits(y, np.array([0.0, 1.0]))
            self.ax.set_xlabel(shown)
            self.ax.set_ylabel("share of messages below")
        else:
            self._limits(x, y)
            self.ax.set_xlabel(plain(self._against) if self._against else clock(start))
            self.ax.set_ylabel(shown)
        against = f" against {plain(self._against)}" if self._against else ""
        self._heading.set(f"{shown}{against}", heads)

    def _limits(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        for values, set_to in ((x, self.ax.set_xlim), (y, self.ax.set_ylim)):
            finite = values[np.isfinite(values)]
            low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
            room = 0.05 * (high - low) or 0.5
            set_to(low - room, high + room)


def _numbers(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce")


def _values(column: pd.Series) -> NDArray[np.float64]:
    return _numbers(column).to_numpy(dtype=np.float64, na_value=np.nan)


def field(
    table: Source,
    name: str,
    ax: Axes | None = None,
    *,
    by: str = "peer",
    against: str | None = None,
    distribution: bool = False,
    theme: ThemeName = "auto",
) -> Axes:
    """Draw a field of the messages against time, against another field, or as a distribution.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    name : the field, such as ``"v.pos.x"``, or another column of numbers.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    by : column that tells groups apart, such as ``"v.id"``; by default the peer.
    against : another field, in place of the time.
    distribution : draw which share of the values is below each value.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.

    Raises
    ------
    KeyError : there is no such column. ValueError : `against` and `distribution` were both given.
    """
    plot = FieldPlot(ax, name=name, by=by, against=against, distribution=distribution, theme=theme)
    plot.update(table_of(table, name, by, against))
    return plot.ax
