"""Whether a page is there at all: it is asked every few seconds, and a page that is there answers.

A page that is reloaded, or closed with its notebook, does not tell the kernel: the count of a widget's views stays as
it was (seen in JupyterLab 4.6). `ipywidgets.Play` is the one core widget that does something by itself in the page:
set to play, it counts one further and sends its number. So one stands, without a size, beside what is shown.

While a cell runs the kernel may not get to the answers (ipykernel 6 takes them behind it), so nobody is called gone
then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import ipywidgets
from IPython.core.interactiveshell import InteractiveShell

ASK_EVERY_S: Final = 4.0
GONE_AFTER_S: Final = 12.0
_START_EVERY_S: Final = 1.0


class Presence:
    """Asks the pages; one for all views of a kernel.

    Parameters
    ----------
    back : called when a page answers after it was gone.
    clock : seconds, growing.
    """

    def __init__(self, back: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._back = back
        self._clock = clock
        self._lock = threading.Lock()
        self._heart: Any = None
        self._known = False  # whether any page has ever answered: without a browser none does
        self._asked_at = float("-inf")
        self._unanswered_since: float | None = None
        self._in_cell = False
        self._cell_at = clock()  # when a cell ended last
        self._watching = False

    def heart(self) -> Any:
        """The widget that answers, to be put beside what is shown; it has no size."""
        if self._heart is None or self._heart.comm is None:  # none yet, or closed with all widgets
            # A page that shows it once goes on counting by itself; shown twice it counts once each time it is asked.
            self._heart = ipywidgets.Play(
                min=0,
                max=1_000_000,
                interval=int(ASK_EVERY_S * 1000),
                repeat=True,
                layout={"display": "none"},
            )
            self._heart.observe(self._answered, "value")
        return self._heart

    def ask(self, *, at_once: bool = False) -> None:
        """Ask, if the last time was long enough ago; `at_once` is for a page that has just come."""
        self._watch_cells()
        with self._lock:
            now = self._clock()
            if now - self._asked_at < (_START_EVERY_S if at_once else ASK_EVERY_S):
                return
            self._asked_at = now
            if self._unanswered_since is None:
                self._unanswered_since = now
        heart = self.heart()
        heart.playing = False
        heart.playing = True

    def gone(self) -> bool:
        """Whether the pages that were there no longer answer; False as long as none ever has."""
        with self._lock:
            if not self._known or self._unanswered_since is None or self._in_cell:
                return False
            return self._clock() - max(self._unanswered_since, self._cell_at) > GONE_AFTER_S

    def note(self) -> None:
        """Take it that somebody is there: a button was pressed, or an answer came."""
        was_gone = self.gone()
        with self._lock:
            self._unanswered_since = None
        if was_gone:
            self._back()

    def _answered(self, _change: object) -> None:
        self._known = True
        self.note()

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
