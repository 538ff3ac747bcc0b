"""The live picture of rates: light enough to be drawn five times a second beside a listener.

Only what changed is drawn: axes and words are kept as pixels and copied back under the lines ("blitting").
That, and a PNG compressed lightly, makes a picture cost about a fifth of a fresh one, which matters because
drawing shares the interpreter with the threads that receive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gdlab.analysis.columns import times_ns
from gdlab.plots.canvas import DPI, dress, encoded
from gdlab.plots.groups import lines
from gdlab.plots.style import DASH_TEXTS, GROUPS, theme_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.text import Text
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

#: Labels of the axis for the columns of `analysis.rates`.
LABELS: Final = {
    "messages_hz": "messages per second",
    "goodput_bytes_s": "payload (bytes/s)",
    "wire_bytes_s": "with headers (bytes/s)",
}


class LiveRates:
    """A strip chart of rates: the newest bin at the right edge, now at 0 s.

    Parameters
    ----------
    width_px, height_px : size of the picture in pixels.
    seconds : how far back it reaches.
    value : column of the bins to show, as in `plots.rates`.
    theme : ``auto``, ``light`` or ``dark``.

    Raises
    ------
    ValueError
        If `value` or `theme` is not known, or the picture is too small to hold its axes.

    Notes
    -----
    Not thread-safe: one thread draws.
    """

    def __init__(
        self,
        width_px: int = 640,
        height_px: int = 220,
        *,
        seconds: float = 30.0,
        value: str = "messages_hz",
        theme: ThemeName = "auto",
    ) -> None:
        if value not in LABELS:
            raise ValueError(f"value is one of {', '.join(LABELS)}, not {value!r}")
        if width_px < 200 or height_px < 100:
            raise ValueError(f"{width_px} x {height_px} pixels hold no axes; at least 200 x 100 do")
        colours = theme_of(theme)
        figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor=colours.background)
        self._canvas = FigureCanvasAgg(figure)
        # Fixed margins in pixels: no layout is ever solved.
        box = (64 / width_px, 44 / height_px, 1 - 76 / width_px, 1 - 70 / height_px)
        self.ax = figure.add_axes(box)
        dress(self.ax, colours)
        self.ax.set_xlim(-seconds, 0)
        self.ax.set_xlabel("seconds before now", fontsize=9)
        self.ax.set_ylabel(LABELS[value], fontsize=9)
        self.ax.set_autoscale_on(False)
        self._value, self._seconds = value, seconds
        self._lines = lines(self.ax, colours, drawstyle="steps-post", linewidth=1.6)
        self._words = [
            self.ax.text(
                0, 1, "", transform=self.ax.transAxes, fontsize=9, color=line.get_color(), va="bottom"
            )
            for line in self._lines
        ]
        for artist in (*self._lines, *self._words):
            artist.set_animated(True)
        self._top = 0.0
        self._background: object = None
        self._rescale(1.0)

    def update(self, bins: pd.DataFrame, *, now_ns: int | None = None) -> None:
        """Show other bins.

        Parameters
        ----------
        bins : a result of `analysis.rates`: the first six groups are shown, so take ``top=5``.
        now_ns : the moment at the right edge, nanoseconds since 1970 UTC; by default the end of the last bin.
        """
        starts = times_ns(bins)
        per_group = int((np.diff(starts) > 0).argmin()) + 1 if len(starts) > 1 else len(starts)
        if len(starts) > 1 and (np.diff(starts) > 0).all():
            per_group = len(starts)
        covered = bins["covered_s"].to_numpy()[:per_group]
        end = int(starts[per_group - 1] + covered[-1] * 1e9) if per_group else 0
        x = (starts[:per_group] - (end if now_ns is None else now_ns)) / 1e9
        highest, place = 0.0, float(self.ax.bbox.x0)
        for number, (line, word) in enumerate(zip(self._lines, self._words, strict=True)):
            part = bins.iloc[number * per_group : (number + 1) * per_group]
            if not len(part) or number >= GROUPS:
                line.set_data([], [])
                word.set_text("")
                continue
            y = part[self._value].to_numpy(dtype=np.float64)
            seen = x >= -self._seconds
            line.set_data(np.append(x, x[-1] + covered[-1]), np.append(y, y[-1]))
            highest = max(highest, _highest(y[seen]))
            place = self._put(word, f"{DASH_TEXTS[number]} {_label(part)}", place)
        # Grow at once; shrink only when the picture would be mostly empty, so that the axis does not flicker.
        if highest > self._top or highest < self._top / 4:
            self._rescale(highest)

    def png(self, *, compress_level: int = 1) -> bytes:
        """The picture as it is now."""
        canvas = self._canvas
        if self._background is None:
            canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib leaves these methods untyped
            self._background = canvas.copy_from_bbox(self.ax.figure.bbox)  # type: ignore[no-untyped-call]
        else:
            canvas.restore_region(self._background)  # type: ignore[no-untyped-call]
        for artist in (*self._lines, *self._words):
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

    def _rescale(self, highest: float) -> None:
        """Choose the top of the axis: the next of 1, 2, 5 times a power of ten."""
        highest = max(highest, 1.0)
        power = 10.0 ** np.floor(np.log10(highest))
        top = next(step * power for step in (1, 2, 5, 10) if step * power >= highest)
        if top != self._top:
            self._top = float(top)
            self.ax.set_ylim(0, self._top * 1.05)
            self._background = None


def _highest(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0


def _label(part: pd.DataFrame) -> str:
    """What the group is: its peer and direction, as far as the bins tell them."""
    row = part.iloc[0]
    direction = str(row["direction"]) if "direction" in part else ""
    peer = row["peer"] if "peer" in part and isinstance(row["peer"], str) else ""
    if peer:
        return {"in": "from ", "out": "to "}.get(direction, "") + peer
    return {"in": "received", "out": "sent"}.get(direction, "all")
