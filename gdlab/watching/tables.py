"""The tables of a watch, made of its games' rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.debugging import MONITORS
from gdlab.watching.reading import KINDS

if TYPE_CHECKING:
    from gdlab.debugging import Offset
    from gdlab.watching.game import WatchedGame
    from gdlab.watching.rows import LogRow

Games = Sequence["WatchedGame"]


def _times(values: Iterable[int | None]) -> pd.Series[Any]:
    """Nanoseconds as times; exact, so never by way of floats."""
    numbers = [_NO_TIME if value is None else value for value in values]
    return pd.Series(np.array(numbers, dtype=np.int64).view("datetime64[ns]")).dt.tz_localize("UTC")


#: NumPy's "not a time".
_NO_TIME: Final = np.iinfo(np.int64).min


def _column(dtype: str, values: Iterable[object]) -> pd.Series[Any]:
    return pd.Series(list(values), dtype=dtype)


def _texts(values: Iterable[str]) -> pd.Series[Any]:
    return pd.Series(list(values), dtype="string")


def _known(values: Iterable[str]) -> pd.Series[Any]:
    """Texts of which an empty one means that there is none."""
    return _column("string", (value or None for value in values))


def _category(values: Iterable[str], categories: Sequence[str] | None = None) -> Any:
    return pd.Categorical(list(values), categories=None if categories is None else list(categories))


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("time", kind="stable", ignore_index=True)


def log(games: Games, last: int | None = None) -> pd.DataFrame:
    """One row per print, warning, error, break or news of the link; see `Watch.log`."""
    rows = [(game.label, row) for game in games for row in game.log.rows(last)]
    offsets = {game.label: game.session.clock.offset for game in games}
    data: dict[str, object] = {
        "time": _times(row.time_ns for _, row in rows),
        "happened": _times(_happened_ns(row, offsets[label]) for label, row in rows),
        "game": _category(label for label, _ in rows),
        "game_time": _column("Float64", (row.game_s for _, row in rows)),
        "game_frame": _column("Int64", (_frame(row, offsets[label]) for label, row in rows)),
        "kind": _category((row.kind for _, row in rows), KINDS),
        "text": _texts(row.text for _, row in rows),
        "file": _known(row.file for _, row in rows),
        "line": _column("Int64", (row.line for _, row in rows)),
        "function": _known(row.function for _, row in rows),
        "stack": _column("object", (row.stack for _, row in rows)),
        "raised_in": _known(row.raised_in for _, row in rows),
        "offset": _column("int64", (row.offset for _, row in rows)),
        "touched": _column("bool", (row.touched for _, row in rows)),
    }
    return _in_order(pd.DataFrame(data))


def _frame(row: LogRow, offset: Offset | None) -> int | None:
    """The game frame of a row: of what carries the engine's time it is known whether it was the one after."""
    if row.game_frame is None or row.game_s is None or offset is None or offset.error_s > _GOOD_S:
        return row.game_frame
    raised_s = offset.offset_s + row.game_s - offset.error_s
    return row.game_frame + (raised_s * 1e9 > row.frame_ns)


def _happened_ns(row: LogRow, offset: Offset | None) -> int:
    """The best that is known of a row's moment: by the engine's clock where its offset is known, else the arrival."""
    if row.game_s is None or offset is None or offset.error_s > _USEFUL_S:
        return row.time_ns
    return min(row.time_ns, round((offset.offset_s + row.game_s) * 1e9))


#: Beyond this the arrival is the better guess.
_USEFUL_S: Final = 0.03
#: An offset between the clocks that is known better than this tells two game frames apart.
_GOOD_S: Final = 0.005


def monitors(games: Games, last: int | None = None) -> pd.DataFrame:
    """One row per second; see `Watch.monitors`."""
    made = []
    for game in games:
        for row in game.monitors.rows(last):
            names = [*MONITORS[: len(row.figures)], *row.custom]
            names += [f"unknown/{number}" for number in range(len(names), len(row.figures))]
            values = dict(zip(names, row.figures, strict=False))
            made.append({"time": row.time_ns, "game": game.label, "touched": row.touched} | values)
    table = pd.DataFrame(made, columns=None if made else ["time", "game", "touched", *MONITORS])
    data: dict[str, object] = {
        "time": _times(table["time"].tolist()),
        "game": _category(table["game"].tolist()),
        "fps": table["time/fps"].astype("float64"),
        "process_ms": table["time/process"].astype("float64") * 1e3,
        "physics_ms": table["time/physics_process"].astype("float64") * 1e3,
        "static_mb": table["memory/static"].astype("float64") / 1e6,
        "touched": table["touched"].astype("bool"),
    }
    first = pd.DataFrame(data)
    rest = table.drop(columns=["time", "game", "touched"]).astype("float64")
    return _in_order(pd.concat([first, rest], axis=1))


def frames(games: Games, last: int | None = None) -> pd.DataFrame:
    """One row per game frame; see `Watch.frames`."""
    parts = []
    for game in games:
        rows = game.frames.rows(last)
        data: dict[str, object] = {
            "time": _times(row.time_ns for row in rows),
            "game": [game.label] * len(rows),
            "game_frame": _column("int64", (row.game_frame for row in rows)),
            "busy_ms": _column("float64", (row.busy_s * 1e3 for row in rows)),
            "process_ms": _column("float64", (row.process_s * 1e3 for row in rows)),
            "physics_ms": _column("float64", (row.physics_s * 1e3 for row in rows)),
            "script_ms": _column("float64", (row.script_s * 1e3 for row in rows)),
            "touched": _column("bool", (row.touched for row in rows)),
        }
        part = pd.DataFrame(data)
        # Only between frames that follow each other: what was not sent has no time.
        interval = part["time"].diff().dt.total_seconds() * 1e3
        part.insert(4, "interval_ms", interval.where(part["game_frame"].diff() == 1).astype("float64"))
        parts.append(part)
    if not parts:
        return frames_of_none()
    return _in_order(pd.concat(parts, ignore_index=True).astype({"game": "category"}))


def frames_of_none() -> pd.DataFrame:
    """The table of game frames without any."""
    names = ("busy_ms", "interval_ms", "process_ms", "physics_ms", "script_ms")
    data: dict[str, object] = {
        "time": _times([]),
        "game": _category([]),
        "game_frame": pd.Series([], dtype="int64"),
        **{name: pd.Series([], dtype="float64") for name in names},
        "touched": pd.Series([], dtype="bool"),
    }
    return pd.DataFrame(data)


def counts(games: Games, what: str) -> pd.DataFrame:
    """The engine's counters of `rpcs` or `syncs`, one row per node and tenth of a second in which there were any."""
    one = "calls" if what == "rpcs" else "syncs"
    rows = [(game, row) for game in games for row in getattr(game, what).rows()]
    data: dict[str, object] = {
        "time": _times(row.time_ns for _, row in rows),
        "game": _category(game.label for game, _ in rows),
        "path": _texts(row.path or game.path_of(row.object_id) for game, row in rows),
        f"{one}_in": _column("int64", (row.count_in for _, row in rows)),
        "bytes_in": _column("int64", (row.bytes_in for _, row in rows)),
        f"{one}_out": _column("int64", (row.count_out for _, row in rows)),
        "bytes_out": _column("int64", (row.bytes_out for _, row in rows)),
        "touched": _column("bool", (row.touched for _, row in rows)),
    }
    return _in_order(pd.DataFrame(data))


def bandwidth(games: Games) -> pd.DataFrame:
    """Bytes of SceneMultiplayer's packets in the second before."""
    rows = [(game.label, row) for game in games for row in game.bandwidth.rows()]
    data: dict[str, object] = {
        "time": _times(row.time_ns for _, row in rows),
        "game": _category(label for label, _ in rows),
        "bytes_in": _column("int64", (row.in_bytes for _, row in rows)),
        "bytes_out": _column("int64", (row.out_bytes for _, row in rows)),
    }
    return _in_order(pd.DataFrame(data))


def messages(games: Games, prefix: str = "") -> pd.DataFrame:
    """Messages whose name begins with `prefix`, their values also in columns of their own."""
    rows = [
        (game.label, row) for game in games for row in game.messages.rows() if row.name.startswith(prefix)
    ]
    data: dict[str, object] = {
        "time": _times(row.time_ns for _, row in rows),
        "game": _category(label for label, _ in rows),
        "game_frame": _column("Int64", (row.game_frame for _, row in rows)),
        "name": _category(row.name for _, row in rows),
        "data": _column("object", (row.data for _, row in rows)),
        "problem": _known(row.problem for _, row in rows),
        "touched": _column("bool", (row.touched for _, row in rows)),
    }
    table = pd.DataFrame(data)
    width = min(MAX_VALUES, max((len(row.data) for _, row in rows), default=0))
    for number in range(width):
        column = [row.data[number] if number < len(row.data) else None for _, row in rows]
        table[f"v{number}"] = pd.Series(column, dtype="object").infer_objects()
    return _in_order(table)


#: Values of a message that get columns of their own.
MAX_VALUES = 32


def breaks(games: Games) -> pd.DataFrame:
    """One row per time in which a game stood still."""
    rows = [(game.label, row) for game in games for row in game.breaks.rows()]
    data: dict[str, object] = {
        "time": _times(row.began_ns for _, row in rows),
        "game": _category(label for label, _ in rows),
        "ended": _times(row.ended_ns for _, row in rows),
        "stood_ms": _column(
            "Float64",
            (None if row.ended_ns is None else (row.ended_ns - row.began_ns) / 1e6 for _, row in rows),
        ),
        "text": _texts(row.text for _, row in rows),
        "file": _known(row.file for _, row in rows),
        "line": _column("Int64", (row.line for _, row in rows)),
        "function": _known(row.function for _, row in rows),
    }
    table = pd.DataFrame(data)
    return _in_order(table)


def functions(games: Games) -> pd.DataFrame:
    """What each function of GDScript cost in all, the costliest first."""
    rows = [(game.label, row) for game in games for row in game.costs.rows()]
    columns = ["game", "function", "frames", "calls", "self_ms", "total_ms", "worst_ms"]
    data: dict[str, object] = {
        "game": [label for label, _ in rows],
        "function": [row.function for _, row in rows],
        "calls": _column("int64", (row.calls for _, row in rows)),
        "self_ms": _column("float64", (row.self_s * 1e3 for _, row in rows)),
        "total_ms": _column("float64", (row.total_s * 1e3 for _, row in rows)),
    }
    table = pd.DataFrame(data)
    if not rows:
        return pd.DataFrame(columns=columns)
    grouped = table.groupby(["game", "function"], as_index=False).agg(
        frames=("calls", "size"),
        calls=("calls", "sum"),
        self_ms=("self_ms", "sum"),
        total_ms=("total_ms", "sum"),
        worst_ms=("total_ms", "max"),
    )
    return grouped[columns].sort_values("self_ms", ascending=False, ignore_index=True)


def nodes(game: WatchedGame) -> pd.DataFrame:
    """The scene tree as it was last sent."""
    found = game.tree[1].nodes if game.tree is not None else ()
    data: dict[str, object] = {
        "path": _texts(node.path for node in found),
        "kind": _texts(node.kind for node in found),
        "scene_file": _known(node.scene_file for node in found),
        "children": _column("int64", (node.children for node in found)),
        "object_id": _column("int64", (node.object_id for node in found)),
    }
    return pd.DataFrame(data)


def variables(games: Games, path: str, names: Sequence[str] = ()) -> pd.DataFrame:
    """The polled properties of a node over time, one column each.

    A script's own variables have the names they have in the script; exported ones and those of the class, too.
    """
    made = []
    for game in games:
        for row in game.inspected.rows():
            if row.path != path:
                continue
            values = {}
            for name, value in row.properties.items():
                if name.startswith(("Constants/", "Node/")):
                    continue
                short = name.rpartition("/")[2] if name.startswith("Members/") else name
                if not names or short in names or name in names:
                    values[short] = value
            made.append({"time": row.time_ns, "game": game.label, "touched": row.touched} | values)
    table = pd.DataFrame(made, columns=None if made else ["time", "game", "touched", *names])
    table["time"] = _times(table["time"].tolist())
    table["game"] = _category(table["game"].tolist())
    table["touched"] = table["touched"].astype("bool")
    return _in_order(table)
