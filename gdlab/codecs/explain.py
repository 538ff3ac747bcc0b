"""What every byte of a payload is for, whatever codec reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gdlab.codecs import walks
from gdlab.codecs.codec import CODECS
from gdlab.codecs.guess import looks_like_variant
from gdlab.codecs.structs import Field as Named
from gdlab.codecs.structs import Format, Structs
from gdlab.codecs.table import DecodeWith, chosen
from gdlab.payloads import PayloadArray
from gdlab.variant import Explanation
from gdlab.variant import explain as explain_variant
from gdlab.variant.explain import MAX_FIELDS, Field

#: Bytes of no known form, so many in a line.
_PER_LINE: Final = 16
_SHOWN: Final = 200

#: JSON, token by token; what lies between two tokens is white space.
_JSON: Final = re.compile(
    rb'\s+|"(?:[^"\\]|\\.)*+"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[\[\]{}:,]', re.DOTALL
)
_PUNCTUATION: Final = {b"{": "object", b"[": "array", b"}": "end of the object", b"]": "end of the array"}

_KINDS: Final = {
    "b": "signed byte",
    "B": "unsigned byte",
    "?": "flag",
    "h": "signed 16-bit integer",
    "H": "unsigned 16-bit integer",
    "i": "signed 32-bit integer",
    "I": "unsigned 32-bit integer",
    "l": "signed 32-bit integer",
    "L": "unsigned 32-bit integer",
    "q": "signed 64-bit integer",
    "Q": "unsigned 64-bit integer",
    "e": "16-bit float",
    "f": "32-bit float",
    "d": "64-bit float",
    "s": "text",
}


def explain(payload: bytes | bytearray | memoryview, codec: DecodeWith = "auto") -> Explanation:
    """What every byte of a payload is for; never raises for bad input, but shows where it goes wrong.

    Parameters
    ----------
    payload : the bytes of one message.
    codec : as for `Capture.decoded`: ``auto``, which guesses, ``variant``, ``json``, ``text``, ``bytes``, ``msgpack``,
        ``cbor``, ``osc``, a struct format with names, one for each type byte, a dataclass, or a function; for a
        function only the value can be shown.

    Returns
    -------
    The fields in order and without gaps, with their offset, bytes, meaning and value: a table where it is shown.
    ``error`` says why the codec refuses the payload, if it does.

    Raises
    ------
    ValueError : there is no such codec. MissingDependency : the codec needs a library that is not installed.
    TypeError : `payload` is not bytes.
    """
    if not isinstance(payload, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"explain takes the bytes of one message, such as b'hello', not {type(payload).__name__}; "
            "gdlab.variant.dumps(value) makes those of a Variant"
        )
    raw = bytes(payload)
    used = chosen(codec)
    found = used.decode_column(PayloadArray._from_sequence([raw]))
    name, value, reason = str(found.names[0]).removeprefix("auto:"), found.objects[0], found.errors[0]
    if codec == "auto" and reason and looks_like_variant(raw):
        name = "variant"
    if name == "variant":
        return explain_variant(raw)
    error = ValueError(str(reason)) if reason and codec != "auto" else None
    if isinstance(used, Structs):
        return _collected(raw, _struct(raw, used), error)
    if name == "json":
        return _collected(raw, _json(raw), error)
    if name == "text":
        return _collected(raw, _text(raw), error)
    if name in walks.WALKS:
        return _collected(raw, walks.WALKS[name](raw), error)
    if name in CODECS or codec == "auto":
        return _collected(raw, _bytes(raw), error)
    said = repr(value)
    whole = [Field(0, raw, f"read by {name}", said[:_SHOWN])] if raw and error is None else []
    return _collected(raw, iter(whole), error)


def _collected(raw: bytes, walk: Iterator[Field], error: Exception | None) -> Explanation:
    """The fields of a walk, and what it did not reach."""
    fields: list[Field] = []
    at = 0
    try:
        for each in walk:
            if len(fields) == MAX_FIELDS:
                break
            fields.append(each)
            at = each.offset + len(each.data)
    except ValueError as refused:
        error = error or refused
    if at < len(raw):
        meaning = "more, not listed" if len(fields) == MAX_FIELDS else "refused from here on"
        if error is None and len(fields) < MAX_FIELDS:
            meaning = "not part of the value: ignored"
        fields.append(Field(at, raw[at:], meaning, f"{len(raw) - at} bytes"))
    return Explanation(tuple(fields), len(raw), error)


def _bytes(raw: bytes) -> Iterator[Field]:
    for at in range(0, len(raw), _PER_LINE):
        piece = raw[at : at + _PER_LINE]
        yield Field(at, piece, "bytes", "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece))


def _text(raw: bytes) -> Iterator[Field]:
    """Text line by line."""
    at = 0
    for number, line in enumerate(raw.splitlines(keepends=True), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError as wrong:
            start = at + wrong.start
            if wrong.start:
                yield Field(at, raw[at:start], f"line {number}", raw[at:start].decode())
            raise ValueError(f"byte 0x{raw[start]:02x} at {start} is not UTF-8 ({wrong.reason})") from None
        yield Field(at, line, f"line {number}", text.rstrip("\r\n")[:_SHOWN])
        at += len(line)


def _json(raw: bytes) -> Iterator[Field]:
    """JSON token by token, each value with its name."""
    at = 0
    #: Of each container that is open: the name of the next value, None where a name comes next.
    names: list[str | None] = []
    counts: list[int] = []
    is_object: list[bool] = []
    while at < len(raw):
        token = _JSON.match(raw, at)
        if token is None:
            raise ValueError(f"not JSON: byte 0x{raw[at]:02x} at {at} begins no value")
        data = token[0]
        depth = len(names)
        label = _label(names, counts, is_object)
        if data.isspace():
            yield Field(at, data, "white space", "", depth)
        elif data in b":,":
            if data == b"," and names:
                counts[-1] += 1
                names[-1] = None
            yield Field(at, data, "between name and value" if data == b":" else "next", "", depth)
        elif data in b"]}":
            if not names:
                raise ValueError(f"not JSON: nothing is open that byte {at} could end")
            for each in (names, counts, is_object):
                each.pop()
            yield Field(at, data, _PUNCTUATION[data], "", depth - 1)
        elif data in b"[{":
            yield Field(at, data, f"{label}{_PUNCTUATION[data]}", "", depth)
            names.append(None)
            counts.append(0)
            is_object.append(data == b"{")
        elif is_object and is_object[-1] and names[-1] is None:
            names[-1] = name = data[1:-1].decode(errors="replace")
            yield Field(at, data, "name", name[:_SHOWN], depth)
        else:
            kind = {ord('"'): "text", ord("t"): "flag", ord("f"): "flag", ord("n"): "null"}.get(
                data[0], "number"
            )
            yield Field(at, data, f"{label}{kind}", data.decode(errors="replace")[:_SHOWN], depth)
        at = token.end()
    if names:
        raise ValueError("not JSON: it ends before what is open does")


def _label(names: list[str | None], counts: list[int], is_object: list[bool]) -> str:
    """What a value in the innermost container is called."""
    if not names:
        return ""
    return f"{names[-1]}: " if is_object[-1] else f"[{counts[-1]}]: "


def _struct(raw: bytes, codec: Structs) -> Iterator[Field]:
    """The fields of a format, the bytes that it skips, and what follows."""
    form, _why = codec.format_of(raw)
    if form is None:
        return
    at = 0
    for field in form.fields:
        if field.offset > at:
            yield Field(at, raw[at : field.offset], "skipped by the format")
        yield from _numbers(raw, form, field)
        at = field.offset + form.bytes_of(field)
    if at < form.size:
        yield Field(at, raw[at : form.size], "skipped by the format")


def _numbers(raw: bytes, form: Format, field: Named) -> Iterator[Field]:
    size = form.bytes_of(field)
    kind = _KINDS[field.code]
    if size // max(field.count, 1) > 1 and field.code != "s":
        kind += ", big-endian" if form.order == ">" else ", little-endian"
    values = form.value_of(raw, field)
    if field.code == "s":
        yield Field(
            field.offset, raw[field.offset : field.offset + size], f"{field.name}: {kind}", str(values[0])
        )
        return
    each = size // field.count
    for index, (column, value) in enumerate(zip(_names(field), values, strict=True)):
        start = field.offset + index * each
        yield Field(start, raw[start : start + each], f"{column}: {kind}", str(value))


def _names(field: Named) -> list[str]:
    known = [column.lstrip(".") for column in field.columns]
    return known + [f"{field.name}[{index}]" for index in range(len(known), field.count)]
