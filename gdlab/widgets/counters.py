"""Everything that was lost, refused or limited, each with its number; nothing lost is said as plainly."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets

from gdlab.capture.html import visible
from gdlab.live.peer_totals import EventCounts
from gdlab.text import number as written
from gdlab.text import size
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import style_sheet
from gdlab.words import counted_as, sentence

_NONE: Final = '<span class="gdlab-q">0</span>'


class Counters(Panel):
    """The counters of a capture: what came, what was kept, and what was not, and why."""

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self._events = EventCounts()
        self.text = ipywidgets.HTML()
        super().__init__([style_sheet(), self.text], capture, **options)
        self.add_class("gdlab-counters")

    def follow(self, capture: Shown | None) -> None:
        """Follow another capture, from its first row on."""
        with self.lock:
            self.rows_changed()
        super().follow(capture)

    def rows_changed(self) -> None:
        """Count anew."""
        self._events = EventCounts()

    def update(self) -> None:
        """Write the table."""
        put(self.text, "value", self._table())

    def _table(self) -> str:
        capture = self._capture
        if capture is None:
            return '<span class="gdlab-q">no capture is chosen</span>'
        events = self._events
        events.follow(capture.snapshots())
        counted = capture.statistics()
        if counted.kernel_drops is None:
            drops, word = (
                "not reported",
                "this system or transport does not report what its receive buffer lost",
            )
            if not any(address.startswith("udp:") for address in capture.addresses):
                drops, word = _NONE, "TCP and WebSocket lose nothing on the way: the sender has to wait"
        else:
            drops = _count(counted.kernel_drops, bad=True)
            word = f"datagrams that did not fit into the receive buffer of {counted.receive_buffer_bytes // 1024} KiB"
        rows = [
            ("dropped by the kernel", drops, word),
            (
                "evicted (memory limit)",
                _count(counted.evicted_rows, bad=True),
                f"oldest rows; the limit is {capture.limit}",
            ),
            (
                "gaps",
                _count(events.gaps, bad=True),
                "rows that say how many messages are missing at that place, and why",
            ),
            ("errors", _count(counted.errors, bad=True), "in all; each is a row that says what happened"),
        ]
        rows += [
            (
                "· " + (counted_as(reason) if reason else "errors without a reason"),
                _count(number, bad=True),
                "",
            )
            for reason, number in events.errors.most_common(8)
        ]
        if events.last_error:
            rows.append(
                (
                    "· the last one",
                    "",
                    f'<span class="gdlab-bad">{visible(sentence(events.last_error), 200)}</span>',
                )
            )
        rows += [
            (
                "connections",
                _count(counted.connections),
                f"open now; {written(events.opened)} opened and {written(events.closed)} closed so far",
            ),
            ("received", _count(counted.received), f"messages, {size(counted.received_bytes)} of payload"),
            ("sent", _count(counted.sent), f"messages, {size(counted.sent_bytes)} of payload"),
            (
                "pings",
                _count(counted.pings_sent),
                f"sent by gdlab, {written(counted.answers_received)} answers; in none of the counts above",
            ),
            ("kept", _count(counted.rows_kept), f"rows in memory, {size(counted.bytes_kept)}"),
        ]
        if counted.decoded_bytes:
            rows.append(
                ("decoded", size(counted.decoded_bytes), "kept of decoded(), so that no row is decoded twice")
            )
        if capture.spilled is not None:
            rows.append(
                (
                    "on the disk",
                    _count(capture.spilled.rows),
                    f"rows in {visible(str(capture.spill_folder), 120)}",
                )
            )
        body = "".join(
            f'<tr><td>{name}</td><td class="n">{number}</td><td class="q w">{words}</td></tr>'
            for name, number, words in rows
        )
        lost = (counted.kernel_drops or 0) + counted.evicted_rows + counted.errors + events.gaps
        verdict = (
            '<div class="gdlab-good"><b>Nothing was lost, refused or limited</b>, '
            "as far as this computer can tell.</div>"
            if not lost
            else '<div><b class="gdlab-bad">Something was lost or failed:</b> see the numbers above zero.</div>'
        )
        return f'{verdict}<table class="gdlab-t"><tbody>{body}</tbody></table>'


def _count(number: int, *, bad: bool = False) -> str:
    if not number:
        return _NONE
    return f'<span class="gdlab-bad">{written(number)}</span>' if bad else written(number)
