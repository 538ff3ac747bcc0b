"""A game to try a listener with: a headless Godot where one is found, a scripted one elsewhere."""

from __future__ import annotations

import time
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture
from gdlab.capture.html import visible
from gdlab.errors import GodotNotFound
from gdlab.traffic import Traffic, demo_game
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import row, style_sheet

#: Lines of the game's output on the screen, and characters of each.
LINES: Final = 12
CHARACTERS: Final = 160
_PERIOD_S: Final = 0.5


class GodotRunner(Panel):
    """A button that starts a game which sends to this listener, and what the game prints.

    A game plays on while another capture is looked at; the panel shows the one of the capture that it follows.

    Attributes
    ----------
    game : the `Traffic` that was started last for the capture that is followed; None before.
    toggle : the button. text : which game it is, or why there is none. output : its last lines.
    """

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self._games: dict[Capture | None, Traffic] = {}
        self._said = ""
        self.toggle = ipywidgets.Button(icon="play", layout={"width": "13em"})
        self.text = ipywidgets.HTML()
        self.output = ipywidgets.HTML()
        self.toggle.on_click(self._toggle)
        super().__init__([style_sheet(), row(self.toggle, self.text), self.output], capture, **options)
        self.add_class("gdlab-engine")

    @property
    def game(self) -> Traffic | None:
        """The game of the capture that is followed."""
        return self._games.get(self._capture)

    @property
    def playing(self) -> bool:
        """Whether the game that was started here still runs."""
        return self.game is not None and self.game.running

    def follow(self, capture: Shown | None) -> None:
        """Show the game of another capture; that of the last one plays on."""
        with self.lock:
            self._games = {of: game for of, game in self._games.items() if game.running or of is capture}
            self._said = ""
        super().follow(capture)

    def forget(self, capture: Capture) -> None:
        """End the game that plays to a capture: nobody looks at it any more."""
        with self.lock:
            game = self._games.pop(capture, None)
        if game is not None:
            game.stop()

    def refresh(self) -> bool:
        """As every panel, but as long as the game runs there may be more to come."""
        return super().refresh() or (self.playing and not self._resting())

    def state(self) -> Any:
        """While a game runs its output is looked at twice per second; what has arrived does not matter here."""
        capture = self._capture
        turn = int(time.monotonic() / _PERIOD_S) if self.playing else 0
        return (None if capture is None else (id(capture), capture.running), self.game, turn, self._said)

    def update(self) -> None:
        """Show what runs, and its last lines."""
        playing = self.playing
        put(self.toggle, "description", "Stop the game" if playing else "Start a game")
        put(self.toggle, "icon", "stop" if playing else "play")
        put(self.toggle, "disabled", self._capture is None)
        put(self.text, "value", self._words(playing))
        lines = self.game.said(LINES) if self.game is not None else []
        shown = "\n".join(visible(line, CHARACTERS) for line in lines)
        put(self.output, "value", f'<pre class="gdlab-pre">{shown}</pre>' if shown else "")

    def _words(self, playing: bool) -> str:
        if self._capture is None:
            return '<span class="gdlab-q">no capture is chosen</span>'
        if self._said:
            return f'<span class="gdlab-bad">{visible(self._said, 500)}</span>'
        if self.game is None:
            return (
                '<span class="gdlab-q">a small game without a window that sends to this listener: '
                "a real Godot where one is found (GDLAB_GODOT, or godot on PATH), a scripted one else</span>"
            )
        what = visible(self.game.description, 200)
        printed = "" if self.game.is_godot else "; it prints nothing"
        return f"<b>{what}</b> {'plays' if playing else 'has ended'}{printed if playing else ''}"

    def _toggle(self, _button: object) -> None:
        with self.lock:
            self._said = ""
            if self.game is not None and self.playing:
                self.game.stop()
            elif self._capture is not None:
                try:
                    self._games[self._capture] = demo_game(self._capture)
                except GodotNotFound as error:
                    self._said = f"TCP and WebSocket need a real Godot here: {error}"
                except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
                    self._said = f"no game could be started: {error}"
        self.redraw()

    def close(self) -> None:
        """Take the panel off the screen, and end its games."""
        with self.lock:
            games, self._games = self._games, {}
        for game in games.values():
            game.stop()
        super().close()
