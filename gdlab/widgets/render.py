"""The one thread that draws: it pulls from captures and sets widget traits, and nothing else ever does.

A task on the kernel's event loop stands still while a cell runs; a thread does not, and setting traits from one is
safe on ipykernel 6 and 7. At 5 Hz at the most, only for views whose capture has changed, and with no more bytes a
second to the browser than agreed: whoever sends much is drawn less often.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gdlab import surroundings

log = logging.getLogger(__name__)

DEFAULT_HZ: Final = 5.0

#: What all views together may send, on average. A picture has some 15 kB; a browser on the same machine takes ten
#: times as much without falling behind, but a notebook may be looked at from far away.
DEFAULT_BYTES_PER_S: Final = 1_000_000

#: How far back the rates of `RenderStatistics` look.
_WINDOW_S: Final = 5.0

#: Beside the value: the envelope of a message that carries one trait, about.
_ENVELOPE_BYTES: Final = 600


class View(Protocol):
    """Something on the screen that follows a capture."""

    def refresh(self) -> bool:
        """Show the present state if it differs from what is shown; return whether more may be to come.

        A view that returns False (its capture has stopped and the last state is shown) is not asked again until it
        is added anew. One that has a method `due` is passed over while that says False.
        """

    def show_error(self, error: BaseException) -> None:
        """Tell the user that refreshing failed: output of this thread would reach nobody."""


@dataclass(frozen=True, slots=True)
class RenderStatistics:
    """What drawing costs, at one moment.

    Attributes
    ----------
    views : followed now.
    turns_hz, bytes_per_s, busy : turns, bytes to the browser, and the share of the time spent drawing (0 to 1), over
        the last five seconds.
    sent_bytes : to the browser, since the process began. budget_bytes_per_s : what may be sent on average.
    """

    views: int
    turns_hz: float
    bytes_per_s: float
    busy: float
    sent_bytes: int
    budget_bytes_per_s: int


class Renderer:
    """Refreshes views in a thread that lives only as long as there is something to follow.

    Parameters
    ----------
    hz : turns per second at the most.
    bytes_per_s : to the browser, on average over a few turns.
    """

    def __init__(self, hz: float = DEFAULT_HZ, bytes_per_s: int = DEFAULT_BYTES_PER_S) -> None:
        self.period_s = 1 / hz
        self.bytes_per_s = bytes_per_s
        # Each with the number of the call that added it last. A view that nobody holds is not drawn for nobody.
        self._views: weakref.WeakKeyDictionary[View, int] = weakref.WeakKeyDictionary()
        self._added = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._drawing = False  # where there are no threads: somebody draws already
        self._sent_bytes = 0
        self._turns: deque[tuple[float, float, int]] = deque()  # began, seconds spent, bytes sent until then

    def add(self, view: View) -> None:
        """Follow this view's capture until it ends."""
        with self._lock:
            self._added += 1
            self._views[view] = self._added
            if self._thread is None and surroundings.have_threads():
                self._thread = threading.Thread(target=self._run, name="gdlab render", daemon=True)
                self._thread.start()
        if self._thread is None:
            self._draw_here()

    def remove(self, view: View) -> None:
        """Stop following."""
        with self._lock:
            self._views.pop(view, None)
        self._wake.set()

    def hurry(self, view: View) -> None:
        """Follow this view, and do not wait for the next turn: somebody has pressed a button."""
        self.add(view)
        self._wake.set()

    def count(self, sent_bytes: int) -> None:
        """Note that so much has been sent to the browser; any thread may."""
        with self._lock:
            self._sent_bytes += sent_bytes

    def statistics(self) -> RenderStatistics:
        """Return what drawing costs at present."""
        now = time.monotonic()
        with self._lock:
            turns = [turn for turn in self._turns if turn[0] > now - _WINDOW_S]
            sent, views = self._sent_bytes, len(self._views)
        seconds = max(now - turns[0][0], self.period_s) if turns else _WINDOW_S
        return RenderStatistics(
            views=views,
            turns_hz=len(turns) / seconds,
            bytes_per_s=(sent - turns[0][2]) / seconds if turns else 0.0,
            busy=sum(spent for _, spent, _ in turns) / seconds,
            sent_bytes=sent,
            budget_bytes_per_s=self.bytes_per_s,
        )

    def _draw_here(self) -> None:
        """Draw without a thread: at once, as what can be shown then stands still, and again while there is more."""
        if self._drawing:
            return
        self._drawing = True
        try:
            for view in list(self._views):
                self._refresh(view)
        finally:
            self._drawing = False
        if self._views:
            with contextlib.suppress(RuntimeError):  # no event loop runs: there is no later
                asyncio.get_running_loop().call_later(self.period_s, self._draw_here)

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            with self._lock:
                views = list(self._views)
                before = self._sent_bytes
                if not views:
                    self._thread = None
                    self._turns.clear()
                    return
            for view in views:
                self._refresh(view)
            del view, views  # nothing is held while the thread rests
            spent = time.monotonic() - began
            with self._lock:
                sent = self._sent_bytes - before
                self._turns.append((began, spent, before))
                while self._turns[0][0] < began - _WINDOW_S:
                    self._turns.popleft()
            self._rest(began, spent, sent)

    def _rest(self, began: float, spent: float, sent: int) -> None:
        """Wait for the next turn; a button may bring it forward, but not past the budget."""
        # A slow drawing must not take the interpreter from the receivers: rest at least as long as it took.
        self._wake.wait(max(self.period_s - spent, spent, 0))
        owed = began + sent / self.bytes_per_s - time.monotonic()
        while owed > 0 and self._views:
            time.sleep(min(owed, self.period_s))
            owed = began + sent / self.bytes_per_s - time.monotonic()
        self._wake.clear()

    def _refresh(self, view: View) -> None:
        with self._lock:
            added = self._views.get(view)
        if added is None or not getattr(view, "due", _always)():
            return
        try:
            more = view.refresh()
        except Exception as error:
            log.debug("a view could not be refreshed", exc_info=error)
            more = False
            with contextlib.suppress(Exception):  # a closed comm: there is no screen left to tell
                view.show_error(error)
        if not more:
            with self._lock:
                if self._views.get(view) == added:  # else somebody has asked again meanwhile
                    del self._views[view]


def _always() -> bool:
    return True


#: All views of this process share one thread.
renderer: Final = Renderer()


def put(widget: Any, trait: str, value: Any) -> None:
    """Set a trait where it differs, and count it: an equal value would cross to the browser all the same."""
    if getattr(widget, trait) != value:
        setattr(widget, trait, value)
        size = len(value) if isinstance(value, (str, bytes)) else 0
        renderer.count(size + _ENVELOPE_BYTES)
