"""Which framing a stream uses, judged by its first bytes."""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gdlab.facts import US, Fact, Reason, Value

#: Lengths beyond this are not believed: the first four bytes of a text, read as a length, are always more.
_MAX_LENGTH: Final = 64 * 1024 * 1024
#: Undecided streams of so many bytes are taken as they come.
MOST_BYTES: Final = 4096
#: So many bytes of a payload are looked at to call it text.
_TEXT_WINDOW: Final = 64
#: Two lengths in a row that are both below this do not happen by chance (2 times 12 leading zero bits).
_MAX_CHAINED: Final = 1024 * 1024
_VARIANT_TYPES: Final = 39
_JSON_OBJECT: Final = re.compile(rb"\s*+\{\s*+([^\s])")
_JSON_ARRAY: Final = re.compile(rb"\s*+\[\s*+([-+.\w]*+)\s*+([^\s])")
_SCALAR: Final = re.compile(rb"-?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?|true|false|null")
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 13})


class Guess(NamedTuple):
    """The name of a framing, and why it is thought to be that."""

    name: str
    why: Fact


def _guess(name: str, case: str, **more: Value) -> Guess:
    return Guess(name, Fact(Reason.FRAMING_GUESSED, US, case=case).also(framing=name, **more))


def guess(head: bytes, *, final: bool = False) -> Guess | None:
    """The framing of a stream that begins with `head`, or None: not yet.

    Once it answers, more bytes do not change the answer; so it does not depend on how the stream was cut.

    Parameters
    ----------
    head : the first bytes; more than a few thousand are never needed.
    final : answer with what is there, because the stream has ended or the peer waits.

    Notes
    -----
    Looked for, in this order: TLS, HTTP, JSON, text; then Godot's u32 length before a Variant or before text,
    and two such lengths in a row before anything else, little-endian first as Godot's default is. Lengths of
    one or two bytes and fixed sizes cannot be told from other binary data and are never guessed.
    """
    head = head[:MOST_BYTES]
    if not head:
        return _guess("raw", "nothing") if final else None
    if head[0] == 0x16:
        found = _tls(head, final=final)
    elif _is_text(head[:4]):
        # A length of four bytes may begin with a letter or a space, but has a control character among them.
        found = _text(head) if len(head) >= 4 or final else None
    else:
        found = _binary(head, final=final)
    if found is None and (final or len(head) >= MOST_BYTES):
        if _is_text(head) and b"\n" in head:
            return _guess("lines", "line_feed")
        if _is_text(head):
            return _guess("raw", "text")
        return _guess("raw", "unknown")
    return found


def _is_text(piece: bytes) -> bool:
    """Whether this is UTF-8 without control characters; the last character may be cut off."""
    if piece.translate(None, _CONTROLS) != piece:
        return False
    try:
        codecs.utf_8_decode(piece, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def _tls(head: bytes, *, final: bool) -> Guess | None:
    """A TLS record of type handshake, RFC 8446 section 5.1, or binary data that begins alike."""
    if len(head) < 3:
        return None
    if head[1] == 3 and 1 <= head[2] <= 4:
        return _guess("raw", "tls")
    return _binary(head, final=final)


def _text(head: bytes) -> Guess | None:
    """A stream that begins as text."""
    if head[:4] == b"GET ":
        return _guess("lines", "http")
    opening = head.lstrip()[:1]
    if not opening:
        return None  # white space may stand before lines and before JSON alike
    if opening in (b"{", b"["):
        verdict = _json(head)
        if verdict is None:
            return None
        if verdict:
            return _guess("json", "json", opening=opening.decode())
    line, feed, _ = head.partition(b"\n")
    if not _is_text(line):
        return _guess("raw", "controls")
    if feed:
        return _guess("lines", "lines")
    return None


def _json(head: bytes) -> bool | None:
    """Whether an opening bracket begins JSON; None while that is open."""
    if match := _JSON_OBJECT.match(head):
        return match[1] in b'"}'
    if not (match := _JSON_ARRAY.match(head)):
        return None
    word, after = match.groups()
    if not word:
        return after in b'[{"]'
    # "[12:00] hello" and "[net] hello" are lines of a log
    return after in b",]" and _SCALAR.fullmatch(word) is not None


def _binary(head: bytes, *, final: bool) -> Guess | None:
    """A stream with control characters: a length of four bytes, or nothing that can be known."""
    if len(head) < 4:
        return None
    # Empty strings and packets say nothing about what they are.
    empty = 0
    while head[empty : empty + 4] == bytes(4) and empty < MOST_BYTES:
        empty += 4
    for order, suffixes in (("<", ("", "le")), (">", ("_be", "be"))):
        verdict = _prefixed(head, empty, order, final=final)
        if verdict is None:
            return None  # more bytes may still speak for this order, so the other must not overtake it
        if verdict.kind:
            name = verdict.kind + suffixes[verdict.kind == "u32"]
            return _guess(name, f"{verdict.case}_{suffixes[1]}", **verdict.values)
    return _guess("raw", "binary")


class _Verdict(NamedTuple):
    """What stands after a length: a framing without its byte order, and why; no framing where it is empty."""

    kind: str = ""
    case: str = ""
    values: Mapping[str, int] = MappingProxyType({})


def _prefixed(head: bytes, at: int, order: str, *, final: bool) -> _Verdict | None:
    """What stands after a u32 length at `at`; None for not yet."""
    if len(head) < at + 4:
        return None
    (length,) = struct.unpack_from(f"{order}I", head, at)
    if not 0 < length <= _MAX_LENGTH:
        return _Verdict()
    body = head[at + 4 : at + 4 + length]
    if length >= 4 and length % 4 == 0:
        if len(body) < 4:
            return None
        if _is_variant(body, length):
            return _Verdict("put_var", "variant", {"length": length, "type": body[0]})
    window = min(length, _TEXT_WINDOW)
    if not _is_text(body[:window]):
        return _chained(head, at, length, order, final=final)
    if len(body) < window:
        return None
    return _Verdict("put_utf8_string", "string", {"length": length})


def _is_variant(body: bytes, length: int) -> bool:
    """Whether these bytes begin a Variant of just this length (sizes: Godot 4.6 marshalls.cpp)."""
    (header,) = struct.unpack_from("<I", body)
    kind, flags = header & 0xFFFF, header >> 16
    wide = flags & 1
    if kind >= _VARIANT_TYPES or flags > 0b1111:
        return False
    if kind == 0:
        return length == 4
    if kind == 1:
        return length == 8 and not flags
    if kind in (2, 3):
        return length == (12 if wide else 8)
    return length >= 8 or kind in (24, 25)


def _chained(head: bytes, at: int, length: int, order: str, *, final: bool) -> _Verdict | None:
    """Whether a second length follows the first frame, or all there will be ends with it."""
    if length > _MAX_CHAINED:
        return _Verdict()
    after = at + 4 + length
    if after + 4 > MOST_BYTES:
        return _Verdict()
    if final and len(head) == after:
        return _Verdict("u32", "alone", {"length": length})
    if len(head) < after + 4:
        return None
    (second,) = struct.unpack_from(f"{order}I", head, after)
    if not 0 < second <= _MAX_CHAINED:
        return _Verdict()
    return _Verdict("u32", "two", {"length": length, "second": second})
