"""The streams of Arrow batches in which a spill keeps one store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gdlab.facts import US, Fact, Reason
from gdlab.files import arrow
from gdlab.files.atomic import force
from gdlab.files.parts import Parts
from gdlab.files.spillread import ROW
from gdlab.store import table
from gdlab.store.blocks import Block
from gdlab.store.snapshot import Evicted, Snapshot
from gdlab.store.store import Store

_TOO_LATE = Fact(Reason.SPILL_MISSED, US, limit="limit")


def _as_written(batch: Any, piece: Snapshot) -> Any:
    """The rows of a batch, which are in order of time, as the store has them: by their places they can be void."""
    gap = [piece.evicted.until_ns] if piece.evicted.rows else []
    times = np.concatenate([np.array(gap, np.int64), *(block.columns.time_ns for block in piece.blocks)])
    if not bool(np.any(times[1:] < times[:-1])):
        return batch
    return batch.take(np.argsort(np.argsort(times, kind="stable"), kind="stable"))


def _payload_bytes(snapshot: Snapshot, place: int) -> int:
    """Payload bytes of the rows before a place; those that are gone all count."""
    count, left = snapshot.evicted.payload_bytes, place - snapshot.evicted.rows
    for block in snapshot.blocks:
        count += int(block.columns.size[: max(left, 0)].sum())
        left -= len(block)
    return count


class _Counted(NamedTuple):
    """What has been written of a store, or is known to be missed.

    Attributes
    ----------
    rows, bytes : in the files. missed : rows that the store dropped before.
    place, payload_bytes : rows of the store, and their payloads; see `Store.rewound`.
    """

    rows: int = 0
    bytes: int = 0
    missed: int = 0
    place: int = 0
    payload_bytes: int = 0


class Stream:
    """The files of one store."""

    def __init__(self, store: Store, folder: Path, name: str) -> None:
        self.store = store
        self._folder = folder
        self._name = name
        self._part = 0
        self._now = _Counted()
        self._parts: list[
            tuple[Path, _Counted]
        ] = []  # of each file: its path, and what had been counted before it
        self._pieces: list[tuple[int, int]] = []  # of each batch: the place of its first row, and its number
        self._is_void = False  # rows of the files stand there still that the store has taken back
        self._path: Path | None = None
        self._file: Any = None
        self._writer: Any = None

    @property
    def rows(self) -> int:
        """Rows written."""
        return self._now.rows

    @property
    def bytes(self) -> int:
        """Bytes of the files."""
        return self._now.bytes

    @property
    def missed(self) -> int:
        """Rows that the store dropped before they could be written."""
        return self._now.missed

    def is_complete(self) -> bool:
        """Whether all rows that the store has had are accounted for."""
        snapshot = self.store.snapshot()
        return snapshot.evicted.rows + sum(len(block) for block in snapshot.blocks) == self._now.place

    def go_back(self) -> int:
        """Count as not written what was in the last files if they are gone; how many rows that is."""
        written = self.rows
        while self._parts and not self._parts[-1][0].exists():
            path, before = self._parts.pop()
            if path == self._path:
                with contextlib.suppress(OSError):
                    self._file.close()
                self._writer = self._file = self._path = None
            self._now = min(before, self._now, key=lambda counted: counted.place)
        self._pieces = [piece for piece in self._pieces if piece[0] < self._now.place]
        return written - self.rows

    def flush(self, *, last: bool = False) -> None:
        """Write what is new, a block at a time; `last`: and that rows are void, if nothing has taken their place."""
        snapshot, first = self.store.rewound()
        self._rewind(snapshot, first)
        for piece in self._new(snapshot):
            self._write(piece)
            gap = piece.evicted
            rows = sum(len(block) for block in piece.blocks)
            payload_bytes = sum(int(block.columns.size.sum()) for block in piece.blocks)
            now = self._now
            self._pieces.append((now.place + gap.rows, now.rows + len(piece) - rows))
            self._now = now._replace(
                rows=now.rows + len(piece),
                missed=now.missed + gap.rows,
                place=now.place + gap.rows + rows,
                payload_bytes=now.payload_bytes + gap.payload_bytes + payload_bytes,
            )
        if last and self._is_void:
            self._write(snapshot.tail(0))

    def _rewind(self, snapshot: Snapshot, place: int) -> None:
        """Go back to a place, as rows behind it were taken back; the next batch stands for them."""
        if place >= self._now.place:
            return
        while self._pieces and self._pieces[-1][0] > place:
            self._pieces.pop()
        known, row = self._pieces[-1] if self._pieces else (0, 0)
        self._now = self._now._replace(
            rows=row + place - known,
            place=place,
            payload_bytes=min(self._now.payload_bytes, _payload_bytes(snapshot, place)),
        )
        self._parts = [
            (path, min(counted, self._now, key=lambda counted: counted.place))
            for path, counted in self._parts
        ]
        self._is_void = True

    def _new(self, snapshot: Snapshot) -> Iterator[Snapshot]:
        evicted = snapshot.evicted
        gap = Evicted()
        seen = self._now.place
        if evicted.rows > seen:
            gap = Evicted(
                evicted.rows - seen, evicted.payload_bytes - self._now.payload_bytes, evicted.until_ns
            )
        at = evicted.rows
        for block in snapshot.blocks:
            end = at + len(block)
            if end > seen:
                new: Block = block.rows(max(seen - at, 0), len(block))
                yield Snapshot(
                    snapshot.endpoint,
                    (new,),
                    snapshot.peers,
                    gap,
                    snapshot.limit,
                    about_evicted=_TOO_LATE,
                )
                gap = Evicted()
            at = end

    def _write(self, piece: Snapshot) -> None:
        import pyarrow as pa

        batch = _as_written(arrow.batch(table.build([piece])), piece)
        good = 0
        try:
            if self._writer is None:
                self._path = self._folder / f"{self._name}-{self._part:03}.arrow"
                self._part += 1
                self._parts.append((self._path, self._now))
                self._file = pa.OSFile(str(self._path), "wb")
                # A peer that is new adds to the dictionary of peers instead of writing it once more.
                options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
                self._writer = pa.ipc.new_stream(self._file, arrow.schema(), options=options)
                good = 0
            else:
                good = self._file.tell()
            self._writer.write_batch(batch, custom_metadata={ROW: str(self.rows).encode()})
            self._now = self._now._replace(bytes=self.bytes + self._file.tell() - good)
            self._is_void = False
        except BaseException:
            # The writer may take as written what is not: what is whole stays, and the next try begins a new part.
            self._abandon(good)
            raise

    def _abandon(self, good: int) -> None:
        if self._file is not None:  # it may be the opening that failed
            with contextlib.suppress(OSError):
                self._file.close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                if good:
                    os.truncate(self._path, good)
                else:
                    self._parts.pop()
                    self._path.unlink(missing_ok=True)
        self._writer = self._file = self._path = None

    def close(self) -> None:
        """End the stream; without its end mark it can be read just as well."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
            with contextlib.suppress(OSError):
                self._file.close()
            self._writer = self._file = self._path = None

    @property
    def has_files(self) -> bool:
        """Whether rows are in streams still."""
        return bool(self._parts)

    def rotate(self, parts: Parts, provenance: Mapping[str, Any] | None, *, last: bool) -> None:
        """Begin another file, and let those that were ended before become parts; `last`: all of them."""
        newest = [] if last or self._path is None else [self._path]
        self.close()
        ready = [path for path, _ in self._parts if path not in newest]
        try:
            parts.close(ready, newest, self.store.endpoint, provenance)
        finally:
            self._parts = [
                (path, before) for path, before in self._parts if path not in ready or path.exists()
            ]

    def force(self) -> None:
        """Force what was written to the disk.

        Raises
        ------
        OSError : the disk has not taken all of it.
        """
        for part in self._folder.glob(f"{self._name}-*.arrow"):
            force(part)
