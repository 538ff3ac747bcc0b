"""A loop that behaves as a game's does: nothing happens between two frames."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from gdlab import surroundings

log = logging.getLogger(__name__)


class FramePeer(ABC):
    """A scripted game in a thread of its own, which reads and sends once per frame.

    Parameters
    ----------
    fps : frames per second.
    seconds : it ends by itself after so long; None runs until `stop`.
    """

    def __init__(self, *, fps: float = 60.0, seconds: float | None = None) -> None:
        surroundings.demand("a simulated game needs")
        if not 0 < fps <= 1000:
            raise ValueError(f"fps is above 0 and at most 1000, not {fps}")
        self.fps = fps
        self.seconds = seconds
        self.frames = 0
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"gdlab {type(self).__name__}", daemon=True)

    @abstractmethod
    def _process(self) -> None:
        """One frame: Godot's `_process`."""

    @abstractmethod
    def _close(self) -> None:
        """Close the sockets."""

    @property
    def running(self) -> bool:
        """Whether frames still go by."""
        return self._thread.is_alive()

    def start(self) -> Self:
        """Begin the first frame."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after the present frame; returns when it has. Calling it again does nothing."""
        self._stop.set()
        if self._thread.ident is None:
            self._close()  # it was never started: nobody else does it
        elif self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def step(self) -> None:
        """One frame, now, of a game that is not started: for those who want to be its clock."""
        if self.running:
            raise RuntimeError(f"{type(self).__name__} makes its own frames: it is running")
        self._process()
        self.frames += 1

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        began = due = time.monotonic()
        try:
            while not self._stop.is_set():
                if self.seconds is not None and due - began >= self.seconds:
                    break
                self._process()
                self.frames += 1
                # Like a game that was held up: frames that are over are left out, not made up for.
                due = max(due + 1 / self.fps, time.monotonic() - 1 / self.fps)
                self._stop.wait(max(0.0, due - time.monotonic()))
        except BaseException as error:
            self.error = error
            log.exception("%s ended", type(self).__name__)
        finally:
            with contextlib.suppress(OSError):
                self._close()
