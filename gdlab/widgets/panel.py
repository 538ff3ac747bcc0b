"""What every part of the dashboard shares: it follows one capture, and rests when nobody can see it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture, html
from gdlab.widgets.page_heartbeat import Presence
from gdlab.widgets.recorded import Shown, as_capture
from gdlab.widgets.render import put, renderer
from gdlab.widgets.static_view import Still
from gdlab.widgets.style import style_sheet

__all__ = ["Panel", "put", "wake"]

#: A panel that no cell has shown and no browser has counted may still be part of something that is shown, or of a
#: notebook that is executed without a browser: it is drawn, but seldom.
_UNSEEN_EVERY_S: Final = 2.0

#: Every panel that has not been closed, so that a capture that starts again wakes those that follow it.
_panels: weakref.WeakSet[Panel] = weakref.WeakSet()
_panels_lock = threading.Lock()


class _Complete(type(ipywidgets.VBox)):  # type: ignore[misc]  # ipywidgets has no types
    """Makes a panel known to other threads when its last constructor has returned, and not before.

    The render thread must never meet a panel whose subclass has not set its fields yet; a rule that each subclass
    would have to remember has been forgotten before.
    """

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        panel = super().__call__(*arguments, **options)
        panel._completed()
        return panel


class Panel(ipywidgets.VBox, metaclass=_Complete):  # type: ignore[misc]  # ipywidgets has no types
    """A part of the screen that follows a capture; alone in a cell, or inside the dashboard.

    A subclass builds its children, hands them to `__init__`, and writes `update`. No other thread sees a panel before
    its constructors have returned. Nothing is drawn, and nothing is
    sent, while the capture has not changed or the panel is out of sight: behind another tab, or in no page any more.

    Parameters
    ----------
    children : the widgets of the panel, first to last.
    capture : what to follow; none yet if left out.
    """

    _built = False
    #: Whether it is to be drawn as soon as it is built.
    _wanted = False

    def __init__(self, children: Sequence[Any], capture: Shown | None = None, **options: Any) -> None:
        #: Guards what `update` and the callbacks of buttons touch: they come on different threads.
        self.lock = threading.RLock()
        self._capture: Capture | None = None
        self._drawn: Any = None
        self._drawn_at = 0.0
        self._asked = 0
        self._in_sight = True
        self._displayed = False
        self._whole: Panel | None = None
        self._rewritten = 0
        self._closed = False
        self.error = ipywidgets.HTML()
        # Pages count their views of a widget in `_view_count` if it is not None.
        style = style_sheet()
        inside = [style, presence.heart(), *(child for child in children if child is not style), self.error]
        super().__init__(inside, **{"_view_count": 0, **options})
        self._counted = False
        self._still = Still(self)
        self.observe(self._count_views, "_view_count")
        self.add_class("gdlab-panel")
        if capture is not None:
            self.follow(capture)

    def _completed(self) -> None:
        """Become visible to the render thread and to captures that start."""
        self._built = True
        with _panels_lock:
            _panels.add(self)
        if self._wanted:
            self._ask()

    @property
    def capture(self) -> Capture | None:
        """What is followed."""
        return self._capture

    def follow(self, capture: Shown | None) -> None:
        """Follow another capture from now on; None empties the panel at the next `update`."""
        with self.lock:
            self._capture = as_capture(capture)
            self._rewritten = _rewritten(self._capture)
            self._drawn = None
        self._ask()

    def forget(self, capture: Capture) -> None:
        """Let go of what is kept for a capture that was taken off the list."""

    # ---- sight

    @property
    def in_sight(self) -> bool:
        """Whether somebody could see the panel; a tab that lies behind another sets it to False."""
        return self._in_sight

    @in_sight.setter
    def in_sight(self, value: bool) -> None:
        changed, self._in_sight = value != self._in_sight, value
        if value and changed:
            self._ask()

    @property
    def seen(self) -> bool | None:
        """Whether a page shows the panel; None where none has counted it yet.

        A page that is closed with its notebook reports it; one whose browser is killed does not.
        """
        if self._whole is not None:
            return self._whole.seen if self._whole._built else None
        return bool(self._view_count) if self._counted else None

    def join(self, whole: Panel) -> None:
        """Become part of another panel: seen where that one is seen, and no longer counted by the pages itself."""
        self._whole = whole
        self._view_count = None

    def _count_views(self, change: dict[str, Any]) -> None:
        if change["new"] is None:
            return
        self._counted = True
        if change["new"] > (change["old"] or 0):  # a page has come
            presence.ask(at_once=True)
            wake(lambda panel: panel is self or panel._whole is self)

    def _resting(self) -> bool:
        """Whether drawing now would be for nobody."""
        return not self._in_sight or self.seen is False or presence.gone()

    def _expected(self) -> bool:
        """Whether a cell has shown it, or what it is part of."""
        whole = self._whole
        return self._displayed or (whole is not None and whole._built and whole._expected())

    # ---- what the render thread calls

    def due(self) -> bool:
        """Whether the render thread is to refresh it in this turn; what nobody may see is drawn seldom."""
        known = self._drawn is None or self._expected() or self.seen
        return bool(known) or time.monotonic() - self._drawn_at >= _UNSEEN_EVERY_S

    def refresh(self) -> bool:
        """Draw what has changed; return whether more may be to come."""
        with self.lock:
            if self._closed or not self._in_sight or self.seen is False:
                return False  # asked again when it comes into sight
            running = self._running()  # before the rest: the end is drawn too
            if running and (self._expected() or self.seen):
                presence.ask()
            if presence.gone():
                return running
            self._draw()
            due = self._still.renew(running=running)
            return running or due

    def wants(self, capture: Capture) -> bool:
        """Whether a capture that starts is to be drawn here."""
        return capture is self._capture

    def _running(self) -> bool:
        return self._capture is not None and self._capture.running

    def rows_changed(self) -> None:
        """Forget what was counted of the rows: some were taken back, as their stream is read otherwise now."""

    def _draw(self) -> None:
        rewritten = _rewritten(self._capture)
        if rewritten != self._rewritten:
            self._rewritten = rewritten
            self.rows_changed()
        state = self.state()
        if state != self._drawn:
            asked = self._asked
            self.update()
            # What was asked for meanwhile, by a button on another thread, is drawn at the next turn.
            self._drawn = state if asked == self._asked else None
            self._drawn_at = time.monotonic()
            put(self.error, "value", "")

    def state(self) -> Any:
        """Return what the drawing depends on: `update` is called where it differs from the last time."""
        capture = self._capture
        return None if capture is None else (id(capture), capture.running, capture.version)

    def update(self) -> None:
        """Show the present state of `capture`, which may be None."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw at once even if the capture has not changed: a setting of the panel itself has."""
        with self.lock:
            self._drawn = None
            self._asked += 1
        presence.note()
        self._ask(hurry=True)

    def _ask(self, *, hurry: bool = False) -> None:
        """Have the render thread look at this panel again."""
        if not self._built:
            self._wanted = True
        elif not self._closed:
            (renderer.hurry if hurry else renderer.add)(self)

    def show_error(self, error: BaseException) -> None:
        """Report in the panel that drawing failed; the capture goes on."""
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

    # ---- display and end

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget as it is now, drawn at once, and beside it what a saved notebook can show."""
        self._displayed = True
        with self.lock:
            if not self._closed:
                try:
                    self._draw()
                except Exception as error:  # noqa: BLE001 (the panel says it itself; the cell goes on)
                    self.show_error(error)
        self._ask()
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, **self._still.show()}, metadata

    def __repr__(self) -> str:
        of = f" of {self._capture!r}" if self._capture is not None else ""
        return f"<{type(self).__name__}{of}{', closed' if self._closed else ''}>"

    def close(self) -> None:
        """Take the panel and all in it off the screen and free what they hold; the capture goes on."""
        with self.lock:
            self._closed = True
            self._capture = None
            self._whole = None
            self._drawn = None
        renderer.remove(self)
        with _panels_lock:
            _panels.discard(self)
        close_parts(self)
        super().close()

    def __del__(self) -> None:
        """Do nothing: ipywidgets would close it, but it holds every widget that is open, so this one is closed.

        The garbage collector may come by in the middle of anything, also of what holds the lock that `close` takes.
        """


def _rewritten(followed: object) -> int:
    """How often the rows of what is followed were taken back; of what is no capture they never are."""
    return int(getattr(followed, "rewritten", 0))


def close_parts(widget: Any) -> None:
    """Close what is in a widget, its layout and its style; ipywidgets would leave them open for ever."""
    for child in getattr(widget, "children", ()):
        if child is not style_sheet() and child is not presence.heart():  # shared by every panel
            if not isinstance(child, Panel):
                close_parts(child)
            child.close()
    for part in ("layout", "style"):
        if widget.has_trait(part) and isinstance(getattr(widget, part), ipywidgets.Widget):
            getattr(widget, part).close()


def wake(wanted: Callable[[Panel], bool]) -> None:
    """Have the render thread look at some of the panels again."""
    with _panels_lock:
        panels = list(_panels)
    for panel in panels:
        if wanted(panel):
            panel._ask()


#: Whether any page is there; one heart for all panels of the kernel.
presence: Final = Presence(back=lambda: wake(lambda _panel: True))


def started(capture: Capture) -> None:
    """Wake the panels that follow a capture that has started."""
    wake(lambda panel: panel.wants(capture))
