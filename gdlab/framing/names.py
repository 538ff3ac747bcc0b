"""Framings by the names users type."""

from __future__ import annotations

import difflib
from typing import Final

from gdlab.errors import FramingError
from gdlab.facts import US, Fact, Reason, Value
from gdlab.framing.auto import AutoFramer
from gdlab.framing.fixed import FixedFramer
from gdlab.framing.frames import DEFAULT_MAX_FRAME_BYTES, Framer
from gdlab.framing.json_values import JsonFramer
from gdlab.framing.lines import LineFramer
from gdlab.framing.prefix import PrefixFramer
from gdlab.framing.raw import RawFramer
from gdlab.framing.runs import Prefix
from gdlab.words import sentence

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
    "auto": "decided by the first bytes; `guess` says how",
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
}


def framer(name: str, *, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> Framer:
    """A new framer for one direction of one connection.

    Parameters
    ----------
    name : one of `NAMES`; "fixed" with its length in bytes, such as "fixed:24".
    max_frame_bytes : longer payloads become frames with the flaw OVERSIZED, cut short.

    Raises
    ------
    FramingError
        The name means no framing, or the limit is less than 1.
    """
    kind, size = _parse(name)
    if kind == "fixed":
        return FixedFramer(name, size, max_frame_bytes=max_frame_bytes)
    if kind == "auto":
        return AutoFramer(framer, max_frame_bytes=max_frame_bytes)
    if kind == "raw":
        return RawFramer(name, max_frame_bytes=max_frame_bytes)
    if kind == "lines":
        return LineFramer(name, max_frame_bytes=max_frame_bytes)
    if kind == "json":
        return JsonFramer(name, max_frame_bytes=max_frame_bytes)
    prefix, other = _PREFIXES[kind]
    return PrefixFramer(name, prefix, max_frame_bytes=max_frame_bytes, other=other)


def check_name(name: str) -> None:
    """Raise `FramingError` unless `name` means a framing; before a connection is there to be framed."""
    _parse(name)


def encode(name: str, payload: bytes) -> bytes:
    r"""The bytes that send `payload` as one frame.

    Parameters
    ----------
    name : as for `framer`, but not "auto": a framer's `name` is the framing it has settled on.
    payload : for "put_var" the Variant's bytes, for "put_utf8_string" UTF-8, and so on.

    Returns
    -------
    bytes
        For "json" with a line feed at the end, which keeps numbers apart and lets line readers read it, too.

    Raises
    ------
    FramingError
        The framing cannot carry this payload: too long for its length field or not the fixed length; a line
        feed inside a line. (What "json" carries is not checked.)
    """
    kind, size = _parse(name)
    if kind == "auto":
        raise FramingError(
            "'auto' can only receive; send with a framing by name, such as the framer's own `name`"
        )
    if kind == "raw":
        return payload
    if kind == "json":
        return payload + b"\n"
    if kind == "lines":
        if b"\n" in payload:
            raise _unframable("line_feed")
        return payload + b"\n"
    if kind == "fixed":
        if len(payload) != size:
            raise _unframable("fixed", size=len(payload), framing=name, exact=size)
        return payload
    prefix, _ = _PREFIXES[kind]
    if len(payload) > prefix.most:
        raise _unframable("prefix", size=len(payload), framing=name, most=prefix.most)
    return len(payload).to_bytes(prefix.header_bytes, "little" if prefix.little_endian else "big") + payload


def _unframable(case: str, **more: Value) -> FramingError:
    fact = Fact(Reason.UNFRAMABLE, US, case=case).also(**more)
    return FramingError(sentence(fact), fact=fact)


def _parse(name: str) -> tuple[str, int]:
    """The kind of framing, and the length of "fixed"."""
    kind, colon, size = name.partition(":")
    if kind == "fixed":
        if not (size.isascii() and size.isdigit() and int(size[:10]) > 0):
            raise FramingError(
                f"{name!r}: 'fixed' needs the length of the frames in bytes, such as 'fixed:24'"
            )
        return kind, int(size[:10])
    if kind in NAMES and not colon:
        return kind, 0
    near = difflib.get_close_matches(kind.lower(), NAMES, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}? There are" if near else "there are"
    raise FramingError(f"no framing is called {name!r}; {hint} {', '.join(NAMES)} (as in 'fixed:24')")
