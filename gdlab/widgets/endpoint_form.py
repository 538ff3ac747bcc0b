"""The form that starts an endpoint with the mouse; every choice is an argument of `gdlab.listen` or `gdlab.connect`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import ipywidgets

from gdlab.capture import Capture, connect, html, listen
from gdlab.errors import GdlabError
from gdlab.framing import NAMES as FRAMINGS
from gdlab.transports import replies
from gdlab.widgets.render import put
from gdlab.widgets.style import named

#: What connecting may take: the click waits for it, and on ipykernel 6 the whole kernel does.
_CONNECT_S: Final = 2.0

_TRANSPORTS: Final = (("UDP", "udp"), ("TCP", "tcp"), ("WebSocket", "ws"))
_PORTS: Final = {"udp": 4242, "tcp": 50007, "ws": 5000}
_MAX_PORT: Final = 65535

#: Names in the menu, the rule, and how a user would write it; of those with a text, the text is put in.
_REPLIES: Final[dict[str, tuple[str, Callable[[str], Any], str]]] = {
    "none": ("nothing", lambda _text: None, ""),
    "echo": ("the message itself", lambda _text: replies.echo, "gd.replies.echo"),
    "text": ("this text:", lambda text: text, "{text!r}"),
    "prefix": ("this text and the message:", replies.prefix, "gd.replies.prefix({text!r})"),
    "json_ack": ("a JSON receipt", lambda _text: replies.json_ack, "gd.replies.json_ack"),
    "probe_answer": ("pings only", lambda _text: replies.probe_answer, "gd.replies.probe_answer"),
}
_WITH_TEXT: Final = ("text", "prefix")

_PINGS: Final = (("off", 0.0), ("every second", 1.0), ("5 per second", 0.2), ("20 per second", 0.05))


@dataclass(frozen=True, slots=True)
class Request:
    """What the form asks for: a call of `gdlab.listen` or `gdlab.connect`.

    Attributes
    ----------
    verb : `listen` or `connect`. address : its first argument.
    options : keyword arguments. written : the same as a user writes them, where `repr` would not do.
    """

    verb: str
    address: str
    options: dict[str, Any]
    written: dict[str, str] = field(default_factory=dict)

    def make(self) -> Capture:
        """Do it; raises what `listen` and `connect` raise."""
        return (listen if self.verb == "listen" else connect)(self.address, **self.options)

    @property
    def call(self) -> str:
        """The line of code that does the same."""
        options = [f"{name}={self.written.get(name, repr(value))}" for name, value in self.options.items()]
        return f"cap = gd.{self.verb}({', '.join([repr(self.address), *options])})"


class EndpointForm(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Transport, role, address, framing, decoding, reply and pings; and a button.

    Parameters
    ----------
    made : called with each capture that the form has started.
    """

    def __init__(self, made: Callable[[Capture], None], **options: Any) -> None:
        self._made = made
        # Read as a sentence: transport UDP, listen on 127.0.0.1, port 4242.
        self.transport = _menu("Transport", _TRANSPORTS, "13em")
        role = _menu(
            "",
            (("listen on", "listen"), ("connect to", "connect")),
            "8.5em",
            "listen on an address that the game sends to, or connect to the game's own",
        )
        self.role = named(role, "listen or connect")
        host = ipywidgets.Combobox(
            value="127.0.0.1",
            ensure_option=False,
            placeholder="127.0.0.1",
            tooltip="127.0.0.1: only this machine. localhost: the same by IPv4 and IPv6. lan: the whole network",
            options=("127.0.0.1", "localhost", "lan"),
            layout=_wide("10em"),
            style={"description_width": "auto"},
        )
        self.host = named(host, "address")
        # Empty is the transport's usual port, which stands there in grey: what a person writes is never replaced by a
        # default that comes late from the kernel.
        self.port = _text("Port", "", "8em", "empty: the usual one, in grey; 0 takes a free port")
        self.port.placeholder = str(_PORTS["udp"])
        self.path = _text("Path", "/", "9em", "of a WebSocket address")
        self.framing = _menu(
            "Framing", [(f"{name}: {about}", name) for name, about in FRAMINGS.items()], "22em"
        )
        self.frame_bytes = ipywidgets.BoundedIntText(
            value=24,
            min=1,
            max=2**24,
            description="Bytes",
            layout=_wide("9em"),
            style={"description_width": "auto"},
        )
        self.decode = _menu(
            "Decode",
            (
                ("auto (guessed)", "auto"),
                ("Godot Variant", "variant"),
                ("JSON", "json"),
                ("text", "text"),
                ("raw bytes", "raw"),
            ),
            "16em",
        )
        self.reply = _menu("Answer", [(words, name) for name, (words, _, _) in _REPLIES.items()], "18em")
        self.reply_text = named(_text("", "Got our msg: ", "14em", "what is answered"), "text of the answer")
        self.ping = _menu("Ping", _PINGS, "11em")
        self.reconnect = ipywidgets.Checkbox(
            value=False, description="connect again when it ends", indent=False, layout=_wide("15em")
        )
        self.button = ipywidgets.Button(button_style="primary", layout={"width": "8em"})
        self.code = ipywidgets.HTML()
        self.message = ipywidgets.HTML()
        self.address_row = _row(self.transport, self.role, self.host, self.port, self.path, self.button)
        self.option_row = _row(
            self.framing,
            self.frame_bytes,
            self.decode,
            self.reply,
            self.reply_text,
            self.ping,
            self.reconnect,
        )
        super().__init__([self.address_row, self.option_row, self.code, self.message], **options)
        self.add_class("gdlab-box")
        self.transport.observe(self._other_transport, "value")
        for control in (
            self.transport, self.role, self.host, self.port, self.path, self.framing, self.frame_bytes,
            self.decode, self.reply, self.reply_text, self.ping, self.reconnect,
        ):  # fmt: skip
            control.observe(self._show, "value")
        self.button.on_click(self._start)
        self._show()

    @property
    def request(self) -> Request:
        """What the form asks for at present.

        Raises
        ------
        ValueError : the port is no number from 0 to 65535.
        """
        transport, verb = self.transport.value, self.role.value
        host = self.host.value.strip()
        options: dict[str, Any] = {}
        if verb == "listen" and host == "lan":
            host, options["host"] = "", "lan"
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        path = self.path.value.strip() if self._has_path else ""
        if path and not path.startswith("/"):
            path = f"/{path}"
        address = f"{transport}://{host}:{self._port}{path if path != '/' else ''}"
        if transport == "tcp" and self.framing.value != "auto":
            name = self.framing.value
            options["framing"] = f"fixed:{self.frame_bytes.value}" if name == "fixed" else name
        if self.decode.value != "auto":
            options["decode"] = self.decode.value
        written: dict[str, str] = {}
        _, rule, form = _REPLIES[self.reply.value]
        reply = rule(self.reply_text.value)
        if reply is not None:
            options["reply"], written["reply"] = reply, form.format(text=self.reply_text.value)
        if self.ping.value:
            options["ping"] = self.ping.value
        if verb == "connect" and self.reconnect.value:
            options["reconnect"] = True
        return Request(verb, address, options, written)

    @property
    def _has_path(self) -> bool:
        return bool(self.transport.value == "ws" and self.role.value == "connect")

    @property
    def _port(self) -> int:
        written = str(self.port.value).strip()
        if not written:
            return _PORTS[self.transport.value]
        if not (written.isascii() and written.isdigit()) or int(written) > _MAX_PORT:
            raise ValueError(f"a port is a number from 0 to {_MAX_PORT}, not {written[:20]!r}")
        return int(written)

    def _other_transport(self, change: dict[str, Any]) -> None:
        put(self.port, "placeholder", str(_PORTS[change["new"]]))

    def _show(self, _change: object = None) -> None:
        """Show the choices that the others leave, and the line of code that does the same."""
        connects = self.role.value == "connect"
        for widget, shown in (
            (self.path, self._has_path),
            (self.framing, self.transport.value == "tcp"),
            (self.frame_bytes, self.transport.value == "tcp" and self.framing.value == "fixed"),
            (self.reply_text, self.reply.value in _WITH_TEXT),
            (self.reconnect, connects),
        ):
            put(widget.layout, "display", None if shown else "none")
        put(self.button, "description", "Connect" if connects else "Listen")
        put(self.button, "icon", "plug" if connects else "play")
        try:
            call = self.request.call
        except ValueError as error:
            put(self.code, "value", f'<span class="gdlab-bad">{html.visible(str(error), 300)}</span>')
        else:
            put(
                self.code,
                "value",
                '<span class="gdlab-dim">the same by a plain call:</span> '
                f"<code>{html.visible(call, 300)}</code>",
            )

    def _start(self, _button: object) -> None:
        put(self.button, "disabled", True)
        try:
            capture = self.request.make()
        except (GdlabError, OSError, ValueError, TypeError) as error:
            self.say("failed", str(error))
        except Exception as error:  # noqa: BLE001 (an exception in a callback would be seen nowhere)
            self.say("failed", f"{type(error).__name__}: {error}")
        else:
            put(self.message, "value", "")
            self._made(capture)
        finally:
            put(self.button, "disabled", False)

    def say(self, light: str, text: str) -> None:
        """Show words beside the form."""
        put(self.message, "value", html.status(html.Headline(light, text)))


def _wide(width: str) -> dict[str, str]:
    return {"width": width}


def _menu(description: str, options: Any, width: str, tooltip: str | None = None) -> Any:
    return ipywidgets.Dropdown(
        options=options,
        description=description,
        tooltip=tooltip,
        layout=_wide(width),
        style={"description_width": "auto"},
    )


def _text(description: str, value: str, width: str, tooltip: str) -> Any:
    return ipywidgets.Text(
        value=value,
        description=description,
        tooltip=tooltip,
        layout=_wide(width),
        style={"description_width": "auto"},
    )


def _row(*children: Any) -> Any:
    row = ipywidgets.HBox(children, layout={"flex_flow": "row wrap"})
    row.add_class("gdlab-form")
    return row
