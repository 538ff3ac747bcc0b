"""Sending: a message to all peers or to one, and a test packet."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture
from gdlab.capture.html import legible, visible
from gdlab.capture.selftest import TIMEOUT_S, TestPacket, send_test
from gdlab.errors import GdlabError
from gdlab.variant import dumps
from gdlab.variant.literal import LiteralError, parse_literal
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.recorded import Shown
from gdlab.widgets.style import named, row, style_sheet

TEXT: Final = "text"
JSON: Final = "JSON"
VARIANT: Final = "Variant"
#: Peers in the list, the newest of them; to others by `Capture.send`.
PEERS: Final = 50
EVERYBODY: Final = "all peers"
_EXAMPLES: Final = {
    TEXT: "Hello from Python",
    JSON: '{"type": "chat", "text": "Hello"}',
    VARIANT: '{"id": 7, "pos": Vector2(1, 2)}',
}
_CODECS: Final[dict[str, str]] = {TEXT: "auto", JSON: "json", VARIANT: "variant"}
_PERIOD_S: Final = 1.0


class SendForm(Panel):
    """A field to write a message in, to whom it goes, and what became of it.

    Attributes
    ----------
    kind : text (as UTF-8), JSON, or a Variant as GDScript writes it. to : all peers, or one.
    message : the field. check : its size in bytes, or why it cannot be sent, while it is written.
    submit, test : the buttons. outcome : what became of it, as text.
    """

    def __init__(self, capture: Shown | None = None, **options: Any) -> None:
        self._packet: TestPacket | None = None
        self._listed_at = 0.0
        self._peers: tuple[str, ...] = ()
        self.kind = ipywidgets.ToggleButtons(
            options=[TEXT, JSON, VARIANT],
            tooltips=["as UTF-8", "one JSON value", "as Godot's var_to_bytes; written as in GDScript"],
            style={"button_width": "6em"},
        )
        self.to = ipywidgets.Dropdown(options=[(EVERYBODY, "")], description="to", layout={"width": "auto"})
        self.to.style.description_width = "1.5em"
        self.message = ipywidgets.Textarea(
            placeholder=_EXAMPLES[TEXT], rows=3, layout={"width": "auto", "height": "70px"}
        )
        named(self.message, "message to send").add_class("gdlab-code")
        self.check = ipywidgets.HTML()
        self.submit = ipywidgets.Button(description="Send", icon="paper-plane", layout={"width": "8em"})
        self.test = ipywidgets.Button(
            description="Send myself a test packet",
            icon="check-circle",
            tooltip="from this computer to this listener, as a game would",
            layout={"width": "17em"},
        )
        self.outcome = ipywidgets.HTML()
        self.kind.observe(self._kind_changed, "value")
        self.message.observe(self._check, "value")
        self.submit.on_click(self._submit)
        self.test.on_click(self._send_test)
        super().__init__(
            [
                style_sheet(),
                row(self.kind, self.to),
                self.message,
                self.check,
                row(self.submit, self.test),
                self.outcome,
            ],
            capture,
            **options,
        )
        self.add_class("gdlab-send")

    def follow(self, capture: Shown | None) -> None:
        """Send through another capture."""
        with self.lock:
            self._end_test()
            self._listed_at = 0.0
            self.outcome.value = ""
        super().follow(capture)

    # ---- drawing

    def state(self) -> Any:
        """The list of peers is looked through once per second; a test packet is followed until it is there."""
        state = super().state()
        if self._packet is not None:
            return (state, time.monotonic())
        if self._drawn is not None and time.monotonic() - self._listed_at < _PERIOD_S:
            return self._drawn
        return (state,)

    def update(self) -> None:
        """Renew the list of peers where there are others, and look for the test packet."""
        if time.monotonic() - self._listed_at >= _PERIOD_S:
            self._list_peers()
        self._follow_test()

    def _list_peers(self) -> None:
        self._listed_at = time.monotonic()
        snapshots = self._capture.snapshots() if self._capture is not None else []
        known = [peer for snapshot in snapshots for peer in snapshot.peers[1:][-PEERS:]]
        peers = tuple(dict.fromkeys(known))
        if peers == self._peers:
            return
        chosen = self.to.value
        options = [(EVERYBODY, ""), *((legible(peer, 64), peer) for peer in peers)]
        # An open list that is replaced closes in front of the user, so it is only where somebody has come.
        self.to.options = options
        self.to.value = chosen if chosen in peers else ""
        self._peers = peers

    def _follow_test(self) -> None:
        if self._packet is None:
            return
        state = self._packet.state
        if state == "on its way":
            return
        if state == "arrived":
            self._say(
                f"the test packet arrived after {self._packet.arrived_ms:.1f} ms: {self._packet.address} hears this "
                "computer. It is a message in the list like any other. If your game is not heard, look at the port "
                "and the address it sends to",
                good=True,
            )
        else:
            self._say(
                f"the test packet to {self._packet.address} has not arrived within {TIMEOUT_S:g} s. The capture itself "
                "runs: with TCP look at the framing, with UDP whether it was dropped (counters)"
            )
        self._end_test()

    def _end_test(self) -> None:
        if self._packet is not None:
            self._packet.close()
            self._packet = None

    def _say(self, text: str, *, good: bool = False) -> None:
        kind = "gdlab-good" if good else "gdlab-bad"
        put(self.outcome, "value", f'<span class="{kind}">{visible(text, 600)}</span>')

    # ---- buttons

    def _kind_changed(self, change: Any) -> None:
        self.message.placeholder = _EXAMPLES[change["new"]]
        self._check()

    def _check(self, _change: Any = None) -> None:
        """Tell while it is written what is in the field; nothing while it is empty."""
        text = self.message.value
        shown = ""
        if text:
            try:
                size = len(_encoded(self.kind.value, text))
                shown = f"{self.kind.value}, {size} byte{'' if size == 1 else 's'}"
            except (GdlabError, TypeError, ValueError) as error:
                shown = f"not {self.kind.value} yet: {error}"
        put(self.check, "value", f'<span class="gdlab-q">{visible(shown, 300)}</span>' if shown else "")

    def _submit(self, _button: object) -> None:
        with self.lock:
            if self._capture is None:
                self._say("no capture is chosen")
                return
            try:
                sent = self._send_message(self._capture, self.message.value or self.message.placeholder)
            except json.JSONDecodeError as error:
                self._say(
                    f"not sent, this is not JSON: {error.msg} (line {error.lineno}, character {error.colno})"
                )
            except LiteralError as error:
                self._say(f"not sent, this is not a value: {error}")
            except (GdlabError, TypeError, ValueError, OSError) as error:
                self._say(f"not sent: {error}")
            except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
                self._say(f"not sent: {type(error).__name__}: {error}")
            else:
                self._say(f"sent to {sent} peer{'' if sent == 1 else 's'}", good=True)
        self.redraw()

    def _send_message(self, capture: Capture, text: str) -> int:
        to = self.to.value or None
        return capture.send(_value(self.kind.value, text), to, codec=_CODECS[self.kind.value])

    def _send_test(self, _button: object) -> None:
        with self.lock:
            self._end_test()
            if self._capture is None:
                self._say("no capture is chosen")
                return
            try:
                self._packet = send_test(self._capture)
            except Exception as error:  # noqa: BLE001 (as above)
                self._say(f"no test packet was sent: {error}")
                return
            put(
                self.outcome,
                "value",
                f'<span class="gdlab-q">sent to {visible(self._packet.address)} …</span>',
            )
        self.redraw()

    def close(self) -> None:
        """Take the panel off the screen."""
        with self.lock:
            self._end_test()
        super().close()


def _value(kind: str, text: str) -> Any:
    """What is written in the field."""
    if kind == VARIANT:
        return parse_literal(text)
    return json.loads(text, parse_constant=_refuse) if kind == JSON else text


def _encoded(kind: str, text: str) -> bytes:
    """Its bytes, without those of a framing."""
    value = _value(kind, text)
    return dumps(value) if kind == VARIANT else text.encode()


def _refuse(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")
