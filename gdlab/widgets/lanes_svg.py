"""A stretch of a timeline as SVG: what a saved notebook shows, written in a few milliseconds while a capture runs.

matplotlib draws the same for a paper (`gdlab.plots.lanes_figure`), but takes a third of a second, which a receiver
beside it would feel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np
import pandas as pd

from gdlab import text
from gdlab.live.points import Series
from gdlab.live.timeline import Lane
from gdlab.plots.style import THEMES

WIDTH: Final = 800
_LEFT, _RIGHT, _TITLE, _AXIS = 60, 10, 20, 22
_HEIGHTS: Final = {"marks": 22}
_THEME: Final = THEMES["auto"]
_DASHES: Final = ("", "7 3", "2 3", "9 3 2 3")
#: Points of a line at most: the picture is saved with the notebook.
_POINTS: Final = 400


def lanes_svg(lanes: Sequence[Lane], first_ns: int, last_ns: int) -> str:
    """Draw lanes below each other.

    Parameters
    ----------
    first_ns, last_ns : the window that the lanes were made for, UTC nanoseconds.
    """
    width_s = max((last_ns - first_ns) / 1e9, 1e-6)
    parts: list[str] = []
    top = 0
    for lane in lanes:
        height = _HEIGHTS.get(lane.shape, 96)
        parts.append(_lane(lane, top + _TITLE, height, width_s))
        top += _TITLE + height + 8
    parts.append(_time_axis(first_ns, width_s, top))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + _AXIS}" width="{WIDTH}" '
        f'height="{top + _AXIS}" font-family="sans-serif" font-size="14" fill="{_THEME.text}">{"".join(parts)}</svg>'
    )


def _lane(lane: Lane, top: int, height: int, width_s: float) -> str:
    title = lane.title + (f", {lane.unit}" if lane.unit else "")
    parts = [f'<text x="{_LEFT}" y="{top - 6}">{escape(title)}</text>']
    names = _LEFT + 8 * len(title) + 20
    highest = max((float(np.nanmax(each.high)) for each in lane.series if len(each.high)), default=0.0)
    top_value = _nice(highest) if highest > 0 else 1.0
    if lane.shape != "marks":
        for value in (0.0, top_value / 2, top_value):
            y = top + height * (1 - value / top_value)
            parts.append(f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{_THEME.grid}"/>')
            parts.append(
                f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text.number(value)}</text>'
            )
    for number, series in enumerate(lane.series):
        color = _THEME.series[number % len(_THEME.series)]
        parts.append(f'<text x="{names}" y="{top - 6}" fill="{color}">{escape(series.name)}</text>')
        names += 8 * len(series.name) + 18
        parts.append(
            _series(lane, series, top, height, width_s, top_value, color, _DASHES[number % len(_DASHES)])
        )
    if lane.note:
        place = f'x="{WIDTH - _RIGHT}" y="{top - 6}" text-anchor="end"'
        parts.append(f'<text {place} fill="{_THEME.muted}">{escape(lane.note)}</text>')
    return "".join(parts)


def _series(
    lane: Lane, series: Series, top: int, height: int, width_s: float, top_value: float, color: str, dash: str
) -> str:
    step = max(1, len(series.x) // _POINTS)
    x = _LEFT + np.clip(series.x / width_s, 0, 1) * (WIDTH - _LEFT - _RIGHT)
    if lane.shape == "marks":
        path = "".join(f"M{at:.1f} {top}v{height}" for at in x[::step].tolist())
        return f'<path d="{path}" stroke="{color}" stroke-width="2"/>'
    y = top + height * (1 - np.clip(series.high / top_value, 0, 1))
    points = zip(x[::step].tolist(), y[::step].tolist(), strict=True)
    if lane.shape == "dots":
        path = "".join(f"M{at:.1f} {value:.1f}h0" for at, value in points)
        return f'<path d="{path}" stroke="{color}" stroke-width="4" stroke-linecap="round"/>'
    path = "".join(
        f"{'M' if index == 0 else 'L'}{at:.1f} {value:.1f}" for index, (at, value) in enumerate(points)
    )
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.6"{dashed}/>' if path else ""


def _time_axis(first_ns: int, width_s: float, bottom: int) -> str:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        moment = pd.Timestamp(first_ns + int(share * width_s * 1e9), unit="ns")
        x = _LEFT + share * (WIDTH - _LEFT - _RIGHT)
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        shown = moment.strftime("%H:%M:%S.%f")[: 8 if width_s >= 8 else 12]
        parts.append(f'<text x="{x:.0f}" y="{bottom + 14}" text-anchor="{anchor}">{shown}</text>')
    return "".join(parts)


def _nice(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value * 0.999)
