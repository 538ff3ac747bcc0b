"""Blocks: the columns of a store, filled by one writer and read by anybody at any time.

A block only ever grows at its end: what has been written is never touched again, and `count` is raised after the
columns are filled. So a reader takes `count` and then slices, without a lock and without a copy. An array that must
grow is replaced by a larger one; readers keep the old one, which still holds all that they may look at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gdlab.facts import Fact, Reason
from gdlab.payloads import UInt8
from gdlab.store.many import Many
from gdlab.store.memory import taken


class Columns(NamedTuple):
    """The rows of a block, column by column; all of length n.

    The codes of `time_source`, `direction`, `event` and `kind` are positions in `messages.CATEGORIES`; those of `peer`
    are positions in the store's list of peers, those of `fact` and `word` positions in the
    block's `facts` and `words`. A word is how a message was cut out of its stream, see `framing.marks`; 0 is none.
    """

    time_ns: npt.NDArray[np.int64]
    offset: npt.NDArray[np.uint32]
    size: npt.NDArray[np.uint32]
    wire: npt.NDArray[np.uint32]
    peer: npt.NDArray[np.int32]
    fact: npt.NDArray[np.int32]
    word: npt.NDArray[np.int32]
    time_source: npt.NDArray[np.int8]
    direction: npt.NDArray[np.int8]
    event: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]

    def map(self, change: Callable[[Any], Any]) -> Columns:
        """Apply one operation to every column."""
        return Columns._make(change(column) for column in self)


_PROBE: Final = Fact(Reason.PROBE)

#: In the order in which they lie in memory. The last have zeros where nothing is written, as mostly with `fact`, and
#: with `word` of datagrams: that memory is never taken from the system.
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "time_ns": np.dtype(np.int64),
    "offset": np.dtype(np.uint32),
    "size": np.dtype(np.uint32),
    "wire": np.dtype(np.uint32),
    "peer": np.dtype(np.int32),
    "time_source": np.dtype(np.int8),
    "direction": np.dtype(np.int8),
    "event": np.dtype(np.int8),
    "kind": np.dtype(np.int8),
    "word": np.dtype(np.int32),
    "fact": np.dtype(np.int32),
}

#: Bytes a row takes beside its payload.
ROW_BYTES: Final = sum(dtype.itemsize for dtype in _DTYPES.values())


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that will not change any more, or a reader's view of those of the open block."""

    columns: Columns
    arena: UInt8
    facts: tuple[Fact | None, ...]
    words: tuple[str, ...] = ("",)

    def __len__(self) -> int:
        return len(self.columns.time_ns)

    def own_probes(self) -> npt.NDArray[np.bool_] | None:
        """(n,) bool, which rows are pings of ours or answers to them; None where none is."""
        marks = [
            code for code, fact in enumerate(self.facts) if fact is not None and fact.reason is Reason.PROBE
        ]
        return np.isin(self.columns.fact, marks) if marks else None

    @property
    def nbytes(self) -> int:
        """Memory the rows take."""
        return len(self) * ROW_BYTES + len(self.arena)

    def rows(self, start: int, stop: int) -> Block:
        """Some of the rows, over the same memory."""
        return Block(self.columns.map(lambda column: column[start:stop]), self.arena, self.facts, self.words)

    def without(self, rows: npt.NDArray[np.bool_]) -> Block:
        """All rows but some; the payloads of those go, too, if they take more than a quarter."""
        keep = np.flatnonzero(~rows)
        columns = self.columns.map(lambda column: column[keep])
        arena = self.arena
        sizes = columns.size.astype(np.int64)
        if 4 * int(sizes.sum()) < 3 * len(arena):
            view = arena.data
            parts = [
                view[at : at + size] for at, size in zip(columns.offset.tolist(), sizes.tolist(), strict=True)
            ]
            arena = np.frombuffer(b"".join(parts), np.uint8)
            columns = columns._replace(offset=(np.cumsum(sizes) - sizes).astype(np.uint32))
        return Block(columns.map(_read_only), _read_only(arena), self.facts, self.words)


class OpenBlock:
    """The block that is being written.

    Parameters
    ----------
    rows : how many it takes at most. The memory is taken from the system only as it is written to.
    arena_bytes : payload bytes it takes at most; a single larger payload still fits into an empty block.
    expected_bytes : payload bytes it will probably take; growing beyond them costs copies.
    filled : whether it is sure to be filled, so that its memory may be taken in large pieces.
    """

    def __init__(
        self, rows: int, arena_bytes: int, expected_bytes: int = 1 << 16, *, filled: bool = False
    ) -> None:
        self.columns = _columns(rows, filled=filled)
        # Python writes single items several times faster this way.
        self._items = self.columns.map(lambda column: column.data)
        self.count = 0
        size = min(arena_bytes, expected_bytes)
        self.arena: UInt8 = taken(size, filled=filled)[0]
        self.used = 0
        self.facts: list[Fact | None] = [None]
        self._fact_codes: dict[Fact, int] = {}
        self.words: list[str] = [""]
        self._word_codes: dict[str, int] = {"": 0}
        self._rows = rows
        self._arena_bytes = arena_bytes

    def fits(self, rows: int, payload_bytes: int) -> bool:
        """Whether this much more may be written; anything fits into an empty block of enough rows."""
        return self.count + rows <= self._rows and (
            self.count == 0 or self.used + payload_bytes <= self._arena_bytes
        )

    @property
    def free_rows(self) -> int:
        """How many rows may still be written."""
        return self._rows - self.count

    def append(
        self,
        time_ns: int,
        payload: bytes | bytearray | memoryview,
        wire: int,
        peer: int,
        fact: Fact | None,
        codes: tuple[int, int, int, int],
        word: str = "",
    ) -> None:
        """Write one row; `codes` are those of time source, direction, event and kind."""
        row, size, items = self.count, len(payload), self._items
        items.time_ns[row] = time_ns
        items.offset[row] = self.used
        items.size[row] = size
        items.wire[row] = wire
        items.peer[row] = peer
        items.fact[row] = 0 if fact is None else self._fact_code(fact)
        if word:
            items.word[row] = self._word_code(word)
        items.time_source[row], items.direction[row], items.event[row], items.kind[row] = codes
        if size:
            self._write(payload, size)
        self.count = row + 1

    def extend(self, many: Many) -> None:
        """Write many rows at once; what stands between their payloads is kept, too."""
        rows, columns = slice(self.count, self.count + len(many.time_ns)), self.columns
        columns.time_ns[rows] = many.time_ns
        if many.starts is None:
            offsets = np.cumsum(many.sizes)
            offsets -= many.sizes
            offsets += self.used
            columns.offset[rows] = offsets
        else:
            np.add(many.starts, self.used, out=columns.offset[rows], casting="unsafe")
        columns.size[rows] = many.sizes
        columns.wire[rows] = many.wire_bytes
        columns.peer[rows] = many.peers
        columns.time_source[rows], columns.direction[rows], columns.event[rows] = many.codes
        columns.kind[rows] = many.kinds
        if many.probes is not None:
            columns.fact[rows][many.probes] = self._fact_code(_PROBE)
        if many.word:
            columns.word[rows] = self._word_code(many.word)
        for row, word in many.words:
            columns.word[self.count + row] = self._word_code(word)
        if len(many.payloads):
            self._write(many.payloads.data, len(many.payloads))
        self.count = rows.stop

    def _fact_code(self, fact: Fact) -> int:
        code = self._fact_codes.get(fact)
        if code is None:
            code = self._fact_codes[fact] = len(self.facts)
            self.facts.append(fact)
        return code

    def _word_code(self, word: str) -> int:
        code = self._word_codes.get(word)
        if code is None:
            code = self._word_codes[word] = len(self.words)
            self.words.append(word)
        return code

    def _write(self, payload: bytes | bytearray | memoryview, size: int) -> None:
        needed = self.used + size
        if needed > len(self.arena):
            larger = np.empty(max(needed, min(2 * len(self.arena), self._arena_bytes)), np.uint8)
            larger[: self.used] = self.arena[: self.used]
            self.arena = larger
        # Not by numpy, which gives up the interpreter's lock for it: a busy cell would make that cost 5 ms.
        self.arena.data[self.used : needed] = payload
        self.used = needed

    def take(self, block: Block) -> None:
        """Begin with the rows of a block; only for one that is empty, and has the room."""
        rows = slice(0, len(block))
        for name in Columns._fields:
            getattr(self.columns, name)[rows] = getattr(block.columns, name)
        self.arena = np.empty(max(len(self.arena), len(block.arena)), np.uint8)
        self.arena[: len(block.arena)] = block.arena
        self.used = len(block.arena)
        self.facts, self.words = list(block.facts), list(block.words)
        self._fact_codes = {fact: code for code, fact in enumerate(self.facts) if fact is not None}
        self._word_codes = {word: code for code, word in enumerate(self.words)}
        self.count = rows.stop

    def view(self) -> Block:
        """What has been written so far, without copying it."""
        count = self.count  # first: all below was written before it was raised
        columns = self.columns.map(lambda column: _read_only(column[:count]))
        used = int(columns.offset[-1]) + int(columns.size[-1]) if count else 0
        return Block(columns, _read_only(self.arena[:used]), tuple(self.facts), tuple(self.words))

    def seal(self) -> Block:
        """The rows as a block that owns hardly more memory than it needs."""
        count, used = self.count, self.used
        columns = self.columns
        if count < self._rows:
            columns = columns.map(lambda column: column[:count].copy())
        # Memory that was never written to is not taken from the system, so a little of it may stay.
        arena = self.arena[:used]
        if used < 0.75 * len(self.arena):
            arena = arena.copy()
        return Block(columns.map(_read_only), _read_only(arena), tuple(self.facts), tuple(self.words))


def _columns(rows: int, *, filled: bool) -> Columns:
    """Columns of this many rows in one piece of memory, each at the beginning of a cache line."""
    places, size = {}, 0
    for name, dtype in _DTYPES.items():
        places[name] = size
        size += -(-rows * dtype.itemsize // 64) * 64
    memory, blank = taken(size, filled=filled)
    if not blank:
        memory[places["word"] :] = 0
    return Columns(
        **{
            name: memory[at : at + rows * _DTYPES[name].itemsize].view(_DTYPES[name])
            for name, at in places.items()
        }
    )


def _read_only(array: npt.NDArray[Any]) -> Any:
    """Return a view that users cannot write through: tables are made of these very arrays."""
    view = array.view()
    view.flags.writeable = False
    return view
