"""What a message costs in each encoding: one that arrived, or one that is typed in."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets

from gdlab import plots
from gdlab.capture.html import visible
from gdlab.codecs import chosen
from gdlab.errors import GdlabError
from gdlab.payloads import PayloadArray
from gdlab.plots import png
from gdlab.sizes.call import sizes
from gdlab.variant.literal import parse_literal
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.style import named, row, style_sheet

#: Longer messages are not measured here: packing them in eight ways would stop all other views meanwhile.
MEASURED_BYTES: Final = 32 * 1024
_TABLE_CHARACTERS: Final = 40_000
_DPI: Final = 88


class SizeLab(Panel):
    """The size laboratory for one message.

    Attributes
    ----------
    value : a field for a value of one's own; JSON, or as GDScript writes it.
    rate_hz, peers, over : what turns bytes into bytes per second.
    """

    def __init__(self, payload: bytes | None = None, **options: Any) -> None:
        self._payload = payload
        self._asked = 0
        self.value = ipywidgets.Text(
            placeholder='a value to try, such as {"id": 7, "pos": Vector2(1, 2)}',
            continuous_update=False,
            layout={"flex": "1 1 360px", "min_width": "220px", "width": "auto"},
        )
        named(self.value, "a value to try").add_class("gdlab-code")
        self.rate_hz = ipywidgets.BoundedFloatText(
            value=20, min=0.1, max=1000, description="per second", layout={"width": "11.5em"}
        )
        self.peers = ipywidgets.BoundedIntText(
            value=1, min=1, max=1000, description="peers", layout={"width": "8em"}
        )
        self.over = ipywidgets.Dropdown(
            options=[("UDP", "udp"), ("TCP", "tcp"), ("WebSocket", "ws")],
            value="udp",
            description="over",
            layout={"width": "9.5em"},
        )
        for field, width in ((self.rate_hz, "5.8em"), (self.peers, "3em"), (self.over, "2.5em")):
            field.style.description_width = width
        self.what = ipywidgets.HTML()
        self.image = ipywidgets.Image(format="png", layout={"display": "none", "width": "704px"})
        self.table = ipywidgets.HTML()
        for field in (self.value, self.rate_hz, self.peers, self.over):
            field.observe(self._changed, "value")
        super().__init__(
            [
                style_sheet(),
                row(self.value),
                row(self.rate_hz, self.peers, self.over),
                self.what,
                self.image,
                self.table,
            ],
            **options,
        )
        self.add_class("gdlab-sizes")
        self.show(payload)

    def show(self, payload: bytes | None) -> None:
        """Measure a captured message at the next turn; the field for one's own is emptied."""
        with self.lock:
            self._payload = payload
            if payload is not None and self.value.value:
                self.value.value = ""
            self._asked += 1
        self.redraw()

    def state(self) -> Any:
        """It depends on the message and the fields, and on no capture."""
        return self._asked

    def update(self) -> None:
        """Measure, and show figures and picture; or say why there are none."""
        try:
            told, value = self._message()
            report = sizes(value, rate_hz=self.rate_hz.value, peers=self.peers.value, over=self.over.value)
        except (GdlabError, ValueError, TypeError, OverflowError, RecursionError) as error:
            self._say(str(error), bad=not isinstance(error, _NothingToMeasure))
            return
        picture = png(plots.sizes(report), dpi=_DPI)
        put(self.what, "value", told)
        put(self.image, "value", picture)
        put(self.image.layout, "display", None)
        text = report._repr_html_()
        put(self.table, "value", text if len(text) <= _TABLE_CHARACTERS else "")

    def _say(self, text: str, *, bad: bool) -> None:
        put(
            self.what,
            "value",
            f'<span class="{"gdlab-bad" if bad else "gdlab-q"}">{visible(text, 400)}</span>',
        )
        put(self.image.layout, "display", "none")
        put(self.table, "value", "")

    def _message(self) -> tuple[str, Any]:
        """What is measured, in words and as a value."""
        typed = self.value.value.strip()
        if typed:
            return '<span class="gdlab-q">the value that was typed in</span>', parse_literal(typed)
        payload = self._payload
        if payload is None:
            raise _NothingToMeasure(
                "choose a message in the list, or type a value: what it costs is shown here"
            )
        if len(payload) > MEASURED_BYTES:
            raise _NothingToMeasure(
                f"this message has {len(payload)} bytes; up to {MEASURED_BYTES // 1024} KiB are measured here. "
                "For longer ones call gdlab.sizes(value) in a cell"
            )
        found = chosen("auto").decode_column(PayloadArray._from_sequence([payload]))
        name = str(found.names[0]).removeprefix("auto:")
        if name == "bytes":
            raise _NothingToMeasure(f"no value is known in these {len(payload)} bytes: {found.errors[0]}")
        return (
            f'<span class="gdlab-q">the chosen message: {len(payload)} bytes, decoded as {visible(name)}</span>',
            found.objects[0],
        )

    def _changed(self, _change: Any) -> None:
        with self.lock:
            self._asked += 1
        self.redraw()


class _NothingToMeasure(ValueError):
    """There is no message yet, or none that is measured here."""
