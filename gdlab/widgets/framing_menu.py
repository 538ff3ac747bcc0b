"""Reading the TCP streams of a capture again in another framing, with what speaks for the one they have."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture
from gdlab.capture.html import visible
from gdlab.framing import LENGTH_OPTIONS, NAMES
from gdlab.live.framings import Framings, framings
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown

#: While the capture runs it is looked at so often.
_PERIOD_S: Final = 1.0


class FramingMenu(Panel):
    """A choice of framings, and why the present one was guessed; nothing where there is no TCP stream.

    A chosen framing holds for all streams of the capture, from their first byte on; for one that is loaded as well.
    """

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self.choice = ipywidgets.Combobox(
            options=[name for name in NAMES if name != "fixed"],
            placeholder="framing, such as u32be",
            description="Framing",
            ensure_option=False,
            layout={"width": "20em"},
        )
        self.again = ipywidgets.Button(
            description="Read again",
            icon="refresh",
            tooltip="read all TCP streams from their first byte on in this framing",
            layout={"width": "9em"},
        )
        self.note = ipywidgets.HTML()
        self.evidence = ipywidgets.HTML()
        self._said = ""
        self._is_bad = False
        self.again.on_click(self._read_again)
        line = ipywidgets.HBox(
            [self.choice, self.again, self.note], layout={"flex_flow": "row wrap", "align_items": "center"}
        )
        self.body = ipywidgets.VBox([line, self.evidence])
        super().__init__([self.body], capture, **options)
        self.add_class("gdlab-framing")

    def follow(self, capture: Shown | None) -> None:
        """Steer another capture."""
        with self.lock:
            self._said = ""
        super().follow(capture)

    def state(self) -> Any:
        """A look each second is enough while it runs."""
        state = super().state()
        if state is None or not state[1] or self._drawn is None:
            return state
        return self._drawn if time.monotonic() - self._drawn_at < _PERIOD_S else state

    def update(self) -> None:
        """Show what is in use, and why."""
        capture = self._capture
        found = Framings() if capture is None else framings(capture.snapshots())
        put(self.body.layout, "display", None if found.is_stream else "none")
        used = f"now {', '.join(found.names)}" if found.names else "nothing has arrived in a framing yet"
        said = self._said or used
        put(
            self.note,
            "value",
            f'<span class="{"gdlab-bad" if self._is_bad else "gdlab-q"}">{visible(said, 300)}</span>',
        )
        lines = "".join(f"<li>{visible(each, 300)}</li>" for each in found.evidence)
        put(
            self.evidence,
            "value",
            f'<details><summary class="gdlab-q">why it is read so</summary><ul>{lines}</ul>{_HELP}</details>'
            if lines
            else "",
        )

    def _read_again(self, _button: object) -> None:
        """In a thread of its own: a long capture takes seconds, and the page is to answer meanwhile."""
        capture, name = self._capture, self.choice.value.strip()
        if capture is None or not name:
            self._say("choose a framing first", bad=not name)
            return
        put(self.again, "disabled", True)
        self._say(f"reading again as {name} ...")
        threading.Thread(
            target=self._read, args=(capture, name), name="gdlab read again", daemon=True
        ).start()

    def _read(self, capture: Capture, name: str) -> None:
        try:
            capture.reframe(name)
        except Exception as error:  # noqa: BLE001 (an exception in a thread would be seen nowhere)
            self._say(str(error) or type(error).__name__, bad=True)
        else:
            self._say("")
        finally:
            put(self.again, "disabled", False)

    def _say(self, text: str, *, bad: bool = False) -> None:
        with self.lock:
            self._said, self._is_bad = text, bad
        self.redraw()


_HELP: Final = (
    f'<div class="gdlab-q">names beside those of the list: fixed:24; '
    f"{visible('; '.join(LENGTH_OPTIONS.values()))}</div>"
)
