"""Whether a page is there at all: a heart that beats in the browser.

A page that is reloaded, or closed with its notebook, does not tell the kernel: the count of a widget's views stays as
it was (seen in JupyterLab 4.6). So an `ipywidgets.Play`, which runs in the page and sends its number every few seconds,
stands beside what is shown. While a cell runs the kernel may not get to the beats (ipykernel 6 takes them behind it),
so nobody is called gone then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import ipywidgets
from IPython.core.interactiveshell import InteractiveShell

#: Browsers slow the clocks of pages in the background down, to a beat a minute after some minutes; drawing stops then.
BEAT_S: Final = 4.0
GONE_AFTER_S: Final = 15.0
_START_EVERY_S: Final = 1.0


class Presence:
    """Hears the heart; one for all views of a kernel.

    Parameters
    ----------
    back : called when a page is there again after it was gone.
    clock : seconds, growing.
    """

    def __init__(self, back: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._back = back
        self._clock = clock
        self._lock = threading.Lock()
        self._heart: Any = None
        self._beat_at: float | None = None  # None before the first beat
        self._cell_at = clock()  # when a cell ended last
        self._in_cell = False
        self._watching = False
        self._started_at = float("-inf")

    def heart(self) -> Any:
        """The widget that beats, to be put beside what is shown; it has no size."""
        if self._heart is None or self._heart.comm is None:  # none yet, or closed with all widgets
            self._heart = ipywidgets.Play(
                min=0, max=1_000_000, interval=int(BEAT_S * 1000), repeat=True, layout={"display": "none"}
            )
            self._heart.observe(self._beat, "value")
            self._beat_at = None
        return self._heart

    def start(self) -> None:
        """Let the heart of a page that has just come beat: a `Play` starts when `playing` turns True."""
        self._watch_cells()
        with self._lock:
            now = self._clock()
            if now - self._started_at < _START_EVERY_S:
                return  # one start will do for all that a page shows
            self._started_at = now
        heart = self.heart()
        heart.playing = False
        heart.playing = True

    def gone(self) -> bool:
        """Whether the pages that were there no longer beat; False as long as none ever has."""
        now = self._clock()
        with self._lock:
            if self._beat_at is None or self._in_cell:
                return False
            return now - max(self._beat_at, self._cell_at) > GONE_AFTER_S

    def _beat(self, _change: object) -> None:
        was_gone = self.gone()
        with self._lock:
            self._beat_at = self._clock()
        if was_gone:
            self._back()

    def _watch_cells(self) -> None:
        if not self._watching and InteractiveShell.initialized():
            events = InteractiveShell.instance().events
            events.register("pre_run_cell", self._cell_begins)
            events.register("post_run_cell", self._cell_ends)
            self._watching = True

    def _cell_begins(self, *_about: object) -> None:
        with self._lock:
            self._in_cell = True

    def _cell_ends(self, *_about: object) -> None:
        with self._lock:
            self._in_cell = False
            self._cell_at = self._clock()
