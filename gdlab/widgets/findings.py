"""What stands out in the last messages, in words, as it appears."""

from __future__ import annotations

import time
from typing import Any, Final

import ipywidgets

from gdlab import analysis
from gdlab.capture.html import visible
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import style_sheet

#: Rows that are looked at, at most; fewer where that takes longer than `SPENT_S`.
ROWS: Final = 5000
FEWEST: Final = 500
#: Looking takes the interpreter from the receivers, so it takes at most about this long each time ...
SPENT_S: Final = 0.15
#: ... and comes no oftener than this, and rests twenty times as long as it took.
EVERY_S: Final = 4.0
REST: Final = 20.0
#: Findings on the screen, and characters of each of their sentences.
SHOWN: Final = 8
CHARACTERS: Final = 400


class Findings(Panel):
    """The findings of the last rows, most certain first, renewed every few seconds.

    `Capture.findings` looks at all rows; here it is a bounded number of the newest, and the panel says how many.

    Attributes
    ----------
    rows : how many rows are looked at; less when a look takes too long, more again when it does not.
    """

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self.rows = FEWEST
        self._next_at = 0.0
        self.text = ipywidgets.HTML()
        super().__init__([style_sheet(), self.text], capture, **options)
        self.add_class("gdlab-findings")

    def follow(self, capture: Shown | None) -> None:
        """Look at another capture."""
        with self.lock:
            self._next_at = 0.0
        super().follow(capture)

    def state(self) -> Any:
        """As every panel, but as long as the capture runs only from time to time."""
        state = super().state()
        if state is None or not state[1] or self._drawn is None:
            return state
        return self._drawn if time.monotonic() < self._next_at else state

    def update(self) -> None:
        """Look, and write what was found."""
        capture = self._capture
        if capture is None:
            put(self.text, "value", '<span class="gdlab-q">no capture is chosen</span>')
            return
        began = time.monotonic()
        tail = capture.tail(self.rows)
        found = analysis.findings(tail, capture.statistics())
        spent = time.monotonic() - began
        put(self.text, "value", self._list(found.head(SHOWN).to_dict("records"), len(found), len(tail)))
        self._next_at = time.monotonic() + max(EVERY_S, REST * spent)
        if spent > SPENT_S:
            self.rows = max(FEWEST, self.rows // 2)
        elif spent < SPENT_S / 4:
            self.rows = min(ROWS, self.rows * 2)

    def _list(self, found: list[dict[Any, Any]], count: int, looked_at: int) -> str:
        kept = self._capture.statistics().rows_kept if self._capture is not None else looked_at
        of = f"the last {looked_at} of {kept} rows" if looked_at < kept else f"all {looked_at} rows"
        note = f'<div class="gdlab-q">looked at {of}, every few seconds; Capture.findings() looks at all of them</div>'
        if not looked_at:
            return '<span class="gdlab-q">nothing to look at yet: no messages have come</span>'
        if not found:
            return f"<div><b>Nothing stands out.</b> That is no proof that all is well.</div>{note}"
        cards = "".join(_card(finding) for finding in found)
        more = (
            f'<div class="gdlab-q">{count - len(found)} more in Capture.findings()</div>'
            if count > len(found)
            else ""
        )
        return f"{cards}{more}{note}"


def _card(finding: dict[Any, Any]) -> str:
    certainty = round(100 * float(finding["certainty"]))
    step = visible(str(finding["next_step"]), CHARACTERS)
    return (
        '<div style="border-left:3px solid var(--jp-brand-color1,#1976d2);padding:1px 0 1px 10px;margin:6px 0;'
        'max-width:70em">'
        f"<div><b>{visible(str(finding['what']), CHARACTERS)}</b> "
        f'<span class="gdlab-q">{certainty} % certain</span></div>'
        f'<div class="gdlab-q">{visible(str(finding["evidence"]), CHARACTERS)}</div>'
        + (f"<div>→ {step}</div>" if step else "")
        + "</div>"
    )
