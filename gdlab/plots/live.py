"""The live picture of rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.plots.strip import Strip
from gdlab.plots.style import DASH_TEXTS, GROUPS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

#: Labels of the axis for the columns of `analysis.rates`.
LABELS: Final = {
    "messages_hz": "messages per second",
    "goodput_bytes_s": "payload (bytes/s)",
    "wire_bytes_s": "with headers (bytes/s)",
}


class LiveRates(Strip):
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
        super().__init__(
            width_px,
            height_px,
            seconds=seconds,
            label=LABELS[value],
            look={"drawstyle": "steps-post", "linewidth": 1.6},
            theme=theme,
        )
        self._value = value

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
        self._reach(highest)


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
