"""The columns of a table in their final dtypes, to which rows are added at the end.

A table of a million rows that is asked for four times per second must not be made anew each time. Here every row is
converted once. What has been handed out is never written to again: new rows go behind it, and where they belong
before rows that are out already, the columns move to new memory first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab.facts import Fact
from gdlab.messages import CODES, Direction, Event, Kind, TimeSource
from gdlab.payloads import UInt8
from gdlab.store.blocks import Block, Columns
from gdlab.store.snapshot import Snapshot
from gdlab.words import language, sentence

Array: TypeAlias = npt.NDArray[Any]

#: A payload's address is its arena's number and, in the lower 32 bits, its offset there: blocks count in 32 bits.
ARENA_SHIFT: Final = 32

_DTYPES: Final[dict[str, Any]] = {
    "time_ns": np.int64,
    "time_source": np.int8,
    "endpoint": np.int8,
    "peer": np.int8,
    "direction": np.int8,
    "event": np.int8,
    "kind": np.int8,
    "word": np.int8,
    "size": np.int64,
    "wire": np.int64,
    "address": np.int64,
}


#: Columns that few rows have something in: their dtypes, and what stands in all other rows. They take memory only
#: where one row has a fact. A true `no_code` means that `code` is missing.
FACTS: Final[dict[str, tuple[Any, Any]]] = {
    "reason": (np.int8, 0),
    "by": (np.int8, 0),
    "code": (np.int32, 0),
    "no_code": (np.bool_, True),
    "count": (np.int64, 0),
    "no_count": (np.bool_, True),
    "detail": (object, ""),
}


class _Taken:
    """How far one snapshot's store has been read."""

    def __init__(self, snapshot: Snapshot, endpoint: int) -> None:
        self.origin = snapshot.origin
        self.evicted = snapshot.evicted
        self.endpoint = endpoint
        self.rows = 0
        self.arenas: list[int] = []  # number of the arena of each block
        self.peers: npt.NDArray[np.int32] = np.empty(0, np.int32)  # the store's numbers to those of the table
        self.same_peers = True  # both count alike, as they do for a single store


class Part(NamedTuple):
    """Some rows, on their way into the columns; `base` is to be added to their addresses."""

    columns: dict[str, Array]
    base: int
    facts: dict[str, Array] | None  # as `FACTS`, where a row has one


class Growing:
    """Columns of the rows of several stores, in order of time.

    Parameters
    ----------
    snapshots : as `table.build` takes them; later ones of the same stores are added with `add`.
    spare : how much room for later rows is reserved, as a share of the rows. The memory behind it is not touched.
    """

    def __init__(self, snapshots: Sequence[Snapshot], *, spare: float) -> None:
        self._spare = spare
        self.count = 0
        self.peers: dict[str, int] = {"": 0}
        self.endpoints: dict[str, int] = {}
        self.words: dict[str, int] = {"": 0}
        self.arenas: list[UInt8] = []
        self.facts: dict[str, Array] | None = None  # as `FACTS`; None as long as no row has one
        self.language = language()
        self._buffers = {name: np.empty(0, dtype) for name, dtype in _DTYPES.items()}
        self._taken = [
            _Taken(snapshot, self.endpoints.setdefault(snapshot.endpoint, len(self.endpoints)))
            for snapshot in snapshots
        ]
        self.add(snapshots)

    def column(self, name: str) -> Array:
        """(count,) of one column; must not be written to."""
        return self._buffers[name][: self.count]

    @property
    def capacity(self) -> int:
        """Rows that fit before the columns move."""
        return len(self._buffers["time_ns"])

    def continues_with(self, snapshots: Sequence[Snapshot]) -> bool:
        """Whether these are later snapshots of the same stores, with nothing evicted meanwhile."""
        return len(snapshots) == len(self._taken) and all(
            snapshot.origin is not None
            and snapshot.origin is taken.origin
            and snapshot.evicted == taken.evicted
            and self.language == language()
            for snapshot, taken in zip(snapshots, self._taken, strict=True)
        )

    def add(self, snapshots: Sequence[Snapshot]) -> None:
        """Take in what is new."""
        parts = [
            part
            for taken, snapshot in zip(self._taken, snapshots, strict=True)
            for part in self._new_parts(taken, snapshot)
        ]
        rows = sum(len(part.columns["time_ns"]) for part in parts)
        if not rows:
            return
        self._fit_codes("endpoint", len(self.endpoints))
        self._fit_codes("peer", len(self.peers))
        self._fit_codes("word", len(self.words))
        first_ns = min(int(part.columns["time_ns"].min()) for part in parts)
        keep = int(np.searchsorted(self.column("time_ns"), first_ns, side="right"))
        if self.facts is None and any(part.facts is not None for part in parts):
            self.facts = no_facts(self.capacity)
        late = self.count - keep
        self._reserve(self.count + rows, move=late > 0, keep=keep, parts=parts)

    def _new_parts(self, taken: _Taken, snapshot: Snapshot) -> list[Part]:
        if len(snapshot.peers) > len(taken.peers):
            new = [
                self.peers.setdefault(peer, len(self.peers)) for peer in snapshot.peers[len(taken.peers) :]
            ]
            taken.peers = np.concatenate([taken.peers, np.array(new, np.int32)])
            taken.same_peers = bool(np.all(taken.peers == np.arange(len(taken.peers))))
        blocks = ((_gap_row(snapshot),) if snapshot.evicted.rows else ()) + snapshot.blocks
        parts, start = [], 0
        for number, block in enumerate(blocks):
            if number == len(taken.arenas):
                taken.arenas.append(len(self.arenas))
                self.arenas.append(block.arena)
            else:
                self.arenas[taken.arenas[number]] = block.arena  # the open block's has grown
            stop = start + len(block)
            if stop > taken.rows:
                parts.append(
                    _part(
                        block.rows(max(0, taken.rows - start), len(block)),
                        taken,
                        taken.arenas[number],
                        self._words(block),
                    )
                )
            start = stop
        taken.rows = start
        return parts

    def _words(self, block: Block) -> Array | None:
        """The block's numbers of words to those of the table; None where no row has one."""
        if len(block.words) == 1:
            return None
        return np.array([self.words.setdefault(word, len(self.words)) for word in block.words], np.int32)

    def _reserve(self, rows: int, *, move: bool, keep: int, parts: list[Part]) -> None:
        """Write the parts behind the first `keep` rows, together with the rows that stood there."""
        old, old_facts, end = self._buffers, self.facts, self.count
        if move or rows > self.capacity:
            capacity = rows + int(rows * self._spare)
            self._buffers = {name: np.empty(capacity, buffer.dtype) for name, buffer in old.items()}
            for name, buffer in self._buffers.items():
                buffer[:keep] = old[name][:keep]
            if old_facts is not None:
                self.facts = no_facts(capacity)
                for name, buffer in self.facts.items():
                    buffer[:keep] = old_facts[name][:keep]
        if keep < end:
            facts = old_facts and {name: buffer[keep:end] for name, buffer in old_facts.items()}
            parts = [Part({name: buffer[keep:end] for name, buffer in old.items()}, 0, facts), *parts]
        at = keep
        for part in parts:
            stop = at + len(part.columns["time_ns"])
            for name, buffer in self._buffers.items():
                if name != "address":
                    buffer[at:stop] = part.columns[name]
            addresses = self._buffers["address"][at:stop]
            np.add(part.columns["address"], part.base, out=addresses, dtype=np.int64)
            if self.facts is not None and part.facts is not None:
                for name, buffer in self.facts.items():
                    buffer[at:stop] = part.facts[name]
            at = stop
        self.count = rows
        self._sort_from(keep)

    def _sort_from(self, keep: int) -> None:
        """Bring the rows from `keep` on, which nobody has seen yet, into the order of time."""
        time_ns = self.column("time_ns")[keep:]
        # A reply is stamped when it is sent, what queued up meanwhile was stamped before that.
        if not bool(np.any(time_ns[1:] < time_ns[:-1])):
            return
        order = np.argsort(time_ns, kind="stable")
        for name in self._buffers:
            tail = self.column(name)[keep:]
            tail[:] = tail[order]
        for buffer in (self.facts or {}).values():
            tail = buffer[keep : self.count]
            tail[:] = tail[order]

    def _fit_codes(self, name: str, categories: int) -> None:
        """Widen a column of codes to the dtype that pandas wants for this many categories."""
        dtype = np.int8 if categories < 128 else np.int16 if categories < 32_768 else np.int32
        if np.dtype(dtype).itemsize > self._buffers[name].dtype.itemsize:
            wider = np.empty(self.capacity, dtype)
            wider[: self.count] = self.column(name)
            self._buffers[name] = wider


def _part(block: Block, taken: _Taken, arena: int, words: Array | None) -> Part:
    columns = block.columns
    facts = None
    if len(block.facts) > 1 and bool(columns.fact.any()):
        # Few are used by these rows: a sentence is made once for each of those.
        used, which = np.unique(columns.fact, return_inverse=True)
        facts = {
            name: values[which]
            for name, values in _fact_columns([block.facts[code] for code in used]).items()
        }
    return Part(
        {
            "time_ns": columns.time_ns,
            "time_source": columns.time_source,
            "endpoint": np.broadcast_to(np.int32(taken.endpoint), len(block)),
            "peer": columns.peer if taken.same_peers else taken.peers[columns.peer],
            "direction": columns.direction,
            "event": columns.event,
            "kind": columns.kind,
            "word": np.broadcast_to(np.int8(0), len(block)) if words is None else words[columns.word],
            "size": columns.size,
            "wire": columns.wire,
            "address": columns.offset,
        },
        arena << ARENA_SHIFT,
        facts,
    )


def no_facts(rows: int) -> dict[str, Array]:
    """The columns of `FACTS` for rows without any."""
    return {name: np.full(rows, fill, dtype) for name, (dtype, fill) in FACTS.items()}


def _fact_columns(facts: Sequence[Fact | None]) -> dict[str, Array]:
    """The columns of `FACTS`, of a few different facts."""
    columns = no_facts(len(facts))
    for row, fact in enumerate(facts):
        if fact is None:
            continue
        columns["reason"][row], columns["by"][row] = CODES["reason"][fact.reason], CODES["by"][fact.by]
        columns["count"][row], columns["no_count"][row] = fact.count, False
        if fact.code is not None:
            columns["code"][row], columns["no_code"][row] = fact.code, False
        columns["detail"][row] = sentence(fact)
    return columns


def _gap_row(snapshot: Snapshot) -> Block:
    """Say in the table itself that its beginning is missing."""
    evicted = snapshot.evicted

    def code(column: str, value: str) -> Any:
        return np.array([CODES[column][value]], np.int8)

    return Block(
        Columns(
            time_ns=np.array([evicted.until_ns]),
            offset=np.zeros(1, np.uint32),
            size=np.zeros(1, np.uint32),
            wire=np.zeros(1, np.uint32),
            peer=np.zeros(1, np.int32),
            fact=np.ones(1, np.int32),
            word=np.zeros(1, np.int32),
            time_source=code("time_source", TimeSource.USER),
            direction=code("direction", Direction.IN),
            event=code("event", Event.GAP),
            kind=code("kind", Kind.TEXT),
        ),
        np.empty(0, np.uint8),
        (None, _eviction(snapshot)),
    )


def _eviction(snapshot: Snapshot) -> Fact:
    """What went for the limit, as the store tells it."""
    evicted = snapshot.evicted
    about = snapshot.about_evicted._replace(count=evicted.rows)
    return about.also(payload_bytes=evicted.payload_bytes, keeps=str(snapshot.limit))
