"""The menu of fields that are drawn over the timeline's axis, each as a lane that follows the capture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import ipywidgets
import numpy as np
import pandas as pd

from gdlab.analysis import numbered
from gdlab.analysis.columns import times_ns
from gdlab.codecs import decode
from gdlab.live.timeline import Timeline
from gdlab.widgets.render import put
from gdlab.widgets.style import named, row

#: Fields that are drawn at once, and offered; a hostile message can have any number.
MAX_SHOWN: Final = 6
MAX_OFFERED: Final = 200
#: The newest rows, in which fields are looked for; how often, until the menu has been the same for a few looks, and
#: then; and how often new values are read.
_TAIL: Final = 100
_LOOK_EVERY_S: Final = 2.0
_LOOK_SELDOM_S: Final = 10.0
_LOOKS: Final = 4
_READ_EVERY_S: Final = 0.5
_SEQ: Final = "v.seq"
#: In the menu, beside the fields: how many numbers are missing before each message.
LOST: Final = "lost messages"
_CHOOSE: Final = "draw a field …"


class FieldLanes:
    """Offers the numeric fields of a capture's messages, and keeps those that are chosen in a timeline.

    Parameters
    ----------
    changed : called after the user has chosen a field or taken one away.

    Attributes
    ----------
    box : what to show. names : the fields that are drawn, in the order of choosing.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._capture: Any = None
        self._setting = False
        self.names: tuple[str, ...] = ()
        self._held: Timeline | None = None
        self._rows = 0
        self._last_ns = 0
        self._version: Any = None
        self._looked_at = self._read_at = -_LOOK_SELDOM_S
        self._looks_alike = 0
        menu = ipywidgets.Dropdown(
            options=[_CHOOSE],
            layout={"width": "14em"},
            tooltip="fields of the decoded messages, as lines over time",
        )
        self.menu = named(menu, "a field to draw")
        self.menu.observe(self._chosen, "value")
        self.shown = ipywidgets.HBox()
        self.box = row(self.menu, self.shown)

    def follow(self, capture: Any) -> None:
        """Look at another capture; fields that it has, too, are drawn on."""
        self._capture = capture
        self._held = None
        self._looked_at, self._looks_alike = -_LOOK_SELDOM_S, 0
        self._offer(())

    def choose(self, names: Sequence[str]) -> None:
        """Draw these fields and no others; at most `MAX_SHOWN`."""
        self.names = tuple(dict.fromkeys(names))[:MAX_SHOWN]
        self._held = None
        self.shown.children = tuple(self._button(name) for name in self.names)
        self._changed()

    def update(self, timeline: Timeline) -> None:
        """Offer the fields that there are, and give the timeline the values that are new."""
        now = time.monotonic()
        if self._capture is None:
            return
        if now - self._looked_at >= (_LOOK_EVERY_S if self._looks_alike < _LOOKS else _LOOK_SELDOM_S):
            self._looked_at = now
            rows = self._capture.tail(_TAIL)
            new = self._offer(_numeric(decode(rows, getattr(self._capture, "decode_with", "auto"))))
            self._looks_alike = self._looks_alike + 1 if len(rows) and not new else 0
        if timeline is not self._held:
            timeline.forget_fields()
            self._held, self._rows, self._version = timeline, 0, None
            self._read_at = -_READ_EVERY_S
        version = getattr(self._capture, "version", 0)  # a recording does not change
        if self.names and version != self._version and now - self._read_at >= _READ_EVERY_S:
            self._read_at, self._version = now, version
            self._read(timeline)

    def _read(self, timeline: Timeline) -> None:
        table = self._capture.decoded()
        times = times_ns(table)
        # Rows that were evicted, or that came late and stand in between, move all others.
        anew = not self._rows or len(times) < self._rows or times[self._rows - 1] != self._last_ns
        first = 0 if anew else self._rows
        for name in self.names:
            if name == LOST:
                timeline.set_field(name, *_lost(table), anew=True)
                continue
            values = _values(table, name)[first:]
            known = ~np.isnan(values)
            timeline.set_field(name, times[first:][known], values[known], anew=anew)
        self._rows = len(times)
        self._last_ns = int(times[-1]) if len(times) else 0

    def _offer(self, names: Sequence[str]) -> bool:
        """Put names into the menu; return whether any is new there."""
        known = dict.fromkeys((*(each for each in self.menu.options[1:] if names), *names))
        options = (_CHOOSE, *list(known)[:MAX_OFFERED])
        if options != tuple(self.menu.options):
            self._setting = True
            self.menu.options = options
            put(self.menu, "value", _CHOOSE)
            self._setting = False
            return True
        return False

    def _chosen(self, change: Any) -> None:
        if self._setting or change["new"] == _CHOOSE:
            return
        self._setting = True
        self.menu.value = _CHOOSE
        self._setting = False
        if change["new"] not in self.names:
            self.choose((*self.names[-MAX_SHOWN + 1 :], change["new"]))

    def _button(self, name: str) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=name, icon="times", tooltip=f"stop drawing {name}", layout={"width": "auto"}
        )
        button.on_click(lambda _button: self.choose([each for each in self.names if each != name]))
        return button


def _numeric(table: pd.DataFrame) -> list[str]:
    """The fields that are numbers or flags."""
    names = [str(name) for name in table.columns if name == "v" or str(name).startswith(("v.", "v["))]
    numbers = [name for name in names if pd.api.types.is_numeric_dtype(table[name].dtype)]
    return [*numbers, "size_bytes", LOST]


def _lost(
    table: pd.DataFrame,
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.float64]]]:
    """When numbers were found missing, and how many: by the numbers that are known, else by the field ``seq``."""
    each = numbered(table)
    if not len(each) and _SEQ in table.columns:
        each = numbered(table, seq=_SEQ)
    each = each[each["skipped"] > 0]
    return times_ns(each), each["skipped"].to_numpy(np.float64)


def _values(table: pd.DataFrame, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(n,) the values of a column, NaN where there is none."""
    if name not in table.columns or not pd.api.types.is_numeric_dtype(table[name].dtype):
        return np.full(len(table), np.nan)
    return np.asarray(table[name].to_numpy(dtype=np.float64, na_value=np.nan))
