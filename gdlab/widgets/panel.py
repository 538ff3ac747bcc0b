"""What every part of the dashboard shares: it follows one capture, and can be out of sight."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import ipywidgets

from gdlab.capture import Capture, html
from gdlab.widgets.render import renderer


class Panel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A part of the screen that follows a capture; alone in a cell, or inside the dashboard.

    A subclass builds its children, hands them to `__init__`, and writes `update`. Nothing is drawn, and nothing is
    sent, while the capture has not changed or the panel is out of sight.

    Parameters
    ----------
    children : the widgets of the panel, first to last.
    capture : what to follow; none yet if left out.
    """

    def __init__(self, children: Sequence[Any], capture: Capture | None = None, **options: Any) -> None:
        #: Guards what `update` and the callbacks of buttons touch: they come on different threads.
        self.lock = threading.RLock()
        self._capture: Capture | None = None
        self._drawn: Any = None
        self._in_sight = True
        self.error = ipywidgets.HTML()
        super().__init__([*children, self.error], **options)
        self.add_class("gdlab-panel")
        if capture is not None:
            self.follow(capture)

    @property
    def capture(self) -> Capture | None:
        """What is followed."""
        return self._capture

    def follow(self, capture: Capture | None) -> None:
        """Follow another capture from now on; None empties the panel at the next `update`."""
        with self.lock:
            self._capture = capture
            self._drawn = None
        renderer.add(self)

    @property
    def in_sight(self) -> bool:
        """Whether somebody can see the panel; a tab that lies behind another sets it to False."""
        return self._in_sight

    @in_sight.setter
    def in_sight(self, value: bool) -> None:
        self._in_sight = value
        if value:
            renderer.add(self)

    # ---- what the render thread calls

    def refresh(self) -> bool:
        """Draw what has changed; return whether more may be to come."""
        with self.lock:
            if not self._in_sight:
                return False  # asked again when it comes into sight
            running = (
                self._capture is not None and self._capture.running
            )  # before the rest: the end is drawn too
            state = self.state()
            if state != self._drawn:
                self.update()
                self._drawn = state
                put(self.error, "value", "")
            return running

    def state(self) -> Any:
        """Return what the drawing depends on: `update` is called where it differs from the last time."""
        capture = self._capture
        return None if capture is None else (id(capture), capture.running, capture.version)

    def update(self) -> None:
        """Show the present state of `capture`, which may be None."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw at the next turn even if the capture has not changed: a setting of the panel itself has."""
        with self.lock:
            self._drawn = None
        renderer.add(self)

    def show_error(self, error: BaseException) -> None:
        """Say in the panel that drawing failed; the capture goes on."""
        put(
            self.error,
            "value",
            html.status(
                html.Headline(
                    "failed",
                    f"could not be drawn: {type(error).__name__}: {error}",
                    "the capture itself goes on; its data is in .df",
                )
            ),
        )

    def close(self) -> None:
        """Take the panel off the screen; the capture goes on."""
        renderer.remove(self)
        super().close()


def put(widget: Any, trait: str, value: Any) -> None:
    """Set a trait where it differs: an equal value would cross to the browser all the same."""
    if getattr(widget, trait) != value:
        setattr(widget, trait, value)
