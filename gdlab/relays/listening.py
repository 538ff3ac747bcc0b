"""Reading along on streams that pass through: messages out of bytes that nobody changes."""

from __future__ import annotations

from typing import Any, Final, Protocol, TypeAlias

from websockets.frames import Opcode
from websockets.utils import apply_mask

from gdlab import framing
from gdlab.facts import PEER, Fact, Reason
from gdlab.messages import Kind, guess_kind
from gdlab.transports.relaying import wire

#: Longer messages are counted and not shown.
MAX_MESSAGE_BYTES: Final = 16 * 2**20
_MAX_HEAD_BYTES: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_WAY: Final = wire.DOWN | wire.OUT


#: A message: payload, kind, bytes on the wire (0 for what is no message), what else is to be known.
Read: TypeAlias = tuple[bytes, Kind, int, Fact | None]


class Deliver(Protocol):
    """Writes a row of a message."""

    def __call__(
        self,
        client: Any,
        flags: int,
        time_ns: int,
        payload: bytes,
        kind: Kind,
        size: int,
        *,
        fact: Fact | None,
    ) -> None:
        """Write it; `size` is that on the wire without TCP and IP, 0 for what is no message."""


class Reader(Protocol):
    """One direction at one place."""

    def feed(self, chunk: bytes) -> list[Read]:
        """Take bytes; return messages: payload, kind, bytes on the wire, a remark."""


class Framed:
    """A TCP stream by its framing.

    What has been shown is not taken back: where a guess changes, what comes from then on is cut anew.
    """

    def __init__(self, name: str) -> None:
        self._reader = framing.StreamReader(name, max_frame_bytes=MAX_MESSAGE_BYTES)
        self._told = ""
        self._reads = 0

    def feed(self, chunk: bytes) -> list[Read]:
        """See `Reader`."""
        self._reads += 1
        taken = self._reader.receive(chunk, self._reads)
        if taken.failed is not None:
            held = self._reader.held_reads()
            self._reader = framing.StreamReader("raw", max_frame_bytes=MAX_MESSAGE_BYTES)
            taken = self._reader.replay(held)
        messages = []
        for batch in taken.batches:
            if taken.withdrawn and self._told and batch.time_ns < self._reads:
                continue
            for frame in batch.frames:
                fact, guess = frame.flaw, self._reader.guess
                if guess is not None and guess.name != self._told:
                    self._told, fact = guess.name, fact or framing.fact_of(guess)
                size = len(frame.payload) + frame.header_bytes
                messages.append((frame.payload, guess_kind(frame.payload), size, fact))
        return messages


class WebSocketReader:
    """The frames of a WebSocket, RFC 6455 section 5.2; the handshake before them is passed over."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._open = False
        self._broken = False
        self._message = bytearray()
        self._opcode = 0
        self._compressed = False
        self._frame_bytes = 0

    def feed(self, chunk: bytes) -> list[Read]:
        """See `Reader`."""
        messages: list[Read] = []
        if self._broken:
            return messages
        self._buffer += chunk
        if not self._open:
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                self._broken = len(self._buffer) > _MAX_HEAD_BYTES
                return messages
            del self._buffer[: end + len(_HEAD_END)]
            self._open = True
        while (taken := self._frame()) is not None:
            first, payload, size = taken
            opcode, final = first & 0x0F, bool(first & 0x80)
            if opcode >= Opcode.CLOSE:
                if opcode == Opcode.CLOSE:
                    messages.append((payload, Kind.BINARY, 0, _closing(payload)))
                continue
            if opcode != Opcode.CONT:
                self._message.clear()
                self._opcode, self._compressed, self._frame_bytes = opcode, bool(first & 0x40), 0
            self._message += payload
            self._frame_bytes += size
            if len(self._message) > MAX_MESSAGE_BYTES:
                too_long = Fact.of(Reason.OVERSIZED, case="relay", most=MAX_MESSAGE_BYTES)
                return self._give_up(messages, too_long)
            if final:
                kind = Kind.TEXT if self._opcode == Opcode.TEXT and not self._compressed else Kind.BINARY
                fact = Fact(Reason.COMPRESSED) if self._compressed else None
                messages.append((bytes(self._message), kind, self._frame_bytes, fact))
                self._message.clear()
        return (
            self._give_up(messages, Fact(Reason.MALFORMED, case="relay")) if self._is_broken() else messages
        )

    def _is_broken(self) -> bool:
        return self._broken

    def _give_up(self, messages: list[Read], why: Fact) -> list[Read]:
        self._broken = True
        self._buffer.clear()
        self._message.clear()
        return [*messages, (b"", Kind.BINARY, 0, why)]

    def _frame(self) -> tuple[int, bytes, int] | None:
        """The next whole frame: its first byte, its payload, its size."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, masked, start = buffer[1] & 0x7F, bool(buffer[1] & 0x80), 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(buffer) < 2 + wide:
                return None
            length, start = int.from_bytes(buffer[2 : 2 + wide]), 2 + wide
        if length > MAX_MESSAGE_BYTES or buffer[0] & 0x0F not in _OPCODES:
            self._broken = True
            return None
        start += 4 if masked else 0
        end = start + length
        if len(buffer) < end:
            return None
        payload = bytes(buffer[start:end])
        if masked:
            payload = apply_mask(payload, bytes(buffer[start - 4 : start]))
        first = buffer[0]
        del buffer[:end]
        return first, payload, end


_OPCODES: Final = frozenset(opcode.value for opcode in Opcode)


def _closing(payload: bytes) -> Fact:
    if len(payload) < 2:
        return Fact(Reason.PEER_CLOSED, PEER, case="no_code")
    reason = payload[2:].decode(errors="replace")
    return Fact(Reason.PEER_CLOSED, PEER, int.from_bytes(payload[:2]), said=reason, case="code")


class Listening:
    """The readers of all connections, each of both ways before and behind the relay."""

    def __init__(self, transport: str, framing_name: str, deliver: Deliver) -> None:
        self._websocket = transport == "ws"
        self._framing = framing_name
        self._deliver = deliver
        self._readers: dict[tuple[int, int], Reader] = {}

    def feed(self, client: Any, flags: int, time_ns: int, chunk: bytes) -> None:
        """Take bytes that passed one place."""
        key = (client.number, flags & _WAY)
        reader = self._readers.get(key)
        if reader is None:
            reader = WebSocketReader() if self._websocket else Framed(self._framing)
            self._readers[key] = reader
        for payload, kind, size, fact in reader.feed(chunk):
            self._deliver(client, flags, time_ns, payload, kind, size, fact=fact)

    def forget(self, client: Any) -> None:
        """A connection has ended."""
        for way in range(_WAY + 1):
            self._readers.pop((client.number, way), None)
