"""WebSocket messages in the two streams of a TCP connection (RFC 6455, and 7692 for compressed ones); pure."""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gdlab.messages import Event, Kind

_MAX_HEAD: Final = 64 << 10
_MAX_MESSAGE: Final = 64 << 20
_END: Final = b"\r\n\r\n"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_FIN, _COMPRESSED, _RESERVED, _MASKED = 0x80, 0x40, 0x30, 0x80
#: What a compressed message leaves off its end.
_TAIL: Final = b"\0\0\xff\xff"


class Chunk(NamedTuple):
    """Bytes as a receiver got them; `missing` bytes that come after them were not captured."""

    packet: int
    data: bytes
    missing: int = 0


class Found(NamedTuple):
    """A message, or what happened to the connection; `packet` made it whole, `from_client` tells who sent it.

    `frame_bytes` is what it took in the stream, headers included. `code` is that of a close, -1 where there is none.
    """

    packet: int
    from_client: bool
    event: Event
    kind: Kind
    payload: bytes
    frame_bytes: int
    code: int = -1
    reason: str = ""


@dataclass(slots=True)
class Conversation:
    """What was found in a connection.

    Attributes
    ----------
    found : in the order of the streams, the client's first.
    path : that was asked for.
    counts : frames that are no message, by what they are.
    """

    path: str
    found: list[Found] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def begins_websocket(client: bytes) -> bool:
    """Whether a client's first bytes ask for a WebSocket."""
    head = client[:_MAX_HEAD].split(_END, 1)[0]
    return head.startswith(b"GET ") and _UPGRADE.search(head) is not None


def conversation(client: list[Chunk], server: list[Chunk]) -> Conversation | None:
    """The messages of a connection; None where it is no WebSocket, or was refused.

    Parameters
    ----------
    client, server : what each side sent; of a capture of one side, the other is empty.
    """
    asked = _Head(client)
    answered = _Head(server)
    if not begins_websocket(asked.text) or (server and not _ACCEPTED.match(answered.text)):
        return None
    path = asked.text.split(b" ", 2)[1].decode(errors="replace")
    made = Conversation(path)
    opened = answered.packet if server else asked.packet
    made.found.append(Found(opened, True, Event.OPEN, Kind.TEXT, b"", len(asked.text) + len(_END)))
    agreed = _extension(answered.text if server else asked.text)
    for head, from_client in ((asked, True), (answered, False)):
        takeover = (
            agreed is not None
            and (b"client" if from_client else b"server") + b"_no_context_takeover" not in agreed
        )
        reader = _Reader(from_client, agreed is not None, takeover, made.counts)
        made.found += reader.read(head.rest())
    return made


def _extension(head: bytes) -> bytes | None:
    match = _DEFLATE.search(head)
    return match[1] if match else None


_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*\bwebsocket\b", re.IGNORECASE)
_ACCEPTED = re.compile(rb"HTTP/1\.1 101[ \r]")
_DEFLATE = re.compile(
    rb"\r\nsec-websocket-extensions:[^\r\n]*\bpermessage-deflate\b([^\r\n]*)", re.IGNORECASE
)


class _Head:
    """The HTTP head at the beginning of a stream, and the stream after it."""

    def __init__(self, chunks: list[Chunk]) -> None:
        self._chunks = chunks
        self._after = len(chunks)
        self._left = b""
        self.packet = chunks[0].packet if chunks else 0
        self.text = b""
        text = b""
        for number, chunk in enumerate(chunks):
            text += chunk.data
            self.packet = chunk.packet
            end = text.find(_END)
            if end >= 0:
                self.text, self._left, self._after = text[:end], text[end + len(_END) :], number
                return
            if chunk.missing or len(text) > _MAX_HEAD:
                break
        self.text = text

    def rest(self) -> Iterator[Chunk]:
        if self._after < len(self._chunks):
            yield self._chunks[self._after]._replace(data=self._left)
        yield from self._chunks[self._after + 1 :]


class _Reader:
    """Reads the frames of one side."""

    def __init__(self, from_client: bool, compressed: bool, takeover: bool, counts: Counter[str]) -> None:
        self._from_client = from_client
        self._compressed = compressed
        self._takeover = takeover
        self._counts = counts
        self._inflater = zlib.decompressobj(-15)
        self._parts: list[bytes] = []
        self._opcode = 0
        self._deflated = False
        self._bytes = 0  # of the stream, in the message so far

    def read(self, chunks: Iterable[Chunk]) -> Iterator[Found]:
        buffer = bytearray()
        for chunk in chunks:
            buffer += chunk.data
            while True:
                frame = _frame(buffer)
                if frame is None:
                    break
                if isinstance(frame, str):
                    yield self._error(chunk.packet, bytes(buffer), frame)
                    return
                first, payload, size = frame
                del buffer[:size]
                try:
                    found = self._take(chunk.packet, first, payload, size)
                except ValueError as error:
                    yield self._error(chunk.packet, payload, str(error))
                    return
                if found is not None:
                    yield found
            if chunk.missing:
                # Where the next frame begins cannot be told.
                yield self._error(chunk.packet, bytes(buffer), f"{chunk.missing} bytes were not captured")
                return
        if buffer or self._parts:
            self._counts["no end"] += 1

    def _error(self, packet: int, payload: bytes, why: str) -> Found:
        why = f"{why}: the rest of this side's messages cannot be read"
        return Found(packet, self._from_client, Event.ERROR, Kind.BINARY, payload, len(payload), -1, why)

    def _take(self, packet: int, first: int, payload: bytes, size: int) -> Found | None:
        opcode = first & 15
        if opcode in {_PING, _PONG}:
            self._counts["pings"] += 1
            return None
        if opcode == _CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else -1
            reason = payload[2:].decode(errors="replace")
            return Found(packet, self._from_client, Event.CLOSE, Kind.TEXT, b"", size, code, reason)
        if first & _RESERVED or opcode > _BINARY:
            raise ValueError("a frame of a kind that is not known")
        if opcode:
            if self._parts:
                raise ValueError("a message within a message")
            self._opcode, self._deflated, self._bytes = opcode, bool(first & _COMPRESSED), 0
            if self._deflated and not self._compressed:
                raise ValueError("a compressed message that was not agreed on")
        elif not self._opcode:
            raise ValueError("the continuation of no message")
        self._parts.append(payload)
        self._bytes += size
        if not first & _FIN:
            return None
        whole = b"".join(self._parts)
        self._parts.clear()
        opcode, self._opcode = self._opcode, 0
        if self._deflated:
            whole = self._inflate(whole)
        kind = Kind.TEXT if opcode == _TEXT else Kind.BINARY
        return Found(packet, self._from_client, Event.MESSAGE, kind, whole, self._bytes)

    def _inflate(self, data: bytes) -> bytes:
        try:
            whole = self._inflater.decompress(data + _TAIL, _MAX_MESSAGE)
        except zlib.error as error:
            raise ValueError(f"a message that cannot be unpacked ({error})") from error
        if self._inflater.unconsumed_tail:
            raise ValueError(f"a message that unpacks to more than {_MAX_MESSAGE >> 20} MiB")
        if not self._takeover:
            self._inflater = zlib.decompressobj(-15)
        return whole


def _frame(buffer: bytearray) -> tuple[int, bytes, int] | str | None:
    """First byte, payload without its mask, and length of the first frame; None where it is not whole yet."""
    if len(buffer) < 2:
        return None
    size, at = buffer[1] & 127, 2
    if size == 126:
        if len(buffer) < 4:
            return None
        (size,) = struct.unpack_from(">H", buffer, 2)
        at = 4
    elif size == 127:
        if len(buffer) < 10:
            return None
        (size,) = struct.unpack_from(">Q", buffer, 2)
        at = 10
    if size > _MAX_MESSAGE:
        return f"a frame says that it has {size} bytes"
    mask = b""
    if buffer[1] & _MASKED:
        mask = bytes(buffer[at : at + 4])
        at += 4
    if len(buffer) < at + size:
        return None
    payload = bytes(buffer[at : at + size])
    if mask:
        payload = _unmasked(payload, mask)
    return buffer[0], payload, at + size


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
