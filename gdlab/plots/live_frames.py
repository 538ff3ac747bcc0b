"""The live picture of game frames: how busy each game was, and when it reported errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.plots.canvas import plain
from gdlab.plots.strip import Strip
from gdlab.plots.style import DASH_TEXTS, GROUPS, theme_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

#: Seconds of a bin; it shows the longest frame in it, which is what players feel.
BIN_S: Final = 0.25
#: Characters of a game's name above the picture.
_NAME: Final = 18


class LiveFrames(Strip):
    """A strip chart of the longest game frame in each quarter of a second, a line per game; errors are crosses.

    Parameters
    ----------
    width_px, height_px : size of the picture in pixels.
    seconds : how far back it reaches.
    theme : ``auto``, ``light`` or ``dark``.

    Notes
    -----
    Not thread-safe: one thread draws. The first six games have a line; the table beside the picture has all.
    """

    def __init__(
        self,
        width_px: int = 640,
        height_px: int = 220,
        *,
        seconds: float = 30.0,
        theme: ThemeName = "auto",
    ) -> None:
        super().__init__(
            width_px,
            height_px,
            seconds=seconds,
            label="longest game frame (ms)",
            look={"drawstyle": "steps-post", "linewidth": 1.6},
            least=20.0,
            theme=theme,
        )
        (self._errors,) = self.ax.plot(
            [], [], linestyle="none", marker="X", markersize=7, color=theme_of(theme).warning, animated=True
        )

    def _moving(self) -> list[Artist]:
        return [*super()._moving(), *([self._errors] if hasattr(self, "_errors") else [])]

    def update(
        self,
        games: Sequence[tuple[str, NDArray[np.int64], NDArray[np.float64]]],
        errors_ns: NDArray[np.int64],
        *,
        now_ns: int,
    ) -> None:
        """Show other frames.

        Parameters
        ----------
        games : name, ends of game frames (UTC nanoseconds) and their busy time in ms, of each game.
        errors_ns : when errors came. now_ns : the moment at the right edge.
        """
        highest, place = 0.0, float(self.ax.bbox.x0)
        edges = np.arange(-self._seconds, BIN_S / 2, BIN_S)
        for number, (line, word) in enumerate(zip(self._lines, self._words, strict=True)):
            if number >= min(len(games), GROUPS):
                line.set_data([], [])
                word.set_text("")
                continue
            name, ends, busy = games[number]
            bins = np.floor((ends - now_ns) / 1e9 / BIN_S).astype(np.int64) + len(edges) - 1
            inside = (bins >= 0) & (bins < len(edges))
            longest = np.full(len(edges), np.nan)
            np.fmax.at(longest, bins[inside], busy[inside])
            line.set_data(edges, longest)
            known = longest[~np.isnan(longest)]
            highest = max(highest, float(known.max()) if len(known) else 0.0)
            place = self._put(word, f"{DASH_TEXTS[number]} {plain(name, _NAME)}", place)
        self._reach(highest)
        when = (errors_ns - now_ns) / 1e9
        self._errors.set_data(when, np.full(len(when), self._top))
