"""Figures without pyplot: Axes that a notebook shows by themselves.

pyplot keeps global state that the kernel's other threads may change while a figure is drawn; nothing here
touches it. A picture made here is drawn by Agg into memory.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from gdlab.analysis import columns
from gdlab.plots import glyphs
from gdlab.plots.style import theme_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gdlab.plots.style import Theme, ThemeName

#: Inches, at 100 pixels an inch: the width of a notebook's output on a laptop.
SIZE: Final = (8.0, 3.6)
DPI: Final = 100


class NotebookFigure(Figure):
    """A figure that shows itself as PNG, at one layout from the first drawing on."""

    def png(self, *, compress_level: int = 6) -> bytes:
        """The picture; `compress_level` 1 is twice as fast as 6 and its file a quarter larger."""
        picture = self._drawn(compress_level)
        # Solving the layout anew costs 20 ms a drawing, and makes the axes jump when a label grows.
        self.set_layout_engine("none")
        return picture

    def png_at(self, dpi: float) -> bytes:
        """The picture in another resolution, as `savefig` writes it, but drawn once and not twice."""
        own = self.dpi
        self.dpi = dpi
        try:
            return self._drawn(6)
        finally:
            self.dpi = own

    def _drawn(self, compress_level: int) -> bytes:
        canvas = self.canvas if isinstance(self.canvas, FigureCanvasAgg) else FigureCanvasAgg(self)
        glyphs.dress(self)
        canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib types this method not
        return encoded(canvas, compress_level=compress_level)

    def _repr_png_(self) -> bytes:
        return self.png()


class NotebookAxes(Axes):
    """Axes that show their figure when they are the last expression of a cell."""

    def _repr_png_(self) -> bytes | None:
        return self.figure.png() if isinstance(self.figure, NotebookFigure) else None


def save(ax: Axes, path: str | Path, *, dpi: int = 150) -> None:
    """Write the figure of an Axes to a file; its extension chooses the format: .png, .pdf, .svg."""
    ax.figure.savefig(path, dpi=dpi)  # type: ignore[union-attr]  # a sub-figure has it from its parent


def png(ax: Axes, *, dpi: int = 150) -> bytes:
    """The figure of an Axes as PNG, for documents that embed their pictures."""
    if isinstance(ax.figure, NotebookFigure):
        return ax.figure.png_at(dpi)
    with io.BytesIO() as file:
        ax.figure.savefig(file, dpi=dpi, format="png")  # type: ignore[union-attr]  # as above
        return file.getvalue()


def encoded(canvas: FigureCanvasAgg, *, compress_level: int) -> bytes:
    """What the canvas holds, as PNG."""
    with io.BytesIO() as file:
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # nor this one
        Image.fromarray(pixels).save(file, "png", compress_level=compress_level)
        return file.getvalue()


def axes(ax: Axes | None, theme: ThemeName, *, size: tuple[float, float] = SIZE) -> tuple[Axes, Theme]:
    """The user's Axes as they are, or new ones of a figure of our own in the theme's colours."""
    colours = theme_of(theme, ax)
    if ax is not None:
        ax.set_autoscale_on(False)  # the plots set their limits, also for artists in other coordinates
        return ax, colours
    figure = NotebookFigure(figsize=size, dpi=DPI, layout="constrained", facecolor=colours.background)
    FigureCanvasAgg(figure)
    made: Axes = figure.add_subplot(axes_class=NotebookAxes)
    made.set_autoscale_on(False)
    dress(made, colours)
    return made, colours


def dress(ax: Axes, theme: Theme) -> None:
    """Give Axes the theme's colours, a quiet grid, and two spines."""
    ax.set_facecolor(theme.background)
    ax.grid(visible=True, color=theme.grid, linewidth=0.7)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.text)
    ax.tick_params(colors=theme.text, labelsize=10)
    for label in (ax.xaxis.label, ax.yaxis.label, ax.xaxis.offsetText, ax.yaxis.offsetText):
        label.set_color(theme.text)


class Heading:
    """A title with a caption under it, above the axes: what is shown, of how many samples."""

    def __init__(self, ax: Axes, theme: Theme) -> None:
        # With a place of its own matplotlib need not look, three times a drawing, for what might be in its way.
        self._title = ax.set_title(
            "", loc="left", y=1.0, pad=19, fontsize=11, fontweight="bold", color=theme.text
        )
        self._caption = ax.annotate(
            "",
            (0, 1),
            (0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom",
            fontsize=10,
            color=theme.text,
            annotation_clip=False,
        )

    def set(self, title: str, caption: str) -> None:
        """Write both."""
        self._title.set_text(title)
        self._caption.set_text(caption)


class Note:
    """A sentence in the middle of empty axes, whose grid would only cross it out."""

    def __init__(self, ax: Axes, theme: Theme) -> None:
        self._ax = ax
        self._grid: float | None = None  # width of the grid's lines while they are hidden
        self._text = ax.text(
            0.5,
            0.5,
            "",
            transform=ax.transAxes,
            ha="center",
            va="center",
            fontsize=10,
            color=theme.text,
            wrap=True,
        )

    def set(self, text: str) -> None:
        """Write it; an empty text takes it away."""
        self._text.set_text(text)
        if text and self._grid is None:
            self._grid = next((float(line.get_linewidth()) for line in self._ax.get_xgridlines()), 0.0)
            self._ax.tick_params(grid_linewidth=0)
        elif not text and self._grid is not None:
            self._ax.tick_params(grid_linewidth=self._grid)
            self._grid = None


def seconds(table: pd.DataFrame, start_ns: int) -> NDArray[np.float64]:
    """Time of each row in seconds since a moment; (n,) float64."""
    return (columns.times_ns(table) - start_ns) / 1e9


#: Before that no capture was taken: 1970-01-12.
_OF_ITS_OWN_NS: Final = 10**15


def clock(start_ns: int) -> str:
    """Label of a time axis that counts from a moment; of runs laid over each other, which have none in common."""
    since = start_ns > _OF_ITS_OWN_NS
    return f"time since {pd.Timestamp(start_ns):%H:%M:%S} UTC (s)" if since else "time (s)"


def plain(text: object, most: int = 44) -> str:
    """A name from a table as matplotlib shall write it: one line, no formulas, no longer than `most`.

    A peer is usually an address, but a table may be made by hand or come out of a file.
    """
    words = glyphs.drawable("".join(c if c.isprintable() else "·" for c in str(text)))
    if len(words) > most:
        # Addresses differ at their end.
        words = words[: most // 3] + "…" + words[len(words) - (most - most // 3 - 1) :]
    # A dollar sign would begin a formula.
    return words.replace("$", r"\$")
