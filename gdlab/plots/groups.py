"""Which groups a picture tells apart, and how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from gdlab.plots.canvas import plain
from gdlab.plots.style import DASHES, GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gdlab.plots.style import Theme


def largest(column: pd.Series, most: int = GROUPS) -> list[tuple[str, NDArray[np.bool_]]]:
    """Names and rows of the most frequent values, and the rest as one.

    Returns
    -------
    At most `most` pairs of name and (n,) bool; where there are more values than that, the last pair is
    ``"42 others"``.
    """
    counts = column.value_counts()
    counts = counts[counts > 0]
    kept = counts.index[:most] if len(counts) <= most else counts.index[: most - 1]
    pairs = [(plain(name), (column == name).to_numpy(dtype=np.bool_)) for name in kept]
    if len(counts) > len(kept):
        rest = ~column.isin(list(kept)).to_numpy(dtype=np.bool_)
        pairs.append((f"{len(counts) - len(kept)} others", rest))
    return pairs


def lines(ax: Axes, theme: Theme, *, dashed: bool = True, **style: object) -> list[Line2D]:
    """One empty line for each group, each told apart by colour and dash or marker; the largest is on top."""
    markers = ("o", "^", "s", "D", "v", "P")
    made: list[Line2D] = []
    for number, colour in enumerate(theme.series):
        look = {"linestyle": DASHES[number]} if dashed else {"linestyle": "none", "marker": markers[number]}
        made += ax.plot([], [], color=colour, zorder=2 + 0.1 * (len(markers) - number), **(look | style))  # type: ignore[arg-type]
    return made


def legend(ax: Axes, theme: Theme, entries: Sequence[tuple[Artist, str]]) -> None:
    """Right of the axes where there is more than one entry, else nothing: the caption says it."""
    old = ax.get_legend()
    if old is not None:
        names = [text.get_text() for text in old.get_texts()]
        if names == [name for _, name in entries]:
            return
        old.remove()
    if len(entries) < 2:
        return
    made = ax.legend(
        [artist for artist, _ in entries],
        [name for _, name in entries],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        frameon=False,
        fontsize=10,
        labelcolor=theme.text,
        handlelength=2.4,
        markerscale=1.8,
    )
    for handle in made.legend_handles:
        if isinstance(handle, Line2D) and handle.get_marker() == "|":
            handle.set_markersize(8)  # taller ones would meet those of the next entry
