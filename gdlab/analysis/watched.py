"""Packets and what the game told of itself on one axis of time.

The tables of a watch carry the same clock as a capture's: arrival at this machine. What carries the engine's own
time (errors, warnings) has moreover `happened`, its moment by the engine's clock, as good as the offset between the
clocks is known.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdlab.analysis.columns import messages, times_ns
from gdlab.analysis.latency import round_trips
from gdlab.analysis.source import Source, table_of

#: A game frame is slow from so many times the usual one, and so many milliseconds.
SLOW_FACTOR: Final = 2.5
SLOW_MS: Final = 30.0
#: A round trip is long from so many times the median, and so many milliseconds above it.
LONG_FACTOR: Final = 2.0
LONG_MS: Final = 15.0
#: How exact `happened` and the stamps of packets are together.
_SLACK_NS: Final = 3_000_000
#: The length of a game frame where nothing tells it.
_FRAME_NS: Final = 20_000_000
#: Packets before an error that are looked at.
_MOST: Final = 64

#: Where the engine raises errors while it reads what a peer sent.
_NETWORK: Final = re.compile(
    r"modules/multiplayer/|scene/main/node\.cpp:\d+ get_node|modules/(enet|websocket)/"
)
#: A function that is the last to complain of a packet.
_LAST: Final = re.compile(r" (?:process_|_process_(?!get_node))\w+$| on_\w+$")
_PATH: Final = re.compile(r"(?:/root/)?([\w@ .-]+(?:/[\w@ .-]+)+)")


class Watched(Protocol):
    """What is asked of a watch, such as `gdlab.debugger` makes."""

    @property
    def log(self) -> pd.DataFrame:
        """Prints and errors."""

    @property
    def frames(self) -> pd.DataFrame:
        """Game frames."""

    @property
    def break_times(self) -> pd.DataFrame:
        """Times of standing still."""


class Stall(NamedTuple):
    """A time in which a game answered nobody.

    Attributes
    ----------
    began_ns, ended_ns : UTC. ms : its length. what : ``frame`` or ``break``. game : whose. row : in its own table.
    number : of the game frame; -1 for a break. text : why it broke.
    """

    began_ns: int
    ended_ns: int
    ms: float
    what: str
    game: str
    row: int
    number: int
    text: str


def stalls(watched: Watched) -> list[Stall]:
    """The slow game frames and breaks of a watch, in order of time.

    A game frame is slow if it was busy for at least `SLOW_MS` and `SLOW_FACTOR` times the usual interval of its game.
    What a break took is no frame's work: a frame that holds one is left to it.
    """
    found = []
    breaks = watched.break_times
    for row, each in enumerate(breaks.to_dict("records")):
        if pd.isna(each["ended"]):
            continue
        began, ended = each["time"].value, each["ended"].value
        text = str(each["text"] or "stopped by the debugger")
        found.append(Stall(began, ended, (ended - began) / 1e6, "break", str(each["game"]), row, -1, text))
    stood = list(found)
    frames = watched.frames
    for game in frames["game"].unique().tolist() if len(frames) else []:
        mine = frames[frames["game"] == game]
        usual = float(mine["interval_ms"].median())
        busy = mine["busy_ms"].to_numpy(dtype=np.float64)
        limit = max(SLOW_MS, SLOW_FACTOR * usual if np.isfinite(usual) else 0.0)
        for index in np.flatnonzero(busy >= limit)[:10_000].tolist():
            end = int(times_ns(mine.iloc[[index]])[0])
            began = end - round(busy[index] * 1e6)
            if any(each.began_ns < end and began < each.ended_ns and each.game == game for each in stood):
                continue
            number = int(mine["game_frame"].iloc[index])
            found.append(
                Stall(began, end, float(busy[index]), "frame", str(game), int(mine.index[index]), number, "")
            )
    return sorted(found)


def explained(table: Source, watched: Watched) -> pd.DataFrame:
    """The long round trips of a capture, and the slow frame or break that explains each.

    Parameters
    ----------
    table : a message table with probes, or a capture or recording. watched : a watch of the game that answered.

    Returns
    -------
    One row per long round trip: `time` (sent), `peer`, `rtt_ms`, `usual_ms` (the peer's median), `overlap_ms` (how long
    the game stood still between sending and answer; 0 where nothing of it is known), `what` (``frame``, ``break`` or
    empty), `game`, `number` (of the game frame), `stall_ms`. A round trip is long from `LONG_FACTOR` times the median
    and `LONG_MS` above it.
    """
    trips = round_trips(table_of(table))
    trips = trips[trips["rtt_ms"].notna()]
    usual = trips.groupby("peer", observed=True)["rtt_ms"].transform("median")
    far = (trips["rtt_ms"] >= LONG_FACTOR * usual) & (trips["rtt_ms"] >= usual + LONG_MS)
    known = stalls(watched)
    rows = []
    for (_, trip), median in zip(trips[far].iterrows(), usual[far].tolist(), strict=True):
        sent = trip["time"].value
        back = sent + round(trip["rtt_ms"] * 1e6)
        best, most = None, 0
        for stall in known:
            overlap = min(back, stall.ended_ns) - max(sent, stall.began_ns)
            if overlap > most:
                best, most = stall, overlap
        rows.append(
            {
                "time": trip["time"],
                "peer": str(trip["peer"]),
                "rtt_ms": float(trip["rtt_ms"]),
                "usual_ms": float(median),
                "overlap_ms": most / 1e6,
                "what": best.what if best else "",
                "game": best.game if best else "",
                "number": best.number if best else -1,
                "stall_ms": best.ms if best else np.nan,
            }
        )
    names = ["time", "peer", "rtt_ms", "usual_ms", "overlap_ms", "what", "game", "number", "stall_ms"]
    return pd.DataFrame(rows, columns=names)


def causes(log: pd.DataFrame, table: Source, *, frame_ms: float | None = None) -> NDArray[np.int64]:
    """For each row of a watch's log the row of the packet that caused it.

    Parameters
    ----------
    log : of a watch. table : a message table of what was sent to that game, or a capture or recording.
    frame_ms : the length of a game frame; by default 20.

    Returns
    -------
    (n,) int64: positions in `table`, -1 where the facts do not allow it.

    Notes
    -----
    An error is raised within a game frame after its packet arrived. What the engine raises while it polls the network
    has no stack; several packets of one frame are told apart by the node's path, where error and packet hold it, and by
    their order. An error of the game's own code is tied only where a single packet came in the frame before it.
    """
    table = table_of(table)
    found = np.full(len(log), -1, dtype=np.int64)
    rows = _to_the_game(table)
    stamps = times_ns(table)[rows]
    order = np.argsort(stamps, kind="stable")
    rows, stamps = rows[order], stamps[order]
    if not len(rows) or not len(log):
        return found
    window_ns = (_FRAME_NS if frame_ms is None else round(frame_ms * 1e6)) + _SLACK_NS
    payloads = table["payload"].array
    happened = times_ns(log.assign(time=log["happened"]))
    kinds, raised, texts = (
        log[name].fillna("").astype(str).tolist() for name in ("kind", "raised_in", "text")
    )
    games = log["game"].astype(str).tolist()
    stacks = log["stack"].tolist()
    taken: dict[str, int] = {}  # the last packet of each game that an error chain was about
    chain: list[int] = []
    for position in np.argsort(happened, kind="stable").tolist():
        if kinds[position] not in ("error", "script_error", "warning"):
            continue
        moment = happened[position]
        first = np.searchsorted(stamps, moment - window_ns)
        last = np.searchsorted(stamps, moment + _SLACK_NS, side="right")
        near = rows[max(first, last - _MOST) : last].tolist()
        if not near:
            chain.clear()
            continue
        if stacks[position]:
            if len(near) == 1:
                found[position] = near[0]
            continue
        if not _NETWORK.search(raised[position]):
            continue
        chain.append(position)
        named = [path[1].strip(" .") for index in chain for path in _PATH.finditer(texts[index])]
        holding = [row for row in near if any(name.encode() in payloads[row] for name in named)]
        after = [row for row in holding or near if row > taken.get(games[position], -1)]
        # Without a path the last packet is the likeliest: it was read last before the error.
        chosen = after[0] if holding and after else (holding or near)[-1]
        for index in chain:
            found[index] = chosen
        if _LAST.search(raised[position]):
            taken[games[position]] = chosen
            chain.clear()
    return found


def _to_the_game(table: pd.DataFrame) -> NDArray[np.int64]:
    """Messages that can have reached the game: those that went out, or all where none did."""
    out = np.flatnonzero(messages(table, "out"))
    return (out if len(out) else np.flatnonzero(messages(table))).astype(np.int64)
