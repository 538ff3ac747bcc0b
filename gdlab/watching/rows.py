"""One row of each table of a watch."""

from __future__ import annotations

from typing import Any, NamedTuple

from gdlab.debugging import Call


class LogRow(NamedTuple):
    """A print, an error, a break, or news of the link; see `Watch.log`.

    `game_frame` is the last one that had ended, at `frame_ns`: the row is of that one or of the next.
    """

    time_ns: int
    game_s: float | None
    game_frame: int | None
    frame_ns: int
    kind: str
    text: str
    file: str
    line: int | None
    function: str
    stack: tuple[Call, ...]
    raised_in: str
    offset: int
    touched: bool


class MonitorRow(NamedTuple):
    """The monitors of a second, with the names of the custom ones as they were then."""

    time_ns: int
    figures: tuple[float | None, ...]
    custom: tuple[str, ...]
    touched: bool


class FrameRow(NamedTuple):
    """A game frame; seconds of busy time."""

    time_ns: int
    game_frame: int
    busy_s: float
    process_s: float
    physics_s: float
    script_s: float
    touched: bool


class CountRow(NamedTuple):
    """The engine's counters of one node since the last message."""

    time_ns: int
    object_id: int
    path: str
    count_in: int
    bytes_in: int
    count_out: int
    bytes_out: int
    touched: bool


class BandwidthRow(NamedTuple):
    """Bytes of the last second."""

    time_ns: int
    in_bytes: int
    out_bytes: int


class MessageRow(NamedTuple):
    """A message of the game's own, one that is not known, or one that cannot be read (`problem`)."""

    time_ns: int
    game_frame: int | None
    name: str
    data: tuple[Any, ...]
    problem: str
    offset: int
    touched: bool


class BreakRow(NamedTuple):
    """A time in which the game stood still."""

    began_ns: int
    ended_ns: int | None
    text: str
    file: str
    line: int | None
    function: str


class InspectedRow(NamedTuple):
    """The properties of one object at one moment."""

    time_ns: int
    object_id: int
    path: str
    class_name: str
    properties: dict[str, Any]
    touched: bool


class CostRow(NamedTuple):
    """What a function of the game cost in a game frame."""

    time_ns: int
    game_frame: int
    function: str
    calls: int
    self_s: float
    total_s: float
