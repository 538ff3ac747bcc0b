"""The columnar store of one endpoint: bounded, written by one thread, read by any.

The writer appends to the open block and seals it when it is full. Sealed blocks are immutable; when a bound is
passed the oldest goes, is counted, and every table built from then on begins with a `gap` row that says so.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gdlab.facts import Fact, Reason, cleaned
from gdlab.messages import CODES, Direction, Event, Kind, Peer, TimeSource
from gdlab.payloads import UInt8
from gdlab.store.blocks import ROW_BYTES, Block, OpenBlock
from gdlab.store.limits import DEFAULT_LIMIT, Limit
from gdlab.store.many import Many
from gdlab.store.room import Room
from gdlab.store.snapshot import KEEP_MORE, Evicted, Snapshot
from gdlab.store.statistics import ProbeCounts, StoreStatistics
from gdlab.store.streams import StreamRow, stream_rows, taken

#: Peers told apart in one store; a flood of forged addresses ends in one common peer and not in all the memory.
MAX_PEERS = 65_536
OTHER_PEERS = f"(beyond {MAX_PEERS} peers)"

_TIME_SOURCE, _DIRECTION = CODES["time_source"], CODES["direction"]
_EVENT, _KIND = CODES["event"], CODES["kind"]

#: No rows were taken back.
_NOWHERE: Final = sys.maxsize


class _State(NamedTuple):
    """All a reader needs, swapped as one reference so that no reader sees half of a change."""

    sealed: tuple[Block, ...]
    open: OpenBlock
    evicted: Evicted


class Store:
    """Messages and events of one endpoint.

    Parameters
    ----------
    endpoint : the address that the rows carry in their column `endpoint`.
    limit : what is kept.
    room : where several stores keep to a limit together; its limit is the one that holds.
    """

    def __init__(self, endpoint: str, limit: Limit = DEFAULT_LIMIT, room: Room | None = None) -> None:
        self.endpoint = endpoint
        self._room = room = room or Room(limit)
        self.limit = room.limit
        self._block_rows, self._block_bytes = room.block_size()
        self._open_bytes = self._block_bytes + self._block_rows * ROW_BYTES
        self._origin = object()
        self._withdrawn = 0
        #: How often rows were taken back: what was counted of them is to be counted anew then.
        self.rewritten = 0
        self._rewinding = threading.Lock()
        self._rewound = _NOWHERE
        self._state = _State((), self._new_block(), Evicted())
        self._sealed_rows = 0
        self._sealed_bytes = 0
        self._peers: list[str] = [""]
        self._peer_codes: dict[str, int] = {"": 0}
        #: Where evicted rows are, or what would keep them; a table that lacks them says it.
        self.about_evicted: Fact = KEEP_MORE
        #: Called by the writer's thread after each block that is full; it must return at once and never raise.
        self.on_seal: Callable[[], object] | None = None
        #: Time and fact of the last row of event `error`.
        self.last_problem: tuple[int, Fact] | None = None
        # Each has one writer: the store's, and whoever holds the room's lock.
        self._version = self._evictions = 0
        self._received = self._received_bytes = self._sent = self._sent_bytes = 0
        self._errors = self._gaps = self._lost = self._last_received_ns = 0
        self._probes = ProbeCounts()
        room.enter(self, self._block_rows, self._open_bytes)

    def _new_block(self, last: Block | None = None) -> OpenBlock:
        # Traffic resembles what it was before: 5 % more room saves copying the arena as it grows. The first block may
        # come to anything; what of its memory is never written to is never taken from the system.
        expected_bytes = len(last.arena) * 21 // 20 if last else self._block_bytes
        # Who has filled one block will fill the next: its memory may be taken in large pieces.
        return OpenBlock(
            self._block_rows, self._block_bytes, max(1 << 16, expected_bytes), filled=last is not None
        )

    @property
    def version(self) -> int:
        """Raised after every change; equal versions mean equal content."""
        return self._version + self._evictions

    @property
    def received(self) -> int:
        """Messages received since the store began, answers to our pings as well."""
        return self._received

    @property
    def of_the_peers(self) -> int:
        """Messages received since the store began, without answers to our pings."""
        return self._received - self._probes.received

    # ---- the writer's side: one thread only

    def peer_code(self, peer: Peer | str | None) -> int:
        """Return the number under which `append` and `extend` take this peer."""
        text = "" if peer is None else str(peer)
        code = self._peer_codes.get(text)
        if code is None:
            if len(self._peers) > MAX_PEERS:
                text = OTHER_PEERS
                code = self._peer_codes.get(text)
            if code is None:
                code = len(self._peers)
                self._peers.append(text)
                self._peer_codes[text] = code
        return code

    def append(
        self,
        time_ns: int,
        peer: int = 0,
        payload: bytes | bytearray | memoryview = b"",
        *,
        direction: Direction = Direction.IN,
        event: Event = Event.MESSAGE,
        kind: Kind = Kind.BINARY,
        time_source: TimeSource = TimeSource.USER,
        wire_bytes: int = 0,
        fact: Fact | None = None,
        word: str = "",
    ) -> None:
        """Write one row.

        Parameters
        ----------
        peer : a number of `peer_code`. fact : what is to be known beside the bytes.
        word : how the bytes were cut out of their stream, see `framing.marks`.
        """
        block = self._state.open
        if not block.fits(1, len(payload)) or self._is_old(block, time_ns):
            block = self._seal()
        codes = (_TIME_SOURCE[time_source], _DIRECTION[direction], _EVENT[event], _KIND[kind])
        block.append(time_ns, payload, wire_bytes, peer, None if fact is None else cleaned(fact), codes, word)
        if event is Event.MESSAGE:
            if direction is Direction.IN:
                self._received += 1
                self._received_bytes += len(payload)
                self._last_received_ns = time_ns
            else:
                self._sent += 1
                self._sent_bytes += len(payload)
            if fact is not None and fact.reason is Reason.PROBE:
                self._probes = self._probes.plus(direction, 1, len(payload))
        elif event is Event.ERROR:
            self._errors += 1
            if fact is not None:
                self.last_problem = time_ns, fact
        elif event is Event.GAP:
            self._gaps += 1
            if fact is not None and fact.reason is Reason.KERNEL_DROP:
                self._lost += fact.count
        self._version += 1

    def extend(
        self,
        time_ns: npt.NDArray[np.int64],
        peers: npt.NDArray[Any],
        sizes: npt.NDArray[Any],
        payloads: UInt8,
        wire_bytes: npt.NDArray[Any],
        kinds: npt.NDArray[np.int8],
        *,
        time_source: TimeSource = TimeSource.KERNEL,
        probes: npt.NDArray[np.bool_] | None = None,
        word: str = "",
        direction: Direction = Direction.IN,
        starts: npt.NDArray[np.int64] | None = None,
        words: Sequence[tuple[int, str]] = (),
    ) -> None:
        """Write n messages at once.

        Parameters
        ----------
        time_ns : (n,) int64. peers : (n,) numbers of `peer_code`. sizes : (n,) bytes of each payload.
        payloads : uint8, all payloads one behind the other. wire_bytes : (n,). kinds : (n,) codes of `kind`.
        probes : (n,) bool, which rows are answers to our pings; None where none is.
        word : of all of them, as for `append`. words : of those that have another, with their numbers in this call.
        starts : (n,) int64, where each payload begins in `payloads`, in this order; what stands between them is kept,
            too, and costs memory. None where nothing does.
        """
        if not len(time_ns):
            return
        codes = (_TIME_SOURCE[time_source], _DIRECTION[direction], _EVENT[Event.MESSAGE])
        many = Many(time_ns, peers, sizes, payloads, wire_bytes, kinds, codes, probes, word, starts, words)
        block = self._state.open
        if self._is_old(block, int(time_ns[0])):
            block = self._seal()
        if block.fits(len(time_ns), len(payloads)):
            block.extend(many)
        else:
            self._extend_blocks(many)
        if direction is Direction.IN:
            self._received += len(time_ns)
            self._received_bytes += many.payload_bytes
            self._last_received_ns = int(time_ns[-1])
        else:
            self._sent += len(time_ns)
            self._sent_bytes += many.payload_bytes
        if probes is not None:
            self._probes = self._probes.plus(
                direction, int(np.count_nonzero(probes)), int(sizes[probes].sum())
            )
        self._version += 1

    def _extend_blocks(self, many: Many) -> None:
        """Write messages for which the open block is too small."""
        begins, ends = many.lying()
        row, count = 0, len(many.time_ns)
        while row < count:
            block = self._state.open
            first = int(begins[row])
            rows = min(count - row, block.free_rows)
            while rows and not block.fits(rows, int(ends[row + rows - 1]) - first):
                rows //= 2
            if not rows:
                block = self._seal()
                rows = 1 if not block.fits(1, 0) else min(count - row, block.free_rows)
                while rows > 1 and int(ends[row + rows - 1]) - first > self._block_bytes:
                    rows //= 2
            part = slice(row, row + rows)
            block.extend(many.part(part, first, int(ends[part.stop - 1])))
            row = part.stop

    def withdraw(self, peer: int | None = None, since_ns: int = 0) -> int:
        """Take back the rows that were cut out of streams: they are about to be written anew, cut otherwise.

        Parameters
        ----------
        peer : of this peer only; None for all. since_ns : not those from before.

        Returns
        -------
        How many rows that were. The others keep their order; the numbers of `Snapshot.end` go on.
        """
        with self._room.lock:
            return self._withdraw(peer, since_ns)

    def _withdraw(self, peer: int | None, since_ns: int) -> int:
        sealed, open_block, evicted = self._state
        kept: list[Block] = []
        total, place, first = 0, evicted.rows, _NOWHERE
        for block in (*sealed, open_block.view()):
            without = taken(block, peer, since_ns)
            kept.append(without.block)
            if without.first is not None:
                first = min(first, place + without.first)
                total += without.rows
                self._received -= without.messages
                self._received_bytes -= without.payload_bytes
                probes = without.probes
                self._probes = self._probes.plus(Direction.IN, -probes.received, -probes.received_bytes)
                self._errors -= without.errors
                self._gaps -= without.gaps
            place += len(block)
        if not total:
            return 0
        last = kept.pop()
        self._sealed_rows = sum(map(len, kept))
        self._sealed_bytes = sum(block.nbytes for block in kept)
        fresh = self._new_block(last if len(last) else None)
        fresh.take(last)
        self._withdrawn += total
        self._origin = object()
        with self._rewinding:
            self._state = _State(tuple(block for block in kept if len(block)), fresh, evicted)
            self._rewound = min(self._rewound, first)
        self.rewritten += 1
        self._version += 1
        return total

    def streams(self, peer: int | None = None, since_ns: int = 0) -> Iterator[StreamRow]:
        """Give the rows that were cut out of streams, as they were written, and the openings between them."""
        return stream_rows(self.snapshot().blocks, peer, since_ns)

    def _seal(self) -> OpenBlock:
        """Close the open block, drop what passes the bounds, and return a new open one."""
        with self._room.lock:
            sealed, full, evicted = self._state
            block = full.seal()
            self._sealed_rows += len(block)
            self._sealed_bytes += block.nbytes
            fresh = self._new_block(block)
            self._state = _State((*sealed, block), fresh, evicted)
            self._room.keep_bounds(int(block.columns.time_ns[-1]) if len(block) else 0)
        if self.on_seal is not None:
            self.on_seal()
        return fresh

    # ---- for the room, whose lock is held

    def held(self) -> tuple[int, int]:
        """Rows and bytes that can be evicted."""
        return self._sealed_rows, self._sealed_bytes

    def oldest_ns(self) -> int | None:
        """The time of the last row of the oldest block; None where there is none to give."""
        sealed = self._state.sealed
        return int(sealed[0].columns.time_ns[-1]) if sealed and len(sealed[0]) else 0 if sealed else None

    def evict(self) -> None:
        """Drop the oldest block."""
        (oldest, *kept), open_block, evicted = self._state
        self._sealed_rows -= len(oldest)
        self._sealed_bytes -= oldest.nbytes
        until_ns = int(oldest.columns.time_ns[-1]) if len(oldest) else evicted.until_ns
        self._state = _State(
            tuple(kept),
            open_block,
            Evicted(
                evicted.rows + len(oldest),
                evicted.payload_bytes + int(oldest.columns.size.sum(dtype=np.int64)),
                until_ns,
            ),
        )
        self._evictions += 1

    def _is_old(self, block: OpenBlock, now_ns: int) -> bool:
        """Whether a bound of age asks for a new block, so that what goes is never much older than the bound."""
        seconds = self.limit.seconds
        return (
            seconds is not None
            and block.count > 0
            and now_ns - int(block.columns.time_ns[0]) > seconds * 1e9 / 8
        )

    # ---- the readers' side: any thread

    def snapshot(self) -> Snapshot:
        """Return the rows as they are now."""
        sealed, open_block, evicted = self._state
        view = open_block.view()
        peers = tuple(self._peers)  # after the view: it has every peer that the view's rows name
        blocks = (*sealed, view) if len(view) else sealed
        return Snapshot(
            self.endpoint,
            blocks,
            peers,
            evicted,
            self.limit,
            self._origin,
            self.about_evicted,
            self._withdrawn,
        )

    def rewound(self) -> tuple[Snapshot, int]:
        """Return the rows as they are now, and the place from which on they differ since the last call.

        For the one that writes them to a disk. A place counts the rows before it, evicted ones included; where nothing
        was taken back it lies behind all rows.
        """
        with self._rewinding:
            first, self._rewound = self._rewound, _NOWHERE
            return self.snapshot(), first

    def statistics(self) -> StoreStatistics:
        """Return the counters as they are now."""
        sealed, open_block, evicted = self._state
        rows = sum(len(block) for block in sealed) + open_block.count
        return StoreStatistics(
            received=self._received,
            received_bytes=self._received_bytes,
            sent=self._sent,
            sent_bytes=self._sent_bytes,
            probes=self._probes,
            errors=self._errors,
            gaps=self._gaps,
            lost_before_us=self._lost,
            peers=len(self._peers) - 1,
            rows_kept=rows,
            bytes_kept=sum(block.nbytes for block in sealed) + open_block.count * ROW_BYTES + open_block.used,
            evicted_rows=evicted.rows,
            last_received_ns=self._last_received_ns,
        )
