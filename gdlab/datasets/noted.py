"""What workers note of some rows for the rules of `findings`: how many there are, which are the first, who answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab.analysis.columns import equals, group_rows, messages, times_ns
from gdlab.analysis.probes import probes
from gdlab.analysis.rules.evidence import POINTED, SAMPLE, Evidence, Moments, said, sent_before
from gdlab.analysis.rules.masks import COUNTED, LOOKED_AT
from gdlab.analysis.stamps import carried
from gdlab.analysis.together import together
from gdlab.datasets.reading import ROW_BITS, Rows, own
from gdlab.datasets.units import Found, Unit, by_stream, keys
from gdlab.facts import Reason

Ints: TypeAlias = npt.NDArray[np.int64]

#: Of each mask in turn, how many of its first rows may be wanted.
FIRST: Final = (*(SAMPLE for _ in LOOKED_AT), *(POINTED for _ in COUNTED))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Messages that rules count or look into.

    Attributes
    ----------
    counted : of each mask of `COUNTED`, how many there are, and the payload bytes of the largest.
    first : of each mask of `LOOKED_AT` and `COUNTED`, time and place of its first rows; (k, 2) int64 each.
    others : (k, 2) int64, time and place of all rows that are no messages.
    """

    counted: tuple[tuple[int, int], ...]
    first: tuple[Ints, ...]
    others: Ints


@dataclass(frozen=True, slots=True)
class Clocked:
    """Messages with their sender's clock: how many, time and place of the first, whether all are in milliseconds."""

    n: int
    first: Ints
    coarse: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of pings and numbered messages of some streams.

    Attributes
    ----------
    trips, streams : of `round_trips` and `sequence`.
    own : (k, 2) int64, time and place of the first of our pings and their answers, of each stream.
    theirs, stamped : pings of the other sides, and messages of the game.
    """

    trips: Found | str
    streams: Found | str
    own: Ints
    theirs: Clocked
    stamped: Clocked


def chosen(rows: Rows) -> Chosen:
    """The messages that rules count or look into, and all other rows."""
    evidence = Evidence(rows.table)
    counted: list[tuple[int, int]] = []
    first: list[Ints] = []
    there = rows.table["payload"].notna().to_numpy(dtype=np.bool_)
    for mask, most in zip((*LOOKED_AT, *COUNTED), FIRST, strict=True):
        which = mask(evidence)
        if len(first) >= len(LOOKED_AT):
            sizes = evidence.size[which]
            counted.append((len(sizes), int(sizes.max(initial=0))))
        else:
            which = which & there
        first.append(keys(rows, np.flatnonzero(which)[:most]))
    others = ~messages(rows.table)
    for reason in (Reason.KERNEL_DROP, Reason.INCOMPLETE):
        others |= equals(rows.table, "reason", reason)
    return Chosen(tuple(counted), tuple(first), keys(rows, np.flatnonzero(others)))


def followed(rows: Rows, unit: Unit) -> Followed:
    """Round trips, numbers and clocks of some streams."""
    with together():
        trips = by_stream(rows, replace(unit, measure="round_trips", options={}))
        streams = by_stream(rows, unit)
        found = probes(rows.table)
        ours, at = found["ours"].to_numpy(), found["row"].to_numpy()
        theirs = ~ours & ~found["pong"].to_numpy()
        own = at[ours]
        ids, _ = group_rows(rows.table, ("endpoint", "peer"), own)
        own = own[_within_group(ids) < POINTED]
        written = carried(rows.table)
        return Followed(
            trips,
            streams,
            keys(rows, own),
            _clocked(rows, at[theirs], found["t_us"].to_numpy()[theirs]),
            _clocked(rows, written.rows, written.t_us),
        )


def _clocked(rows: Rows, at: Ints, t_us: Ints) -> Clocked:
    return Clocked(len(at), keys(rows, at[:POINTED]), bool((t_us % 1000 == 0).all()))


def _within_group(ids: Ints) -> Ints:
    """How many rows of the same group are before each."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    within = np.empty(len(ids), np.int64)
    within[order] = np.arange(len(ids)) - np.searchsorted(ordered, ordered)
    return within


def fetched(rows: Rows, unit: Unit) -> Rows:
    """The rows of some places."""
    at = np.flatnonzero(np.isin(rows.place, unit.options["places"]))
    return Rows(own(rows.table.iloc[at].reset_index(drop=True)), rows.place[at])


def ranked(rows: Rows, unit: Unit) -> Ints:
    """How many rows of a file come before each time and place, (k, 2) int64, in the order of all rows."""
    wanted: Ints = unit.options["keys"]
    ((number, _),) = unit.part.files
    times = times_ns(rows.table)
    file = wanted[:, 1] >> ROW_BITS
    before = np.searchsorted(times, wanted[:, 0], side="left")
    up_to = np.searchsorted(times, wanted[:, 0], side="right")
    count = np.where(file > number, up_to, before)
    for at in np.flatnonzero((file == number) & (up_to > before)).tolist():
        same = rows.place[before[at] : up_to[at]]
        count[at] += np.searchsorted(same, wanted[at, 1])
    return count.astype(np.int64)


def before(rows: Rows, unit: Unit) -> Moments:
    """When our message to each peer before each moment was sent, as far as these rows tell."""
    return sent_before(rows.table, unit.options["moments"])


def between(rows: Rows, unit: Unit) -> tuple[int, int]:
    """Messages to a peer and from it between two moments."""
    return said(rows.table, unit.options["peer"], unit.options["first"], unit.options["last"])
