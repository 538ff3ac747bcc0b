"""TCP segments put together to the streams that the receivers got (RFC 9293): each byte once, in order.

A capture is not a receiver: it may begin in the middle, miss packets that arrived, and see them in another order. So
the whole capture decides: a segment waits for those before it if they come later in the capture; bytes that never come
are a hole, which is told, and the stream goes on behind it.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from gdlab.facts import Statement
from gdlab.files.packets.columns import Bools, Segments
from gdlab.files.packets.ip import TCP
from gdlab.payloads import Int64

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
_WRAP: Final = 1 << 32
_HALF: Final = 1 << 31
#: A jump this far is believed only if the stream goes on there: no window is as large in practice.
_FAR: Final = 64 << 20
#: How far before the first segment of a stream without a SYN others may belong, and how many of them are looked at.
_BEFORE_BYTES: Final = 1 << 20
_BEFORE_SEGMENTS: Final = 16


@dataclass(slots=True)
class Streams:
    """What arrived in each stream, in the order of arrival.

    Attributes
    ----------
    packet : (n,) which packet of the file made these bytes available; its time is theirs.
    segment : (n,) which packet of the file they are from; -1 of a hole.
    connection : (n,) number of the connection. source, target : (n,) positions in `Segments.hosts`.
    start, stop : (n,) of the bytes. missing : (n,) bytes behind them that were cut off by the capture, or the length of
        a hole.
    listening : by connection, the host that was connected to; -1 where no SYN was captured.
    counts : segments that gave no bytes, or came in another order, by what they were.
    """

    packet: Int64
    segment: Int64
    connection: Int64
    source: Int64
    target: Int64
    start: Int64
    stop: Int64
    missing: Int64
    listening: dict[int, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.packet)


_COLUMNS: Final = ("packet", "segment", "connection", "source", "target", "start", "stop", "missing")

REPEATED = "repeated"
KEPT_ALIVE = "kept alive"
LATE = "late"
RESET = "reset"
STRAY = "stray"


def streams(found: Segments, advance: Callable[[int], None] | None = None) -> Streams:
    """Put the TCP segments of a file together; see the module."""
    rows = np.flatnonzero(found.protocol == TCP)
    counts: Counter[str] = Counter()
    length = found.stop[rows] - found.start[rows] + found.missing[rows]
    flags = found.flags[rows]
    empty = int(((length == 0) & (flags & RST == 0)).sum())
    if empty:
        found.left_out[Statement("left out/tcp empty")] += empty
    source, target = found.source[rows], found.target[rows]
    low, high = np.minimum(source, target), np.maximum(source, target)
    pair, _ = pd.factorize(low * (len(found.hosts) + 1) + high)
    pair = pair.astype(np.int64)
    clean = _clean_pairs(pair, source == low, source == target, flags, found.sequence[rows], length)
    listening = _listening(pair, source, target, flags)
    plain = np.flatnonzero(clean[pair] & (length > 0)) if len(pair) else np.empty(0, np.int64)
    first = rows[plain]
    parts = [
        (
            first,
            first,
            pair[plain],
            source[plain],
            target[plain],
            found.start[first],
            found.stop[first],
            found.missing[first],
        )
    ]
    # A connection of one of the clean pairs has the pair's number; those of others are counted on.
    connections = _Connections(found, int(pair.max()) + 1 if len(pair) else 0, listening, counts)
    others = np.flatnonzero(~clean[pair]) if len(pair) else np.empty(0, np.int64)
    others = others[np.argsort(pair[others], kind="stable")]
    bounds = np.flatnonzero(np.diff(pair[others])) + 1
    for group in np.split(others, bounds) if len(others) else ():
        connections.read(rows[group])
        if advance is not None:
            advance(len(group))
    if connections.made:
        parts.append(tuple(np.array(column, np.int64) for column in zip(*connections.made, strict=True)))  # type: ignore[arg-type]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    named = dict(zip(_COLUMNS, (column[order] for column in columns), strict=True))
    return Streams(**named, listening=listening, counts=counts)


def _clean_pairs(
    pair: Int64, forward: Bools, itself: Bools, flags: Int64, sequence: Int64, length: Int64
) -> Bools:
    """(pairs,) bool: which pairs have one connection, all of whose bytes were captured once and in order."""
    pairs = int(pair.max()) + 1 if len(pair) else 0
    clean = np.ones(pairs, np.bool_)
    clean[pair[itself]] = False  # a host that speaks with itself has one direction for two
    syn = (flags & SYN) != 0
    clean[pair[((flags & RST) != 0) & (length > 0)]] = False
    stream = pair * 2 + forward
    clean[np.flatnonzero(np.bincount(stream[syn], minlength=2 * pairs) > 1) // 2] = False
    looked = np.flatnonzero(syn | (length > 0))
    order = looked[np.argsort(stream[looked], kind="stable")]
    ordered = stream[order]
    follows = ordered[1:] == ordered[:-1]
    taken = (sequence + length + syn)[order]
    wrong = follows & ((taken[:-1] - sequence[order][1:]) % _WRAP != 0)
    clean[ordered[1:][wrong] // 2] = False
    # What came before a SYN was of another connection.
    clean[ordered[1:][follows & syn[order][1:]] // 2] = False
    return clean


def _listening(pair: Int64, source: Int64, target: Int64, flags: Int64) -> dict[int, int]:
    """Which host was connected to, by pair, from its first SYN."""
    rows = np.flatnonzero(flags & SYN)
    hosts = np.where(flags[rows] & ACK, source[rows], target[rows])
    pairs, first = np.unique(pair[rows], return_index=True)
    return dict(zip(pairs.tolist(), hosts[first].tolist(), strict=True))


class _Connections:
    """The connections of pairs that need to be looked at segment by segment."""

    def __init__(self, found: Segments, first: int, listening: dict[int, int], counts: Counter[str]) -> None:
        self.made: list[tuple[int, ...]] = []
        self._found = found
        self._next = first
        self._listening = listening
        self._counts = counts

    def read(self, rows: Int64) -> None:
        """All TCP segments between two hosts, in the order of the file."""
        found = self._found
        columns = (
            found.source, found.target, found.flags, found.sequence, found.acknowledged, found.start, found.stop,
            found.missing,
        )  # fmt: skip
        halves: dict[int, _Half] = {}
        for row, source, target, flags, sequence, acknowledged, start, stop, missing in zip(
            rows.tolist(), *(column[rows].tolist() for column in columns), strict=True
        ):
            length = stop - start + missing
            if flags & RST:
                if length:
                    self._counts[RESET] += 1
                continue
            half = halves.get(source)
            if flags & SYN:
                other = halves.get(target)
                if half is not None and flags & ACK and other is not None and other.began_at(acknowledged):
                    # The answer to a repeated SYN may have another number; the first one is what holds.
                    continue
                if half is not None and half.is_other(sequence + 1):
                    self._finish(halves)
                    halves = {}
                    half = None
                sequence += 1
                if not halves:
                    self._listening[self._next] = source if flags & ACK else target
            if not (length or flags & SYN):
                continue
            if half is None:
                half = halves[source] = _Half(source, target)
            if flags & SYN:
                half.begins_at(sequence % _WRAP)
            if length:
                half.segments.append((row, sequence % _WRAP, start, stop, missing))
        self._finish(halves)

    def _finish(self, halves: dict[int, _Half]) -> None:
        if not halves:
            return
        for half in halves.values():
            for packet, segment, start, stop, missing in half.put_together(self._counts):
                self.made.append(
                    (packet, segment, self._next, half.source, half.target, start, stop, missing)
                )
        self._next += 1


class _Half:
    """One direction of a connection."""

    def __init__(self, source: int, target: int) -> None:
        self.source = source
        self.target = target
        self.segments: list[tuple[int, int, int, int, int]] = []
        self._first: int | None = None

    def begins_at(self, sequence: int) -> None:
        """A SYN says where the stream begins."""
        if self._first is None:
            self._first = sequence

    def began_at(self, sequence: int) -> bool:
        """Whether a SYN was captured that this is the first number after."""
        return self._first == sequence

    def is_other(self, sequence: int) -> bool:
        """Whether a SYN with this first number is not that of this connection, sent again."""
        sequence %= _WRAP
        return self._first != sequence if self._first is not None else bool(self.segments)

    def put_together(self, counts: Counter[str]) -> list[tuple[int, int, int, int, int]]:
        """What the receiver got: packet, segment, start, stop, missing; see `Streams`."""
        placed = self._placed(counts)
        if not placed:
            return []
        at = self._beginning(placed) if self._first is None else _HALF
        covered = _covered([(position, position + length) for position, length, *_ in placed])
        holes = {end: following for (_, end), (following, _) in itertools.pairwise(covered)}
        made: list[tuple[int, int, int, int, int]] = []
        if covered[0][0] > at:  # what comes first was not captured
            made.append((placed[0][2], -1, 0, 0, covered[0][0] - at))
            at = covered[0][0]
        waiting: list[tuple[int, int, int, int, int, int]] = []
        for position, length, row, start, stop, missing in placed:
            if position + length <= at:
                counts[KEPT_ALIVE if length == 1 and position == at - 1 else REPEATED] += 1
                continue
            heapq.heappush(waiting, (position, row, length, start, stop, missing))
            if position > at and not (at in holes and position >= holes[at]):
                counts[LATE] += 1
            while waiting:
                if waiting[0][0] > at and at in holes and waiting[0][0] >= holes[at]:
                    made.append((row, -1, 0, 0, holes[at] - at))
                    at = holes[at]
                if waiting[0][0] > at:
                    break
                place, segment, size, begin, end, _ = heapq.heappop(waiting)
                known = at - place
                if size <= known:
                    counts[REPEATED] += 1
                    continue
                here = min(begin + known, end)
                made.append((row, segment, here, end, place + size - at - (end - here)))
                at = place + size
        return made

    def _placed(self, counts: Counter[str]) -> list[tuple[int, int, int, int, int, int]]:
        """Segments at positions that do not wrap: position, length, then as in `segments`. The SYN is at 2**31."""
        placed: list[tuple[int, int, int, int, int, int]] = []
        first = self._first if self._first is not None else self.segments[0][1] if self.segments else 0
        origin = first - _HALF
        newest = _HALF
        rows = self.segments
        for number, (row, sequence, start, stop, missing) in enumerate(rows):
            length = stop - start + missing
            position = newest + (sequence - origin - newest + _HALF) % _WRAP - _HALF
            if abs(position - newest) > _FAR:
                following = rows[number + 1][1] if number + 1 < len(rows) else None
                goes_on = following is not None and (following - sequence + _FAR) % _WRAP <= 2 * _FAR
                if not goes_on or position < newest:
                    counts[STRAY] += 1
                    continue
            newest = max(newest, position + length)
            placed.append((position, length, row, start, stop, missing))
        return placed

    @staticmethod
    def _beginning(placed: list[tuple[int, int, int, int, int, int]]) -> int:
        """Where a stream without a SYN begins: at the least of the first segments; a keep-alive stands before."""
        first = placed[0][0]
        near = [
            position
            for position, length, *_ in placed[:_BEFORE_SEGMENTS]
            if first - _BEFORE_BYTES <= position and not (length == 1 and position == first - 1)
        ]
        return min(near)


def _covered(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union of spans."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
