"""Which RPC takes the bytes, while the game plays: shares as bars, and the last packets byte by byte."""

from __future__ import annotations

import time
from typing import Any, Final

import ipywidgets

from gdlab.capture.html import legible, visible
from gdlab.live.rows import Follower, Row
from gdlab.multiplayer import dissector
from gdlab.multiplayer.calls import values_of
from gdlab.multiplayer.explain import Part, packet_parts
from gdlab.multiplayer.names import Names
from gdlab.multiplayer.running import Running, Seen, Total
from gdlab.text import count, number
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.relayed import is_relayed
from gdlab.widgets.style import named, row, style_sheet

#: Bars, packets on the list, and parts of one packet that are shown.
BARS: Final = 12
LISTED: Final = 60
PARTS: Final = 80
CHARACTERS: Final = 90
#: Rows taken at most at a time, and the time one reading may take: it is taken from the receivers.
ROWS: Final = 20_000
SPENT_S: Final = 0.1
_PERIOD_S: Final = 0.5


class MultiplayerTab(Panel):
    """Godot's high-level multiplayer in a capture: totals for each method and object, the last packets, their bytes.

    Attributes
    ----------
    project : folder of the game, whose scripts name the methods; empty for numbers.
    text : the table with the bars.
    list : the last packets, the newest first.
    detail : the chosen one, byte by byte.
    """

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self._follower = Follower()
        self._sums = Running()
        self._names = Names()
        self._listed: list[Seen] = []
        self._next_at = 0.0
        self.project = ipywidgets.Text(
            description="project",
            placeholder="folder of the game: names for the methods",
            continuous_update=False,
            layout={"width": "32em"},
        )
        self.status = ipywidgets.HTML()
        self.text = ipywidgets.HTML()
        self.hold = ipywidgets.ToggleButton(
            description="Hold", tooltip="keep the list as it is while you look", layout={"width": "6em"}
        )
        self.list = ipywidgets.Select(rows=10, layout={"width": "auto", "flex": "1 1 400px"})
        named(self.list, "packets").add_class("gdlab-lines")
        self.detail = ipywidgets.HTML()
        self.project.observe(self._rename, "value")
        self.list.observe(lambda _change: self._explain(), "index")
        lines = ipywidgets.VBox([self.list])
        lines.add_class("gdlab-lines")
        bytes_ = ipywidgets.VBox(
            [self.detail], layout={"max_height": "320px", "overflow": "auto", "flex": "1 1 480px"}
        )
        pair = ipywidgets.HBox([lines, bytes_], layout={"flex_flow": "row wrap"})
        pair.add_class("gdlab-pair")
        super().__init__(
            [style_sheet(), row(self.project, self.hold, self.status), self.text, pair], capture, **options
        )
        self.add_class("gdlab-multiplayer")

    def follow(self, capture: Shown | None) -> None:
        """Follow another capture, from its first row on."""
        with self.lock:
            self._follower = Follower()
            self._sums = Running(self._names)
            self._listed = []
            self._next_at = 0.0
        super().follow(capture)

    def state(self) -> Any:
        """Drawn at most twice per second, and while rows wait to be read."""
        state = super().state()
        if state is None or not state[1] or self._drawn is None:
            return (*state, self._sums.waiting) if state is not None and self._sums.waiting else state
        return self._drawn if time.monotonic() < self._next_at else state

    def update(self) -> None:
        """Read what is new and write the table."""
        self._next_at = time.monotonic() + _PERIOD_S
        capture = self._capture
        if capture is None:
            put(self.text, "value", '<span class="gdlab-q">no capture is chosen</span>')
            return
        rows, passed = self._follower.new_rows(capture.snapshots(), ROWS)
        running = self._sums
        running.skipped += passed
        # A relay sees each packet at both of its sides; what it hands to the server has the same bytes once more.
        only = capture.addresses[0] if is_relayed(capture) else ""
        running.feed(
            [
                (each.time_ns, _row(each))
                for each in rows
                if each.event == "message" and (not only or each.endpoint == only)
            ],
            budget_s=SPENT_S,
        )
        put(self.status, "value", self._status(running))
        totals = running.totals()
        if not running.packets:
            put(self.text, "value", _nothing(running))
            return
        put(self.text, "value", _table(totals))
        if not self.hold.value:
            self._list(running)

    def _list(self, running: Running) -> None:
        shown = list(running.recent)[-LISTED:][::-1]
        if [seen.number for seen in shown] == [seen.number for seen in self._listed]:
            return
        chosen = self._chosen()
        self._listed = shown
        labels = [self._line(seen) for seen in shown]
        put(self.list, "options", tuple((label, place) for place, label in enumerate(labels)))
        numbers = [seen.number for seen in shown]
        if chosen is not None and chosen.number in numbers:
            put(self.list, "index", numbers.index(chosen.number))

    def _line(self, seen: Seen) -> str:
        packet = seen.packet
        path, method = self._sums.label(seen)
        way = "→" if seen.out else "←"
        node = path.rpartition("/")[2]
        if packet.kind == "rpc":
            values, wrong = values_of(packet, seen.payload)
            what = (
                f"{node}.{method}({', '.join(map(_short, values))})" if not wrong else f"{node}.{method}(?)"
            )
        else:
            what = f"{packet.kind.replace('_', ' ')} {node}"
        return legible(f"{way} {len(seen.payload):5} B  {what}", CHARACTERS)

    def _chosen(self) -> Seen | None:
        place = self.list.index
        return self._listed[place] if place is not None and place < len(self._listed) else None

    def _explain(self) -> None:
        with self.lock:
            seen = self._chosen()
            if seen is None:
                put(self.detail, "value", "")
                return
            _, method = self._sums.label(seen)
            parts: list[Part] = []
            for part in packet_parts(seen.packet, seen.payload, method):
                parts.append(part)
                if len(parts) == PARTS:
                    break
            put(self.detail, "value", _parts(parts))

    def _rename(self, _change: object) -> None:
        """Take the names of a project's folder."""
        folder = self.project.value.strip()
        with self.lock:
            try:
                self._names = Names.of(folder) if folder else Names()
            except OSError as wrong:
                put(self.status, "value", f'<span class="gdlab-bad">{visible(str(wrong), 200)}</span>')
                return
            self._sums.names = self._names
            self._listed = []
            self._next_at = 0.0
        self.redraw()

    def _status(self, running: Running) -> str:
        parts = [count(running.packets, "packet")] if running.packets else []
        if running.unreadable:
            parts.append(f"{number(running.unreadable)} parts not readable")
        if running.waiting:
            parts.append(f"{count(running.waiting, 'row')} wait to be read")
        if running.skipped:
            parts.append(f"{count(running.skipped, 'row')} passed over: Capture.multiplayer() reads all")
        return f'<span class="gdlab-q">{visible(", ".join(parts))}</span>'


def _row(each: Row) -> dissector.Row:
    trouble = "" if each.is_whole else "too long for the live view"
    return dissector.Row(each.endpoint, each.peer, each.direction == "out", each.payload, -1, trouble)


def _nothing(running: Running) -> str:
    if running.unreadable:
        return (
            '<span class="gdlab-q">what has come is not Godot\'s multiplayer: neither ENet that can be read, nor '
            "SceneMultiplayer over WebSocket. A relay between the game and its server sees it: gd.relay(...)</span>"
        )
    return '<span class="gdlab-q">no packet of SceneMultiplayer has come yet</span>'


def _table(totals: list[Total]) -> str:
    whole = sum(total.wire_bytes for total in totals) or 1
    top = totals[0].wire_bytes or 1
    numbers = "".join(f'<th class="n">{name}</th>' for name in ("calls", "bytes", "on the wire"))
    head = f"<tr><th>what</th><th></th>{numbers}</tr>"
    body = "".join(
        f"<tr><td class='m'>{visible(_name(total), 48)}</td>"
        f"<td><div style='display:inline-block;height:.8em;background:var(--gd-brand);"
        f"width:{9 * total.wire_bytes / top:.1f}em'></div> {total.wire_bytes / whole:.1%}</td>"
        f"<td class='n'>{number(total.calls)}</td><td class='n'>{number(total.bytes)}</td>"
        f"<td class='n'>{number(total.wire_bytes)}</td></tr>"
        for total in totals[:BARS]
    )
    more = (
        f'<div class="gdlab-q">{number(len(totals) - BARS)} smaller ones</div>' if len(totals) > BARS else ""
    )
    return f'<table class="gdlab-t">{head}{body}</table>{more}'


def _name(total: Total) -> str:
    node = total.path.rpartition("/")[2]
    if total.kind == "rpc":
        return f"{node}.{total.method}"
    if total.kind == "transport":
        return f"({total.method.replace('_', ' ')})"
    return f"{total.kind.replace('_', ' ')} {node}".rstrip()


def _parts(parts: list[Part]) -> str:
    body = "".join(
        f"<tr><td class='n'>{part.offset}</td><td class='m'>{_hex(part.data)}</td>"
        f"<td style='white-space: normal'>{visible(part.meaning, 60)}</td>"
        f"<td class='w' style='min-width: 9em'>{visible(part.value, 80)}</td></tr>"
        for part in parts
    )
    head = '<tr><th class="n">at</th><th>bytes</th><th>meaning</th><th>value</th></tr>'
    return f'<table class="gdlab-t">{head}{body}</table>'


def _hex(data: bytes) -> str:
    return data[:8].hex(" ") + (" …" if len(data) > 8 else "")


def _short(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    shown = repr(value)
    return shown if len(shown) <= 24 else shown[:23] + "…"
