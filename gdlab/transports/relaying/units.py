"""What of a stream is one unit of the network's: a message where it can be told, else what one read brings.

Units depend on the stream's bytes and not on how reads cut it, so that the same stream meets the same fates again.
"""

from __future__ import annotations

from typing import Final, Protocol

from gdlab import framing

#: Longer units pass in pieces of this size.
MAX_UNIT_BYTES: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"


class Units(Protocol):
    """Cuts one direction of one connection."""

    @property
    def held_bytes(self) -> int:
        """Bytes of a unit that is not yet complete."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the bytes of one read; return the units that are complete."""

    def rest(self) -> bytes:
        """Give up waiting for the rest of a unit: return what there is of it."""


class Chunks:
    """Each read is a unit."""

    held_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """See `Units`."""
        return [chunk[at : at + MAX_UNIT_BYTES] for at in range(0, len(chunk), MAX_UNIT_BYTES)]

    def rest(self) -> bytes:
        """See `Units`."""
        return b""


class _Held:
    """Units whose end is found in the bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._aside = 0  # bytes of the unit that begins the buffer, where they are known; else 0
        self._given_up = False

    @property
    def held_bytes(self) -> int:
        """See `Units`."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[bytes]:
        """See `Units`."""
        self._buffer += chunk
        units: list[bytes] = []
        while not self._given_up and self._buffer:
            size = self._aside or self._size()
            if size is None:
                break
            take = min(size, MAX_UNIT_BYTES)
            if len(self._buffer) < take:
                break
            units.append(bytes(self._buffer[:take]))
            del self._buffer[:take]
            self._aside = size - take
        if self._given_up or len(self._buffer) > MAX_UNIT_BYTES:
            units.append(self.rest())
        return [unit for unit in units if unit]

    def _size(self) -> int | None:
        """Bytes of the unit that begins the buffer; None where more must come to tell."""
        raise NotImplementedError

    def rest(self) -> bytes:
        """See `Units`."""
        data = bytes(self._buffer)
        self._buffer.clear()
        if data and self._aside:
            self._aside = max(0, self._aside - len(data))
        return data


class WebSocketUnits(_Held):
    """The handshake, then each frame."""

    def __init__(self) -> None:
        super().__init__()
        self._open = False

    def _size(self) -> int | None:
        buffer = self._buffer
        if not self._open:
            end = buffer.find(_HEAD_END)
            if end < 0:
                return None
            self._open = True
            return end + len(_HEAD_END)
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 6 if buffer[1] & 0x80 else 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(buffer) < 2 + wide:
                return None
            length, start = int.from_bytes(buffer[2 : 2 + wide]), start + wide
        return start + length


class FramedUnits(_Held):
    """Messages of a framing that was named."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._framer = framing.framer(name)
        self._ends: list[int] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """See `Units`."""
        self._framer.receive_data(chunk)
        for frame in self._framer.frames():
            self._ends.append(len(frame.payload) + frame.header_bytes)
            self._given_up = self._given_up or bool(frame.flaw)
        return super().feed(chunk)

    def _size(self) -> int | None:
        return self._ends.pop(0) if self._ends else None


def units(transport: str, framing_name: str) -> Units:
    """What cuts one direction of a new connection."""
    if transport == "ws":
        return WebSocketUnits()
    if framing_name in {"auto", "raw"}:
        return Chunks()
    return FramedUnits(framing_name)
