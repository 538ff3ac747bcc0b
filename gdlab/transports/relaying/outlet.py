"""The way of rows and truth out of a relay's process, which must never make the relay wait."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Final

from gdlab.impair import Copy
from gdlab.transports.relaying import wire

#: What may wait for a notebook that computes; what comes beyond it is counted and told as missing.
MOST_WAITING_BYTES: Final = 256 * 2**20
_ROWS_AT_ONCE: Final = 4096
_BYTES_AT_ONCE: Final = 4 * 2**20


class Outlet:
    """Collects rows and truth, and writes them from a thread of its own."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rows: list[bytes] = []
        self._payloads: list[bytes] = []
        self._payload_bytes = 0
        self._truth: list[bytes] = []
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._lost_rows = 0
        self._ready = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def row(self, time_ns: int, client: int, payload: bytes, flags: int) -> None:
        """Tell one row."""
        self._rows.append(wire.ROW.pack(time_ns, client, len(payload), flags))
        self._payloads.append(payload)
        self._payload_bytes += len(payload)
        if len(self._rows) >= _ROWS_AT_ONCE or self._payload_bytes >= _BYTES_AT_ONCE:
            self.flush()

    def truth(self, copy: Copy) -> None:
        """Tell what became of a copy."""
        self._truth.append(copy.packed())

    def tell(self, **values: object) -> None:
        """Tell something that happens now and then, after all rows before it."""
        self.flush()
        self._put(wire.tell_json(**values))

    def block(self, kind: bytes, data: bytes) -> None:
        """Tell a block of records, after all rows before it."""
        self.flush()
        self._put(wire.tell(kind, data))

    def flush(self) -> None:
        """Hand on what was collected."""
        if self._rows:
            rows, payloads = self._rows, self._payloads
            self._rows, self._payloads, self._payload_bytes = [], [], 0
            if self._queued_bytes > MOST_WAITING_BYTES:
                self._lost_rows += len(rows)
            else:
                if self._lost_rows:
                    self._put(wire.tell_json(untold=self._lost_rows))
                    self._lost_rows = 0
                self._put(wire.tell_rows(rows, payloads))
        if self._truth:
            truth, self._truth = self._truth, []
            if self._queued_bytes <= MOST_WAITING_BYTES:
                self._put(wire.tell(wire.TRUTH, b"".join(truth)))

    def _put(self, block: bytes) -> None:
        self._queued_bytes += len(block)
        self._queue.append(block)
        self._ready.release()

    def _write(self) -> None:
        while True:
            self._ready.acquire()
            block = self._queue.popleft()
            if not block:
                return
            view = memoryview(block)
            try:
                while view:
                    view = view[os.write(self._fd, view) :]
            except OSError:  # nobody reads any more: the notebook's kernel has ended
                os._exit(0)
            self._queued_bytes -= len(block)

    def close(self, timeout_s: float) -> None:
        """Write what is left, for so long at most."""
        self.flush()
        self._queue.append(b"")
        self._ready.release()
        self._thread.join(timeout_s)
