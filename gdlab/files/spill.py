"""Keeping a capture on disk while it runs, so that a killed process loses at most one interval.

A thread of its own looks at the stores (every interval, and when a block is full), and appends the rows that are new
to a stream of Arrow record batches; the threads that receive never wait for a disk. A stream can be read as far as
it was written, whatever happened to the process then. A crash of the whole system or a power cut is another thing:
what was written may still be in the system's memory (Linux writes it out after some 30 s). Only at the orderly end
is everything forced to the disk, which waits for it, about 5 ms for 10 MB on a fast one. For each capture a folder
has:

- ``<time>-<token>.gdlab-spill.json`` what `sidecar` tells, and at the orderly end how many rows there should be;
- ``<time>-<token>-<endpoint>-<part>.arrow`` one for each endpoint; another part after an error of the disk.

Each batch has the number of its first row (`spillread.ROW`). Where a guessed framing is taken back, rows that were
written are void: the next batch has a number that was there before, and stands in their place.

Several captures may share a folder, one after the other or at once.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from gdlab.facts import US, Fact, Reason
from gdlab.files import arrow, sidecar
from gdlab.files.atomic import replacing
from gdlab.files.parts import RUNNING, Parts
from gdlab.files.spillread import SUFFIX
from gdlab.files.spillstream import Stream
from gdlab.store import table
from gdlab.store.store import Store


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
        self._streams: list[Stream] = []
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
            self._streams.append(Stream(store, self._streams_folder, name))
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
        self._removed += sum(stream.go_back() for stream in self._streams)
        if not (
            self._streams_folder / (self._session + SUFFIX)
        ).exists():  # it may go before the first row comes
            self._streams_folder.mkdir(parents=True, exist_ok=True)
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

    def close(self, provenance: Mapping[str, Any] | None = None) -> None:
        """Write what is left, say in the JSON that all is there, and end; the stores must have ended before.

        Parameters
        ----------
        provenance : as it is at the end.
        """
        if self._closing:
            return
        self._provenance = provenance if provenance is not None else self._provenance
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
