"""Who talks: one row per peer, in an order that holds still."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final

import ipywidgets

from gdlab import clock
from gdlab.capture.html import visible
from gdlab.live.peer_totals import Talk, Tallies
from gdlab.text import age, count, number
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import row, style_sheet

#: Rows on the screen; the others are counted.
ROWS: Final = 40
#: Numbers that change faster cannot be read.
_PERIOD_S: Final = 0.5
#: By what changes all the time, the order is renewed only so often: rows must not run about.
_SORT_EVERY_S: Final = 5.0
QUIET_AFTER_S: Final = 2.0


def _by_address(talk: Talk) -> Any:
    """127.0.0.1:9 before 127.0.0.1:10."""
    return [int(part) if part.isdigit() else 0 for part in re.split(r"\D+", talk.peer)], talk.peer


#: What can be sorted by, and whether that changes while one looks.
ORDERS: Final[dict[str, tuple[Callable[[Talk], Any], bool]]] = {
    "address": (_by_address, False),
    "first seen": (lambda talk: 0, False),
    "messages": (lambda talk: -(talk.messages_in + talk.messages_out), True),
    "rate": (lambda talk: -round(talk.rate_hz), True),
    "last seen": (lambda talk: -(talk.last_ns // 10**9), True),
}


class Conversations(Panel):
    """A table of the peers: messages, rates, bytes, when they were last heard, and whether they are connected."""

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self._tallies = Tallies()
        self._ranks: dict[tuple[str, str], int] = {}
        self._sorted_at = 0.0
        self._drawn_at = 0.0
        self.order = ipywidgets.Dropdown(
            options=list(ORDERS), value="address", description="sorted by", layout={"width": "15em"}
        )
        self.text = ipywidgets.HTML()
        self.order.observe(self._reorder, "value")
        # A class of thirty fits; more than that scrolls.
        box = ipywidgets.VBox([self.text], layout={"max_height": "740px", "overflow": "auto"})
        super().__init__([style_sheet(), row(self.order), box], capture, **options)
        self.add_class("gdlab-conversations")

    def follow(self, capture: Shown | None) -> None:
        """Follow another capture, from its first row on."""
        with self.lock:
            self.rows_changed()
            self._ranks = {}
            self._drawn_at = 0.0
        super().follow(capture)

    def rows_changed(self) -> None:
        """Count anew."""
        self._tallies = Tallies()

    def state(self) -> Any:
        """Drawn at most twice per second; while it runs also when nothing comes, as then it says for how long."""
        state = super().state()
        now = time.monotonic()
        if state is None or not state[1] or self._drawn is None:
            return state
        return self._drawn if now - self._drawn_at < _PERIOD_S else (*state, int(now / _PERIOD_S))

    def update(self) -> None:
        """Write the table."""
        self._drawn_at = time.monotonic()
        if self._capture is None:
            put(self.text, "value", '<span class="gdlab-q">no capture is chosen</span>')
            return
        now_ns = clock.now_ns()
        self._tallies.follow(self._capture.snapshots(), now_ns)
        talks = self._tallies.talks()
        if not talks:
            put(self.text, "value", '<span class="gdlab-q">nobody has been heard yet</span>')
            return
        put(self.text, "value", self._table(self._sorted(talks), now_ns))

    def _sorted(self, talks: list[Talk]) -> list[Talk]:
        key, moves = ORDERS[self.order.value]
        now = time.monotonic()
        fresh = [talk for talk in talks if (talk.endpoint, talk.peer) not in self._ranks]
        if fresh or (moves and now - self._sorted_at >= _SORT_EVERY_S):
            ranked = sorted(talks, key=key)
            self._ranks = {(talk.endpoint, talk.peer): rank for rank, talk in enumerate(ranked)}
            self._sorted_at = now
        return sorted(talks, key=lambda talk: self._ranks[talk.endpoint, talk.peer])

    def _reorder(self, _change: Any) -> None:
        with self.lock:
            self._ranks = {}
            self._drawn_at = 0.0
        self.redraw()

    def _table(self, talks: list[Talk], now_ns: int) -> str:
        several = len({talk.endpoint for talk in talks}) > 1
        heads = ["peer", *(["here"] if several else []), "state", "received", "per second", "bytes/s"]
        heads += ["bytes", "sent", "errors", "last heard"]
        right = {"received", "per second", "bytes/s", "bytes", "sent", "errors", "last heard"}
        head = "".join(
            f'<th class="n">{name}</th>' if name in right else f"<th>{name}</th>" for name in heads
        )
        body = "".join(_row(talk, now_ns, several=several) for talk in talks[:ROWS])
        heard = sum(talk.rate_hz for talk in talks)
        active = sum(now_ns - talk.last_ns < QUIET_AFTER_S * 1e9 for talk in talks)
        summary = (
            f"{count(len(talks), 'peer')}, {number(active)} heard in the last "
            f"{QUIET_AFTER_S:.0f} s, together {_rate(heard)} messages per second"
        )
        rest = (
            f'<div class="gdlab-q">{number(len(talks) - ROWS)} more are not shown; all are in .conversations()</div>'
            if len(talks) > ROWS
            else ""
        )
        return (
            f'<div class="gdlab-q">{summary}</div><table class="gdlab-t"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>{rest}"
        )


def _row(talk: Talk, now_ns: int, *, several: bool) -> str:
    age_s = max(0.0, (now_ns - talk.last_ns) / 1e9)
    if talk.is_open is False:
        state = '<span class="q">closed</span>'
    elif age_s < QUIET_AFTER_S:
        state = '<span class="gdlab-good">active</span>'
    else:
        state = '<span class="q">quiet</span>' if talk.is_open is None else "open, quiet"
    numbers = [
        number(talk.messages_in),
        _rate(talk.rate_hz),
        number(round(talk.rate_bytes_s)),
        number(talk.bytes_in),
        number(talk.messages_out),
        f'<span class="gdlab-bad">{number(talk.errors)}</span>' if talk.errors else "0",
        "now" if age_s < 1 else f"{age(age_s)} ago",
    ]
    here = f"<td>{visible(talk.endpoint, 48)}</td>" if several else ""
    return (
        f'<tr><td class="m">{visible(talk.peer, 64)}</td>{here}<td>{state}</td>'
        + "".join(f'<td class="n">{number}</td>' for number in numbers)
        + "</tr>"
    )


def _rate(hz: float) -> str:
    return f"{hz:.1f}" if hz < 9.95 else number(round(hz))
