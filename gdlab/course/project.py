"""The closing project: a game that is playable at 150 ms and 2 % loss, judged by numbers.

A player runs about and opens doors. The student writes both ends: what leaves in each frame, and what another player's
screen shows in each frame. Between them is a network that exists only in numbers: the same seed gives the same player
and the same fates, every time and on every computer, in a second instead of twenty.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.course.faults import number_of
from gdlab.course.grades import content, write
from gdlab.impair import Link
from gdlab.impair.path import Path as Network
from gdlab.impair.pipeline import HEADER_BYTES
from gdlab.impair.streams import Stream
from gdlab.impair.truth import Fate
from gdlab.words import worded

FPS: Final = 60
SECONDS: Final = 20
SPEED: Final = 300.0  # pixels per second
DOORS: Final = 200
#: Half of the 150 ms each way.
NETWORK: Final = Link(delay_ms=75, jitter_ms=15, loss=0.02, order="free")

#: In the first second the screen may still be waiting for the first update.
_WARM_UP: Final = FPS
_FRAME_NS: Final = 1_000_000_000 // FPS
_STEP: Final = SPEED / FPS
#: A drawn step that differs by more from the true one is seen as a jerk.
_JERK: Final = 0.6 * _STEP
_MOST_BYTES: Final = 65_507

Send = Callable[[dict[str, Any], dict[str, Any]], Any]
Draw = Callable[[float, list[bytes], dict[str, Any]], Any]


class Playable:
    """How a game did on the network: six numbers, each with its limit.

    Attributes
    ----------
    numbers : a DataFrame with a row per number: `value`, `limit`, `unit`, `good`, `meaning`.
    frames : a DataFrame with a row per frame: `time_ms`, `x`, `y` (drawn), `true_x`, `true_y` (pixels).
    """

    def __init__(self, student: str, seed: int, numbers: pd.DataFrame, frames: pd.DataFrame) -> None:
        self.student = student
        self.seed = seed
        self.numbers = numbers
        self.frames = frames

    @property
    def playable(self) -> bool:
        """Whether every number is within its limit."""
        return bool(self.numbers.good.all())

    def __bool__(self) -> bool:
        return self.playable

    def __repr__(self) -> str:
        rows = [
            f"{'ok ' if row.good else 'NO '} {name:12} {row.value:8.1f} {row.unit:12} at most {row.limit:<6g} "
            f"{worded(row.meaning)}"
            for name, row in self.numbers.iterrows()
        ]
        return "\n".join([self._headline(), *rows])

    def _headline(self) -> str:
        over = int((~self.numbers.good).sum())
        if over:
            return worded("Not yet: {over} of {count} numbers are over.", over=over, count=len(self.numbers))
        return worded("Playable.")

    def _repr_html_(self) -> str:
        colour = {True: "#2e9e5b", False: "#d9822b"}
        rows = "".join(
            f"<tr><td style='color: {colour[bool(row.good)]}'>{'✓' if row.good else '✗'} {html.escape(str(name))}</td>"
            f"<td style='text-align: right'>{row.value:.1f} {html.escape(row.unit)}</td>"
            f"<td style='text-align: right'>{worded('at most {limit:g}', limit=row.limit)}</td>"
            f"<td style='text-align: left'>{html.escape(worded(row.meaning))}</td></tr>"
            for name, row in self.numbers.iterrows()
        )
        return (
            f'<div style="border-left: 4px solid {colour[self.playable]}; padding: 0.2em 0.8em">'
            f"<b>{html.escape(self._headline())}</b><table>{rows}</table></div>"
        )

    def save(self, path: str | Path | None = None) -> Path:
        """Write a grade file: what was asked, and what was measured; return its path (default: of the name)."""
        return write(
            path,
            content(
                "playable",
                self.student,
                self.seed,
                how="canned",
                asked={str(name): row.meaning for name, row in self.numbers.iterrows()},
                answered=[],
                attempts=1,
                measured={
                    str(name): {"value": float(row.value), "limit": float(row.limit), "unit": row.unit}
                    for name, row in self.numbers.iterrows()
                },
                points=int(self.numbers.good.sum()),
                of=len(self.numbers),
            ),
        )


def playable(send: Send, draw: Draw, *, seed: int | str = "your name") -> Playable:
    """Play 20 seconds over a network of 150 ms (both ways together, give or take 15 each way) and 2 % loss.

    Parameters
    ----------
    send : called in each of the player's frames with a state, ``{"frame": 7, "x": 1.5, "y": 2.5, "vx": ..., "vy": ...,
        "doors": [3]}`` (pixels, pixels per second, the numbers of doors opened in this frame), and with a dict that is
        the function's to keep things in. Returns the datagram that leaves: bytes, a list of them, or None.
    draw : called in each frame of the other player's screen with the time in milliseconds (of one clock with
        ``frame * 1000 / 60``), the datagrams that have arrived since the last frame, and a dict of its own. Returns
        where the player is drawn and which doors open now: ``(x, y, [3])``; None as long as nothing is known.
    seed : a name or a number; decides the player's way and the packets' fates.

    Returns
    -------
    Playable, which shows itself, and is true when every number is within its limit.

    Raises
    ------
    TypeError, ValueError : a function cannot be called, or returns something else; the message has the frame.
    """
    number = number_of(seed)
    x, y, vx, vy, doors = _way(number)
    network = Network(number, NETWORK, NETWORK)
    memory: dict[str, Any] = {}
    on_the_way: list[tuple[int, int, bytes]] = []
    wire_bytes = 0
    for frame in range(len(x)):
        state = {
            "frame": frame,
            "x": float(x[frame]),
            "y": float(y[frame]),
            "vx": float(vx[frame]),
            "vy": float(vy[frame]),
            "doors": list(doors.get(frame, ())),
        }
        for payload in _datagrams(send(state, memory), frame):
            wire_bytes += len(payload) + HEADER_BYTES
            for copy in network.arrive(1, "up", frame * _FRAME_NS, len(payload)):
                if copy.fate == Fate.PASSED:
                    on_the_way.append((copy.release, len(on_the_way), payload))
    on_the_way.sort()
    drawn, opened = _watched(draw, on_the_way, len(x))
    frames = pd.DataFrame(
        {
            "time_ms": np.arange(len(x)) * 1000 / FPS,
            "x": drawn[:, 0],
            "y": drawn[:, 1],
            "true_x": x,
            "true_y": y,
        }
    )
    ordered = {door: frame for frame, some in doors.items() for door in some}
    return Playable(str(seed), number, _judged(frames, ordered, opened, wire_bytes), frames)


def _way(seed: int) -> tuple[Any, Any, Any, Any, dict[int, list[int]]]:
    """A player who always runs, turns now and then, and opens doors: positions, velocities, doors per frame."""
    turns = Stream(seed, 0, "playable", "turns")
    frames = SECONDS * FPS
    heading = np.empty(frames)
    angle, until, number = 0.0, 0, 0
    for frame in range(frames):
        if frame >= until:
            angle += (turns.at(2 * number) - 0.5) * 1.5 * math.pi
            until = frame + 12 + int(turns.at(2 * number + 1) * 48)
            number += 1
        heading[frame] = angle
    vx, vy = SPEED * np.cos(heading), SPEED * np.sin(heading)
    x, y = np.cumsum(vx) / FPS, np.cumsum(vy) / FPS
    when = Stream(seed, 0, "playable", "doors")
    doors: dict[int, list[int]] = {}
    # The last ones early enough that what they start can still be seen.
    for door, frame in enumerate(sorted(int(when.at(n) * (frames - FPS)) for n in range(DOORS))):
        doors.setdefault(frame, []).append(door)
    return x, y, vx, vy, doors


def _datagrams(sent: Any, frame: int) -> list[bytes]:
    """What a send function gave, as datagrams."""
    several = [] if sent is None else [sent] if isinstance(sent, (bytes, bytearray)) else sent
    if not isinstance(several, (list, tuple)) or not all(
        isinstance(each, (bytes, bytearray)) for each in several
    ):
        raise TypeError(
            f"send returned a {type(sent).__name__} in frame {frame}; return bytes, a list of them, or None"
        )
    if any(len(each) > _MOST_BYTES for each in several):
        raise ValueError(
            f"send returned more than {_MOST_BYTES:,} bytes in frame {frame}; no datagram holds that"
        )
    return [bytes(each) for each in several]


def _watched(
    draw: Draw, on_the_way: Iterable[tuple[int, int, bytes]], frames: int
) -> tuple[np.ndarray[Any, Any], list[tuple[int, int]]]:
    """What the other screen shows: a position per frame (NaN before there is one), and doors with their frame."""
    waiting = list(on_the_way)
    memory: dict[str, Any] = {}
    drawn = np.full((frames, 2), np.nan)
    opened: list[tuple[int, int]] = []
    position = 0
    for frame in range(frames):
        first = position
        while position < len(waiting) and waiting[position][0] <= frame * _FRAME_NS:
            position += 1
        shown = draw(frame * 1000 / FPS, [payload for _, _, payload in waiting[first:position]], memory)
        if shown is None:
            continue
        try:
            x, y, doors = shown
            drawn[frame] = float(x), float(y)
            opened += [(int(door), frame) for door in doors]
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"draw returned {str(shown)[:80]} in frame {frame}; return (x, y, doors), such as "
                "(1.5, 2.5, [3]), or None as long as nothing is known"
            ) from error
    return drawn, opened


def _judged(
    frames: pd.DataFrame, ordered: dict[int, int], opened: list[tuple[int, int]], wire_bytes: int
) -> pd.DataFrame:
    """The numbers and their limits."""
    shown = frames.iloc[_WARM_UP:]
    steps = np.hypot(np.diff(shown.x), np.diff(shown.y))
    jerks = ~(np.abs(steps - _STEP) <= _JERK)  # not drawn at all is a jerk as well
    away = np.hypot((shown.x - shown.true_x).to_numpy(), (shown.y - shown.true_y).to_numpy())
    away[np.isnan(away)] = np.inf
    age_ms = float(np.median(away)) / SPEED * 1000
    first = {}
    wrong = 0
    for door, frame in opened:
        if door in first or ordered.get(door, len(frames)) > frame:
            wrong += 1  # twice, or before it was opened, or one that there is not
        else:
            first[door] = frame
    missing = len(ordered) - len(first)
    waits = [(frame - ordered[door]) * 1000 / FPS for door, frame in first.items()]
    rows = [
        (
            "jerks",
            100 * float(jerks.mean()),
            2.0,
            "% of frames",
            "frames in which the other player jumps or stands",
        ),
        ("age", age_ms, 200.0, "ms", "how far behind the truth the other player is drawn, at the median"),
        ("lost doors", float(missing), 0.0, "of 200", "doors that never opened"),
        ("wrong doors", float(wrong), 0.0, "doors", "doors that opened twice, or without having been opened"),
        ("door delay", max(waits, default=math.inf), 400.0, "ms", "the longest that a door took to open"),
        (
            "bandwidth",
            wire_bytes / SECONDS,
            2_000.0,
            "bytes/s",
            "on the wire, with the headers of UDP and IP",
        ),
    ]
    table = pd.DataFrame(rows, columns=["number", "value", "limit", "unit", "meaning"]).set_index("number")
    table.insert(3, "good", table.value <= table.limit)
    return table
