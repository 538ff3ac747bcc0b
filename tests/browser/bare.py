"""An anywidget in a page of its own: the real browser and the real kernel side, and no notebook between them.

What is tested is the drawing and the talk of the two, at a tenth of what JupyterLab costs; one test in Lab shows that
the same widget lives there as well.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.waiting import limit

PAGE = """<!doctype html><html><head><meta charset="utf-8"><style>CSS</style>
<style>body { margin: 8px; font-family: system-ui; }</style></head><body><div id="root"></div>
<script type="module">
ESM_SOURCE
const listeners = {};
const traits = TRAITS;
const model = {
  get: (name) => traits[name],
  set: (name, value) => { traits[name] = value; },
  save_changes: () => window.toKernel(JSON.stringify({ traits })),
  send: (content) => window.toKernel(JSON.stringify({ content })),
  on: (name, callback) => { (listeners[name] ||= new Set()).add(callback); },
  off: (name, callback) => { (listeners[name] || new Set()).delete(callback); },
};
window.fromKernel = (content, buffers) => {
  const views = buffers.map((text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
  for (const callback of listeners["msg:custom"] || []) callback(content, views);
};
window.fromKernelTraits = (changed) => {
  Object.assign(traits, changed);
  for (const name of Object.keys(changed)) for (const callback of listeners["change:" + name] || []) callback();
};
window.end = gdlabWidget.render({ model, el: document.getElementById("root") });
window.ready = true;
</script></body></html>"""


class BarePage:
    """A page that shows one anywidget; call `turn` to let what the kernel has said reach it.

    Parameters
    ----------
    page : of playwright. widget : the anywidget. traits : the names of its traits that the page reads.
    """

    def __init__(self, page: Any, widget: Any, traits: tuple[str, ...] = ()) -> None:
        self.page = page
        self.widget = widget
        self.errors: list[str] = []
        self._said: list[tuple[Any, list[str]]] = []
        self._lock = threading.Lock()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        widget.send = self._send  # what would go through the comm
        page.expose_function("toKernel", self._heard)
        source = widget._esm if isinstance(widget._esm, str) else str(widget._esm)
        html = PAGE.replace("CSS", str(widget._css), 1).replace(
            "ESM_SOURCE", source.replace("export default", "const gdlabWidget =", 1)
        )
        known = {name: getattr(widget, name) for name in traits}
        html = html.replace("TRAITS", str(known).replace("True", "true").replace("False", "false"), 1)
        page.set_content(html)
        page.wait_for_function("window.ready === true")
        self.turn()

    def _send(self, content: Any, buffers: Any = None) -> None:
        with self._lock:
            self._said.append((content, [base64.b64encode(bytes(each)).decode() for each in buffers or []]))

    def _heard(self, text: str) -> None:
        told = json.loads(text)
        if "traits" in told:
            for name, value in told["traits"].items():
                setattr(self.widget, name, value)
        else:
            self.widget._handle_custom_msg(told["content"], [])

    def turn(self, ms: int = 0) -> None:
        """Hand over what has been said, and let the page work for a moment."""
        self.page.wait_for_timeout(ms)
        with self._lock:
            said, self._said = self._said, []
        for content, buffers in said:
            self.page.evaluate(
                "([content, buffers]) => window.fromKernel(content, buffers)", [content, buffers]
            )

    def until(self, predicate: Callable[[], object]) -> None:
        """Take turns until something is true here."""
        deadline = time.monotonic() + limit(20)
        while not predicate():
            assert time.monotonic() < deadline, f"still not true: {predicate}"
            self.turn(25)

    def turn_until(self, expression: str) -> None:
        """Take turns until an expression is true in the page."""
        self.until(lambda: self.page.evaluate(expression))
