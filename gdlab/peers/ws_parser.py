"""WebSocket frames as Godot reads them, its leniences and faults included; sans-I/O."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from websockets.frames import Opcode
from websockets.utils import apply_mask

_CONTROL: Final = 0x8
_DATA: Final = (Opcode.TEXT, Opcode.BINARY)
_MESSAGES: Final = (*_DATA, Opcode.CLOSE, Opcode.PING, Opcode.PONG)

PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
TOO_BIG: Final = 1009


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of the message under way."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """The message under way is complete."""

    is_text: bool


@dataclass(frozen=True, slots=True)
class Control:
    """A ping or pong."""

    opcode: Opcode
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The other side's close frame; an empty one has code 0."""

    code: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing more is read. `code` is what to close with; None: drop the connection without a close frame."""

    code: int | None


Event = Chunk | Message | Control | Close | Refuse


@dataclass(slots=True)
class _Frame:
    fin: bool
    reserved: bool
    opcode: int
    mask: bytes
    size: int
    done: int = 0


class _Bad(Exception):
    """A frame whose header breaks RFC 6455 section 5.2."""


class FrameParser:
    """Bytes to events, as the wslay library does it in Godot 4.6 (`thirdparty/wslay`).

    What differs from RFC 6455: a control frame between the fragments of a message adds its payload to the message;
    the size limit is for a frame, not for a message of several; a header that breaks the rules drops the
    connection without a close frame.

    Parameters
    ----------
    masked : frames must be masked (they come from a client), else must not be.
    max_bytes : a larger frame is refused with 1009.
    """

    def __init__(self, *, masked: bool, max_bytes: int) -> None:
        self._masked = masked
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._frame: _Frame | None = None
        self._opcode: int | None = None  # of the message under way
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._control = bytearray()
        self.ended = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take bytes and yield what they complete; after `Close` or `Refuse` nothing more."""
        self._buffer += data
        while not self.ended:
            try:
                if self._frame is None and not self._begin():
                    return
            except _Bad:
                yield self._refuse(None)
                return
            frame = self._frame
            assert frame is not None  # noqa: S101 - `_begin` has made it
            if frame.done == 0:
                refused = self._refusal(frame)
                if refused is not None:
                    yield self._refuse(refused)
                    return
            piece = self._take(frame)
            if not piece and frame.size:
                return
            yield from self._payload(frame, piece)
            if frame.done == frame.size and not self.ended:
                self._frame = None
                if frame.fin:
                    yield from self._end(frame)

    def _begin(self) -> bool:
        """Read a frame's header, once it and a byte of its payload are there."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        opcode, size = buffer[0] & 0x0F, buffer[1] & 0x7F
        fin, at = bool(buffer[0] & 0x80), 2
        if opcode & _CONTROL and (not fin or size > 125):
            raise _Bad
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(buffer) < 2 + width:
                return False
            size, at = int.from_bytes(buffer[2 : 2 + width], "big"), 2 + width
            if size < (126 if width == 2 else 65_536) or size >> 63:
                raise _Bad
        mask = b""
        if buffer[1] & 0x80:
            mask = bytes(buffer[at : at + 4])
            at += 4
        if len(buffer) < at + (size > 0):
            return False
        self._frame = _Frame(fin, bool(buffer[0] & 0x70), opcode, mask, size)
        del buffer[:at]
        return True

    def _refusal(self, frame: _Frame) -> int | None:
        """The code to refuse a frame with."""
        if frame.reserved or bool(frame.mask) != self._masked:
            return PROTOCOL_ERROR
        if self._opcode is None:
            if frame.opcode not in _MESSAGES:
                return PROTOCOL_ERROR
        elif frame.opcode not in (Opcode.CONT, Opcode.CLOSE, Opcode.PING, Opcode.PONG):
            return PROTOCOL_ERROR
        if frame.size > self._max_bytes:
            return TOO_BIG
        if frame.opcode in _DATA:
            self._opcode = frame.opcode
            self._utf8.reset()
        return None

    def _take(self, frame: _Frame) -> bytes:
        piece = bytes(self._buffer[: frame.size - frame.done])
        del self._buffer[: len(piece)]
        if frame.mask:
            turn = frame.done % 4
            piece = apply_mask(piece, frame.mask[turn:] + frame.mask[:turn])
        frame.done += len(piece)
        return piece

    def _payload(self, frame: _Frame, piece: bytes) -> Iterator[Event]:
        if frame.opcode & _CONTROL:
            self._control += piece
        elif self._opcode == Opcode.TEXT:
            try:
                self._utf8.decode(piece, final=frame.fin and frame.done == frame.size)
            except UnicodeDecodeError:
                yield self._refuse(INVALID_DATA)
                return
        if self._opcode is not None and piece:
            yield Chunk(piece)  # a control frame's, too: Godot's fault

    def _end(self, frame: _Frame) -> Iterator[Event]:
        if frame.opcode & _CONTROL == 0:
            yield Message(self._opcode == Opcode.TEXT)
            self._opcode = None
            return
        data = bytes(self._control)
        self._control.clear()
        if frame.opcode != Opcode.CLOSE:
            yield Control(Opcode(frame.opcode), data)
            return
        code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 0
        if code and not ((1000 <= code <= 1011 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999):
            yield self._refuse(PROTOCOL_ERROR)
            return
        try:
            data[2:].decode()
        except UnicodeDecodeError:
            yield self._refuse(INVALID_DATA)
            return
        self.ended = True
        yield Close(code, data[2:])

    def _refuse(self, code: int | None) -> Refuse:
        self.ended = True
        return Refuse(code)
