"""Protocols of others that are known by how their bytes begin: one table, for streams and for datagrams.

A signature is never more certain than its evidence: it says what was seen. To add one, add a row; `tests/framing`
has an example of each.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from gdlab.facts import Statement
from gdlab.framing.godot3 import is_godot3

#: Those whose name is no proper name, but is said in words.
_WORDED: Final = frozenset({"bom", "godot3", "python", "wide"})

_U16: Final = struct.Struct(">H").unpack_from


class Signature(NamedTuple):
    """What is known of a protocol.

    Attributes
    ----------
    name : as people call it.
    looks : whether bytes begin like it.
    advice : key of its sentences, see `gdlab.words`: as a guessed framing, and what to do about a message.
    title, way_out : the name as a sentence has it, and what to do about it.
    stream, datagram : where it is met.
    framing : how its stream is best cut; empty where that is to be found out.
    certain : nothing else begins like this.
    """

    name: str
    looks: Callable[[bytes], bool]
    advice: str
    stream: bool = False
    datagram: bool = False
    framing: str = ""
    certain: bool = True

    @property
    def title(self) -> Statement | str:
        """The name as a sentence has it."""
        return Statement.of(f"protocol-name/{self.advice}") if self.advice in _WORDED else self.name

    @property
    def way_out(self) -> Statement:
        """What to do about it."""
        return Statement.of(f"protocol/{self.advice}")


def _tls(data: bytes) -> bool:
    # A record of type handshake or alert, RFC 8446 section 5.1; the first message of a client is its hello (1).
    if len(data) < 3 or data[0] not in (0x15, 0x16) or data[1] != 3 or data[2] > 4:
        return False
    return data[0] == 0x15 or len(data) < 6 or data[5] == 1


def _dtls(data: bytes) -> bool:
    return len(data) >= 13 and data[0] in (20, 21, 22, 23) and data[1] == 0xFE and data[2] in (0xFD, 0xFF)


def _stun(data: bytes) -> bool:
    # RFC 8489 section 5: two zero bits, a length in multiples of four, the magic cookie.
    return (
        len(data) >= 20
        and data[0] < 0x40
        and data[4:8] == b"\x21\x12\xa4\x42"
        and _U16(data, 2)[0] == len(data) - 20
    )


def _enet(data: bytes) -> bool:
    """ENet 1.3 as Godot has it: peer number with flags, sent time, then commands that fill the datagram."""
    if len(data) < 8:
        return False
    (peer,) = _U16(data)
    at = 4 if peer & 0x8000 else 2
    commands = 0
    sizes = {1: 8, 2: 48, 3: 44, 4: 8, 5: 4, 6: 6, 7: 8, 8: 24, 9: 8, 10: 12, 11: 16, 12: 24}
    lengths = {6: 4, 7: 6, 8: 6, 9: 6, 12: 6}
    if peer & 0x7FF == 0x7FF and at != 4:
        return False
    # Compressed commands cannot be looked into; Godot compresses only where the game asks for it.
    if peer & 0x4000:
        return False
    while at < len(data):
        if len(data) < at + 4:
            return False
        command = data[at] & 0x0F
        size = sizes.get(command)
        if size is None or data[at] & 0x30 or len(data) < at + size:
            return False
        if command == 2 and len(data) not in (at + 48, at + 48 + 4):
            return False
        more = _U16(data, at + lengths[command])[0] if command in lengths else 0
        at += size + more
        commands += 1
    return at == len(data) and commands > 0 and (data[4 if peer & 0x8000 else 2] & 0x0F) in sizes


_OSC: Final = re.compile(rb"/[ -~]{1,255}\0{1,4}(?:(,[ifsbhtdScrmTFNI\[\]]*\0{1,4})|\Z)")


def _osc(data: bytes) -> bool:
    """A bundle, or an address and its tags; senders that pad their arguments wrongly are meant as well."""
    if len(data) < 8:
        return False
    if data[:8] == b"#bundle\0":
        return len(data) >= 16
    found = _OSC.match(data)
    return found is not None and data.index(b"\0") < 256 and (not len(data) % 4 or found[1] is not None)


def _mqtt(data: bytes) -> bool:
    return len(data) >= 8 and data[0] == 0x10 and (data[2:8] == b"\0\4MQTT" or data[3:9] == b"\0\4MQTT")


_METHODS: Final = rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) "
_HTTP: Final = re.compile(_METHODS + rb"[^ \r\n]{1,2000} HTTP/\d\.\d\r?\n|HTTP/\d\.\d \d{3}[ \r]")
#: The beginning of it: more bytes decide.
HTTP_BEGUN: Final = re.compile(
    _METHODS + rb"[^ \r\n]{0,2000}(?: [HTP/\d.]{0,8}\r?)?\Z|HTTP/[\d.]{0,3}(?: \d{0,3})?\Z"
)


def _http(data: bytes) -> bool:
    return bool(_HTTP.match(data))


#: A command of Redis as its clients write it: so many arguments, and the size of the first.
_RESP: Final = re.compile(rb"\*[1-9]\d{0,5}\r\n\$\d{1,9}\r\n")


def _resp(data: bytes) -> bool:
    return bool(_RESP.match(data))


_ENGINE_IO: Final = re.compile(rb'0\{"sid":"|4[0-6](?:/[\w.-]*,)?(?:\d*[\[{]|\Z)|2probe\Z|3probe\Z')


def _engine_io(data: bytes) -> bool:
    return bool(_ENGINE_IO.match(data))


def _gzip(data: bytes) -> bool:
    return data[:3] == b"\x1f\x8b\x08" and len(data) >= 10


def _zstd(data: bytes) -> bool:
    return data[:4] == b"\x28\xb5\x2f\xfd"


def _bom(data: bytes) -> bool:
    return data[:3] == b"\xef\xbb\xbf"


def _utf16(data: bytes) -> bool:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and len(data) % 2 == 0:
        return len(data) > 2 and data[2:4] != b"\0\0"
    return _wide(data, "utf-16-le") or _wide(data, "utf-16-be")


def _utf32(data: bytes) -> bool:
    return _wide(data, "utf-32-le") or _wide(data, "utf-32-be")


def _wide_stream(data: bytes) -> bool:
    # The last character may not be there yet.
    return any(
        _wide(data[: len(data) & -unit], f"utf-{8 * unit}-{order}")
        for unit in (4, 2)
        for order in ("le", "be")
    )


def _wide(data: bytes, encoding: str) -> bool:
    """Whether it is text of wide characters, most of them of ASCII."""
    unit = 2 if "16" in encoding else 4
    if len(data) < 4 * unit or len(data) % unit:
        return False
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    plain = sum(1 for char in text if char.isascii() and (char.isprintable() or char in "\t\r\n"))
    return plain >= 0.7 * len(text) and all(char.isprintable() or char in "\t\r\n" for char in text)


_PYTHON: Final = re.compile(rb"\s*[\[({]\s*(?:'[^'\n]*'|b'|\d+\s*:|True|False|None)")


def _python(data: bytes) -> bool:
    """``str(dict)``: quotes of one stroke, or the constants as Python writes them."""
    return bool(_PYTHON.match(data)) and data.rstrip()[-1:] in (b"}", b"]", b")")


GODOT3: Final = Signature("a Variant of Godot 3", is_godot3, "godot3", datagram=True, certain=False)

#: In order: the first that fits is named.
SIGNATURES: Final[tuple[Signature, ...]] = (
    Signature("TLS", _tls, "tls", stream=True, framing="raw"),
    Signature("DTLS", _dtls, "dtls", datagram=True),
    Signature("STUN", _stun, "stun", stream=True, datagram=True),
    Signature("MQTT", _mqtt, "mqtt", stream=True, datagram=True, framing="mqtt"),
    Signature("HTTP", _http, "http", stream=True, datagram=True, framing="http"),
    Signature("RESP", _resp, "resp", stream=True, framing="lines"),
    Signature("OSC", _osc, "osc", datagram=True),
    Signature("ENet", _enet, "enet", datagram=True, certain=False),
    Signature("gzip", _gzip, "gzip", stream=True, datagram=True, framing="raw"),
    Signature("Zstandard", _zstd, "zstd", stream=True, datagram=True, framing="raw"),
    Signature("UTF-8 with a byte order mark", _bom, "bom", datagram=True),
    Signature("engine.io", _engine_io, "engine_io", datagram=True, certain=False),
    GODOT3,
    Signature("UTF-32", _utf32, "utf32", datagram=True, certain=False),
    Signature("UTF-16", _utf16, "utf16", datagram=True, certain=False),
    Signature("UTF-16 or UTF-32", _wide_stream, "wide", stream=True, framing="raw", certain=False),
    Signature(
        "HTTP/2", lambda data: data.startswith(b"PRI * HTTP/2.0\r\n"), "http2", stream=True, framing="raw"
    ),
    Signature("SSH", lambda data: data.startswith(b"SSH-2.0-"), "ssh", stream=True, framing="raw"),
    Signature("Python's str()", _python, "python", datagram=True, certain=False),
)


def of_stream(head: bytes) -> Signature | None:
    """The protocol that a stream begins like."""
    return next((one for one in SIGNATURES if one.stream and one.looks(head)), None)


def of_message(payload: bytes) -> Signature | None:
    """The protocol that a message, such as a datagram, looks like."""
    return next((one for one in SIGNATURES if one.datagram and one.looks(payload)), None)


def asks_for_enet(payload: bytes) -> bool:
    """Whether a datagram is ENet's request for a connection, which a client repeats until a server answers."""
    if len(payload) < 50:
        return False
    return payload[4 if payload[0] & 0x80 else 2] & 0x0F == 2 and _enet(payload)
