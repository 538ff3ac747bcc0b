"""The last minute of a relay as SVG: delay with the relay's own lateness, queues, and packets on the line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gdlab.plots.style import THEMES

WIDTH: Final = 640
WINDOW_S: Final = 60.0
_LEFT, _RIGHT, _TITLE, _HEIGHT, _GAP, _AXIS = 64, 8, 20, 62, 10, 20
_THEME: Final = THEMES["auto"]
_UP, _DOWN = _THEME.series[0], _THEME.series[2]
#: A report is missing where two are so far apart: a line does not cross it.
_APART_S: Final = 1.0


def relay_svg(recent: Sequence[Mapping[str, Any]]) -> str:
    """Draw a relay's last reports; "" where there are none.

    Three lanes: the delay that packets were measured to have as a line, with a grey band below it, as high as the
    relay itself was late (99 %): what was meant lies at most so much lower. The bytes that wait at the bottlenecks of
    both ways. The packets that are held.
    """
    if not recent:
        return ""
    last = float(recent[-1]["time"])
    shown = [(1 - (last - each["time"]) / 1e9 / WINDOW_S, each) for each in recent]
    shown = [(x, each) for x, each in shown if x >= 0]
    delays = [(x, each["held_p50_us"] / 1e3, each["late_p99_us"] / 1e3) for x, each in shown if each["sent"]]
    parts = [
        _lane(
            0,
            "delay as measured, median (ms); grey: the relay's own share, 99 %",
            [("", _UP, "", [(x, y) for x, y, _ in delays])],
            band=delays,
        ),
        _lane(
            1,
            "waiting at the bottleneck (bytes)",
            [
                ("up", _UP, "", [(x, each["queue_up"]) for x, each in shown]),
                ("down", _DOWN, "5 3", [(x, each["queue_down"]) for x, each in shown]),
            ],
        ),
        _lane(2, "packets on the line", [("", _UP, "", [(x, each["held"]) for x, each in shown])]),
    ]
    bottom = 3 * (_TITLE + _HEIGHT + _GAP)
    words = (
        f'<text x="{_LEFT}" y="{bottom + 8}">{WINDOW_S:.0f} s ago</text>'
        f'<text x="{WIDTH - _RIGHT}" y="{bottom + 8}" text-anchor="end">now</text>'
    )
    height = bottom + _AXIS
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="delay, queue and packets held" '
        f'viewBox="0 0 {WIDTH} {height}" style="max-width:100%" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="14" fill="{_THEME.text}">{"".join(parts)}{words}</svg>'
    )


def _lane(
    place: int,
    title: str,
    lines: Sequence[tuple[str, str, str, Sequence[tuple[float, float]]]],
    band: Sequence[tuple[float, float, float]] = (),
) -> str:
    top = place * (_TITLE + _HEIGHT + _GAP) + _TITLE
    highest = _nice(max((y for _, _, _, points in lines for _, y in points), default=0.0))
    parts = [f'<text x="{_LEFT}" y="{top - 5}">{title}</text>']
    for value in (0.0, highest):
        y = _y(value, highest, top)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{_THEME.grid}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>')
    for run in _runs([(x, y, late) for x, y, late in band]):
        above = [f"{_x(x):.1f} {_y(y, highest, top):.1f}" for x, y, _ in run]
        below = [f"{_x(x):.1f} {_y(max(0.0, y - late), highest, top):.1f}" for x, y, late in reversed(run)]
        parts.append(
            f'<path class="own" d="M{"L".join(above + below)}Z" fill="{_THEME.muted}" fill-opacity="0.45"/>'
        )
    for index, (name, colour, dash, points) in enumerate(lines):
        path = "".join(
            "M" + "L".join(f"{_x(x):.1f} {_y(y, highest, top):.1f}" for x, y in run) for run in _runs(points)
        )
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashed}/>')
        if name:
            at = WIDTH - _RIGHT - 40 * (len(lines) - 1 - index)
            parts.append(f'<text x="{at}" y="{top - 5}" text-anchor="end" fill="{colour}">{name}</text>')
    return "".join(parts)


def _runs(points: Sequence[Any]) -> list[list[Any]]:
    """Points without a gap in time between them; their first value is the place in the window."""
    runs: list[list[Any]] = []
    for point in points:
        if runs and (point[0] - runs[-1][-1][0]) * WINDOW_S <= _APART_S:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(value: float, highest: float, top: float) -> float:
    return top + _HEIGHT * (1 - min(1.0, value / highest))


def _nice(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value * 0.999)
