"""What a saved or exported notebook shows in place of a widget: its last state as a picture and tables.

JupyterLab does not save the state of widgets unless a user asks for it, and shows nothing else where that of one is
gone; exporters take what was there when the cell was run. So a panel leaves a second output beside itself, which is
renewed while the kernel runs and hidden as long as the panel is alive.
"""

from __future__ import annotations

import base64
import logging
import os
import time
import uuid
from collections.abc import Iterator
from html import escape
from typing import Any, Final

import ipywidgets
from IPython.core.interactiveshell import InteractiveShell

from gdlab.widgets.render import renderer

log = logging.getLogger(__name__)

#: While the capture runs: what is lost when the kernel dies is not older than this.
RENEWED_EVERY_S: Final = 10.0

#: A still is saved with the notebook; a longer one is cut between two of its parts.
MOST_CHARACTERS: Final = 300_000

#: Beside a living panel nothing is to be seen of it.
_HIDE: Final = (
    ".jp-OutputArea:has(.jupyter-widgets.gdlab-panel,.jupyter-widgets.gdlab-live) "
    ".jp-OutputArea-child:has(.gdlab-still){display:none}"
)
_TABLE: Final = (
    ".gdlab-still table{border-collapse:collapse;font-size:14px}.gdlab-still td,.gdlab-still th{text-align:left;"
    "padding:1px 12px 1px 0;vertical-align:top}.gdlab-still pre{font-size:14px;white-space:pre;overflow-x:auto}"
)


class Still:
    """The still of one widget, in every cell that shows it.

    Parameters
    ----------
    widget : whose last state is kept.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._display_id = f"gdlab-{uuid.uuid4().hex}"
        self._published = ""
        self._published_at = 0.0
        self._shown = False
        self._ended = False

    def show(self) -> dict[str, str]:
        """Leave a still in the output of the cell that runs now; where none can be left, return it by MIME type."""
        html = self.html()
        if not _possible():
            return {"text/html": html}
        self._publish(html, update=False)
        self._shown = True
        return {}

    def renew(self, *, running: bool) -> bool:
        """Put the present state in the place of the last one: now and then, and at the end; return whether it is due.

        The end is taken one turn late: other views draw theirs in the same turn as this one.
        """
        if not self._shown:
            return False
        at_the_end = not running and self._ended
        self._ended = not running
        if at_the_end or time.monotonic() - self._published_at >= RENEWED_EVERY_S:
            html = self.html()
            if html != self._published:
                self._publish(html, update=True)
        return not running and not at_the_end

    def html(self) -> str:
        """Return the present state as HTML."""
        parts, length = [], 0
        for part in parts_of(self._widget):
            length += len(part)
            if length > MOST_CHARACTERS:
                break
            parts.append(part)
        return f'<div class="gdlab-still"><style>{_HIDE}{_TABLE}</style>{"".join(parts)}</div>'

    def _publish(self, html: str, *, update: bool) -> None:
        self._published, self._published_at = html, time.monotonic()
        renderer.count(len(html))
        try:
            InteractiveShell.instance().display_pub.publish(
                {"text/html": html, "text/plain": ""},
                {},
                transient={"display_id": self._display_id},
                update=update,
            )
        except Exception:
            log.exception("the still of a view could not be left in the notebook")


def parts_of(widget: Any) -> Iterator[str]:
    """What a widget and those in it show, as HTML that needs no widgets; buttons and fields are left out."""
    if widget.layout.display == "none":
        return
    own = getattr(widget, "still_html", None)
    if own is not None:
        yield own()
    elif isinstance(widget, ipywidgets.HTML):
        if widget.value and not widget.value.startswith("<style"):
            yield f"<div>{widget.value}</div>"
    elif isinstance(widget, ipywidgets.Image):
        if widget.value:
            data = base64.b64encode(bytes(widget.value)).decode()
            yield f'<img src="data:image/{escape(widget.format)};base64,{data}" style="max-width:100%">'
    elif isinstance(widget, ipywidgets.Select):
        lines = "\n".join(map(str, widget._options_labels))
        yield f"<pre>{escape(lines)}</pre>"
    else:
        for child in getattr(widget, "children", ()):
            yield from parts_of(child)


def _possible() -> bool:
    """Whether a kernel runs, and a front end where stills are hidden beside what is alive."""
    return InteractiveShell.initialized() and "VSCODE_PID" not in os.environ
