"""What a relay did to each packet: drawn and measured delay, its queue, and what it took away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.analysis.truths import truth_of
from gdlab.plots.canvas import Heading, Note, axes, clock
from gdlab.plots.groups import legend
from gdlab.text import number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gdlab.plots.style import ThemeName

KINDS: Final = ("time", "diagonal", "queue")
_POINTS: Final = 4000
_MARKERS: Final = ("o", "^")


def truth(source: object, ax: Axes | None = None, *, kind: str = "time", theme: ThemeName = "auto") -> Axes:
    """Draw what a relay did.

    Parameters
    ----------
    source : a relay, a recording that one has saved, or a session sent `through` a network.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    kind : ``"time"``: how long each packet was held, over time, with a strip of those that were taken away at the
        bottom; ``"diagonal"``: the intended delay against the one measured, where a point above the line is
        the relay's own lateness; ``"queue"``: the bytes that a packet found waiting.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.

    Raises
    ------
    ValueError : another kind, or a source without a truth.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; there are {', '.join(map(repr, KINDS))}")
    known = truth_of(source)
    if known is None:
        raise ValueError(
            "there is no truth in it: only a relay knows what happened to packets. Take a gd.relay, what it has saved "
            "by to_csv, or gd.relay.through(capture)"
        )
    table = known[1]
    ax, look = axes(ax, theme)
    heading, note = Heading(ax, look), Note(ax, look)
    start = int(times_ns(table).min()) if len(table) else 0
    entries: list[tuple[Artist, str]] = []
    right, top = 1.0, 1.0
    note.set("" if len(table) else "no packet has come")
    passed = table[table["fate"] == "passed"]
    late_us = passed["late_us"].to_numpy()
    late = f"; own lateness p99 {number(float(np.percentile(late_us, 99)) / 1e3)} ms" if len(late_us) else ""
    for place, (way, part) in enumerate(table.groupby("way", observed=True)):
        x, y, labels = _points(part, kind, start)
        (points,) = ax.plot(
            x, y, linestyle="none", marker=_MARKERS[place], markersize=3, color=look.series[place], alpha=0.7
        )
        right, top = max(right, *_highest(x)), max(top, *_highest(y))
        ax.set_xlabel(labels[0] or clock(start))
        ax.set_ylabel(labels[1])
        entries.append((points, str(way)))
    gone = table[(table["fate"] != "passed") & (table["copy"] == 0)]
    if kind == "diagonal":
        end = 1.05 * max(right, top)
        ax.plot([0, end], [0, end], color=look.muted, linewidth=1, zorder=1)
        ax.set_xlim(0, end)
        ax.set_ylim(0, end)
    else:
        height = 1.05 * top
        ax.set_xlim(0, max(right, float((times_ns(table).max() - start) / 1e9) if len(table) else 0.0))
        ax.set_ylim(-0.06 * height, height)
        for place, (fate, part) in enumerate(gone.groupby("fate", observed=True)):
            (marks,) = ax.plot(
                (times_ns(part) - start) / 1e9,
                np.full(len(part), -0.03 * height),
                linestyle="none",
                marker="|" if not place else "x",
                markersize=6,
                color=look.warning,
                label=str(fate),
            )
            entries.append((marks, f"{fate} ({len(part)})"))
    legend(ax, look, entries)
    first = int((table["copy"] == 0).sum())
    titles = {
        "time": "How long the relay held each packet",
        "diagonal": "Delay as meant, and as measured",
        "queue": "Waiting at the bottleneck when a packet came",
    }
    heading.set(titles[kind], f"n = {number(first)} packets, {number(len(gone))} taken away{late}")
    return ax


def _highest(values: NDArray[np.float64]) -> list[float]:
    return [float(values.max())] if len(values) else [0.0]


def _points(
    part: pd.DataFrame, kind: str, start_ns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, str]]:
    """Coordinates of at most some thousand packets, and the names of the axes ("" is the time)."""
    if kind != "queue":
        part = part[part["sent"].notna()]
    step = max(1, len(part) // _POINTS)
    part = part.iloc[::step]
    entered = times_ns(part)
    seconds = (entered - start_ns) / 1e9
    if kind == "queue":
        return seconds, part["backlog_bytes"].to_numpy(dtype=np.float64), ("", "bytes that waited")
    held = (times_ns(part.assign(time=part["sent"])) - entered) / 1e6
    if kind == "time":
        return seconds, held, ("", "from arrival to departure (ms)")
    meant = (times_ns(part.assign(time=part["release"])) - entered) / 1e6
    return meant, held, ("as meant (ms)", "as measured (ms)")
