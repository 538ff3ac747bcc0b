"""Where the next frame of a stream ends, for every framing that is told by one small function.

A function of a module like this one, or of the user's, looks at the bytes from the start of a frame on and answers
how many bytes the frame takes: that is all a framing needs. See `Cut` for what else it may answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from gdlab.errors import FramingError
from gdlab.facts import Statement, Value
from gdlab.framing.variant_size import NONE, variant_size

#: Header lines before a body; longer ones are none.
MAX_HEAD_BYTES: Final = 64 * 1024


class Cut(NamedTuple):
    """A frame: its payload is ``data[start:stop]``, and the next frame begins at `size`.

    `size` may lie behind the bytes that are there: the frame is waited for.
    """

    start: int
    stop: int
    size: int


#: Answers for the frame at the start of `data`: its size, a `Cut`, or None where more bytes are needed to tell.
#: Raises `ValueError` where no frame of this framing begins there.
CutFunction: TypeAlias = Callable[[bytes], "int | Cut | tuple[int, int, int] | None"]


def _no(case: str, **more: Value) -> FramingError:
    return FramingError(Statement.of(f"cut/{case}", **more))


def varint(data: bytes, at: int = 0) -> tuple[int, int] | None:
    """A number in groups of seven bits, the lowest first, as protobuf and MQTT write it: its value and its end.

    Raises
    ------
    FramingError : it has more than five bytes.
    """
    value = shift = 0
    for end, byte in enumerate(data[at : at + 5], at + 1):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, end
    if len(data) >= at + 5:
        raise _no("varint")
    return None


def cut_varint(data: bytes) -> Cut | None:
    """A varint length, then the payload: protobuf's delimited messages."""
    found = varint(data)
    if found is None:
        return None
    size, start = found
    return Cut(start, start + size, start + size)


def cut_mqtt(data: bytes) -> Cut | None:
    """A packet of MQTT 3.1.1 or 5: type and flags, varint length, the rest; the payload is the whole packet."""
    if not data:
        return None
    kind, flags = data[0] >> 4, data[0] & 15
    if kind == 0 or flags & 6 == 6 or (kind != 3 and flags != (2 if kind in (6, 8, 10) else 0)):
        raise _no("mqtt", byte=data[0])
    found = varint(data[:5], 1)
    if found is None:
        return None
    if found[1] > 5:
        raise _no("mqtt length")
    size = sum(found)
    if kind == 3 and found[0] < 2:  # whatever follows: its topic has a length of two bytes
        raise _no("mqtt topic")
    if kind == 3:
        if len(data) < found[1] + 2:  # an answer must not change with more bytes
            return None
        if int.from_bytes(data[found[1] : found[1] + 2]) + 2 > found[0]:
            raise _no("mqtt topic")
    if kind in (12, 13, 14) and found[0] > (0 if kind < 14 else 1 << 16):
        raise _no("mqtt ping")
    return Cut(0, size, size)


def cut_variants(data: bytes) -> int | None:
    """A bare Variant, as ``put_data(var_to_bytes(x))`` sends it."""
    size = variant_size(data)
    if size == NONE:
        raise _no("variant")
    return size or None


_NEWLINES: Final = re.compile(rb"[\r\n]*")


def cut_nul(data: bytes) -> Cut | None:
    """Bytes up to a NUL; line ends before them are those of STOMP's heartbeat."""
    return _until(data, b"\0")


def cut_signalr(data: bytes) -> Cut | None:
    """Bytes up to 0x1e, the record separator."""
    return _until(data, b"\x1e")


def _until(data: bytes, end: bytes) -> Cut | None:
    stop = data.find(end)
    if stop < 0:
        return None
    start = min(stop, len(_NEWLINES.match(data)[0]))  # type: ignore[index]  # it matches anything
    return Cut(start, stop, stop + 1)


_LENGTH: Final = re.compile(rb"(?i:\r\ncontent-length)[ \t]*:[ \t]*(\d{1,10})[ \t]*\r\n")
_CHUNKED: Final = re.compile(rb"(?i:\r\ntransfer-encoding)[ \t]*:[^\r]*(?i:chunked)")
_END_OF_HEAD: Final = b"\r\n\r\n"


def _head(data: bytes) -> int:
    end = data.find(_END_OF_HEAD, 0, MAX_HEAD_BYTES)
    if end < 0 and len(data) >= MAX_HEAD_BYTES:
        raise _no("header end")
    return end


def cut_content_length(data: bytes) -> Cut | None:
    """Header lines with a Content-Length, an empty line, the body: LSP and DAP; the payload is the body."""
    end = _head(data)
    if end < 0:
        return None
    found = _LENGTH.search(b"\r\n" + data[: end + 2])
    if not found:
        raise _no("header length")
    start = end + len(_END_OF_HEAD)
    return Cut(start, start + int(found[1]), start + int(found[1]))


def cut_http(data: bytes) -> Cut | None:
    """A request or an answer of HTTP/1.1, its header lines and its body together."""
    end = _head(data)
    if end < 0:
        return None
    head = data[: end + 2]
    size = end + len(_END_OF_HEAD)
    if _CHUNKED.search(head):
        last = data.find(b"0\r\n\r\n", size) if data[size : size + 5] != b"0\r\n\r\n" else size
        while last > size and data[last - 2 : last] != b"\r\n":
            last = data.find(b"0\r\n\r\n", last + 1)
        return None if last < 0 else Cut(0, last + 5, last + 5)
    found = _LENGTH.search(head)
    size += int(found[1]) if found else 0
    return Cut(0, size, size)


class LengthCut:
    """A length of 1, 2 or 4 bytes that is not simply the payload's.

    Parameters
    ----------
    after : bytes before it, such as an opcode.
    plus : bytes behind it that it does not count, such as an opcode.
    inclusive : it counts itself, and what is before it.

    With `after` or `plus` the payload is the whole frame, so that the opcode is not lost; else what is behind the
    length.
    """

    def __init__(
        self, size: int, *, little_endian: bool, after: int = 0, plus: int = 0, inclusive: bool = False
    ) -> None:
        self.size = size
        self.order: Literal["little", "big"] = "little" if little_endian else "big"
        self.after, self.plus, self.inclusive = after, plus, inclusive

    def __call__(self, data: bytes) -> Cut | None:
        """Cut the first frame."""
        header = self.after + self.size
        if len(data) < header:
            return None
        length = int.from_bytes(data[self.after : header], self.order)
        if self.inclusive and length < header:
            raise _no("inclusive", length=length, header=header)
        size = length if self.inclusive else header + self.plus + length
        return Cut(0 if self.after or self.plus else header, size, size)

    def encode(self, payload: bytes) -> bytes:
        """The frame of a payload."""
        if self.after or self.plus:
            return payload
        length = len(payload) + (self.size if self.inclusive else 0)
        return length.to_bytes(self.size, self.order) + payload
