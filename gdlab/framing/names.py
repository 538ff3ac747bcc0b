"""Framings by the names users type."""

from __future__ import annotations

import difflib
import re
import struct
from collections.abc import Callable
from typing import Final

from gdlab.errors import FramingError
from gdlab.facts import US, Fact, Reason, Statement, Value
from gdlab.framing import cuts
from gdlab.framing.custom import CutFramer, FramingLike, cut_of, encoder_of, name_of
from gdlab.framing.cuts import CutFunction, LengthCut
from gdlab.framing.fixed import FixedFramer
from gdlab.framing.frames import DEFAULT_MAX_FRAME_BYTES, Framer
from gdlab.framing.json_values import JsonFramer
from gdlab.framing.lines import LineFramer
from gdlab.framing.prefix import PrefixFramer
from gdlab.framing.raw import RawFramer
from gdlab.framing.runs import Prefix

#: Every framing with a length prefix, and its counterpart with the other byte order. Godot's `big_endian`
#: turns the length of `put_var`, `put_string` and `put_utf8_string`, never the Variant; PacketPeerStream
#: ignores it.
_PREFIXES: Final[dict[str, tuple[Prefix, str]]] = {
    "u8": (Prefix(1), ""),
    "u16le": (Prefix(2), "u16be"),
    "u16be": (Prefix(2, little_endian=False), "u16le"),
    "u32le": (Prefix(4), "u32be"),
    "u32be": (Prefix(4, little_endian=False), "u32le"),
    "put_var": (Prefix(4), "put_var_be"),
    "put_var_be": (Prefix(4, little_endian=False), "put_var"),
    "put_string": (Prefix(4), "put_string_be"),
    "put_string_be": (Prefix(4, little_endian=False), "put_string"),
    "put_utf8_string": (Prefix(4), "put_utf8_string_be"),
    "put_utf8_string_be": (Prefix(4, little_endian=False), "put_utf8_string"),
    "packet_peer_stream": (Prefix(4), "u32be"),
}

#: Framing names and what they mean, for menus and documentation; "fixed" is typed with its length,
#: "fixed:24".
NAMES: Final[dict[str, str]] = {
    "auto": "found out by the first bytes; `guess` shows how",
    "raw": "no framing: chunks as the reads returned them",
    "lines": "text up to a line feed",
    "json": "complete JSON values, back to back",
    "put_var": "StreamPeer.put_var: u32 length, then a Variant",
    "put_var_be": "the same with big_endian = true (the length only)",
    "put_string": "StreamPeer.put_string: u32 length, then text",
    "put_string_be": "the same with big_endian = true",
    "put_utf8_string": "StreamPeer.put_utf8_string: u32 length, then UTF-8",
    "put_utf8_string_be": "the same with big_endian = true",
    "packet_peer_stream": "PacketPeerStream: u32 length, then a packet",
    "u8": "length prefix of one byte",
    "u16le": "length prefix of two bytes, little-endian",
    "u16be": "length prefix of two bytes, big-endian",
    "u32le": "length prefix of four bytes, little-endian",
    "u32be": "length prefix of four bytes, big-endian",
    "fixed": "frames of the same length: fixed:24",
    "variants": "bare Variants back to back, as put_data(var_to_bytes(x)) sends them",
    "varint": "length in groups of seven bits, as protobuf's delimited messages have it",
    "nul": "up to a NUL byte: XMLSocket, STOMP",
    "signalr": "up to the byte 0x1e: SignalR's records",
    "content_length": "header lines with Content-Length, then so many bytes: LSP, DAP",
    "http": "HTTP requests or answers, each with its header lines",
    "mqtt": "MQTT packets, each with its header",
}

#: Of the lengths u16 and u32: what may stand behind a colon.
LENGTH_OPTIONS: Final[dict[str, str]] = {
    "inclusive": "the length counts itself: u32be:inclusive",
    "after": "bytes before the length, such as an opcode; the payload is the whole frame: u32le:after=4",
    "plus": "bytes behind the length that it does not count: u16le:plus=2",
}

_LENGTH: Final = re.compile(r"u(8|16|32)(le|be)?:(?:(inclusive)|(after|plus)=(\d{1,2}))")


def _until(end: bytes) -> Callable[[bytes], bytes]:
    def encode(payload: bytes) -> bytes:
        if end in payload:
            raise _unframable("separator", separator=end.hex())
        return payload + end

    return encode


def _as_it_is(payload: bytes) -> bytes:
    return payload


def _varint(payload: bytes) -> bytes:
    size, made = len(payload), bytearray()
    while size > 127:
        made.append(size & 127 | 128)
        size >>= 7
    return bytes(made) + bytes([size]) + payload


def _content_length(payload: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(payload), payload)


#: Framings that one function cuts, and what frames a message that is sent; `register` adds the user's.
_CUTS: Final[dict[str, tuple[CutFunction, Callable[[bytes], bytes]]]] = {
    "variants": (cuts.cut_variants, _as_it_is),
    "varint": (cuts.cut_varint, _varint),
    "nul": (cuts.cut_nul, _until(b"\0")),
    "signalr": (cuts.cut_signalr, _until(b"\x1e")),
    "content_length": (cuts.cut_content_length, _content_length),
    "http": (cuts.cut_http, _as_it_is),
    "mqtt": (cuts.cut_mqtt, _as_it_is),
}


def register(name: str, framing: FramingLike) -> None:
    """Give a framing of one's own a name, so that files, menus and `framing=` know it by it.

    Raises
    ------
    FramingError : the name is one of gdlab's, or cannot be one; or that is no framing.
    """
    if name in NAMES and name not in _REGISTERED:
        raise FramingError(Statement.of("framing/own", name=name))
    if not re.fullmatch(r"[A-Za-z_][\w.-]{0,40}", name):
        raise FramingError(Statement.of("framing/name", name=name))
    if isinstance(framing, str):
        raise FramingError(Statement.of("framing/named", name=framing))
    _CUTS[name] = cut_of(framing), encoder_of(framing) or _as_it_is
    NAMES[name] = f"registered: {name_of(framing)}"
    _REGISTERED.add(name)


_REGISTERED: Final[set[str]] = set()


def is_registered(name: str) -> bool:
    """Whether a name stands for a framing of the user's, which only this process has."""
    return name in _REGISTERED


def framer(framing: FramingLike, *, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> Framer:
    """A new framer for one direction of one connection.

    Parameters
    ----------
    framing : one of `NAMES`; "fixed" with its length in bytes, such as "fixed:24"; a function or an object, see
        `custom`. Not "auto", which is `stream_reader.StreamReader`'s.
    max_frame_bytes : longer payloads become frames with the flaw OVERSIZED, cut short.

    Raises
    ------
    FramingError
        The name means no framing, or the limit is less than 1.
    """
    name = name_of(framing)
    if not isinstance(framing, str):
        return CutFramer(name, cut_of(framing), max_frame_bytes=max_frame_bytes)
    kind, size = _parse(framing)
    if kind == "auto":
        raise FramingError(Statement("framing/auto"))
    if kind == "fixed":
        return FixedFramer(name, size, max_frame_bytes=max_frame_bytes)
    if kind == "raw":
        return RawFramer(name, max_frame_bytes=max_frame_bytes)
    if kind == "lines":
        return LineFramer(name, max_frame_bytes=max_frame_bytes)
    if kind == "json":
        return JsonFramer(name, max_frame_bytes=max_frame_bytes)
    if kind == "length":
        return CutFramer(name, _length(name), max_frame_bytes=max_frame_bytes)
    if kind in _CUTS:
        return CutFramer(name, _CUTS[kind][0], max_frame_bytes=max_frame_bytes)
    prefix, other = _PREFIXES[kind]
    return PrefixFramer(name, prefix, max_frame_bytes=max_frame_bytes, other=other)


def check_name(framing: FramingLike) -> None:
    """Raise `FramingError` unless this means a framing; before a connection is there to be framed."""
    if isinstance(framing, str):
        _parse(framing)
    else:
        cut_of(framing)


def encode(framing: FramingLike, payload: bytes) -> bytes:
    r"""The bytes that send `payload` as one frame.

    Parameters
    ----------
    framing : as for `framer`.
    payload : for "put_var" the Variant's bytes, for "put_utf8_string" UTF-8, and so on.

    Returns
    -------
    bytes
        For "json" with a line feed at the end, which keeps numbers apart and lets line readers read it, too. A
        framing of the user's own that has no `encode` sends the payload as it is.

    Raises
    ------
    FramingError
        The framing cannot carry this payload: too long for its length field or not the fixed length; a line
        feed inside a line. (What "json" carries is not checked.)
    """
    if not isinstance(framing, str):
        return (encoder_of(framing) or _as_it_is)(payload)
    name = framing
    kind, size = _parse(name)
    if kind == "auto":
        raise FramingError(Statement("framing/auto sends"))
    if kind == "raw":
        return payload
    if kind == "json":
        return payload + b"\n"
    if kind == "lines":
        line = payload.removesuffix(b"\n")  # who writes the line feed means the same line
        if b"\n" in line:
            raise _unframable("line_feed")
        return line + b"\n"
    if kind == "fixed":
        if len(payload) != size:
            raise _unframable("fixed", size=len(payload), framing=name, exact=size)
        return payload
    if kind in _CUTS:
        return _CUTS[kind][1](payload)
    if kind == "length":
        cut = _length(name)
        if len(payload) + cut.size >= 1 << 8 * cut.size:
            raise _unframable("prefix", size=len(payload), framing=name, most=(1 << 8 * cut.size) - 1)
        return cut.encode(payload)
    prefix, _ = _PREFIXES[kind]
    if len(payload) > prefix.most:
        raise _unframable("prefix", size=len(payload), framing=name, most=prefix.most)
    return len(payload).to_bytes(prefix.header_bytes, "little" if prefix.little_endian else "big") + payload


def length_header(framing: FramingLike | None) -> struct.Struct | None:
    """What writes the length before a payload, where that is all that this framing does; else None."""
    found = _PREFIXES.get(framing) if isinstance(framing, str) else None
    return None if found is None else struct.Struct(found[0].code)


def _length(name: str) -> LengthCut:
    found = _LENGTH.fullmatch(name)
    assert found is not None  # noqa: S101 (`_parse` has looked)
    bits, order, inclusive, where, count = found.groups()
    more = {where: int(count)} if where else {}
    return LengthCut(int(bits) // 8, little_endian=order != "be", inclusive=bool(inclusive), **more)


def _unframable(case: str, **more: Value) -> FramingError:
    return FramingError(Fact(Reason.UNFRAMABLE, US, case=case).also(**more))


def _parse(name: str) -> tuple[str, int]:
    """The kind of framing, and the length of "fixed"."""
    kind, colon, size = name.partition(":")
    if kind == "fixed":
        if not (size.isascii() and size.isdigit() and int(size[:10]) > 0):
            raise FramingError(Statement.of("framing/fixed", name=name))
        return kind, int(size[:10])
    if kind in NAMES and not colon:
        return kind, 0
    if _LENGTH.fullmatch(name):
        return "length", 0
    near = difflib.get_close_matches(kind.lower(), NAMES, n=3, cutoff=0.5)
    near_ones, known = tuple(map(repr, near)), tuple(NAMES)
    if near:
        raise FramingError(Statement.of("framing/near", name=name, near=near_ones, known=known))
    raise FramingError(Statement.of("framing/unknown", name=name, known=known))
