"""One message, byte by byte."""

from __future__ import annotations

import json as python_json
from typing import Any, Final

import ipywidgets

from gdlab.capture.html import visible
from gdlab.codecs import Codec, chosen
from gdlab.codecs import explain as explain_with
from gdlab.codecs.guess import looks_like_variant
from gdlab.codecs.table import DecodeWith
from gdlab.errors import VariantDecodeError
from gdlab.framing.signatures import of_message
from gdlab.messages import Kind, guess_kind
from gdlab.payloads import PayloadArray
from gdlab.text import count
from gdlab.variant import Explanation, explain
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.style import style_sheet

#: Of a longer payload only so much is read; the rest is counted.
READ_BYTES: Final = 64 * 1024
#: Fields of a Variant that are listed, and characters of what each says.
FIELDS: Final = 150
CHARACTERS: Final = 90
#: Lines of sixteen bytes, and lines of indented JSON.
DUMPED: Final = 24
JSON_LINES: Final = 60
_PER_LINE: Final = 16


class Explain(Panel):
    """What every byte of a message says: the fields of a Variant; of JSON and text their characters; else bytes."""

    def __init__(self, payload: bytes | None = None, **options: Any) -> None:
        self._payload = payload
        self._codec: DecodeWith = "auto"
        self._guess: Codec | None = None
        self._shown = 0
        self.text = ipywidgets.HTML()
        box = ipywidgets.VBox([self.text], layout={"max_height": "420px", "overflow": "auto"})
        super().__init__([style_sheet(), box], **options)
        self.add_class("gdlab-explain")
        self.show(payload)

    def show(self, payload: bytes | None, codec: DecodeWith = "auto", guess: Codec | None = None) -> None:
        """Explain another message at the next turn, as a codec reads it; None means that there is none to explain.

        Parameters
        ----------
        guess : what is made of it where the codec is "auto", such as by its stream's judgement; None knows its bytes
            alone.
        """
        with self.lock:
            self._payload, self._codec, self._guess = payload, codec, guess
            self._shown += 1
        self.redraw()

    def state(self) -> Any:
        """It depends on nothing but what is to be shown."""
        return self._shown

    def update(self) -> None:
        """Write the table."""
        put(self.text, "value", described(self._payload, self._codec, self._guess))


def described(payload: bytes | None, codec: DecodeWith = "auto", guess: Codec | None = None) -> str:
    """Explain a payload as a codec reads it, see `Explain.show`; HTML of bounded length, whatever it holds."""
    if payload is None:
        return '<span class="gdlab-q">choose a message in the list, and its bytes are explained here</span>'
    if not payload:
        return (
            "<b>an empty message</b>: 0 bytes. WebSocket and UDP can carry one; a TCP stream cannot show it."
        )
    read = payload[:READ_BYTES]
    if codec not in ("auto", "variant", "json", "text", "bytes"):
        said = explain_with(read, codec)
        return _headline(f"read as {visible(chosen(codec).name, 60)}", payload) + _fields(
            said, read, len(payload)
        )
    column = PayloadArray._from_sequence([read])
    found = (guess or chosen("auto")).decode_column(column)
    name, value, reason = str(found.names[0]), found.objects[0], found.errors[0]
    beyond = _beyond(len(payload), len(read))
    if beyond and not looks_like_variant(read):
        reason = None  # that it does not end is our doing
    broken = reason and looks_like_variant(read) and of_message(read) is None
    if name.endswith("variant") or (broken and chosen("variant").decode_column(column).errors[0] is not None):
        return _variant(read, len(payload))
    if name.endswith("json"):
        return _headline("JSON text", payload) + _json(value) + _dump(payload) + beyond
    if (
        name.endswith("text")
        or guess_kind(read) is Kind.TEXT
        or (beyond and guess_kind(read[:-4]) is Kind.TEXT)
    ):
        return _headline("UTF-8 text", payload) + _why(reason) + _characters(read) + _dump(payload) + beyond
    return (
        _headline("bytes of no known form", payload)
        + _why(reason)
        + _not_text(read)
        + _dump(payload)
        + beyond
    )


def _headline(what: str, payload: bytes) -> str:
    return f"<div><b>{what}</b>, {count(len(payload), 'byte')}</div>"


def _beyond(size: int, read: int) -> str:
    if size <= read:
        return ""
    return (
        f'<div class="gdlab-q">only the first {read // 1024} KiB were read; {size - read} bytes follow</div>'
    )


def _why(reason: Any) -> str:
    return f'<div class="gdlab-q">{visible(str(reason), 300)}</div>' if reason else ""


def _variant(read: bytes, size: int) -> str:
    found = explain(read)
    return _variant_headline(found, len(read) == size, read, size) + _fields(found, read, size)


def _fields(found: Explanation, read: bytes, size: int) -> str:
    """The fields as a table, and what is not in it."""
    whole = len(read) == size
    fields = list(found.fields)
    if not whole and found.error is not None and fields:
        fields.pop()  # "refused from here on" is where we cut it, and none of the sender's doing
    shown = fields[:FIELDS]
    body = "".join(
        f'<tr><td class="n q">{item.offset}</td><td class="m">{_hex(item.data)}</td>'
        f'<td><span style="padding-left:{min(item.depth, 12)}em">{visible(item.meaning, CHARACTERS)}</span></td>'
        f'<td class="m w">{visible(item.value, CHARACTERS)}</td></tr>'
        for item in shown
    )
    head = "<tr><th class='n'>byte</th><th>bytes</th><th>what they are for</th><th>value</th></tr>"
    notes = []
    if len(fields) > FIELDS:
        notes.append(f"{len(fields) - FIELDS} more fields are not listed")
    if not whole:
        notes.append(f"only the first {len(read) // 1024} KiB of {size} bytes were read")
    if found.error is not None and whole and not isinstance(found.error, VariantDecodeError):
        notes.append(visible(str(found.error), 300))
    return f'<table class="gdlab-t"><thead>{head}</thead><tbody>{body}</tbody></table>' + "".join(
        f'<div class="gdlab-q">{note}</div>' for note in notes
    )


def _variant_headline(found: Explanation, whole: bool, read: bytes, size: int) -> str:
    if found.error is not None and whole:
        return (
            _headline("begins like a Variant, but Godot would refuse it", read)
            + f'<div class="gdlab-bad">{visible(str(found.error), 300)}</div>'
        )
    return f"<div><b>Variant</b> (Godot's var_to_bytes), {count(size, 'byte')}, little-endian</div>"


def _hex(data: bytes) -> str:
    return data[:12].hex(" ") + (" …" if len(data) > 12 else "")


def _json(value: Any) -> str:
    try:
        text = python_json.dumps(value, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)[:2000]
    lines = text[: JSON_LINES * 200].split("\n")
    shown = "\n".join(visible(line, 160) for line in lines[:JSON_LINES])
    more = "\n…" if len(lines) > JSON_LINES or len(text) > JSON_LINES * 200 else ""
    return f'<pre class="gdlab-pre">{shown}{more}</pre>'


def _characters(read: bytes) -> str:
    text = read.decode(errors="replace")
    longer = sum(ord(char) > 127 for char in text)
    note = (
        f", {longer} of them outside ASCII (two to four bytes each in UTF-8)"
        if longer
        else ", all of them ASCII"
    )
    ends = ". It ends with a zero byte" if read.endswith(b"\0") else ""
    return (
        f'<div class="gdlab-q">{len(text)} characters{note}{ends}</div>'
        f'<pre class="gdlab-pre">{visible(text, 400)}</pre>'
    )


def _not_text(read: bytes) -> str:
    try:
        read.decode()
    except UnicodeDecodeError as error:
        if error.start < len(read) - 4:
            return (
                f'<div class="gdlab-q">no UTF-8 text: byte {error.start} is 0x{read[error.start]:02x} '
                f"({visible(error.reason)})</div>"
            )
    return ""


def _dump(payload: bytes) -> str:
    """Sixteen bytes per line: where they are, what they are, and the characters among them."""
    lines = []
    for start in range(0, min(len(payload), DUMPED * _PER_LINE), _PER_LINE):
        piece = payload[start : start + _PER_LINE]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in piece)
        raw = f"{piece[:8].hex(' '):<23}  {piece[8:].hex(' '):<23}"
        # Where the page is narrow the characters go below their bytes.
        lines.append(
            f'<span class="gdlab-q">{start:06x}</span>  <span style="display:inline-block">{raw}</span>  '
            f'<span style="display:inline-block">{visible(text, _PER_LINE)}</span>'
        )
    rest = len(payload) - DUMPED * _PER_LINE
    if rest > 0:
        lines.append(f'<span class="gdlab-q">… and {rest} bytes more</span>')
    return f'<pre class="gdlab-pre" style="overflow-wrap:normal">{chr(10).join(lines)}</pre>'
