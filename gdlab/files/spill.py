"""Keeping a capture on disk while it runs, so that a killed process loses at most one interval.

A thread of its own looks at the stores (every interval, and when a block is full), and appends the rows that are new
to a stream of Arrow record batches; the threads that receive never wait for a disk. A stream can be read as far as
it was written, whatever happened to the process then. A crash of the whole system or a power cut is another thing:
what was written may still be in the system's memory (Linux writes it out after some 30 s). Only at the orderly end
is everything forced to the disk, which waits for it, about 5 ms for 10 MB on a fast one. For each capture a folder
has:

- ``<time>-<token>.gdlab-spill.json`` what `sidecar` tells, and at the orderly end how many rows there should be;
- ``<time>-<token>-<endpoint>-<part>.arrow`` one for each endpoint; another part after an error of the disk.

Each batch has the number of its first row (`ROW`). Where a guessed framing is taken back, rows that were written are
void: the next batch has a number that was there before, and stands in their place.

Several captures may share a folder, one after the other or at once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from gdlab.facts import US, Fact, Reason
from gdlab.files import arrow, sidecar
from gdlab.files.atomic import force, replacing
from gdlab.files.parts import RUNNING, Parts
from gdlab.files.spillread import ROW, SUFFIX
from gdlab.store import table
from gdlab.store.blocks import Block
from gdlab.store.store import Evicted, Snapshot, Store

_TOO_LATE = Fact(Reason.SPILL_MISSED, US, limit="limit")


@dataclass(frozen=True, slots=True)
class SpillStatistics:
    """What is on the disk.

    Attributes
    ----------
    rows : rows written.
    bytes : of the files.
    missed_rows : rows that the stores dropped before they could be written; a `gap` row stands for them.
    errors : times that the disk did not take what was written.
    """

    rows: int
    bytes: int
    missed_rows: int
    errors: int


class Spill:
    """Writes what stores receive to a folder until it is closed.

    Parameters
    ----------
    folder : made if it does not exist.
    interval_s : how often rows are written: what a kill at the worst moment may lose.
    parts_s : how long a closed Parquet part is, see `parts`; without, there are only streams.
    provenance : kept in the JSON, see `sidecar.describe`.
    on_status : told (in the spill's thread) what `status` becomes.

    Raises
    ------
    MissingDependency : pyarrow is not installed.
    OSError : the folder cannot be made or written to.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        interval_s: float = 1.0,
        parts_s: float | None = None,
        provenance: Mapping[str, Any] | None = None,
        on_status: Callable[[str], object] | None = None,
    ) -> None:
        arrow.require("Spilled captures")
        self.folder = Path(folder)
        self._parts = None if parts_s is None else Parts(self.folder, parts_s)
        self._streams_folder = self.folder if parts_s is None else self.folder / RUNNING
        self.interval_s = interval_s
        self._status = ""
        self._on_status = on_status
        self._provenance = provenance
        self._created = datetime.now(UTC)
        self._session = f"{self._created:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._streams: list[_Stream] = []
        self._errors = 0
        self._removed = 0
        self._lock = threading.Lock()  # one flush at a time; held while writing, never by a receiving thread
        self._wake = threading.Event()
        self._closing = False
        self._streams_folder.mkdir(parents=True, exist_ok=True)
        self._thread = self._begin()

    def _begin(self) -> threading.Thread:
        self._describe(closed=False)
        thread = threading.Thread(target=self._run, name="gdlab-spill", daemon=True)
        thread.start()
        return thread

    @property
    def status(self) -> str:
        """What the user should know: empty while all is well, else what failed and what happens now."""
        return self._status

    def statistics(self) -> SpillStatistics:
        """Return the counters as they are now."""
        streams = list(self._streams)
        return SpillStatistics(
            rows=sum(stream.rows for stream in streams),
            bytes=sum(stream.bytes for stream in streams),
            missed_rows=sum(stream.missed for stream in streams),
            errors=self._errors,
        )

    def add(self, store: Store) -> None:
        """Write what this store has and will receive."""
        with self._lock:
            name = f"{self._session}-{len(self._streams):03}"
            self._streams.append(_Stream(store, self._streams_folder, name))
        self._follow(store)

    def _follow(self, store: Store) -> None:
        store.about_evicted = Fact.of(
            Reason.EVICTED, by=US, limit="limit", case="spilled", folder=str(self.folder)
        )
        store.on_seal = self._wake.set
        self._wake.set()

    def flush(self) -> None:
        """Write now what is new. Errors of the disk become `status`."""
        import pyarrow as pa

        with self._lock:
            try:
                self._restore()
                for stream in self._streams:
                    stream.flush(last=self._closing)
                if self._parts is not None and (self._closing or self._parts.is_due()):
                    for stream in self._streams:
                        stream.rotate(self._parts, self._provenance, last=self._closing)
            except (OSError, MemoryError, pa.ArrowException) as error:
                self._errors += 1
                reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
                self._tell(
                    f"spill: the disk did not take the rows ({reason}); the capture goes on in memory, what was "
                    f"written before is whole, and it is tried again every {self.interval_s:g} s. "
                    f"Free space for {self.folder}"
                )
            else:
                missed = sum(stream.missed for stream in self._streams)
                removed = (
                    f"files of {self.folder} were removed while the capture ran ({self._removed} rows); what memory "
                    "still had of them was written again. Leave the folder alone until stop()"
                )
                said = [removed] * (self._removed > 0)
                said += [f"{missed} rows were dropped from memory before they were written"] * (missed > 0)
                self._tell("spill: " * bool(said) + "; ".join(said))

    def _restore(self) -> None:
        """Make anew what somebody has removed: an open file can be written to after it is gone, and keeps nothing."""
        removed = sum(stream.go_back() for stream in self._streams)
        if removed:
            self._removed += removed
            self._streams_folder.mkdir(parents=True, exist_ok=True)
            if not (self._streams_folder / (self._session + SUFFIX)).exists():
                self._describe(closed=False)

    def _tell(self, status: str) -> None:
        if status != self._status:
            self._status = status
            if self._on_status is not None:
                self._on_status(status)

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wake.wait(self.interval_s)
                self._wake.clear()
                self.flush()
        except BaseException as error:
            self._tell(f"spill: nothing more is written, an error of gdlab itself ended it: {error!r}")
            raise

    def close(self) -> None:
        """Write what is left, say in the JSON that all is there, and end; the stores must have ended before."""
        if self._closing:
            return
        self._closing = True
        self._wake.set()
        self._thread.join()
        self.flush()
        with self._lock:
            for stream in self._streams:
                stream.store.on_seal = None
                stream.close()
            try:
                for stream in self._streams:
                    stream.force()
                complete = all(stream.is_complete() for stream in self._streams)
                self._describe(closed=complete)
                if self._parts is not None and complete and not any(s.has_files for s in self._streams):
                    (self._streams_folder / (self._session + SUFFIX)).unlink()
                    with contextlib.suppress(OSError):  # another capture may be in it
                        self._streams_folder.rmdir()
            except OSError as error:
                self._tell(
                    f"spill: the end could not be noted, or not all be forced to the disk ({error.strerror}); "
                    "all rows up to here are written"
                )

    def reopen(self, provenance: Mapping[str, Any] | None = None) -> None:
        """Go on after `close`, with what the stores receive from now on, in the same files.

        Raises
        ------
        OSError : the folder cannot be written to.
        """
        if not self._closing:
            return
        self._provenance = provenance if provenance is not None else self._provenance
        self._streams_folder.mkdir(parents=True, exist_ok=True)
        self._closing = False
        self._thread = self._begin()
        for stream in self._streams:
            self._follow(stream.store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _describe(self, *, closed: bool) -> None:
        rows = sum(stream.rows for stream in self._streams)
        document = sidecar.describe(table.empty(), "spill", guard=False, provenance=self._provenance)
        document |= {
            "created": self._created.isoformat(timespec="seconds"),
            "categories": None,
            "rows": rows if closed else None,
            "missed_rows": sum(stream.missed for stream in self._streams),
            "interval_s": self.interval_s,
            "closed": closed,
        }
        with replacing(self._streams_folder / (self._session + SUFFIX)) as file:
            file.write(sidecar.encode(document))


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


class _Stream:
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
