"""The byte ring in which a `PacketPeerUDP` keeps what it has received."""

from __future__ import annotations

from typing import Final

from gdlab.peers import sockets

#: What a datagram costs beside its bytes: 16 of address, 4 of port, 4 of size.
HEADER_BYTES: Final = 24

#: Godot's rings hold 2 ** shift bytes; `connect_to_host` and the peers of a `UDPServer` have this one.
DEFAULT_SHIFT: Final = 16


class PacketRing:
    """Datagrams with their senders, in a ring of ``2 ** shift`` bytes of which one stays free.

    What does not fit is refused, so the newest datagrams are lost and the first stay. A ring with two positions, as
    in the engine (`core/templates/ring_buffer.h`), so that what goes wrong there goes wrong here in the same way.

    Attributes
    ----------
    count : datagrams waiting.
    """

    def __init__(self, shift: int = DEFAULT_SHIFT) -> None:
        self.count = 0
        self._data = bytearray(1 << shift)
        self._read_at = self._write_at = 0

    @property
    def space_left(self) -> int:
        """Bytes that fit still, headers included."""
        return len(self._data) - 1 - self._used

    def store(self, ip: bytes, port: int, payload: bytes) -> bool:
        """Whether the datagram fitted; `ip` is 16 bytes."""
        if self.space_left < len(payload) + HEADER_BYTES:
            return False
        self._write(ip + port.to_bytes(4, "little") + len(payload).to_bytes(4, "little") + payload)
        self.count += 1
        return True

    def take(self) -> tuple[str, int | None, bytes] | None:
        """The oldest datagram as ip, port, payload; None if none waits.

        After `flush` there are datagrams that are counted and gone; each is taken as an empty one of no address and
        no port.
        """
        if self.count == 0:
            return None
        self.count -= 1
        ip, port, size = self._read(16), self._read(4), int.from_bytes(self._read(4), "little")
        sender = sockets.unpack(ip.ljust(16, b"\0"))
        return sender, int.from_bytes(port, "little") if port else None, self._read(size)

    def flush(self) -> None:
        """Forget the bytes but not the count, as `PacketPeerUDP.connect_to_host` does."""
        self._read_at = self._write_at = 0

    def uncount(self) -> None:
        """Forget the count but not the bytes, as `PacketPeerUDP.close` does: they come again after the next `bind`."""
        self.count = 0
        self.resize(DEFAULT_SHIFT)

    def resize(self, shift: int) -> None:
        """Make it ``2 ** shift`` bytes. A smaller ring keeps an accidental part of what was in it, as the engine's."""
        old, new = len(self._data), 1 << shift
        if new > old:
            self._data += bytes(new - old)
            if self._read_at > self._write_at:
                self._data[old : old + self._write_at] = self._data[: self._write_at]
                self._write_at += old
        else:
            del self._data[new:]
        self._read_at &= new - 1
        self._write_at &= new - 1

    @property
    def _used(self) -> int:
        return (self._write_at - self._read_at) & (len(self._data) - 1)

    def _write(self, data: bytes) -> None:
        first = min(len(data), len(self._data) - self._write_at)
        self._data[self._write_at : self._write_at + first] = data[:first]
        self._data[: len(data) - first] = data[first:]
        self._write_at = (self._write_at + len(data)) & (len(self._data) - 1)

    def _read(self, size: int) -> bytes:
        size = min(size, self._used)
        first = min(size, len(self._data) - self._read_at)
        data = self._data[self._read_at : self._read_at + first] + self._data[: size - first]
        self._read_at = (self._read_at + size) & (len(self._data) - 1)
        return bytes(data)


def shift_above(size: int) -> int:
    """The power of two *above* a size, as `bind(port, address, size)` takes it: 65536 gives 17, 65535 gives 16."""
    return size.bit_length()
