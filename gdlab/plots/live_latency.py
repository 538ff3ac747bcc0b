"""The live picture of round-trip times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gdlab.plots.strip import Strip
from gdlab.plots.style import GROUPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

_MARKS = ("●", "▲", "■", "◆", "▼", "✚")


class LiveLatency(Strip):
    """A point for each round trip of the last seconds, now at the right edge.

    Parameters
    ----------
    width_px, height_px : size of the picture in pixels.
    seconds : how far back it reaches.
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
        self, width_px: int = 640, height_px: int = 220, *, seconds: float = 30.0, theme: ThemeName = "auto"
    ) -> None:
        super().__init__(
            width_px,
            height_px,
            seconds=seconds,
            label="round trip (ms)",
            look={"markersize": 3.5},
            least=0.5,
            dashed=False,
            theme=theme,
        )

    def update(self, trips: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], *, now_ns: int) -> None:
        """Show other round trips.

        Parameters
        ----------
        trips : by the peer's name, when the answers arrived ((n,) int64, nanoseconds since 1970 UTC) and how long
            they took ((n,) float64, ms). The first six peers are drawn, the last of these with all that follow it.
        now_ns : the moment at the right edge.
        """
        named = list(trips.items())
        if len(named) > GROUPS:
            rest = named[GROUPS - 1 :]
            joined = tuple(np.concatenate([part[side] for _, part in rest]) for side in (0, 1))
            named = [*named[: GROUPS - 1], (f"{len(rest)} others", (joined[0], joined[1]))]
        place, highest = float(self.ax.bbox.x0), 0.0
        for number, (line, word) in enumerate(zip(self._lines, self._words, strict=True)):
            if number >= len(named):
                line.set_data([], [])
                word.set_text("")
                continue
            name, (when_ns, rtt_ms) = named[number]
            x = (when_ns - now_ns) / 1e9
            seen = x >= -self._seconds
            line.set_data(x[seen], rtt_ms[seen])
            highest = max(highest, float(rtt_ms[seen].max(initial=0.0)))
            place = self._put(word, f"{_MARKS[number]} {name}", place)
        self._reach(highest)
