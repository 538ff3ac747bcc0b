"""What takes the bytes on the wire: a bar for each method or object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.plots.canvas import Heading, Note, axes, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from gdlab.plots.style import ThemeName

#: Bars: more cannot be told apart.
BARS: Final = 12
#: Characters of a label, its end kept: node and method stand there.
LABEL: Final = 36


class SharesPlot:
    """The largest rows of a summary, each split into the game's own bytes and headers; follows new states.

    Parameters
    ----------
    ax : where to draw.
    theme : ``auto``, ``light`` or ``dark``.
    """

    def __init__(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> None:
        self.ax, self._theme = axes(ax, theme, size=(8.0, 4.6))
        own, headers = self._theme.series[0], self._theme.series[1]
        places = np.arange(BARS)
        self._own = self.ax.barh(places, np.zeros(BARS), 0.65, color=own, label="packets")
        # Hatched, so that colour is not the only sign.
        self._headers = self.ax.barh(
            places,
            np.zeros(BARS),
            0.65,
            color=headers,
            hatch="///",
            edgecolor=self._theme.text,
            linewidth=0,
            label="headers, copies",
        )
        self._words = [
            self.ax.text(0, float(place), "", va="center", fontsize=10, color=self._theme.text)
            for place in places
        ]
        self.ax.legend(loc="lower right", frameon=False, fontsize=10, labelcolor=self._theme.text)
        self.ax.grid(visible=False, axis="y")
        self.ax.set_xlabel("bytes on the wire, IP headers included")
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)

    def update(self, summary: pd.DataFrame) -> None:
        """Show another summary.

        Parameters
        ----------
        summary : of `Multiplayer.summary`, the largest row first.
        """
        shown = summary.head(BARS)
        wire = shown["wire_bytes"].to_numpy(dtype=np.float64)
        own = np.minimum(shown["packet_bytes"].to_numpy(dtype=np.float64), wire)
        calls, share = shown["calls"].tolist(), shown["share"].tolist()
        top = float(wire.max(initial=0.0)) or 1.0
        for place, (bar, rest, text) in enumerate(
            zip(self._own.patches, self._headers.patches, self._words, strict=True)
        ):
            there = place < len(shown)
            bar.set_width(own[place] if there else 0)
            rest.set_x(own[place] if there else 0)
            rest.set_width(wire[place] - own[place] if there else 0)
            text.set_text(f"{share[place]:.1%}, {calls[place]:,} times" if there else "")
            text.set_position(((wire[place] if there else 0) + top * 0.01, place))
        self.ax.set_yticks(np.arange(len(shown)), labels(shown))
        self.ax.set_ylim(max(len(shown), 2) - 0.4, -0.6)
        self.ax.set_xlim(0, top * 1.3)
        total = int(summary["wire_bytes"].sum())
        more = f"; the largest {BARS} of {len(summary):,}" if len(summary) > BARS else ""
        self._note.set("" if len(shown) else "no packets yet")
        self._heading.set("What takes the bytes", f"{total:,} bytes{more}")


def labels(summary: pd.DataFrame) -> list[str]:
    """A short name for each row, by the columns it was grouped by."""
    by = list(summary.columns[: summary.columns.get_loc("calls")])
    names = []
    for row in summary[by].astype(str).to_dict("records"):
        if {"path", "method", "kind"} <= row.keys():
            node = row["path"].rpartition("/")[2]
            if row["kind"] == "rpc":
                name = f"{node}.{row['method']}"
            elif row["kind"] == "transport":
                name = f"({row['method'].replace('_', ' ')})"
            else:
                name = f"{row['kind'].replace('_', ' ')} {row['path']}".strip()
        else:
            name = " ".join(text for text in map(str, row.values()) if text)
        names.append(plain(name if len(name) <= LABEL else "…" + name[-LABEL + 1 :], LABEL))
    return names


def shares(summary: pd.DataFrame, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
    """Draw what takes the bytes on the wire, the largest first.

    Parameters
    ----------
    summary : of `Multiplayer.summary`.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = SharesPlot(ax, theme=theme)
    plot.update(summary)
    return plot.ax
