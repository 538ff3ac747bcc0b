"""What a replay sends, and when: made of a table of messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import times_ns
from gdlab.errors import ReplayError
from gdlab.relays.editing import Edit, Fields
from gdlab.transports.relaying.replayer import CLOSE, ITEM, MESSAGE, OPEN

PACES: Final = ("time", "answer", "rate", "asap")
_CODE: Final = re.compile(r"\b([1-4]\d{3})\b")
_GUESSED: Final = re.compile(r"^framing (\w+)")
_EVENTS: Final = {"message": MESSAGE, "open": OPEN, "close": CLOSE}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A replay's plan.

    Attributes
    ----------
    data : items as the replay's process reads them. count : how many.
    due_ns : (count,) of each, from the start. peer : (count,) number of its peer. size : (count,) payload bytes.
    peers : the recorded peers, by their numbers.
    framing : of a TCP recording.
    notes : what the user should know, such as messages missing in the recording.
    """

    data: bytes
    count: int
    due_ns: np.ndarray[Any, np.dtype[np.int64]]
    peers: tuple[str, ...]
    framing: str
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
    wanted, other = ("out", "in") if serve else ("in", "out")
    table = table[table["peer"].astype(str) != ""].sort_values("time", kind="stable")
    known = sorted(table["peer"].astype(str).unique())
    if peer is not None:
        if peer not in known:
            raise ReplayError(f"the recording has no peer {peer!r}; it has {', '.join(known[:10]) or 'none'}")
        table = table[table["peer"].astype(str) == peer]
    since = (
        (table["time"] - table["time"].iloc[0]).dt.total_seconds() if len(table) else pd.Series(dtype=float)
    )
    table = table[(since >= start) & (since <= (np.inf if end is None else end))]
    names = [str(value) for value in table["endpoint"].unique()]
    if names and not any(name.partition(":")[0] in {transport, f"{transport}s"} for name in names):
        raise ReplayError(f"the recording is of {names[0]} and cannot be replayed over {transport}://")
    events = table["event"].astype(str)
    direction = table["direction"].astype(str)
    is_message = events == "message"
    mine = table[(is_message & (direction == wanted)) | events.isin(["open", "close"])]
    if not (mine["event"] == "message").any():
        raise ReplayError(
            f"nothing to replay: the recording has no messages that {'went out' if serve else 'came in'}"
            + (
                f"; it has {int((is_message & (direction == other)).sum())} of the other direction, for "
                f"{'to' if serve else 'serve'}="
                if (is_message & (direction == other)).any()
                else ""
            )
        )
    _refuse(mine, transport, edit)
    rewrite = Fields(edit) if isinstance(edit, Mapping) else edit
    due = _due(mine, pace, hz, speed, gaps, frames)
    answers = _answers_before(table, mine, other) if pace == "answer" else np.zeros(len(mine), np.int64)
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
            mine["detail"].fillna("").astype(str),
            answers.tolist(),
            strict=True,
        )
    )
    for turn in range(loops):
        for at, name, event, kind, payload, detail, before in rows:
            if (turn and event == "open") or (turn < loops - 1 and event == "close"):
                continue
            data = bytes(payload) if event == "message" else b""
            if rewrite is not None and event == "message":
                data = bytes(rewrite(data))
            found = _CODE.search(detail) if event == "close" else None
            when = at + turn * duration
            parts.append(
                ITEM.pack(
                    when,
                    numbers[name],
                    _EVENTS[event],
                    kind == "text",
                    int(found[1]) if found else 0,
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
        np.array(all_due, np.int64),
        peers,
        _framing(table, transport, framing),
        _notes(table),
    )


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
    table: pd.DataFrame, mine: pd.DataFrame, other: str
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many messages of the other side had come to each peer before each item."""
    theirs = (table["event"].astype(str) == "message") & (table["direction"].astype(str) == other)
    counted = theirs.astype("int64").groupby(table["peer"].astype(str)).cumsum()
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


def _framing(table: pd.DataFrame, transport: str, framing: str) -> str:
    if transport != "tcp" or framing != "auto":
        return "raw" if framing == "auto" else framing
    for text in table["detail"].dropna().astype(str):
        if found := _GUESSED.match(text):
            return found[1]
    raise ReplayError(
        "how did the messages of this TCP recording follow each other? Name framing=, such as 'put_var' or 'lines'; "
        "'raw' sends the payloads as they are"
    )


def _notes(table: pd.DataFrame) -> tuple[str, ...]:
    gaps = table[table["event"].astype(str) == "gap"]
    return tuple(
        f"missing in the recording: {text}" for text in gaps["detail"].fillna("").astype(str).head(5)
    )
