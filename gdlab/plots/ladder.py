"""The ladder diagram of two ends: each message an arrow, time running down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.collections import LineCollection

from gdlab.analysis.columns import messages, times_ns
from gdlab.analysis.source import Source
from gdlab.plots.canvas import Heading, Note, axes, clock, plain
from gdlab.plots.rungs import rungs
from gdlab.plots.shown import nothing, shown
from gdlab.text import count

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from gdlab.plots.style import ThemeName

#: Rungs drawn: more cannot be told apart.
RUNGS: Final = 20
#: Characters of a payload beside its arrow.
WORDS: Final = 44


class LadderPlot:
    """Messages between the capture and one peer, one under the other.

    Parameters
    ----------
    ax : where to draw.
    peer : which one; by default the one with the most messages.
    first : position of the first message of that peer to draw.
    theme : ``auto``, ``light`` or ``dark``.

    Notes
    -----
    Arrows are level: only one end of each message was seen, so its time on the way is not known. Where the messages
    are numbered, a cross and a broken line stand for one that did not come, or did not come back; see
    `gdlab.plots.rungs`.
    """

    def __init__(
        self, ax: Axes | None = None, *, peer: str | None = None, first: int = 0, theme: ThemeName = "auto"
    ) -> None:
        self.ax, self._theme = axes(ax, theme, size=(8.0, 5.2))
        self._peer, self._first = peer, first
        self._rungs = LineCollection([], linewidths=1.2)
        self.ax.add_collection(self._rungs, autolim=False)
        self._heads = {
            direction: self.ax.plot([], [], linestyle="none", marker=marker, markersize=6, color=colour)[0]
            for direction, marker, colour in (
                ("in", "<", self._theme.series[0]),
                ("out", ">", self._theme.series[1]),
            )
        }
        self._crosses = self.ax.plot(
            [], [], linestyle="none", marker="x", markersize=8, markeredgewidth=2, color=self._theme.text
        )[0]
        for place in (0.0, 1.0):
            self.ax.axvline(place, color=self._theme.text, linewidth=1.5)
        self._words = [
            self.ax.text(
                0.5, 0, "", ha="center", va="bottom", fontsize=10, color=self._theme.text, clip_on=True
            )
            for _ in range(RUNGS)
        ]
        self._heading, self._note = Heading(self.ax, self._theme), Note(self.ax, self._theme)
        self.ax.grid(visible=False)
        self.ax.set_xlim(-0.04, 1.04)

    def update(self, table: pd.DataFrame) -> None:
        """Show another state of the table."""
        said = table[messages(table)]
        peers = said["peer"].value_counts()
        peers = peers[peers > 0]
        peer = self._peer or (str(peers.index[0]) if len(peers) else "")
        mine = said[(said["peer"] == peer).to_numpy(dtype=np.bool_)]
        mine = mine.iloc[np.argsort(times_ns(mine), kind="stable")]
        drawn = rungs(mine, self._first, RUNGS)
        came = np.array([rung.row >= 0 for rung in drawn], np.bool_)
        lost = np.array([rung.lost for rung in drawn], np.bool_)
        part = mine.iloc[[rung.row for rung in drawn if rung.row >= 0]]
        stamps = times_ns(part)
        start = int(times_ns(mine)[0]) if len(mine) else 0
        y = np.arange(len(drawn), dtype=np.float64)
        levels = y[came]
        out = np.zeros(len(drawn), np.bool_)
        out[came] = (part["direction"] == "out").to_numpy(dtype=np.bool_)
        self._rungs.set_segments([np.array([[0.0, level], [1.0, level]]) for level in y])
        self._rungs.set_color([self._theme.series[int(sent)] for sent in out])
        self._rungs.set_linestyle(["dashed" if gone else "solid" for gone in lost])
        arrived = came & ~out & ~lost
        self._heads["in"].set_data(np.full(int(arrived.sum()), 0.012), y[arrived])
        left = out & ~lost
        self._heads["out"].set_data(np.full(int(left.sum()), 0.988), y[left])
        self._crosses.set_data(np.where(out[lost], 0.988, 0.012), y[lost])
        # What a table says of its own rows goes before their bytes.
        named = "label" in part.columns
        words = (
            [plain(str(label), WORDS) for label in part["label"]]
            if named
            else list(map(_excerpt, part["payload"]))
        )
        theirs = iter(words)
        beside = [rung.words or next(theirs) for rung in drawn]
        for place, text in enumerate(self._words):
            text.set_text(beside[place] if place < len(drawn) else "")
            text.set_position((0.5, place - 0.08))
        ticks = (
            np.unique(np.linspace(0, max(len(part) - 1, 0), 12).astype(np.int64))
            if len(part)
            else np.empty(0, np.int64)
        )
        self.ax.set_yticks(levels[ticks], [f"{(stamps[i] - start) / 1e9:.4f}" for i in ticks])
        self.ax.set_ylim(max(len(drawn), 1) - 0.3, -1.0)
        endpoint = str(part["endpoint"].iloc[0]) if len(part) else ""
        self.ax.set_xticks(
            [0.0, 1.0], [plain(f"here: {endpoint or 'capture'}"), plain(f"peer: {peer or 'none'}")]
        )
        crosses = "; ✕ did not come" + (" back" if (out & lost).any() else "") if lost.any() else ""
        self.ax.set_xlabel(f"each arrow is one message, at its time in the capture{crosses}")
        self.ax.set_ylabel(clock(start))
        self._note.set("" if len(part) else nothing(table))
        self._heading.set(
            "Ladder of a conversation",
            f"n = {count(len(part), 'message')} of {len(mine):,} with this peer; {count(len(peers), 'peer')}",
        )


def _excerpt(payload: bytes) -> str:
    """The beginning of a payload as one line of text, or as hexadecimal digits."""
    head = payload[:WORDS]
    try:
        text = head.decode()
    except UnicodeDecodeError:
        return head[: WORDS // 3].hex(" ") + (" …" if len(payload) > WORDS // 3 else "")
    return plain(text, WORDS) + ("…" if len(payload) > WORDS else "")


def ladder(
    table: Source,
    ax: Axes | None = None,
    *,
    peer: str | None = None,
    first: int = 0,
    probes: bool = False,
    theme: ThemeName = "auto",
) -> Axes:
    """Draw the messages between the capture and a peer as a ladder, 20 of them.

    Parameters
    ----------
    table : a message table, or a capture or recording.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    peer : which one; by default the one with the most messages.
    first : position of the first message of that peer to draw.
    probes : include our own pings and their answers.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    plot = LadderPlot(ax, peer=peer, first=first, theme=theme)
    plot.update(shown(table, probes=probes))
    return plot.ax
