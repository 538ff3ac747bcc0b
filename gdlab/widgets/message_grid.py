"""The whole capture as a list to scroll, sort, search, choose from and copy out of."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import anywidget
import numpy as np
import traitlets

from gdlab import text
from gdlab.capture import html
from gdlab.capture.html import legible
from gdlab.codecs import Codec, chosen
from gdlab.live.expression import Expression, ExpressionError
from gdlab.live.judgement import Judgement
from gdlab.live.listing import Listing, as_key, from_key
from gdlab.live.rows import Row, payload_of, row_of
from gdlab.messages import Event
from gdlab.widgets import message_text
from gdlab.widgets.copies import copied
from gdlab.widgets.panel import Panel
from gdlab.widgets.recorded import Shown
from gdlab.widgets.render import renderer
from gdlab.widgets.style import style_sheet
from gdlab.widgets.timeline import asset

#: Rows of one answer at most, and how often the page is told of new ones.
PAGE: int = 200
_TELL_HZ = 2.5  # more often nobody could read, or click, what is new
#: Rows that the page can show at once, at most.
_IN_SIGHT = 100
#: The end of the list in a saved notebook.
_STILL_ROWS = 20


class MessageGridCanvas(anywidget.AnyWidget):
    """What the browser shows; `MessageGrid` is what steers it."""

    _esm = asset("grid.js")
    _css = asset("grid.css")


class MessageGrid(Panel):
    """Every message and event of a capture: rows are fetched as they come into sight.

    Parameters
    ----------
    capture : what to follow.
    codec : how payloads are decoded, as in `gdlab.codecs.decode`; by default as the capture decodes them.

    Attributes
    ----------
    selected : payload (bytes) of the message that was chosen; None before the first choice, and of an event.
    """

    selected: Any = traitlets.Bytes(default_value=None, allow_none=True)

    def __init__(
        self,
        capture: Shown | None = None,
        *,
        codec: str | Codec | Callable[[bytes], object] | None = None,
        **options: Any,
    ) -> None:
        self._wish = codec
        self._judgement = Judgement(chosen(codec or "auto"))
        self._listing = Listing()
        self._expression: Expression | None = None
        self._problem = ""
        self._between: tuple[int, int] | None = None
        self._version = 0
        self._following = True
        self._in_sight_rows = 0  # until a page has told
        self._searching = False
        self._colors: dict[str, int] = {}
        self._chosen: tuple[int, int] | None = None
        self._chosen_row: Row | None = None
        self._told_last: Any = None
        self.canvas = MessageGridCanvas()
        self.canvas.on_msg(self._told)
        super().__init__([style_sheet(), self.canvas], capture, **options)
        self.add_class("gdlab-grid")

    def follow(self, capture: Shown | None) -> None:
        """Show another capture; the list begins anew."""
        with self.lock:
            wish = self._wish if self._wish is not None or capture is None else capture.decode_with
            self._judgement = Judgement(chosen(wish or "auto"))
            self._colors = {}
            self.rows_changed()
        super().follow(capture)
        self.set_trait("selected", None)  # of another capture: what explains it would go on doing so

    def rows_changed(self) -> None:
        """List anew: rows have other numbers now."""
        self._chosen_row = None
        self._listing = Listing()
        self._chosen = None
        self._begin_anew()

    # ---- what is listed

    def filter(self, expression: str) -> None:
        """List what matches an expression of the filter language; an empty one lists all.

        Raises
        ------
        ExpressionError : it cannot be read; the list stays as it is.
        """
        parsed = Expression.parse(expression) if expression.strip() else None
        with self.lock:
            self._expression = parsed
            self._problem = ""
            self._begin_anew()
        self.redraw()

    def between(self, range_ns: tuple[int, int] | None) -> None:
        """List only what lies between two moments (UTC nanoseconds); None lists all times."""
        with self.lock:
            if range_ns == self._between:
                return
            self._between = range_ns
            self._begin_anew()
        self.redraw()

    def choose_at(self, time_ns: int) -> None:
        """Choose the message nearest to a moment, and scroll to it."""
        with self.lock:
            self._look(0.05)
            if not len(self._listing):
                return
            place = self._listing.place_of(time_ns)
            row = next(iter(self._listing.page(place, 1)), None)
            total = len(self._listing)
        self.canvas.send({"type": "choose", "place": place, "total": total})
        if row is not None:
            self._choose(row.key)

    def _begin_anew(self) -> None:
        self._version += 1
        self._told_last = None
        expression = self._expression
        matches = None if expression is None else functools.partial(_matches, self._judgement, expression)
        self._listing.choose(matches=matches, between_ns=self._between)

    # ---- what the render thread calls

    def state(self) -> Any:
        """While something is searched there is more to do; while it runs a few looks per second are enough."""
        ticks = int(time.monotonic() * _TELL_HZ) if self._running() or self._searching else 0
        return super().state(), ticks, self._version

    def update(self) -> None:
        """Take what is new, search on, and tell the page how long the list is."""
        self._look(0.03)
        progress = self._listing.progress
        if (progress, self._version) != self._told_last:
            self._tell()

    def _look(self, budget_s: float) -> None:
        if self._capture is not None:
            snapshots = self._capture.snapshots()
            if self._judgement.follow(snapshots):  # what is shown or was searched may read otherwise
                self._begin_anew()
            self._searching = self._listing.follow(snapshots, budget_s)

    def _tell(self) -> None:
        progress = self._listing.progress
        self._told_last = (progress, self._version)
        first = next(iter(self._listing.page(0, 1)), None)
        told = {
            "type": "total",
            "total": progress.matched,
            "version": self._version,
            "note": self._problem or self._note(),
            "problem": bool(self._problem),
            "begin": None if first is None else list(divmod(first.time_ns, 10**9)),
        }
        rows: list[dict[str, Any]] = []
        if self._following and self._in_sight_rows:
            start = max(0, progress.matched - self._in_sight_rows)
            rows = self._rows(start, self._in_sight_rows)
            told |= {"first": start, "rows": rows}
        self.canvas.send(told)
        renderer.count(140 * len(rows) + 300)

    def _note(self) -> str:
        if self._capture is None:
            return "no capture is chosen"
        progress = self._listing.progress
        if not progress.rows:
            return "no messages yet"
        where = " in the marked range" if self._between is not None else ""
        if self._expression is None:
            return f"{text.count(progress.matched, 'row')}{where}"
        note = f"{text.number(progress.matched)} of {text.count(progress.searched, 'row')} match{where}"
        if self._searching:
            note += f"; searching, {text.number(progress.searched)} of {text.number(progress.rows)} looked at"
        return note

    # ---- what the page says

    def _told(self, _widget: object, content: Any, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        try:
            self._obey(content)
        except ExpressionError as error:
            with self.lock:
                self._problem = f"{error}. The last filter that was understood stays."
                self._tell()
        except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
            self.show_error(error)

    def _obey(self, content: dict[str, Any]) -> None:
        kind = content.get("type")
        if "rows" in content:
            self._in_sight_rows = int(np.clip(int(content["rows"]), 0, _IN_SIGHT))
        if kind == "filter":
            self.filter(str(content.get("text", "")))
        elif kind == "choose":
            self._choose(from_key(content["key"]))
        elif kind == "copy":
            self._copy(str(content["as"]))
        with self.lock:
            if self._closed:
                return
            if kind == "sort":
                column = content.get("column")
                self._listing.sort(
                    None if column is None else str(column), descending=bool(content.get("descending"))
                )
                self._version += 1
            elif kind == "follow":
                self._following = bool(content.get("follow"))
            if kind == "rows":
                self._send_rows(int(content["first"]), int(np.clip(int(content["count"]), 1, PAGE)))
            elif kind in ("ready", "sort", "filter"):
                self._look(0.05)
                self._tell()

    def _send_rows(self, first: int, count: int) -> None:
        self._look(0.01)
        answer = self._rows(first, count)
        self.canvas.send(
            {
                "type": "rows",
                "first": first,
                "rows": answer,
                "total": self._listing.progress.matched,
                "version": self._version,
            }
        )
        renderer.count(140 * len(answer) + 300)

    def _rows(self, first: int, count: int) -> list[dict[str, Any]]:
        rows = self._listing.page(first, count)
        lines = message_text.texts(self._judgement, rows)
        return [self._described(row, line) for row, line in zip(rows, lines, strict=True)]

    def _described(self, row: Row, line: str) -> dict[str, Any]:
        return {
            # As text: a number of more than 53 bits is not the same number in a browser.
            "key": str(as_key(row)),
            "t": list(divmod(row.time_ns, 10**9)),
            "dir": row.direction,
            "peer": legible(row.peer, 64),
            "color": self._colors.setdefault(row.peer, len(self._colors)),
            "size": row.size_bytes,
            "event": row.event,
            "text": line,
        }

    def _choose(self, key: tuple[int, int]) -> None:
        with self.lock:
            snapshots = self._capture.snapshots() if self._capture is not None else []
            row = row_of(snapshots[key[0]], key[1], key[0]) if 0 <= key[0] < len(snapshots) else None
            self._chosen = None if row is None else key
            self._chosen_row = row
            payload = None
            if row is not None and row.event == Event.MESSAGE:
                whole = payload_of(row, snapshots)
                payload = row.payload if whole is None else whole
        self.set_trait("selected", payload)

    def _copy(self, form: str) -> None:
        row = self._chosen_row
        if self.selected is not None and row is not None:
            self.canvas.send({"type": "copied", "text": copied(self.selected, self._judgement.of(row), form)})

    def guess_of_selected(self) -> Codec | None:
        """What the guess over the whole stream makes of the chosen message; None where none is chosen."""
        row = self._chosen_row
        return None if row is None else self._judgement.guess_of(row)

    # ---- without a browser

    def still_html(self) -> str:
        """The end of the list as a table, for a saved notebook."""
        if self._capture is None:
            return ""
        return html.messages(self._capture.tail(_STILL_ROWS)) or "<i>no messages yet</i>"

    def close(self) -> None:
        """Take it off the screen."""
        self.canvas.on_msg(self._told, remove=True)
        super().close()


def _matches(judgement: Judgement, expression: Expression, rows: list[Row]) -> list[bool]:
    return message_text.matching(judgement, rows, expression)[0]
