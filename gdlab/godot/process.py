"""A child process that cannot outlive us."""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Final, Literal

from gdlab import surroundings
from gdlab.godot.group import await_group_gone, end_guard, kill_group, start_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Stream = Literal["stdout", "stderr"]

#: Lines kept per child; older ones are dropped and counted, because a game may print for ever.
MAX_LINES: Final = 200_000
#: Longest line kept; the rest of it is cut off, and the line ends in an ellipsis.
MAX_LINE_BYTES: Final = 64 * 1024
#: How long the pipes are read on after the process has ended (a grandchild may have taken them along).
_DRAIN_S: Final = 1.0
#: How often a process is looked at where the system cannot say when it ends.
_LOOK_S: Final = 0.2


class Ending(StrEnum):
    """Why a child ended."""

    EXIT = "exit"  # by itself
    STOPPED = "stopped"  # `stop` was called
    TIME_LIMIT = "time limit"
    ERROR = "error"  # ended by us because of what it printed


@dataclass(frozen=True, slots=True)
class Line:
    """One line a child wrote: seconds since its start, where it wrote it, the text without its line end."""

    time_s: float
    stream: Stream
    text: str


_LIVE: weakref.WeakSet[Child] = weakref.WeakSet()


class Child:
    """A running child process whose output is collected line by line.

    Parameters
    ----------
    command : program and arguments; no shell is involved.
    name : for the names of its threads.
    cwd, env : as for `subprocess`; `env` is the whole environment.
    time_limit_s : the child is killed after this many seconds; None for no limit.
    on_line : called with the child and each line in a reader thread, maybe before this constructor has
        returned; must be quick, must not raise.
    on_end : called with the child once, in the supervising thread, when all is gone and all output is read.

    Raises
    ------
    OSError : the program cannot be started.

    Notes
    -----
    Three daemon threads: one reads each pipe, one waits for the end. All have ended when `wait` returned
    True. They are daemons so that an interpreter that exits without stopping its games does not hang.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        time_limit_s: float | None = None,
        on_line: Callable[[Child, Line], None] | None = None,
        on_end: Callable[[Child], None] | None = None,
    ) -> None:
        surroundings.demand("running a program needs")
        self.command = tuple(command)
        self.exit_code: int | None = None
        self.ending: Ending | None = None
        self.seconds: float = 0.0
        self.dropped_lines = 0
        self._lines: deque[Line] = deque(maxlen=MAX_LINES)
        self._changed = threading.Condition()
        self._ask_lock = threading.Lock()
        self._asked: Ending | None = None
        self._gone = False
        self._ended = threading.Event()
        self._on_line = on_line
        self._on_end = on_end
        self._deadline = None if time_limit_s is None else (time_limit_s, Ending.TIME_LIMIT)
        self._wake_r, self._wake_w = os.pipe()  # ends the readers
        self._nudge_r, self._nudge_w = os.pipe()  # tells the supervisor of a new deadline
        self._guard = start_guard()
        self.started = time.perf_counter()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (running what the user names is the job)
                self.command,
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except BaseException:
            end_guard(self._guard)
            self._close_pipes()
            raise
        self.pid = self._process.pid
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.write(f"{self.pid}\n".encode())
            self._guard.stdin.flush()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, pipe), name=f"{name}-{stream}", daemon=True)
            for stream, pipe in self._pipes()
        ]
        self._supervisor = threading.Thread(target=self._supervise, name=f"{name}-wait", daemon=True)
        for thread in (*self._readers, self._supervisor):
            thread.start()
        _LIVE.add(self)

    @property
    def running(self) -> bool:
        """The process has not ended, or its last output is still being read."""
        return not self._ended.is_set()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start; stands still at the end."""
        return time.perf_counter() - self.started if self.running else self.seconds

    def lines(self) -> tuple[Line, ...]:
        """Snapshot of the lines so far, in order of arrival."""
        with self._changed:
            return tuple(self._lines)

    def lines_from(self, position: int, timeout_s: float) -> tuple[tuple[Line, ...], int]:
        """Lines from the `position`-th on, waiting up to `timeout_s` for the first; and the next position.

        Positions count dropped lines, too: a slow reader skips what was dropped and sees no line twice.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self.dropped_lines + len(self._lines) > position or not self.running, timeout_s
            )
            skip = max(0, position - self.dropped_lines)
            new = tuple(self._lines)[skip:]
            return new, self.dropped_lines + len(self._lines)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False if it has not come within `timeout_s`."""
        if not self._ended.wait(timeout_s):
            return False
        if threading.current_thread() is not self._supervisor:
            self._supervisor.join()
        return True

    def stop(self, ending: Ending = Ending.STOPPED) -> None:
        """Kill the process group, and wait until it is gone. Does nothing on a child that has ended."""
        self.ask_to_end(ending)
        self.wait()

    def ask_to_end(self, ending: Ending) -> None:
        """Kill the process group without waiting, so also from `on_line`. The first reason given stays."""
        with self._ask_lock:
            if self._gone:
                return
            if self._asked is None:
                self._asked = ending
            kill_group(self._process)

    def end_within(self, seconds: float, ending: Ending) -> None:
        """Kill the group in `seconds` unless it ends by itself before; returns at once."""
        with self._ask_lock:
            deadline = time.perf_counter() - self.started + seconds
            if not self._gone and (self._deadline is None or deadline < self._deadline[0]):
                self._deadline = (deadline, ending)
                os.write(self._nudge_w, b"x")

    def _pipes(self) -> Iterator[tuple[Stream, IO[bytes]]]:
        if self._process.stdout is not None:
            yield "stdout", self._process.stdout
        if self._process.stderr is not None:
            yield "stderr", self._process.stderr

    def _read(self, stream: Stream, pipe: IO[bytes]) -> None:
        """Read one pipe to its end, line by line."""
        pending = b""
        cut = False  # the rest of an over-long line is being skipped
        for chunk in self._chunks(pipe.fileno()):
            *complete, pending = (pending + chunk).split(b"\n")
            for raw in complete:
                if not cut:
                    self._add(stream, raw)
                cut = False
            if len(pending) > MAX_LINE_BYTES:
                if not cut:
                    self._add(stream, pending)
                pending, cut = b"", True
        if pending and not cut:
            self._add(stream, pending)

    def _chunks(self, fd: int) -> Iterator[bytes]:
        """What comes out of a pipe, until its end or until the process is gone and the pipe is empty."""
        if sys.platform == "win32":  # pipes cannot be polled there; `taskkill /T` takes all who hold them
            while chunk := os.read(fd, 65536):
                yield chunk
            return
        with selectors.DefaultSelector() as selector:
            selector.register(fd, selectors.EVENT_READ)
            selector.register(self._wake_r, selectors.EVENT_READ)
            while any(key.fd == fd for key, _ in selector.select()):
                chunk = os.read(fd, 65536)
                if not chunk:
                    return
                yield chunk

    def _add(self, stream: Stream, raw: bytes) -> None:
        text = raw[:MAX_LINE_BYTES].decode(errors="replace").removesuffix("\r")
        line = Line(
            time.perf_counter() - self.started, stream, text + "…" if len(raw) > MAX_LINE_BYTES else text
        )
        with self._changed:
            if len(self._lines) == MAX_LINES:
                self.dropped_lines += 1
            self._lines.append(line)
            self._changed.notify_all()
        if self._on_line is not None:
            self._on_line(self, line)

    def _supervise(self) -> None:
        """Wait for the process, enforce the time limit, clean up."""
        self._await_exit()
        seconds = time.perf_counter() - self.started
        with self._ask_lock:
            # Before the process is reaped its id cannot belong to anybody else: now kill what it left behind.
            kill_group(self._process)
            self._process.wait()
            self._gone = True
        await_group_gone(self.pid)
        end_guard(self._guard)
        drained = time.perf_counter() + _DRAIN_S
        for reader in self._readers:
            reader.join(max(0.0, drained - time.perf_counter()))
        os.write(self._wake_w, b"x")
        for reader in self._readers:
            reader.join()
        for _, pipe in self._pipes():
            pipe.close()
        self._close_pipes()
        self.seconds = seconds
        self.exit_code = self._process.returncode
        self.ending = self._asked or Ending.EXIT
        _LIVE.discard(self)
        try:
            if self._on_end is not None:
                self._on_end(self)
        finally:
            self._ended.set()
            with self._changed:
                self._changed.notify_all()

    def _await_exit(self) -> None:
        """Wait until the process has ended, killing it at its deadline; if possible do not reap it yet."""
        pidfd = _pidfd(self._process.pid)
        try:
            while True:
                with self._ask_lock:
                    deadline = self._deadline
                    left = None if deadline is None else deadline[0] - (time.perf_counter() - self.started)
                    if deadline is not None and left is not None and left <= 0:
                        self._deadline = left = None
                if deadline is not None and left is None:
                    self.ask_to_end(deadline[1])
                if pidfd is None:  # not Linux: look from time to time
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._process.wait(_LOOK_S if left is None else min(left, _LOOK_S))
                        return
                elif pidfd in _readable([pidfd, self._nudge_r], left):
                    return
                elif self._nudge_r in _readable([self._nudge_r], 0):
                    os.read(self._nudge_r, 64)
        finally:
            if pidfd is not None:
                os.close(pidfd)

    def _close_pipes(self) -> None:
        for fd in (self._wake_r, self._wake_w, self._nudge_r, self._nudge_w):
            os.close(fd)


def stop_all() -> int:
    """Stop every child that runs; returns how many there were."""
    live = [child for child in tuple(_LIVE) if child.running]
    for child in live:
        child.ask_to_end(Ending.STOPPED)
    for child in live:
        child.wait()
    return len(live)


atexit.register(stop_all)


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends (Linux); None where there is no such thing."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or a sandbox without this call
        return None


def _readable(fds: Sequence[int], timeout_s: float | None) -> set[int]:
    """Which of the descriptors can be read; waits up to `timeout_s` for the first (None: for ever)."""
    with selectors.DefaultSelector() as selector:
        for fd in fds:
            selector.register(fd, selectors.EVENT_READ)
        return {key.fd for key, _ in selector.select(timeout_s) if isinstance(key.fd, int)}
