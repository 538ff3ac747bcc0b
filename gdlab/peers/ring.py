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

    What does not fit is refused, so the newest datagrams are lost and the first stay.

    Attributes
    ----------
    shift : binary logarithm of the ring's size.
    count : datagrams waiting.
    """

    def __init__(self, shift: int = DEFAULT_SHIFT) -> None:
        self.shift = shift
        self.count = 0
        self._bytes = bytearray()

    @property
    def space_left(self) -> int:
        """Bytes that fit still, headers included."""
        return (1 << self.shift) - 1 - len(self._bytes)

    def store(self, ip: bytes, port: int, payload: bytes) -> bool:
        """Whether the datagram fitted; `ip` is 16 bytes."""
        if self.space_left < len(payload) + HEADER_BYTES:
            return False
        self._bytes += ip + port.to_bytes(4, "little") + len(payload).to_bytes(4, "little") + payload
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
        self._bytes.clear()

    def uncount(self) -> None:
        """Forget the count but not the bytes, as `PacketPeerUDP.close` does: they come again after the next `bind`."""
        self.count = 0
        self.shift = DEFAULT_SHIFT

    def _read(self, size: int) -> bytes:
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken


def shift_above(size: int) -> int:
    """The power of two *above* a size, as `bind(port, address, size)` takes it: 65536 gives 17, 65535 gives 16."""
    return size.bit_length()
