"""Captures of one session as one: both sides of it, and a relay between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import groups, messages, require
from gdlab.analysis.matching import CLEARLY, LEAST_MATCHES
from gdlab.analysis.merged import By, Merged, MergedPath
from gdlab.analysis.merging import merge_two
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The places of the way from a to b and back, in its order.
PLACES: Final = (
    "a to relay",
    "in the relay",
    "relay to b",
    "b to relay",
    "in the relay (back)",
    "relay to a",
)


def merge(
    a: Source,
    b: Source,
    *,
    by: By = "auto",
    seq: str | None = None,
    bits: int | None = None,
    relay: Source | None = None,
    same_clock: bool = False,
) -> Merged:
    """Align two captures of one session by the messages that both have.

    Parameters
    ----------
    a, b : the two sides of one conversation: what goes out of one comes into the other. Client and server, sender and
        receiver, or either side and a relay.
    by : what tells a message from another: ``payload`` (only those that were sent once), ``probe`` (only probes, which
        carry number and time), ``seq`` (the column `seq`), ``auto``: ``seq`` if that is given, else ``payload``.
    seq : column with the sender's number, such as ``"v.seq"``.
    bits : width of a number that wraps around, 2 to 32, such as 16.
    relay : a capture of the program between them, which passes messages on unchanged: one conversation with a, and one
        with b. What became of the messages is then reported place by place as well, as `Merged.path`.
    same_clock : both captures are of one machine, whose clock needs no estimate; then one way suffices for delays.

    Returns
    -------
    `Merged`: the table, loss and order of each way, the clocks. The times of both captures stand in it as they were
    taken. Without messages both ways there is no delay in it, as no offset can be determined from one way.

    Raises
    ------
    ValueError
        If it is ambiguous which messages are the same, with the reason: nothing in common, contents that repeat,
        several conversations that fit (of the relay, too), or times that contradict each other.
    KeyError
        If there is no column `seq`.

    Notes
    -----
    The offset is an interval, not an average: no message arrives before it was sent, and the drift is steady and at
    most 500 ppm. What is sent before the first or after the last message that arrived counts as `unseen`, not lost.
    Reordering as in RFC 4737, loss as in RFC 7680, one-way delay as in RFC 7679. One conversation at a time.
    """
    found = merge_two(a, b, by=by, seq=seq, bits=bits, same_clock=same_clock)
    if relay is None:
        return found
    return replace(found, path=_path(a, relay, b, by=by, seq=seq, bits=bits))


def _path(a: Source, relay: Source, b: Source, *, by: By, seq: str | None, bits: int | None) -> MergedPath:
    tables = [table_of(each, seq) for each in (a, relay, b)]
    for table in tables:
        require(table, ("time", "endpoint", "peer", "direction", "event", "size_bytes", "payload"))
    towards_a = _side(tables[1], tables[0], "a", ())
    towards_b = _side(tables[1], tables[2], "b", towards_a)
    sides = [tables[1].iloc[rows].reset_index(drop=True) for rows in (towards_a, towards_b)]
    before, behind = (
        merge_two(*pair, by=by, seq=seq, bits=bits, same_clock=False)
        for pair in ((tables[0], sides[0]), (sides[1], tables[2]))
    )
    # What came from a went into the relay, and what it sent to b came out of it.
    inside = merge_two(*(_turned(side) for side in sides), by=by, seq=seq, bits=bits, same_clock=True)
    parts = [part.ways.iloc[[way]] for way in (0, 1) for part in (before, inside, behind)[:: 1 - 2 * way]]
    ways = pd.concat(parts, ignore_index=True).assign(place=list(PLACES))
    return MergedPath(ways, before, inside, behind)


def _turned(table: pd.DataFrame) -> pd.DataFrame:
    """A capture of the relay as one of what is inside it: what came in is sent there."""
    turned = table["direction"].astype(object).map({"in": "out", "out": "in"})
    return table.assign(direction=pd.Categorical(turned, categories=["in", "out"]))


def _side(
    relay: pd.DataFrame, other: pd.DataFrame, name: str, taken: NDArray[np.int64] | tuple[()]
) -> NDArray[np.int64]:
    """The rows of the relay's conversation with one side: most of what came in there was sent by it."""
    free = np.setdiff1d(np.flatnonzero(messages(relay)), np.asarray(taken, dtype=np.int64))
    ids, labels = groups(relay.iloc[free], ("endpoint", "peer"))
    came = relay["direction"].eq("in").to_numpy(dtype=np.bool_)[free]
    sent = other["payload"].array[np.flatnonzero(messages(other, "out"))]
    theirs = np.asarray(pd.Index(np.asarray(relay["payload"].array[free], dtype=object)).isin(set(sent)))
    votes = np.bincount(ids[came & theirs], minlength=len(labels))
    order = np.argsort(-votes, kind="stable")
    most = int(votes[order[0]]) if len(order) else 0
    next_most = int(votes[order[1]]) if len(order) > 1 else 0
    if most < LEAST_MATCHES or most < CLEARLY * next_most:
        raise ValueError(
            f"ambiguous: which conversation of the relay is that with {name} cannot be told: {most} messages that "
            f"{name} sent came in with the best, {next_most} with the next, and {LEAST_MATCHES} are needed. Filter the "
            "relay's table by peer, and give a capture in which both sides sent something"
        )
    return np.asarray(free[ids == order[0]], np.int64)
