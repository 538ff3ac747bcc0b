"""Rules about what the game reported of itself while the messages were captured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.evidence import Evidence


def slow_game(evidence: Evidence) -> Iterator[Finding]:
    """Round trips rose because the game was busy, and not the network."""
    found = evidence.explained
    if found is None or not len(found):
        return
    mine = found[
        (found["what"] == "frame") & (found["overlap_ms"] >= 0.5 * (found["rtt_ms"] - found["usual_ms"]))
    ]
    if not len(mine):
        return
    worst = mine.iloc[int(np.argmax(mine["stall_ms"].to_numpy()))]
    yield Finding.of(
        "slow-game-frame",
        0.95,
        evidence.rows_at(mine["time"]),
        rtt_ms=mine["rtt_ms"].max(),
        stall_ms=worst["stall_ms"],
        number=str(worst["number"]),
        game=str(worst["game"]),
        slow=len(mine),
        trips=len(found),
        usual_ms=worst["usual_ms"],
        frames=mine["number"].nunique(),
        explained_ms=mine["overlap_ms"].median(),
    )


def stood_still(evidence: Evidence) -> Iterator[Finding]:
    """The game stopped in a break, and answered nobody."""
    if evidence.watched is None:
        return
    breaks = evidence.watched.break_times
    breaks = breaks[breaks["stood_ms"].notna() & evidence.during(breaks["time"])]
    if not len(breaks):
        return
    stood_ms = breaks["stood_ms"].astype("float64")
    worst = breaks.iloc[int(np.argmax(stood_ms.to_numpy()))]
    long = float(stood_ms.max())
    known = not pd.isna(worst["file"])
    place = Statement.of("stood-still/at", file=str(worst["file"]), line=str(worst["line"])) if known else ""
    yield Finding.of(
        "stood-still",
        0.99 if long >= 1000 else 0.8,
        evidence.rows_at(breaks["time"]),
        case="" if long >= 1000 else "short",
        seconds=long / 1e3,
        longest_ms=long,
        place=place,
        breaks=len(breaks),
        all_ms=float(stood_ms.sum()),
        because=str(worst["text"]) if worst["text"] else Statement("stood-still/asked"),
    )


def cut_output(evidence: Evidence) -> Iterator[Finding]:
    """The engine's own limits cut what the game reported."""
    log = evidence.log("dropped")
    if log is None or not len(log):
        return
    texts = log["text"].astype(str).unique().tolist()
    yield Finding.of("output-cut", 0.99, notices=len(log), texts=tuple(text[:120] for text in texts[:5]))


def script_errors(evidence: Evidence) -> Iterator[Finding]:
    """A script of the game failed while messages were captured."""
    log = evidence.log("script_error")
    if log is None or not len(log):
        return
    places = log.groupby(["file", "line"], observed=True, dropna=False).size().sort_values(ascending=False)
    (file, line), count = places.index[0], int(places.iloc[0])
    first = log[(log["file"] == file) & (log["line"] == line)].iloc[0]
    tied = evidence.causes(log)
    rows = tuple(int(row) for row in np.unique(tied[tied >= 0])[:20])
    yield Finding.of(
        "script-error",
        0.95,
        rows,
        case="" if count == len(log) else "places",
        errors=len(log),
        here=count,
        file=str(file),
        line=str(line),
        text=str(first["text"])[:160],
        places=len(places),
        tied=int((tied >= 0).sum()),
    )


def refused_packets(evidence: Evidence) -> Iterator[Finding]:
    """The engine could not make sense of packets that reached the game."""
    log = evidence.log("error")
    if log is None:
        return
    log = log[log["raised_in"].fillna("").astype(str).str.contains("modules/multiplayer/", regex=False)]
    log = log[log["stack"].map(len) == 0]
    if not len(log):
        return
    tied = evidence.causes(log)
    rows = tuple(int(row) for row in np.unique(tied[tied >= 0])[:20])
    # The same error for another node is the same error.
    texts = log["text"].astype(str).value_counts()
    yield Finding.of(
        "packet-refused",
        0.95,
        rows,
        errors=len(log),
        text=str(texts.index[0])[:160],
        different=len(texts),
        tied=int((tied >= 0).sum()),
        packets=len(np.unique(tied[tied >= 0])),
    )
