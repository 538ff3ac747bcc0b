"""The one thread that draws: it pulls from captures and sets widget traits, and nothing else ever does.

A task on the kernel's event loop stands still while a cell runs; a thread does not, and setting traits from one is
safe on ipykernel 6 and 7. At 5 Hz at the most, and only for views whose capture has changed.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import Final, Protocol

log = logging.getLogger(__name__)

DEFAULT_HZ: Final = 5.0


class View(Protocol):
    """Something on the screen that follows a capture."""

    def refresh(self) -> bool:
        """Show the present state if it differs from what is shown; return whether more may be to come.

        A view that returns False (its capture has stopped and the last state is shown) is not asked again until it
        is added anew.
        """

    def show_error(self, error: BaseException) -> None:
        """Tell the user that refreshing failed: output of this thread would reach nobody."""


class Renderer:
    """Refreshes views in a thread that lives only as long as there is something to follow."""

    def __init__(self, hz: float = DEFAULT_HZ) -> None:
        self.period_s = 1 / hz
        self._views: weakref.WeakSet[View] = (
            weakref.WeakSet()
        )  # a view that nobody holds is not drawn for nobody
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, view: View) -> None:
        """Follow this view's capture until it ends."""
        with self._lock:
            self._views.add(view)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gdlab render", daemon=True)
                self._thread.start()

    def remove(self, view: View) -> None:
        """Stop following."""
        with self._lock:
            self._views.discard(view)
        self._wake.set()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            with self._lock:
                views = list(self._views)
                if not views:
                    self._thread = None
                    return
            for view in views:
                self._refresh(view)
            del views
            # A slow drawing must not take the interpreter from the receivers: rest at least as long as it took.
            spent = time.monotonic() - began
            self._wake.wait(max(self.period_s - spent, spent))
            self._wake.clear()

    def _refresh(self, view: View) -> None:
        try:
            more = view.refresh()
        except Exception as error:
            log.exception("a view could not be refreshed")
            try:
                view.show_error(error)
            except Exception:  # noqa: BLE001 (a closed comm: there is no screen left to tell)
                more = False
            else:
                more = True
        if not more:
            with self._lock:
                self._views.discard(view)


#: All views of this process share one thread.
renderer: Final = Renderer()
