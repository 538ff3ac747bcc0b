"""The way of rows and truth out of a relay's process, which must never make the relay wait."""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
import threading
import time
from collections import deque
from typing import Final

from gdlab.impair import Copy
from gdlab.transports.relaying import wire

#: What may wait for a notebook that computes; what comes beyond it is counted and told as missing.
MOST_WAITING_BYTES: Final = 256 * 2**20
_ROWS_AT_ONCE: Final = 4096
_BYTES_AT_ONCE: Final = 4 * 2**20
#: Written in one turn of a loop: some tens of microseconds.
_TURN_BYTES: Final = 128 * 1024
_PIPE_BYTES: Final = 2**20
_F_SETPIPE_SZ: Final = 1031
_RETRY_S: Final = 0.001


class Outlet:
    """Collects rows and truth, and writes them.

    A loop that `drive`s it writes a little in each of its turns. Without one a thread of its own does; that takes the
    interpreter's lock in turns with the loop, which on a busy machine made packets tens of milliseconds late.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rows: list[bytes] = []
        self._count = 0
        self._payloads: list[bytes] = []
        self._payload_bytes = 0
        self._truth: list[bytes] = []
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._lost_rows = 0
        self._ready = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._selector: selectors.BaseSelector | None = None
        self._view = memoryview(b"")  # what is left of the block that is being written
        self._blocked = False

    def drive(self, selector: selectors.BaseSelector) -> None:
        """Write from now on by `push`, where this system can write without waiting; `selector` wakes when it can."""
        if sys.platform != "linux" or self._thread is not None:
            return
        import fcntl

        with contextlib.suppress(OSError):  # a smaller one will do
            fcntl.fcntl(self._fd, _F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(self._fd, False)
        self._selector = selector

    @property
    def waiting(self) -> bool:
        """Whether `push` has something to write that can be written."""
        return bool(self._view or self._queue) and not self._blocked and self._selector is not None

    def push(self, most: int = _TURN_BYTES) -> None:
        """Write some of what waits."""
        while most > 0 and self.waiting:
            if not self._view:
                self._view = memoryview(self._queue.popleft())
            try:
                written = os.write(self._fd, self._view[:most])
            except BlockingIOError:
                self._block(blocked=True)
                return
            except OSError:  # nobody reads any more: the notebook's kernel has ended
                os._exit(0)
            most -= written
            self._queued_bytes -= written
            self._view = self._view[written:]

    def _block(self, *, blocked: bool) -> None:
        if self._selector is None or blocked == self._blocked:
            return
        self._blocked = blocked
        if blocked:
            self._selector.register(self._fd, selectors.EVENT_WRITE, lambda _mask: self._block(blocked=False))
        else:
            self._selector.unregister(self._fd)

    def row(self, time_ns: int, client: int, payload: bytes, flags: int) -> None:
        """Tell one row."""
        self.rows(wire.ROW.pack(time_ns, client, len(payload), flags), 1, payload)

    def rows(self, packed: bytes, count: int, payloads: bytes) -> None:
        """Tell several rows, as `wire` packs them, with their payloads one behind the other."""
        self._rows.append(packed)
        self._payloads.append(payloads)
        self._count += count
        self._payload_bytes += len(payloads)
        if self._count >= _ROWS_AT_ONCE or self._payload_bytes >= _BYTES_AT_ONCE:
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
            rows, payloads, count = self._rows, self._payloads, self._count
            self._rows, self._payloads, self._count, self._payload_bytes = [], [], 0, 0
            if self._queued_bytes > MOST_WAITING_BYTES:
                self._lost_rows += count
            else:
                if self._lost_rows:
                    self._put(wire.tell_json(untold=self._lost_rows))
                    self._lost_rows = 0
                self._put(wire.tell_rows(count, rows, payloads))
        if self._truth:
            truth, self._truth = self._truth, []
            if self._queued_bytes <= MOST_WAITING_BYTES:
                self._put(wire.tell(wire.TRUTH, b"".join(truth)))

    def _put(self, block: bytes) -> None:
        self._queued_bytes += len(block)
        self._queue.append(block)
        if self._selector is not None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, daemon=True)
            self._thread.start()
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
        if self._selector is not None:
            deadline = time.monotonic() + timeout_s
            while self._view or self._queue:
                self._block(blocked=False)
                self.push(sys.maxsize)
                if time.monotonic() > deadline:
                    return
                if self._view or self._queue:
                    time.sleep(_RETRY_S)
            return
        self._queue.append(b"")
        self._ready.release()
        if self._thread is not None:
            self._thread.join(timeout_s)
