"""A WebSocket server that does what a test says, byte by byte: the other side of `WebSocketPeer`."""

from __future__ import annotations

import socket
import struct

from websockets.frames import Opcode
from websockets.utils import accept_key, apply_mask

from tests.waiting import limit

TEXT, BINARY, CONT, CLOSE, PING, PONG = (
    Opcode.TEXT,
    Opcode.BINARY,
    Opcode.CONT,
    Opcode.CLOSE,
    Opcode.PING,
    Opcode.PONG,
)


def frame(
    opcode: int, data: bytes = b"", *, fin: bool = True, masked: bool = False, rsv1: bool = False
) -> bytes:
    """A frame; nothing is checked."""
    first = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    bit = 0x80 if masked else 0
    if len(data) < 126:
        head = bytes([first, bit | len(data)])
    elif len(data) < 65_536:
        head = bytes([first, bit | 126]) + struct.pack("!H", len(data))
    else:
        head = bytes([first, bit | 127]) + struct.pack("!Q", len(data))
    key = b"abcd" if masked else b""
    return head + key + (apply_mask(data, key) if masked else data)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


class Server:
    """One listening socket, one client."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(limit(5))
        self.port: int = self._listener.getsockname()[1]
        self.client: socket.socket | None = None
        self.request = b""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/path?a=b"

    @property
    def connection(self) -> socket.socket:
        assert self.client is not None
        return self.client

    def accept(self) -> None:
        if self.client is not None:
            self.client.close()
        self.client, _ = self._listener.accept()
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.settimeout(limit(5))

    def has_request(self) -> bool:
        """Whether the whole request has come."""
        return self._peek().endswith(b"\r\n\r\n")

    def has_data(self) -> bool:
        """Whether anything has come."""
        return bool(self._peek())

    def _peek(self) -> bytes:
        self.connection.setblocking(False)
        try:
            return self.connection.recv(4096, socket.MSG_PEEK)
        except BlockingIOError:
            return b""
        finally:
            self.connection.settimeout(limit(5))

    def answer(
        self,
        *,
        connection: str = "Upgrade",
        key: str = "",
        headers: str = "",
        status: str = "101 Switching Protocols",
    ) -> bytes:
        """The answer to the request that has come."""
        self.request = self.connection.recv(4096)
        lines = dict(line.split(": ", 1) for line in self.request.decode().split("\r\n")[1:-2])
        accept = accept_key(key or lines["Sec-WebSocket-Key"])
        return (
            f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\nConnection: {connection}\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
        ).encode()

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def receive(self) -> tuple[int, bytes]:
        """First byte and payload of the next frame, which must be masked."""
        first, second = self._exactly(2)
        assert second & 0x80, "a client's frame is masked"
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        key = self._exactly(4)
        return first, apply_mask(self._exactly(size), key)

    def skip(self, limit: int) -> int:
        """Throw away what has come, and say how many bytes that was."""
        return len(self.connection.recv(limit)) if self.has_data() else 0

    def at_end(self) -> bool:
        """Whether the client has closed the connection, with nothing unread before."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def close(self) -> None:
        if self.client is not None:
            self.client.close()
        self._listener.close()

    def _exactly(self, size: int) -> bytes:
        data = self.connection.recv(size, socket.MSG_WAITALL) if size else b""
        assert len(data) == size, "the client has closed the connection"
        return data
