"""A capture as one row of the dashboard: its light and words, and the buttons that steer it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets

from gdlab import surroundings
from gdlab.capture import Capture, html
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import is_recorded
from gdlab.widgets.saving import save_csv


class CaptureRow(Panel):
    """Status light with words; show, start or stop, save as CSV, take off the list.

    Parameters
    ----------
    capture : what the row is of.
    folder : where CSV files go.
    chosen, removed : called with the row when its button is pressed.
    """

    def __init__(
        self,
        capture: Capture,
        *,
        folder: str | Path = ".",
        chosen: Callable[[CaptureRow], None],
        removed: Callable[[CaptureRow], None],
    ) -> None:
        self._folder = Path(folder)
        self.words = ipywidgets.HTML()
        self.words.add_class("gdlab-words")
        self.show = _button("Show", "eye", "let the panels below follow this one", "6.5em")
        self.toggle = _button("Stop", "stop", "", "6.5em")
        self.save = _button("CSV", "download", "write all rows to a CSV file beside the notebook", "6em")
        self.remove = _button("Remove", "times", "", "7em")
        self.note = ipywidgets.HTML()
        self.note.add_class("gdlab-note")
        buttons = ipywidgets.HBox([self.show, self.toggle, self.save, self.remove])
        buttons.add_class("gdlab-steer")
        line = ipywidgets.HBox([self.words, buttons], layout={"flex_flow": "row wrap"})
        line.add_class("gdlab-row")
        self._line = line
        self.show.on_click(lambda _button: chosen(self))
        self.remove.on_click(lambda _button: removed(self))
        self.toggle.on_click(self._toggle)
        self.save.on_click(self._save)
        super().__init__([line, self.note], capture)
        self.refresh()  # at once, so that the row does not jump

    @property
    def followed(self) -> bool:
        """Whether the panels of the dashboard follow this capture."""
        return "gdlab-followed" in self._line._dom_classes

    @followed.setter
    def followed(self, value: bool) -> None:
        if value != self.followed:
            (self._line.add_class if value else self._line.remove_class)("gdlab-followed")
            put(self.show, "description", "Shown" if value else "Show")
            put(self.show, "disabled", value)

    def state(self) -> Any:
        """Once a second, as the words tell ages; at once when it starts or stops."""
        running = self.capture is not None and self.capture.running
        return running, int(time.monotonic()) if running else self.capture and self.capture.version

    def update(self) -> None:
        """Show the words, and what the buttons do now."""
        if self.capture is None:
            return
        status, running = self.capture.status, self.capture.running
        put(self.words, "value", html.status(html.Headline(status.light.value, status.text, status.hint)))
        put(self.toggle, "description", "Stop" if running else "Start")
        put(self.toggle, "icon", "stop" if running else "play")
        put(
            self.toggle,
            "tooltip",
            "stop and free the port; the rows stay" if running else "start again; the rows stay",
        )
        put(self.toggle.layout, "display", "none" if is_recorded(self.capture) else None)
        put(self.remove, "disabled", running)
        put(
            self.remove,
            "tooltip",
            "stop it first" if running else "take it off the list; rows that are not saved go with it",
        )

    def _toggle(self, _button: object) -> None:
        capture = self.capture
        if capture is None:
            return
        put(self.toggle, "disabled", True)
        try:
            if capture.running:
                capture.stop()
            else:
                capture.start()
        except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
            self.say("failed", str(error) or type(error).__name__)
        else:
            put(self.note, "value", "")
        finally:
            put(self.toggle, "disabled", False)
        self.redraw()

    def _save(self, _button: object) -> None:
        """Write in a thread of its own: a million rows take seconds, and the page is to answer meanwhile."""
        if self.capture is not None:
            put(self.save, "disabled", True)
            self.say("loaded", "writing ...")
            if surroundings.have_threads():
                work = threading.Thread(
                    target=self._write, args=(self.capture,), name="gdlab save", daemon=True
                )
                work.start()
            else:
                self._write(self.capture)

    def _write(self, capture: Capture) -> None:
        try:
            link = save_csv(capture, self._folder).link()
        except Exception as error:  # noqa: BLE001 (an exception in a thread would be seen nowhere)
            self.say("failed", f"not saved: {error}")
        else:
            put(self.note, "value", f'<div style="margin:0 0 4px 32px">{link}</div>')
        finally:
            put(self.save, "disabled", False)

    def say(self, light: str, text: str) -> None:
        """Show words under the row."""
        put(
            self.note,
            "value",
            f'<div style="margin:0 0 4px 12px">{html.status(html.Headline(light, text))}</div>',
        )


def _button(description: str, icon: str, tooltip: str, width: str) -> Any:
    return ipywidgets.Button(description=description, icon=icon, tooltip=tooltip, layout={"width": width})
