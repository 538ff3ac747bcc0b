"""The GDScript that talks to this very listener, to copy."""

from __future__ import annotations

import html
from typing import Any, Final

import ipywidgets

from gdlab.capture.html import visible
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import row, style_sheet

#: What `Capture.gdscript` writes, and what it is for.
KINDS: Final = {
    "send": "send messages",
    "echo": "answer pings, send back the rest",
    "probe": "measure round trips in the game",
    "web": "send from a web export",
}
#: A longer script than any that gdlab writes.
_CHARACTERS: Final = 20_000

#: Copies the text beside the button. Where the page may not write to the clipboard (no https, no localhost) the text
#: is marked, and Ctrl+C copies it.
_COPY: Final = (
    "const b=this,t=b.parentElement.querySelector('textarea');"
    "const said=(w)=>{b.textContent=w;setTimeout(()=>{b.textContent='Copy';},2000);};"
    "const old=()=>{t.focus();t.select();said(document.execCommand('copy')?'Copied':'Marked: press Ctrl+C');};"
    "if(navigator.clipboard){navigator.clipboard.writeText(t.value).then(()=>said('Copied'),old);}else{old();}"
)


class GDScriptView(Panel):
    """A script for a node of the game, with this listener's address in it."""

    def __init__(self, capture: Shown | None = None, *, kind: str = "send", **options: Any) -> None:
        self.kind = ipywidgets.Dropdown(
            options=[(f"{meaning} ({name})", name) for name, meaning in KINDS.items()],
            value=kind,
            description="a script to",
            layout={"width": "24em"},
        )
        self.text = ipywidgets.HTML()
        self.kind.observe(self._kind_changed, "value")
        super().__init__([style_sheet(), row(self.kind), self.text], capture, **options)
        self.add_class("gdlab-script")

    def state(self) -> Any:
        """It depends on the address and on nothing that arrives."""
        capture = self._capture
        return (None if capture is None else (id(capture), capture.addresses), self.kind.value)

    def update(self) -> None:
        """Write the script."""
        if self._capture is None:
            put(self.text, "value", '<span class="gdlab-q">no capture is chosen</span>')
            return
        try:
            script = self._capture.gdscript(self.kind.value)
        except Exception as error:  # noqa: BLE001 (what cannot be written is said in its place)
            put(self.text, "value", f'<span class="gdlab-bad">{visible(str(error), 400)}</span>')
            return
        put(self.text, "value", shown(script))

    def _kind_changed(self, _change: Any) -> None:
        self.redraw()


def shown(script: str) -> str:
    """A script in a field that can be marked and copied, and the button that does it."""
    script = script[:_CHARACTERS]
    lines = min(24, max(6, script.count("\n") + 2))
    return (
        '<div style="display:flex;flex-direction:column-reverse;align-items:flex-end;max-width:900px">'
        f'<textarea readonly rows="{lines}" spellcheck="false" aria-label="GDScript to copy" '
        'style="width:100%;box-sizing:border-box;font-family:var(--jp-code-font-family,monospace);font-size:14px;'
        "line-height:1.4;tab-size:4;white-space:pre-wrap;overflow:auto;color:var(--jp-content-font-color1,#212121);"
        "background:var(--jp-cell-editor-background,#f5f5f5);border:1px solid var(--jp-border-color1,#bdbdbd);"
        f'padding:6px" class="gdlab-gd">{html.escape(script)}</textarea>'
        f'<button type="button" class="jupyter-button widget-button gdlab-copy" '
        f'style="width:auto" onclick="{html.escape(_COPY)}">Copy</button></div>'
    )
