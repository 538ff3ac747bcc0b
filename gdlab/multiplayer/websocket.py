"""WebSocket messages out of a TCP stream that was captured, from its handshake or from the middle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

#: Longest handshake, and longest message that is put together.
MAX_HANDSHAKE_BYTES: Final = 16_384
MAX_MESSAGE_BYTES: Final = 16 << 20


class Piece(NamedTuple):
    """A part of the stream: `kind` is handshake, message, control or lost; `size` its bytes on the stream."""

    kind: str
    opcode: int
    payload: bytes
    size: int
    note: str = ""


@dataclass(slots=True)
class StreamReader:
    """One direction of a stream; sans-I/O.

    Attributes
    ----------
    started : the handshake was seen, or the stream was joined in the middle.
    """

    started: bool = False
    buffer: bytearray = field(default_factory=bytearray)
    _parts: list[bytes] = field(default_factory=list)
    _kept: int = 0

    def feed(self, chunk: bytes) -> list[Piece]:
        """What is complete with this chunk. Every byte fed comes out once, in the `size` of some piece."""
        self.buffer += chunk
        found: list[Piece] = []
        if not self.started:
            if not _may_be_handshake(self.buffer):
                self.started = True  # joined in the middle
            else:
                end = self.buffer.find(b"\r\n\r\n")
                if end < 0:
                    if len(self.buffer) > MAX_HANDSHAKE_BYTES:
                        return [self._lost("a handshake without an end")]
                    return []
                found.append(Piece("handshake", -1, bytes(self.buffer[: end + 4]), end + 4))
                del self.buffer[: end + 4]
                self.started = True
        while True:
            piece = self._frame()
            if piece is None:
                return found
            found.append(piece)

    def _lost(self, why: str) -> Piece:
        """Give up what is buffered; reading goes on with the next chunk, where a frame may begin."""
        data = bytes(self.buffer)
        self.buffer.clear()
        self._parts.clear()
        self._kept = 0
        return Piece("lost", -1, data, len(data), why)

    def _frame(self) -> Piece | None:
        data = self.buffer
        if len(data) < 2:
            return None
        opcode, length, masked = data[0] & 15, data[1] & 0x7F, data[1] & 0x80
        if data[0] & 0x70 or opcode not in {0, 1, 2, 8, 9, 10}:
            return self._lost(f"no WebSocket frame begins with the byte 0x{data[0]:02x}")
        at = 2
        if length > 125:
            width = 2 if length == 126 else 8
            if len(data) < 2 + width:
                return None
            length, at = int.from_bytes(data[2 : 2 + width], "big"), 2 + width
        if length > MAX_MESSAGE_BYTES or self._kept + length > MAX_MESSAGE_BYTES:
            return self._lost(f"a message of more than {MAX_MESSAGE_BYTES} bytes")
        if opcode > 7 and (length > 125 or not data[0] & 0x80):
            return self._lost("a control frame that is too long or in parts")
        end = at + (4 if masked else 0) + length
        if len(data) < end:
            return None
        payload = bytes(data[end - length : end])
        if masked:
            payload = _unmasked(payload, bytes(data[at : at + 4]))
        final = bool(data[0] & 0x80)
        del data[:end]
        if opcode > 7:
            return Piece("control", opcode, payload, end)
        if not final or self._parts:
            self._parts.append(payload)
            self._kept += length
            if not final:
                return Piece("part", opcode, b"", end)
            payload = b"".join(self._parts)
            self._parts.clear()
            self._kept = 0
        return Piece("message", opcode or 2, payload, end)


def _may_be_handshake(data: bytearray) -> bool:
    return any(data[: len(word)] == word[: len(data)] for word in (b"GET ", b"HTTP/1."))


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    whole = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "little")
    return (int.from_bytes(payload, "little") ^ whole).to_bytes(len(payload), "little")
