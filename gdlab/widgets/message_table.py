"""The last messages of a capture, decoded, to filter, to freeze, and to choose one of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import ipywidgets
import traitlets

from gdlab.capture.html import legible, visible
from gdlab.codecs import Codec, chosen
from gdlab.live.expression import Expression, ExpressionError
from gdlab.live.judgement import Judgement
from gdlab.live.rows import Follower, Row, payload_of
from gdlab.messages import Event
from gdlab.store import Snapshot
from gdlab.text import number
from gdlab.widgets import message_text
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import named, style_sheet
from gdlab.widgets.style import row as side_by_side

#: Messages in the list, and how many of them are in sight without scrolling.
MESSAGES: Final = 50
VISIBLE: Final = 12
#: Rows that a filter looks at in one turn, and after it has changed; the flood beyond is counted, not looked at.
LOOKED_AT: Final = 1500
LOOKED_BACK: Final = 2000
#: A list that changes faster cannot be read, and a click into it would be lost when its lines are replaced.
_PERIOD_S: Final = 0.4
#: Of long payloads a filter looks at no more than so much in one turn, newest first.
_LOOKED_AT_BYTES: Final = 2 * 2**20
_PEER: Final = 21
#: Height of a line, as the style sets it.
_LINE_PX: Final = 19


class MessageTable(Panel):
    """The last messages, newest first: filter by an expression, freeze, choose one.

    Choosing a message freezes the list, as it would run away from under the mouse; the capture goes on.

    Parameters
    ----------
    capture : what to follow.
    codec : how payloads are decoded, as in `gdlab.codecs.decode`; by default as the capture decodes them.

    Attributes
    ----------
    selected : payload (bytes) of the message that was chosen; None before the first choice, and of an event.
    filter : the text field of the expression; see `gdlab.live.expression`.
    frozen : the button; while it is down the list stands still.
    """

    selected = traitlets.Bytes(default_value=None, allow_none=True)

    def __init__(
        self,
        capture: Shown | None = None,
        *,
        codec: str | Codec | Callable[[bytes], object] | None = None,
        **options: Any,
    ) -> None:
        self._wish = codec
        self._judgement = Judgement(chosen(codec or "auto"))
        self._chosen_row: Row | None = None
        self._follower = Follower()
        self._rows: deque[tuple[Row, str]] = deque(maxlen=MESSAGES)
        self._listed: list[Row] = []
        self._arrived = self._passed_over = self._matched = 0
        self._since_freeze = 0
        self._expression: Expression | None = None
        self._problem = ""
        self._v_seen = False
        self._drawn_at = 0.0
        self._peer_width = 10
        self._setting = False
        self.filter = ipywidgets.Text(
            placeholder='filter, such as: size_bytes > 100 and v.seq % 2 == 0, or "CHAT" in text',
            continuous_update=False,
            layout={"flex": "1 1 320px", "min_width": "200px", "width": "auto"},
        )
        named(self.filter, "filter of the messages").add_class("gdlab-code")
        self.frozen = ipywidgets.ToggleButton(
            description="Freeze",
            icon="pause",
            tooltip="let the list stand still; the capture goes on",
            layout={"width": "9em"},
        )
        self.note = ipywidgets.HTML()
        self.head = ipywidgets.HTML()
        self.head.add_class("gdlab-head")
        self.list = ipywidgets.Select(
            options=[], rows=VISIBLE, layout={"width": "auto", "height": f"{VISIBLE * _LINE_PX + 2}px"}
        )
        named(self.list, "messages").add_class("gdlab-lines")
        self.filter.observe(self._filter_changed, "value")
        self.frozen.observe(self._freeze_changed, "value")
        self.list.observe(self._chosen, "index")
        super().__init__(
            [style_sheet(), side_by_side(self.filter, self.frozen), self.note, self.head, self.list],
            capture,
            **options,
        )
        self.add_class("gdlab-messages")

    def follow(self, capture: Shown | None) -> None:
        """Follow another capture; the list begins anew."""
        with self.lock:
            wish = self._wish if self._wish is not None or capture is None else capture.decode_with
            self._judgement = Judgement(chosen(wish or "auto"))
            self.rows_changed()
        super().follow(capture)
        self.frozen.value = False  # what stood still is gone

    def rows_changed(self) -> None:
        """List anew: rows have other numbers now."""
        self._follower = Follower()
        self._chosen_row = None
        self._rows.clear()
        self._arrived = self._passed_over = self._matched = self._since_freeze = 0
        self._v_seen = False
        self._drawn_at = 0.0

    # ---- drawing

    def state(self) -> Any:
        """As every panel, but while a list that changes is too fresh to be replaced."""
        now = time.monotonic()
        running = self._capture is not None and self._capture.running
        if self._drawn is not None and running and now - self._drawn_at < _PERIOD_S:
            return self._drawn
        return super().state()

    def update(self) -> None:
        """Take the new rows, and show them unless the list is frozen."""
        self._drawn_at = time.monotonic()
        self._take()
        if not self.frozen.value:
            self._show_list()
        self._show_note()

    def _take(self, *, again: bool = False) -> None:
        """Look at the rows that are new; `again` looks at the last ones once more, with another filter."""
        if self._capture is None:
            return
        most = MESSAGES if self._expression is None else LOOKED_AT
        if again:
            self._follower.rewind(LOOKED_BACK)
            most = LOOKED_BACK
        snapshots = self._capture.snapshots()
        self._judge_anew(snapshots)
        rows, passed_over = self._follower.new_rows(snapshots, most)
        if not again:
            self._arrived += len(rows) + passed_over
            self._since_freeze += len(rows) + passed_over
        if self._expression is not None:
            rows, more = _newest_within(rows, _LOOKED_AT_BYTES)
            self._passed_over += 0 if again else passed_over + more
            self._keep_matching(rows, self._expression)
        else:
            self._rows.extend(zip(rows, self._texts(rows[-MESSAGES:]), strict=True))

    def _judge_anew(self, snapshots: Sequence[Snapshot]) -> None:
        """Read what is listed again where the messages that have come make the codec another one."""
        if self._judgement.follow(snapshots) and self._rows:
            rows = [row for row, _ in self._rows]
            self._rows.clear()
            self._rows.extend(zip(rows, self._texts(rows), strict=True))

    def _keep_matching(self, rows: list[Row], expression: Expression) -> None:
        found, decoded = message_text.matching(self._judgement, rows, expression)
        self._v_seen = self._v_seen or decoded
        matching = [row for row, passes in zip(rows, found, strict=True) if passes]
        self._matched += len(matching)
        shown = matching[-MESSAGES:]
        self._rows.extend(zip(shown, self._texts(shown), strict=True))

    def _texts(self, rows: list[Row]) -> list[str]:
        return message_text.texts(self._judgement, rows)

    def _show_list(self) -> None:
        self._since_freeze = 0
        newest_first = list(reversed(self._rows))
        rows = [row for row, _ in newest_first]
        # The column only grows, so that nothing jumps when a shorter name is the longest one in sight.
        self._peer_width = min(_PEER, max([self._peer_width, *(len(row.peer) for row in rows)]))
        put(
            self.head,
            "value",
            visible(_columns("time (UTC)", "", "peer", "bytes", "message", self._peer_width)),
        )
        lines = tuple(_line(row, text, self._peer_width) for row, text in newest_first)
        if [row.key for row in rows] == [row.key for row in self._listed] and self.list.options == lines:
            return
        chosen_key = self._listed[self.list.index].key if self._has_choice() else None
        keys = [row.key for row in rows]
        self._setting = True
        try:
            with self.list.hold_sync():
                self.list.options = lines
                self.list.index = keys.index(chosen_key) if chosen_key in keys else None
        finally:
            self._setting = False
        self._listed = rows

    def _has_choice(self) -> bool:
        return self.list.index is not None and self.list.index < len(self._listed)

    def _show_note(self) -> None:
        put(self.note, "value", self._note())
        frozen = bool(self.frozen.value)
        put(self.frozen, "description", "Frozen" if frozen else "Freeze")
        put(self.frozen, "icon", "play" if frozen else "pause")
        put(
            self.frozen,
            "tooltip",
            "go on with the newest messages" if frozen else "let the list stand still; the capture goes on",
        )

    def _note(self) -> str:
        if self._problem:
            return f'<span class="gdlab-bad">{visible(self._problem, 400)}</span>'
        parts = []
        if self.frozen.value:
            parts.append(f"<b>frozen</b>: {number(self._since_freeze)} arrived since, the capture goes on")
        if self._capture is None:
            parts.append("no capture is chosen")
        elif self._expression is not None:
            looked = f"{number(self._matched)} messages and events match"
            if self._passed_over:
                looked += (
                    f"; {number(self._passed_over)} came too fast to be looked at here "
                    f"(at most {LOOKED_AT} each {_PERIOD_S} s; all are in .df)"
                )
            elif "v" in self._expression.names and not self._v_seen and self._arrived:
                looked += "; nothing has decoded to a value (v) yet"
            parts.append(looked)
        elif not self._arrived:
            parts.append("no messages yet")
        else:
            shown = min(MESSAGES, self._arrived)
            parts.append(
                f"the last {number(shown)} of {number(self._arrived)} messages and events, newest first"
            )
        return f'<span class="gdlab-q">{"; ".join(parts)}</span>'

    # ---- what the user does

    def _filter_changed(self, change: Any) -> None:
        text = change["new"].strip()
        with self.lock:
            try:
                expression = Expression.parse(text) if text else None
            except ExpressionError as error:
                self._problem = f"{error}. The last filter that was understood stays."
                self._show_note()
                return
            self._problem = ""
            self._take()  # what is new is counted before the last rows are looked at once more
            self._expression = expression
            self._rows.clear()
            self._matched = self._passed_over = 0
            self._take(again=True)
            if not self.frozen.value:
                self._show_list()
            self._show_note()

    def _freeze_changed(self, _change: Any) -> None:
        with self.lock:
            self._since_freeze = 0
            if not self.frozen.value:
                self._take()
                self._show_list()
            self._show_note()

    def _chosen(self, change: Any) -> None:
        with self.lock:
            if self._setting or change["new"] is None or change["new"] >= len(self._listed):
                return
            row = self._listed[change["new"]]
            self.frozen.value = True
            snapshots = self._capture.snapshots() if self._capture is not None else []
            self._chosen_row = row
            payload = payload_of(row, snapshots)
            if row.event != Event.MESSAGE:
                payload = None
            elif payload is None:
                payload = row.payload
        self.set_trait("selected", payload)

    def guess_of_selected(self) -> Codec | None:
        """What the guess over the whole stream makes of the chosen message; None where none is chosen."""
        row = self._chosen_row
        return None if row is None else self._judgement.guess_of(row)


def _newest_within(rows: list[Row], most_bytes: int) -> tuple[list[Row], int]:
    """The last rows whose payloads are no longer together, and how many are left out."""
    first, total = len(rows), 0
    while first and total + len(rows[first - 1].payload) <= most_bytes:
        first -= 1
        total += len(rows[first].payload)
    return rows[first:], first


def _columns(when: str, arrow: str, peer: str, size: str, said: str, peer_width: int) -> str:
    return f"{when:<12}  {arrow:<1}  {_fitted(peer, peer_width):<{peer_width}}  {size:>7}  {said}".rstrip()


def _line(row: Row, text: str, peer_width: int) -> str:
    arrow = "←" if row.direction == "in" else "→"
    size = str(row.size_bytes) if row.event == Event.MESSAGE else "·"
    return _columns(
        message_text.clock_text(row.time_ns), arrow, legible(row.peer, 64), size, text, peer_width
    )


def _fitted(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]
