"""What a replay sends, and when: made of a table of messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from gdlab.analysis.columns import times_ns
from gdlab.errors import ReplayError
from gdlab.facts import US, Reason
from gdlab.framing import NAMES, is_registered
from gdlab.messages import Direction, Event
from gdlab.relays.editing import Edit, Fields
from gdlab.transports.relaying.replayer import CLOSE, ITEM, MESSAGE, OPEN

PACES: Final = ("time", "answer", "rate", "asap")
_EVENTS: Final = {"message": MESSAGE, "open": OPEN, "close": CLOSE}

_Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A replay's plan.

    Attributes
    ----------
    data : items as the replay's process reads them. count : how many. messages : how many of them are messages.
    due_ns : (count,) of each, from the start. peer : (count,) number of its peer. size : (count,) payload bytes.
    peers : the recorded peers, by their numbers.
    framings : of each peer, by its number; of TCP, "raw" otherwise.
    notes : what the user should know, such as messages missing in the recording.
    """

    data: bytes
    count: int
    messages: int
    due_ns: np.ndarray[Any, np.dtype[np.int64]]
    peers: tuple[str, ...]
    framings: tuple[str, ...]
    notes: tuple[str, ...]


def schedule(
    table: pd.DataFrame,
    *,
    serve: bool,
    transport: str,
    speed: float = 1.0,
    pace: str = "time",
    hz: float | None = None,
    peer: str | None = None,
    start: float = 0.0,
    end: float | None = None,
    merge: bool = False,
    gaps: float | None = None,
    frames: float | None = None,
    loops: int = 1,
    framing: str = "auto",
    edit: Edit | None = None,
) -> Schedule:
    """Plan a replay; the arguments are those of `gdlab.replay`.

    Raises
    ------
    ReplayError : it cannot be replayed; the message gives the reason.
    """
    if pace not in PACES:
        raise ReplayError(f"pace is {pace!r}; there are {', '.join(map(repr, PACES))}")
    if pace == "rate" and not (hz and hz > 0):
        raise ReplayError("pace='rate' needs hz=, the messages per second")
    if not 0.001 <= speed <= 1000:
        raise ReplayError(f"speed is {speed!r}; give 0.001 to 1000, 1 being as recorded")
    table = table[table["peer"].astype(str) != ""].sort_values("time", kind="stable")
    known = sorted(table["peer"].astype(str).unique())
    if peer is not None:
        if peer not in known:
            raise ReplayError(f"the recording has no peer {peer!r}; it has {', '.join(known[:10]) or 'none'}")
        table = table[table["peer"].astype(str) == peer]
    made_here = _made_here(table)  # before the row that says so may be cut away
    since = (
        (table["time"] - table["time"].iloc[0]).dt.total_seconds() if len(table) else pd.Series(dtype=float)
    )
    table = table[(since >= start) & (since <= (np.inf if end is None else end))]
    names = [str(value) for value in table["endpoint"].unique()]
    if names and not any(name.partition(":")[0] in {transport, f"{transport}s"} for name in names):
        raise ReplayError(f"the recording is of {names[0]} and cannot be replayed over {transport}://")
    ours, theirs = _sides(table, made_here, serve=serve)
    if not ours.any():
        side, there = ("server", "to") if serve else ("clients", "serve")
        more = f"; it has {int(theirs.sum())} of the other side, for {there}=" if theirs.any() else ""
        raise ReplayError(f"nothing to replay: the recording has no messages of the {side}{more}")
    mine = table[ours | _begins_or_ends(table, made_here, serve=serve)]
    _refuse(mine, transport, edit)
    rewrite = Fields(edit) if isinstance(edit, Mapping) else edit
    due = _due(mine, pace, hz, speed, gaps, frames)
    answers = _answers_before(table, mine, theirs) if pace == "answer" else np.zeros(len(mine), np.int64)
    who = mine["peer"].astype(str).to_numpy()
    peers = tuple(dict.fromkeys(who.tolist()))
    numbers = {name: 0 if merge else place for place, name in enumerate(peers)}
    duration = int(due[-1]) + (int(np.median(np.diff(due))) if len(due) > 1 else 0)
    parts, all_due = [], []
    rows = list(
        zip(
            due.tolist(),
            who.tolist(),
            mine["event"].astype(str),
            mine["kind"].astype(str),
            mine["payload"],
            _codes(mine),
            answers.tolist(),
            strict=True,
        )
    )
    for turn in range(loops):
        for at, name, event, kind, payload, code, before in rows:
            if (turn and event == "open") or (turn < loops - 1 and event == "close"):
                continue
            data = bytes(payload) if event == "message" else b""
            if rewrite is not None and event == "message":
                data = bytes(rewrite(data))
            when = at + turn * duration
            parts.append(
                ITEM.pack(
                    when,
                    numbers[name],
                    _EVENTS[event],
                    kind == "text",
                    code if event == "close" else 0,
                    before,
                    len(data),
                )
                + data
            )
            all_due.append(when)
    if isinstance(rewrite, Fields):
        rewrite.check()
    return Schedule(
        b"".join(parts),
        len(parts),
        loops * int(ours.sum()),
        np.array(all_due, np.int64),
        peers,
        ("raw",) if transport != "tcp" else _framings(table, peers, framing),
        _notes(table),
    )


def _sides(table: pd.DataFrame, made_here: frozenset[str], *, serve: bool) -> tuple[_Mask, _Mask]:
    """Which rows are messages of the side that is played, and which of the other.

    gdlab was the server, so that what came in is of the clients, except towards peers that it connected to itself.
    Pings are gdlab's own, and so are the answers to them, which mean nothing to anybody else.
    """
    talks = (table["event"] == Event.MESSAGE) & (table["reason"] != Reason.PROBE)
    of_client = (table["direction"] == Direction.IN).to_numpy(np.bool_) != _is_of(table, made_here)
    is_message = talks.to_numpy(np.bool_)
    return is_message & (of_client != serve), is_message & (of_client == serve)


def _made_here(table: pd.DataFrame) -> frozenset[str]:
    """The peers that gdlab connected to itself."""
    return frozenset(table["peer"][(table["event"] == Event.OPEN) & (table["by"] == US)].astype(str))


def _is_of(table: pd.DataFrame, peers: frozenset[str]) -> _Mask:
    return np.asarray(table["peer"].isin(list(peers)), np.bool_)


def _begins_or_ends(table: pd.DataFrame, made_here: frozenset[str], *, serve: bool) -> _Mask:
    """Which rows open a connection, or are the played side's end of one.

    An end by the other side is left to the other side, and the end of the recording ends nothing.
    """
    opens = (table["event"] == Event.OPEN).to_numpy(np.bool_)
    closes = ((table["event"] == Event.CLOSE) & (table["reason"] != Reason.STOPPED)).to_numpy(np.bool_)
    by_client = (table["by"] != US).to_numpy(np.bool_) != _is_of(table, made_here)
    return np.asarray(opens | (closes & (by_client != serve)), np.bool_)


def _codes(mine: pd.DataFrame) -> list[int]:
    """Close codes; 0 where there is none."""
    return [int(code) for code in mine["code"].astype("Int64").fillna(0)]


def _due(
    mine: pd.DataFrame, pace: str, hz: float | None, speed: float, gaps: float | None, frames: float | None
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Nanoseconds from the start of each item."""
    if pace in {"answer", "asap"}:
        return np.zeros(len(mine), np.int64)
    if pace == "rate":
        return np.asarray(np.arange(len(mine)) * (1e9 / (hz or 1.0)), dtype=np.int64)
    times = times_ns(mine)
    between = np.diff(times, prepend=times[:1])
    if gaps is not None:
        between = np.minimum(between, round(gaps * 1e9))
    due = np.cumsum(between) / speed
    if frames is not None:
        due = np.ceil(due * frames / 1e9) * (1e9 / frames)
    return np.asarray(due, dtype=np.int64)


def _answers_before(
    table: pd.DataFrame, mine: pd.DataFrame, theirs: _Mask
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many messages of the other side had come to each peer before each item."""
    counted = pd.Series(theirs, table.index).astype("int64").groupby(table["peer"].astype(str)).cumsum()
    return np.asarray(counted.loc[mine.index], dtype=np.int64)


def _refuse(mine: pd.DataFrame, transport: str, edit: Edit | None) -> None:
    """Sessions whose bytes mean nothing a second time."""
    if edit is not None:
        return
    for payload in (
        mine[mine["event"] == "message"].groupby(mine["peer"].astype(str), sort=False)["payload"].first()
    ):
        first = bytes(payload)
        if first[:2] in {b"\x16\x03", b"\x16\xfe"}:
            raise ReplayError(
                "the recording is encrypted (TLS or DTLS): its keys belong to the old session, and a server refuses "
                "its bytes. Record the game without encryption"
            )
        if (
            transport == "udp"
            and len(first) >= 48
            and first[0] & 0x0F == 0x0F
            and first[1] == 0xFF
            and (first[4] & 0x0F == 2 and first[5] == 0xFF)
        ):
            raise ReplayError(
                "the recording is an ENet session (Godot's ENetMultiplayerPeer): connect ids, peer ids and sequence "
                "numbers belong to the old session, and a server drops them. Let a game play again, or rewrite "
                "them with edit="
            )


def _framings(table: pd.DataFrame, peers: tuple[str, ...], framing: str) -> tuple[str, ...]:
    """How the messages of each peer follow each other."""
    if framing != "auto":
        found = [framing] * len(peers)
    else:
        # A word of the column may go on with how the message was read.
        words = table["framing"].astype(str).str.partition(" ")[0]
        known = words[words != ""].groupby(table["peer"].astype(str)).last()
        agreed = set(known)  # a peer from whom nothing was read speaks as the others do
        common = agreed.pop() if len(agreed) == 1 else ""
        found = [str(known.get(peer, common)) for peer in peers]
    for peer, name in zip(peers, found, strict=True):
        if not name:
            raise ReplayError(
                f"how did the messages of {peer} follow each other? The recording does not show it: name framing=, "
                "such as 'put_var' or 'lines'; 'raw' sends the payloads as they are"
            )
        if is_registered(name) or name.partition(":")[0] not in NAMES:
            raise ReplayError(
                f"the framing {name!r} is a function of your own, which the replay's process does not have; "
                "chunks=True sends the bytes as they were read"
            )
    return tuple(found)


def _notes(table: pd.DataFrame) -> tuple[str, ...]:
    gaps = table[table["event"].astype(str) == "gap"]
    return tuple(
        f"missing in the recording: {text}" for text in gaps["detail"].fillna("").astype(str).head(5)
    )
