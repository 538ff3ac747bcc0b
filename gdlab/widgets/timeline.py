"""The live plots: every moment that is kept, to zoom into, to read under the cursor, to go back to and to mark."""

from __future__ import annotations

import base64
import importlib.resources
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import anywidget
import numpy as np
import pandas as pd
import traitlets

from gdlab import clock, text
from gdlab.capture import Capture
from gdlab.live.timeline import Lane, Timeline
from gdlab.plots import lanes_figure
from gdlab.plots.canvas import NotebookFigure
from gdlab.watching import Watch
from gdlab.widgets import watched_lanes as told
from gdlab.widgets.field_lanes import FieldLanes
from gdlab.widgets.lanes_svg import lanes_svg
from gdlab.widgets.panel import Panel
from gdlab.widgets.ping import PingRow
from gdlab.widgets.recorded import Shown
from gdlab.widgets.render import renderer
from gdlab.widgets.style import style_sheet

#: A point in time, as `pandas.Timestamp` takes it; UTC where it has no zone, nanoseconds since 1970 as an integer.
Moment: TypeAlias = pd.Timestamp | datetime | np.datetime64 | str | int
#: How much time is in sight while the newest messages are followed.
SECONDS: Final = 30.0
#: Turns per second that send the newest values; between them the browser moves the picture on by itself.
_PUSH_HZ: Final = 5.0
#: The tables of a watch are read anew so often at the most.
_WATCH_EVERY_S: Final = 1.0


def asset(name: str) -> str:
    """Return the text of a file that stands beside the widgets."""
    return (importlib.resources.files("gdlab.widgets") / "assets" / name).read_text(encoding="utf-8")


class TimelineCanvas(anywidget.AnyWidget):
    """What the browser draws; `TimelinePanel` is what steers it.

    It is one anywidget without an extension of ours: JupyterLab, Notebook, VS Code, Colab and marimo show it alike.

    Parameters
    ----------
    by_peer : whether what is received has a line for each peer.
    """

    _esm = asset("timeline.js")
    _css = asset("timeline.css")
    by_peer = traitlets.Bool(default_value=False).tag(sync=True)
    pull = traitlets.Bool(default_value=False).tag(sync=True)


class TimelinePanel(Panel):
    """Rates, round trips, fields and events over one time axis that can be zoomed, read, and marked.

    Parameters
    ----------
    capture : what to follow: a `Capture` that runs or has stopped, or a `Recording`.
    seconds : how much time is in sight while the newest messages are followed.
    watch : a game that is watched: its frames and its log have lanes of their own over the same axis.
    slim : without the menu of fields and the button that pings, and without plots that have nothing to show.

    Attributes
    ----------
    selection : DataFrame of the rows in the marked range, or of all rows where nothing is marked.
    marked : first and last moment of the marked range (UTC), or None.
    picked : time of the point that was clicked last, UTC nanoseconds; None before the first click.
    """

    picked: Any = traitlets.Int(default_value=None, allow_none=True)
    marked_ns: Any = traitlets.Tuple(default_value=None, allow_none=True)

    def __init__(
        self,
        capture: Shown | None = None,
        *,
        seconds: float = SECONDS,
        by_peer: bool = False,
        watch: Watch | None = None,
        slim: bool = False,
        **options: Any,
    ) -> None:
        self.slim = slim
        self._watch = watch
        self._watch_seen: Any = None
        self._watch_read_at = 0.0
        self._timeline = Timeline(by_peer=by_peer)
        self._seconds = float(seconds)
        self._range_ns: tuple[int, int] | None = None
        self._width = 800
        self._watched = False
        self._pings = None if slim else PingRow(seconds, self._pinged)
        self._fields = None if slim else FieldLanes(self.redraw)
        self.canvas = TimelineCanvas(by_peer=by_peer)
        self.canvas.on_msg(self._told)
        self.canvas.observe(self._peers_changed, "by_peer")
        options.setdefault(
            "layout", {"width": "100%", "flex": "1 1 100%"}
        )  # or a row of plots would squeeze it
        more = [each.box for each in (self._fields, self._pings) if each is not None]
        super().__init__([style_sheet(), self.canvas, *more], capture, **options)
        self.add_class("gdlab-timeline")

    def follow(self, capture: Shown | None) -> None:
        """Show another capture from its beginning."""
        with self.lock:
            self._restart(capture)
            self._range_ns = None
            self.marked_ns = None
            if self._fields is not None:
                self._fields.follow(capture)
        super().follow(capture)

    def rows_changed(self) -> None:
        """Count anew."""
        self._restart(self._capture)
        self._range_ns = None

    def _restart(self, capture: Shown | None) -> None:
        self._timeline = Timeline(by_peer=self.canvas.by_peer)
        self._watch_seen = None
        if self._pings is not None:
            self._pings.follow(capture if isinstance(capture, Capture) else None, self._timeline.trips)

    # ---- what the user asks of it from Python

    @property
    def marked(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """The marked range, UTC."""
        if self.marked_ns is None:
            return None
        first, last = self.marked_ns
        return pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the messages that are drawn, such as ``("v.hp", "v.pos.x")``; set them to draw others."""
        return () if self._fields is None else self._fields.names

    @fields.setter
    def fields(self, names: Sequence[str]) -> None:
        if self._fields is None:
            raise ValueError("slim plots have no fields; gd.widgets.TimelinePanel(cap) has")
        self._fields.choose(names)

    @property
    def selection(self) -> pd.DataFrame:
        """The rows of the marked range; every row where none is marked."""
        if self._capture is None:
            return pd.DataFrame()
        table = self._capture.df
        if self.marked is None:
            return table
        first, last = self.marked
        return table[(table["time"] >= first) & (table["time"] <= last)]

    def mark(self, first: Moment, last: Moment) -> None:
        """Mark a range of time.

        Parameters
        ----------
        first, last : what `pandas.Timestamp` takes; UTC where they have no zone.
        """
        stamps = [pd.Timestamp(each) for each in (first, last)]
        utc = [each.tz_localize("UTC") if each.tz is None else each.tz_convert("UTC") for each in stamps]
        self.marked_ns = (int(utc[0].value), int(utc[1].value))
        self._answer()

    def show(self, first: Moment | None = None, last: Moment | None = None) -> None:
        """Show a range of time; without one everything that is kept."""
        with self.lock:
            if first is None or last is None:
                span = self._timeline.first_ns, self._timeline.last_ns
                self._range_ns = (
                    (span[0], span[1] + 1) if span[0] is not None and span[1] is not None else None
                )
            else:
                self._range_ns = (
                    int(pd.Timestamp(first).value),
                    int(pd.Timestamp(last).value),
                )
        self._answer()

    # ---- what the render thread calls

    def state(self) -> Any:
        """While it runs, the newest values are sent a few times per second."""
        watched = self._watch is not None and self._watch.version
        return (
            super().state(),
            watched,
            self.fields,
            int(time.monotonic() * _PUSH_HZ) if self._running() else 0,
        )

    def update(self) -> None:
        """Take what is new, and send what is in sight."""
        self._take()
        if self._pings is not None:
            self._pings.update()
        if self._watched and (self._range_ns is None or self._range_ns[1] >= clock.now_ns()):
            self._answer()

    def _pinged(self, problem: Exception | None) -> None:
        if problem is not None:
            self.show_error(problem)
        self.redraw()

    def _take(self) -> None:
        if self._capture is not None:
            self._timeline.follow(self._capture, clock.now_ns())
            if self._fields is not None:
                self._fields.update(self._timeline)
        watch, now = self._watch, time.monotonic()
        if watch is not None and now - self._watch_read_at >= _WATCH_EVERY_S:
            self._watch_read_at = now
            if (seen := watch.version) != self._watch_seen:
                self._watch_seen = seen
                told.lanes_of(watch, self._timeline)

    # ---- what the page says

    def _told(self, _widget: object, content: Any, _buffers: object) -> None:
        """Answer a request of the page at once, on the thread it comes on."""
        if not isinstance(content, dict):
            return
        try:
            self._obey(content)
        except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
            self.show_error(error)

    def _obey(self, content: dict[str, Any]) -> None:
        kind = content.get("type")
        with self.lock:
            if self._closed:
                return
            self._watched = True
            if "width" in content:
                self._width = int(np.clip(int(content["width"]), 64, 8192))
            if kind == "follow":
                self._seconds = float(np.clip(float(content["seconds"]), 0.1, 864_000.0))
                self._range_ns = None
            elif kind == "view":
                first, last = (int(float(content[key]) * 1e9) for key in ("t0", "t1"))
                self._range_ns = (first, max(last, first + 1000))
            elif kind == "mark":
                found = content.get("range")
                if found is None:
                    self.marked_ns = None
                else:
                    begin, end = sorted(int(float(each) * 1e9) for each in found)
                    self.marked_ns = (begin, end)
            elif kind == "pick":
                self.picked = int(float(content["t"]) * 1e9)
                return
        if kind in ("ready", "pull"):
            with self.lock:
                self._take()
        self._answer()

    def _peers_changed(self, _change: object) -> None:
        with self.lock:
            self._timeline.by_peer = self.canvas.by_peer
        self.redraw()

    # ---- what the page gets

    def _window_ns(self) -> tuple[int, int]:
        if self._range_ns is not None:
            return self._range_ns
        timeline = self._timeline
        end = clock.now_ns()
        if not self._running():
            if timeline.last_ns is None or timeline.first_ns is None:
                return end - int(self._seconds * 1e9), end
            room = max(int((timeline.last_ns - timeline.first_ns) * 0.01), 1_000_000)
            return timeline.first_ns - room, timeline.last_ns + room
        return end - int(self._seconds * 1e9), end

    def _lanes(self, first: int, last: int, columns: int, now_ns: int | None = None) -> list[Lane]:
        lanes = self._timeline.window(first, last, columns, now_ns)
        return [lane for lane in lanes if lane.series or lane.key == "rates"] if self.slim else lanes

    def _answer(self) -> None:
        with self.lock:
            if self._closed or self.canvas.comm is None:
                return
            first, last = self._window_ns()
            lanes = self._lanes(first, last, self._width, clock.now_ns() if self._running() else None)
            content, buffer = packed(lanes, first, last)
            span = self._timeline.first_ns, self._timeline.last_ns
            content |= {
                "now": clock.now_ns() / 1e9,
                "running": self._running(),
                "followed": self._range_ns is None,
                "span": None if span[0] is None or span[1] is None else [span[0] / 1e9, span[1] / 1e9],
                "words": self._words(lanes),
                "selection": self._selection_words(),
            }
        self.canvas.send(content, buffers=[buffer])
        renderer.count(len(buffer) + 600)

    def _words(self, lanes: list[Lane]) -> str:
        if self._capture is None:
            return "no capture is chosen"
        parts = []
        for series in lanes[0].series:
            count = round(float(series.high.sum()) * lanes[0].step_s)
            if count or len(lanes[0].series) == 1:
                parts.append(f"{series.name} {text.number(count)}")
        measured = [series for lane in lanes if lane.key == "rtt" for series in lane.series]
        trips = [series.high for series in measured if len(series.high)]
        if trips:
            parts.append(f"round trips: median {float(np.median(np.concatenate(trips))):.1f} ms")
        return "in view: " + ", ".join(parts) if parts else "nothing has arrived in this range"

    def _selection_words(self) -> str:
        if self.marked_ns is None:
            return ""
        first, last = self.marked_ns
        found = self._timeline.count(first, last)
        return text.count(found, "message")

    # ---- without a browser

    def still_html(self) -> str:
        """The stretch that is in sight as a picture, for a saved notebook."""
        with self.lock:
            first, last = self._window_ns()
            picture = lanes_svg(self._lanes(first, last, 400), first, last)
        data = base64.b64encode(picture.encode()).decode()
        about = 'alt="rates, round trips and events" style="max-width:100%"'
        return f'<img {about} src="data:image/svg+xml;base64,{data}">'

    def figure(self, *, columns: int = 1600) -> NotebookFigure:
        """The stretch that is in sight as a matplotlib Figure, for a paper.

        Parameters
        ----------
        columns : values at most of each line.
        """
        with self.lock:
            first, last = self._window_ns()
            lanes = self._lanes(first, last, columns)
        return lanes_figure(lanes, first, last)

    def close(self) -> None:
        """Take it off the screen."""
        self.canvas.on_msg(self._told, remove=True)
        super().close()


def packed(lanes: list[Lane], first_ns: int, last_ns: int) -> tuple[dict[str, Any], bytes]:
    """Lanes as a message for the page, and its one buffer of float32.

    For each series its x (seconds since the window's start), low, and high, unless high is low; one behind the other.
    """
    parts: list[np.ndarray[Any, Any]] = []
    described = []
    for lane in lanes:
        series = []
        for each in lane.series:
            single = each.low is each.high
            parts += [each.x, each.low] if single else [each.x, each.low, each.high]
            series.append({"name": each.name, "n": len(each.x), "single": single})
        described.append(
            {
                "key": lane.key,
                "title": lane.title,
                "unit": lane.unit,
                "shape": lane.shape,
                "step_s": lane.step_s,
                "note": lane.note,
                "series": series,
            }
        )
    buffer = np.concatenate([np.asarray(part, np.float32) for part in parts]).tobytes() if parts else b""
    return {"type": "data", "t0": first_ns / 1e9, "t1": last_ns / 1e9, "lanes": described}, buffer


__all__ = ["TimelineCanvas", "TimelinePanel", "asset", "packed"]
