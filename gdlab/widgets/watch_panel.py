"""Games that are watched, live: how each runs, how long its frames take, and what it prints and reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import ipywidgets
import numpy as np

from gdlab import clock
from gdlab.analysis.watched import causes
from gdlab.capture import html
from gdlab.capture.html import legible, visible
from gdlab.plots import LiveFrames
from gdlab.text import number
from gdlab.watching import Watch, WatchedGame, running
from gdlab.watching import tables as rows_to_table
from gdlab.watching.rows import LogRow
from gdlab.watching.status import held_text
from gdlab.widgets.panel import Panel, put, wake
from gdlab.widgets.picture import picture
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import named, row, style_sheet

SECONDS: Final = 30.0
#: Pixels of the picture.
SIZE_PX: Final = (640, 220)
#: Rows of the log in the list, and how many are in sight; rows that a filter looks at.
ROWS: Final = 100
VISIBLE: Final = 10
LOOKED_AT: Final = 2000
#: Characters of a line of the list.
CHARACTERS: Final = 140
#: Calls of a stack that are shown.
CALLS: Final = 12
#: Packets that are looked through for the one behind an error.
PACKETS: Final = 2000

_LINE_PX, _PERIOD_S = 19, 0.4

#: What the filter offers, and the kinds of rows that each choice lets through.
FILTERS: Final[dict[str, frozenset[str]]] = {
    "everything": frozenset(),
    "errors": frozenset({"error", "script_error", "break", "dropped"}),
    "errors, warnings": frozenset({"error", "script_error", "break", "dropped", "warning"}),
    "prints": frozenset({"print", "rich", "stderr"}),
    "link": frozenset({"link", "continue"}),
}
_SIGNS: Final = {
    "script_error": "✖",
    "error": "✖",
    "warning": "⚠",
    "break": "■",
    "continue": "▶",
    "dropped": "✂",
    "link": "⇄",
    "stderr": "!",
}


class WatchPanel(Panel):
    """Light, games, frame times, and the log of a watch; a row that is chosen shows its stack and its packet.

    It shows and steers a `Watch` and holds no data of its own: everything it does can be done by plain calls.

    Parameters
    ----------
    watch : what to show; by default the watch of this kernel that was begun last, whenever there is one.
    capture : whose packets are looked through for the one behind an error.

    Attributes
    ----------
    list : the rows of the log, newest first. filter : which kinds it has.
    """

    def __init__(self, watch: Watch | None = None, capture: Shown | None = None, **options: Any) -> None:
        self._watch = watch
        self._fixed = watch is not None
        self._listed: list[tuple[WatchedGame, LogRow]] = []
        self._updated_at = 0.0
        self._stale = True  # the list is to be filled anew, whatever it holds
        self._setting = False
        self._picture = LiveFrames(*SIZE_PX, seconds=SECONDS)
        self.status = ipywidgets.HTML()
        self.resume = ipywidgets.Button(
            description="Go on",
            icon="play",
            button_style="danger",
            tooltip="let the game that stands in a break go on",
            layout={"width": "8em", "display": "none"},
        )
        self.stop = ipywidgets.Button(
            description="Stop watching",
            icon="stop",
            tooltip="end the link and free the port; engines that were started for it are stopped, too",
            layout={"width": "11em"},
        )
        self.filter = ipywidgets.Dropdown(
            options=list(FILTERS), value="everything", description="show", layout={"width": "15em"}
        )
        self.search = ipywidgets.Text(placeholder="text, file or game", continuous_update=False)
        named(self.search, "search the log").layout.width = "16em"
        self.games = ipywidgets.HTML()
        self.image = picture(SIZE_PX)
        self.list = ipywidgets.Select(
            options=(),
            rows=VISIBLE,
            layout={"width": "calc(100% - 4px)", "height": f"{VISIBLE * _LINE_PX + 8}px"},
        )
        self.details = ipywidgets.HTML()
        self.resume.on_click(self._resume)
        self.stop.on_click(self._stop)
        self.filter.observe(self._refilter, "value")
        self.search.observe(self._refilter, "value")
        self.list.observe(self._chosen, "index")
        box = ipywidgets.VBox([named(self.list, "log")])
        box.add_class("gdlab-lines")
        super().__init__(
            [
                style_sheet(),
                row(self.status, self.resume, self.stop),
                self.games,
                self.image,
                row(self.filter, self.search),
                box,
                self.details,
            ],
            capture,
            **options,
        )
        self.add_class("gdlab-watch")

    @property
    def watch(self) -> Watch | None:
        """What is shown."""
        return self._watch

    def takes(self, watch: Watch) -> bool:
        """Whether a watch that begins is to be shown here."""
        return not self._fixed or watch is self._watch

    # ---- what the render thread calls

    def _running(self) -> bool:
        watch = self._current()
        return watch is not None and watch.running

    def _current(self) -> Watch | None:
        """The watch that was asked for, else the newest that runs; the last one stays when it has ended."""
        if not self._fixed:
            live = running()
            if live and self._watch not in live:
                self._watch = live[-1]
        return self._watch

    def state(self) -> Any:
        """While it runs words and picture move with the time; twice per second is enough."""
        watch = self._current()
        if watch is None:
            return ("no watch",)
        now = time.monotonic()
        state = (id(watch), watch.running, watch.version)
        if not watch.running or self._drawn is None:
            return state
        return self._drawn if now - self._updated_at < _PERIOD_S else (*state, int(now / _PERIOD_S))

    def update(self) -> None:
        """Show how the games are."""
        self._updated_at = time.monotonic()
        watch = self._watch
        if watch is None:
            put(self.status, "value", html.status(html.Headline("waiting", "no game is watched", _HOW)))
            for part in (self.stop, self.image, self.list, self.filter, self.search):
                put(part.layout, "display", "none")
            put(self.games, "value", "")
            return
        for part in (self.stop, self.image, self.list, self.filter, self.search):
            put(part.layout, "display", None)
        status = watch.status
        put(self.status, "value", html.status(html.Headline(status.light, status.text, status.hint)))
        held = any(held_text(game) for game in watch.games)
        put(self.resume.layout, "display", None if held else "none")
        put(self.stop, "disabled", not watch.running)
        now_ns = clock.now_ns() if watch.running else (watch.ended_ns or clock.now_ns())
        put(self.games, "value", _games(watch.games, now_ns))
        self._draw_frames(watch.games, now_ns)
        self._fill(watch)

    def _draw_frames(self, games: Sequence[WatchedGame], now_ns: int) -> None:
        oldest = now_ns - int(SECONDS * 1e9)
        series = []
        errors: list[int] = []
        for game in games:
            # At 240 frames per second half a minute is 7,200 rows.
            rows = [each for each in game.frames.rows(8_000) if each.time_ns >= oldest]
            series.append(
                (
                    game.label,
                    np.array([each.time_ns for each in rows], dtype=np.int64),
                    np.array([each.busy_s * 1e3 for each in rows], dtype=np.float64),
                )
            )
            errors += [
                each.time_ns
                for each in game.log.rows(LOOKED_AT)
                if each.time_ns >= oldest and each.kind in FILTERS["errors"]
            ]
        self._picture.update(series, np.array(sorted(errors)[-200:], dtype=np.int64), now_ns=now_ns)
        put(self.image, "value", self._picture.png())

    # ---- the log

    def _fill(self, watch: Watch) -> None:
        """Fill the list, unless a row is chosen: it would run away from under the mouse."""
        if self.list.index is not None:
            return
        wanted, text = FILTERS[self.filter.value], self.search.value.strip().lower()
        found = [
            (game, each)
            for game in watch.games_and_others()
            for each in game.log.rows(LOOKED_AT)
            if (not wanted or each.kind in wanted)
            and (not text or text in f"{game.label} {each.file} {each.text}".lower())
        ]
        found.sort(key=lambda pair: pair[1].time_ns)
        listed = found[-ROWS:][::-1]
        if not self._stale and [pair[1] for pair in listed] == [pair[1] for pair in self._listed]:
            return
        self._stale = False
        several = len(watch.games) > 1
        self._setting = True
        try:
            self._listed = listed
            self.list.options = [
                (_line(game, each, several=several), place) for place, (game, each) in enumerate(listed)
            ]
            self.list.index = None
        finally:
            self._setting = False

    def _refilter(self, _change: Any) -> None:
        with self.lock:
            self._setting = True
            try:
                self.list.index = None
            finally:
                self._setting = False
            put(self.details, "value", "")
            self._stale = True
        self.redraw()

    def _chosen(self, change: Any) -> None:
        if self._setting:
            return
        index = change["new"]
        with self.lock:
            if index is None or not 0 <= index < len(self._listed):
                put(self.details, "value", "")
                return
            game, each = self._listed[index]
            put(self.details, "value", self._details(game, each))

    def _details(self, game: WatchedGame, each: LogRow) -> str:
        """The whole of a row: text, place, stack, and the packet behind it."""
        lines = [f"<b>{each.kind.replace('_', ' ')}</b> of {visible(game.label)}"]
        if each.game_frame is not None:
            lines[0] += f", game frame {each.game_frame}"
        body = f'<pre class="gdlab-pre">{visible(each.text, 2000)}</pre>'
        if each.stack:
            calls = "".join(
                f'<tr><td class="m">{visible(call.function, 60)}()</td><td class="m">{visible(call.file, 100)}</td>'
                f'<td class="n">{call.line}</td></tr>'
                for call in each.stack[:CALLS]
            )
            head = '<tr><th>called</th><th>file</th><th class="n">line</th></tr>'
            body += f'<table class="gdlab-t"><thead>{head}</thead><tbody>{calls}</tbody></table>'
        elif each.file:
            body += f'<div class="m">{visible(each.file, 200)}:{each.line} {visible(each.function, 60)}</div>'
        if each.raised_in:
            body += f'<div class="gdlab-q">raised in the engine: {visible(each.raised_in, 200)}</div>'
        note = '<div class="gdlab-q">the list stands still; choose another filter to let it go on</div>'
        return f"<div>{lines[0]}</div>{body}{self._packet(game, each)}{note}"

    def _packet(self, game: WatchedGame, each: LogRow) -> str:
        if self._capture is None or each.kind not in ("error", "script_error", "warning"):
            return ""
        packets = self._capture.tail(PACKETS)
        log = rows_to_table.log([game])
        mine = log[(log["offset"] == each.offset) & (log["text"] == each.text)]
        # The rows before it tell which packets others were about.
        second = np.timedelta64(1, "s")
        near = log["time"].between(mine["time"].min() - second, mine["time"].max())
        around = log[near] if len(mine) else mine
        found = causes(around, packets)
        tied = [
            row for row, place in zip(found.tolist(), around.index, strict=True) if place in set(mine.index)
        ]
        if not tied or tied[-1] < 0:
            return '<div class="gdlab-q">no single packet of the capture can be tied to it</div>'
        packet = packets.iloc[tied[-1]]
        return (
            f"<div>after the packet of {packet['time']:%H:%M:%S.%f} to {visible(str(packet['peer']))}, "
            f'{packet["size_bytes"]} bytes: <span class="m">{visible(packet["payload"], 120)}</span></div>'
        )

    # ---- buttons

    def _resume(self, _button: object) -> None:
        if self._watch is not None:
            self._watch.resume()
        self.redraw()

    def _stop(self, _button: object) -> None:
        if self._watch is not None:
            self._watch.stop()
        self.redraw()

    def __repr__(self) -> str:
        of = f" of {self._watch!r}" if self._watch is not None else ""
        return f"<WatchPanel{of}{', closed' if self._closed else ''}>"


_HOW: Final = (
    "in a cell: watch = gd.debugger(), then gd.godot.start(project=..., debugger=watch); or gd.watch(project=...). It "
    "will appear here"
)


def _line(game: WatchedGame, each: LogRow, *, several: bool) -> str:
    stamp = time.strftime("%H:%M:%S", time.gmtime(each.time_ns // 10**9))
    stamp += f".{each.time_ns // 10**6 % 1000:03d}"
    who = f"{legible(game.label, 16):<12} " if several else ""
    place = f"  ({legible(each.file.removeprefix('res://'), 40)}:{each.line})" if each.file else ""
    return f"{stamp} {_SIGNS.get(each.kind, ' ')} {who}{legible(each.text, CHARACTERS)}{place}"


def _games(games: Sequence[WatchedGame], now_ns: int) -> str:
    """One line per game: sensible for eight of them below each other."""
    if not games:
        return ""
    heads = ("game", "process", "state", "fps", "longest frame", "nodes", "memory", "in", "out", "errors")
    right = set(heads[3:])
    head = "".join(f'<th class="n">{name}</th>' if name in right else f"<th>{name}</th>" for name in heads)
    return (
        f'<table class="gdlab-t"><thead><tr>{head}</tr></thead><tbody>'
        + "".join(_game(game, now_ns) for game in games[-16:])
        + "</tbody></table>"
    )


def _game(game: WatchedGame, now_ns: int) -> str:
    monitors, bandwidth = game.monitors.newest(), game.bandwidth.newest()
    recent = [each.busy_s for each in game.frames.rows(1000) if each.time_ns > now_ns - 10**9]
    # The break at an error is not another one.
    errors = sum(each.kind in FILTERS["errors"] - {"break"} for each in game.log.rows(LOOKED_AT))
    if not game.running:
        state = '<span class="q">ended</span>'
    elif game.session.broken is not None:
        state = '<span class="gdlab-bad">stands still</span>'
    elif not game.session.ready:
        state = '<span class="q">starting</span>'
    else:
        state = '<span class="gdlab-good">running</span>'
    figures = monitors.figures if monitors is not None else ()

    def figure(place: int) -> float | None:
        return figures[place] if place < len(figures) else None

    fps, memory, nodes = figure(0), figure(4), figure(9)
    cells = (
        "" if fps is None else f"{fps:.0f}",
        f"{max(recent) * 1e3:.1f} ms" if recent else "",
        "" if nodes is None else number(round(nodes)),
        "" if memory is None else f"{memory / 1e6:.1f} MB",
        "" if bandwidth is None else f"{number(bandwidth.in_bytes)} B/s",
        "" if bandwidth is None else f"{number(bandwidth.out_bytes)} B/s",
        f'<span class="gdlab-bad">{errors}</span>' if errors else "0",
    )
    return (
        f'<tr><td class="m">{visible(game.label, 40)}</td><td>{game.pid or ""}</td><td>{state}</td>'
        + "".join(f'<td class="n">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def watch_started(watch: Watch) -> None:
    """Wake the panels that may show a watch that has begun."""
    wake(lambda panel: isinstance(panel, WatchPanel) and panel.takes(watch))


def watch_view(watch: Watch) -> WatchPanel:
    """Return the live view of a watch; the same one each time, however many cells show it."""
    if watch.view is None or watch.view.comm is None:  # none yet, or closed
        watch.view = WatchPanel(watch)
    view: WatchPanel = watch.view
    return view
