"""What a message costs in each encoding, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from gdlab.plots.canvas import Heading, axes
from gdlab.text import mean_size, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gdlab.plots.style import ThemeName
    from gdlab.sizes import SizeReport

#: Rows in the order of the picture, with words that fit beside a bar.
_NAMES: Final = {
    "memory": "in Godot's memory",
    "packed": "bare, in a packed array",
    "variant": "var_to_bytes",
    "rpc": "RPC argument",
    "json": "JSON.stringify",
    "messagepack": "MessagePack",
    "cbor": "CBOR",
    "by_hand": "packed by hand",
}
_TRANSPORTS: Final = {"udp": "UDP", "tcp": "TCP", "ws": "WebSocket"}
#: A longer bar is cut, and says so: a Dictionary in memory would press everything sent against the axis.
_CUT: Final = 1.15
_WIDTH_OF_LABEL: Final = 0.36


def sizes(result: SizeReport, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
    """Draw the sizes of a message: the bytes themselves, and behind them the headers of the transport.

    Parameters
    ----------
    result : what `gdlab.sizes.measure` gave; headers are those of its `over`, of UDP where it has all.
    ax : where to draw; by default a figure of its own, which a notebook shows.
    theme : ``auto``, ``light`` or ``dark``.

    Returns
    -------
    The Axes.
    """
    ax, colours = axes(ax, theme, size=(8.0, 4.2))
    over = result.over or "udp"
    figures = result.table["bytes"].dropna()
    wire = result.table[f"{over}_bytes"]
    shown = [key for key in _NAMES if key in figures.index]
    sent = [_whole(wire[key], figures[key]) for key in shown if key not in {"memory", "packed"}]
    longest = max([*sent, 1.0])
    limit = max(longest, min(float(figures.max()), longest * _CUT))

    ax.grid(visible=False, axis="y")
    names = []
    for place, key in enumerate(reversed(shown)):
        size = float(figures[key])
        in_memory = key in {"memory", "packed"}
        colour = colours.muted if in_memory else colours.series[0]
        whole = _whole(wire[key], figures[key])
        ax.barh(place, min(size, limit), height=0.62, color=colour, zorder=2)
        if whole > size:
            ax.barh(
                place,
                whole - size,
                left=size,
                height=0.62,
                facecolor="none",
                edgecolor=colour,
                hatch="////",
                linewidth=0.8,
                zorder=2,
            )
        text = mean_size(size)
        if size > limit:
            text = f"{text}, longer than this axis"
            ax.plot([limit], [place], marker=">", markersize=26, color=colour, zorder=2, clip_on=False)
        elif whole > size:
            text += f", {mean_size(whole)} with headers"
        ax.annotate(
            text,
            (min(max(size, whole), limit), place),
            (18 if size > limit else 5, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=colours.text,
        )
        names.append(_NAMES[key])
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0, labelsize=10)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlim(0, limit * (1 + _WIDTH_OF_LABEL))
    ax.set_xlabel(f"bytes (hatched: headers of {_TRANSPORTS[over]} and IP)")
    n = result.of_messages
    title = "What one message costs" if n == 1 else f"What a message costs, mean of {n}"
    Heading(ax, colours).set(title, _caption(result, over, shown))
    return ax


def _whole(wire: Any, size: Any) -> float:
    """Bytes with headers; what does not travel has none."""
    return float(size if pd.isna(wire) else wire)


def _caption(result: SizeReport, over: str, shown: list[str]) -> str:
    """What was measured, and at a rate what the cheapest and the dearest way need."""
    text = repr(result.value) if result.messages == 1 else ""
    if result.rate_hz is None:
        return _short(text, 96)
    seconds = result.table.loc[shown, f"{over}_bytes_s"].dropna() / 1000
    rate = f"{result.budget}: {number(float(seconds.min()))} to {number(float(seconds.max()))} kB/s"
    return f"{_short(text, 92 - len(rate))}  {rate}".lstrip()


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
