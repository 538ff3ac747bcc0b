"""A live picture of the last seconds: light enough to be drawn five times per second beside a listener.

Only what changed is drawn: axes and words are kept as pixels and copied back under the lines ("blitting").
That, and a PNG compressed lightly, makes a picture cost about a fifth of a fresh one, which matters because
drawing shares the interpreter with the threads that receive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gdlab.plots.canvas import DPI, dress, encoded
from gdlab.plots.groups import lines
from gdlab.plots.style import theme_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.text import Text

    from gdlab.plots.style import ThemeName

#: Pixels left of, below, right of and above the axes, so that no layout is ever solved.
_MARGINS_PX: Final = (64, 44, 12, 26)


class Strip:
    """Axes that reach from some seconds ago to now, with a few lines and their names above.

    Parameters
    ----------
    width_px, height_px : size of the picture in pixels.
    seconds : how far back it reaches.
    label : of the upward axis. least : top of that axis at the least.
    look : of the lines, as matplotlib names it. dashed : tell them apart by dashes, else by markers.
    theme : ``auto``, ``light`` or ``dark``.

    Raises
    ------
    ValueError
        If `theme` is not known, or the picture is too small to hold its axes.

    Notes
    -----
    Not thread-safe: one thread draws.
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        *,
        seconds: float,
        label: str,
        look: dict[str, object],
        least: float = 1.0,
        dashed: bool = True,
        theme: ThemeName = "auto",
    ) -> None:
        if width_px < 200 or height_px < 100:
            raise ValueError(f"{width_px} x {height_px} pixels hold no axes; at least 200 x 100 do")
        colours = theme_of(theme)
        figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor=colours.background)
        self._canvas = FigureCanvasAgg(figure)
        left, below, right, above = _MARGINS_PX
        box = (
            left / width_px,
            below / height_px,
            1 - (left + right) / width_px,
            1 - (below + above) / height_px,
        )
        self.ax = figure.add_axes(box)
        dress(self.ax, colours)
        self.ax.set_xlim(-seconds, 0)
        self.ax.set_xlabel("seconds before now", fontsize=9)
        self.ax.set_ylabel(label, fontsize=9)
        self.ax.set_autoscale_on(False)
        self._seconds, self._least = seconds, least
        self._lines = lines(self.ax, colours, dashed=dashed, **look)
        self._words = [
            self.ax.text(
                0, 1, "", transform=self.ax.transAxes, fontsize=9, color=line.get_color(), va="bottom"
            )
            for line in self._lines
        ]
        for artist in self._moving():
            artist.set_animated(True)
        self._top = 0.0
        self._background: object = None
        self._rescale(least)

    def _moving(self) -> list[Artist]:
        """What is drawn anew each time."""
        return [*self._lines, *self._words]

    def png(self, *, compress_level: int = 1) -> bytes:
        """The picture as it is now."""
        canvas = self._canvas
        if self._background is None:
            canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib leaves these methods untyped
            self._background = canvas.copy_from_bbox(self.ax.figure.bbox)  # type: ignore[no-untyped-call]
        else:
            canvas.restore_region(self._background)  # type: ignore[no-untyped-call]
        for artist in self._moving():
            self.ax.draw_artist(artist)
        return encoded(canvas, compress_level=compress_level)

    def _put(self, word: Text, text: str, place: float) -> float:
        """Write a name at a place (pixels from the left) if it fits there; where the next one goes."""
        word.set_text(text)
        word.set_position(((place - self.ax.bbox.x0) / self.ax.bbox.width, 1.03))
        right = float(word.get_window_extent().x1)
        if right > self._canvas.figure.bbox.x1:
            word.set_text("")
            return place
        return right + 14

    def _reach(self, highest: float) -> None:
        """Let the axis hold a value: grow at once, shrink only when the picture would be mostly empty."""
        if highest > self._top or highest < self._top / 4:  # else the axis would flicker
            self._rescale(highest)

    def _rescale(self, highest: float) -> None:
        """Choose the top of the axis: the next of 1, 2, 5 times a power of ten."""
        highest = max(highest, self._least)
        power = 10.0 ** np.floor(np.log10(highest))
        # Dividing rounds: 5 times a tenth may be a hair less than a half.
        top = next(step * power for step in (1, 2, 5, 10, 20) if step * power >= highest * (1 - 1e-12))
        if top != self._top:
            self._top = float(top)
            self.ax.set_ylim(0, self._top * 1.05)
            self._background = None
