"""Rules about what the game told of itself while the messages were captured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gdlab.analysis.rules.finding import Finding
from gdlab.text import count as count_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.facts import Facts


def slow_game(facts: Facts) -> Iterator[Finding]:
    """Round trips rose because the game was busy, and not the network."""
    found = facts.explained
    if found is None or not len(found):
        return
    mine = found[
        (found["what"] == "frame") & (found["overlap_ms"] >= 0.5 * (found["rtt_ms"] - found["usual_ms"]))
    ]
    if not len(mine):
        return
    worst = mine.iloc[int(np.argmax(mine["stall_ms"].to_numpy()))]
    yield Finding(
        "slow-game-frame",
        0.95,
        f"The round trip rose to {mine['rtt_ms'].max():.0f} ms because the game's frame took "
        f"{worst['stall_ms']:.0f} ms (frame {worst['number']} of {worst['game']}): that is not the network.",
        f"{len(mine)} of {len(found)} long round trips (usual {worst['usual_ms']:.1f} ms) lie over slow frames, "
        f"{mine['number'].nunique()} of them; the frames explain {mine['overlap_ms'].median():.0f} ms of each (median)",
        'Look what the game does in that frame: watch.profile("functions"), then watch.functions, names the '
        "GDScript that is slow.",
        "A game answers between two frames: as long as one lasts, every message waits.",
        facts.rows_at(mine["time"]),
    )


def stood_still(facts: Facts) -> Iterator[Finding]:
    """The game stopped in a break, and answered nobody."""
    if facts.watched is None:
        return
    breaks = facts.watched.break_times
    breaks = breaks[breaks["stood_ms"].notna() & facts.during(breaks["time"])]
    if not len(breaks):
        return
    stood_ms = breaks["stood_ms"].astype("float64")
    worst = breaks.iloc[int(np.argmax(stood_ms.to_numpy()))]
    long = float(stood_ms.max())
    place = "" if pd.isna(worst["file"]) else f" at {worst['file']}:{worst['line']}"
    yield Finding(
        "stood-still",
        0.99 if long >= 1000 else 0.8,
        f"The game stood still for {long / 1e3:.1f} s in a break{place}."
        if long >= 1000
        else f"The game stopped {_times(len(breaks))} in breaks, for {long:.0f} ms at the longest{place}.",
        f"{len(breaks)} breaks, {float(stood_ms.sum()):.0f} ms in all; reason of the longest: "
        f"{worst['text'] or 'asked for by the debugger'}",
        "Peers give a game up that is silent for 5 s. Mend the error that stops it; a breakpoint stops it only while a "
        "debugger is connected.",
        "A program in a break answers nobody, and its peers cannot tell that from a dead network.",
        facts.rows_at(breaks["time"]),
    )


def cut_output(facts: Facts) -> Iterator[Finding]:
    """The engine's own limits cut what the game told."""
    log = facts.log("dropped")
    if log is None or not len(log):
        return
    texts = log["text"].astype(str).unique().tolist()
    yield Finding(
        "output-cut",
        0.99,
        "Output of the game was cut by the engine: the watch does not show all that it printed or reported.",
        f"{len(log)} notices of the engine: " + "; ".join(text[:120] for text in texts[:3]),
        "Print less in each frame, or raise network/limits/debugger/* in the project's settings.",
        "What a program says of itself goes through limits, too: count what they cut.",
    )


def script_errors(facts: Facts) -> Iterator[Finding]:
    """A script of the game failed while messages were captured."""
    log = facts.log("script_error")
    if log is None or not len(log):
        return
    places = log.groupby(["file", "line"], observed=True, dropna=False).size().sort_values(ascending=False)
    (file, line), count = places.index[0], int(places.iloc[0])
    first = log[(log["file"] == file) & (log["line"] == line)].iloc[0]
    tied = facts.causes(log)
    rows = tuple(int(row) for row in np.unique(tied[tied >= 0])[:20])
    yield Finding(
        "script-error",
        0.95,
        f"A script of the game failed {_times(len(log))}"
        + (f", {_times(count)} of them" if count < len(log) else "")
        + f" at {file}:{line}: {str(first['text'])[:160]}",
        f"{count_of(len(places), 'place')}; {int((tied >= 0).sum())} of {len(log)} errors follow a single "
        "packet within a frame",
        "The function is left at that line: whatever it should have sent or answered is missing. See watch.log for the "
        "stack.",
        "An error ends a function, not the game: what is missing afterwards looks like loss.",
        rows,
    )


def refused_packets(facts: Facts) -> Iterator[Finding]:
    """The engine could not make sense of packets that reached the game."""
    log = facts.log("error")
    if log is None:
        return
    log = log[log["raised_in"].fillna("").astype(str).str.contains("modules/multiplayer/", regex=False)]
    log = log[log["stack"].map(len) == 0]
    if not len(log):
        return
    tied = facts.causes(log)
    rows = tuple(int(row) for row in np.unique(tied[tied >= 0])[:20])
    # The same error for another node is the same error.
    texts = log["text"].astype(str).value_counts()
    yield Finding(
        "packet-refused",
        0.95,
        f"The game refused packets of its peers {_times(len(log))}: {texts.index[0][:160]}",
        f"{len(texts)} different errors while the network was polled; {int((tied >= 0).sum())} of {len(log)} are tied "
        f"to {len(np.unique(tied[tied >= 0]))} packets",
        "Look at the packets named, and whether both sides have the same nodes, scripts and authorities at that "
        "moment.",
        "That a packet arrived does not mean that it was understood.",
        rows,
    )


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n:,} times"
