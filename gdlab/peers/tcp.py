"""Godot's `StreamPeerTCP`, traps included."""

from __future__ import annotations

import errno
import socket
import struct
import sys
import time
from enum import IntEnum
from typing import ClassVar, Final

from gdlab.peers import sockets
from gdlab.peers.codes import Error

#: The project setting `network/limits/tcp/connect_timeout_seconds`, as it stands in a new project.
CONNECT_TIMEOUT_S: Final = 30.0

_UNDER_WAY: Final = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EAGAIN}
_WAITING_AT_MOST: Final = 1 << 20

if sys.platform == "win32":

    def _waiting(sock: socket.socket) -> int:
        """Bytes that can be read at once, up to a MiB."""
        try:
            return len(sock.recv(_WAITING_AT_MOST, socket.MSG_PEEK))
        except BlockingIOError:
            return 0

else:
    import fcntl
    import termios

    def _waiting(sock: socket.socket) -> int:
        """Bytes that can be read at once."""
        (count,) = struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))
        return int(count)


class Status(IntEnum):
    """`StreamPeerTCP.Status`."""

    STATUS_NONE = 0
    STATUS_CONNECTING = 1
    STATUS_CONNECTED = 2
    STATUS_ERROR = 3


class StreamPeerTCP:
    """A TCP connection as Godot's scripts have it (4.6; `core/io/stream_peer_socket.cpp`).

    - The status changes in `poll` only: it stays `STATUS_CONNECTING` for ever where nobody polls.
    - The other side's close is seen when everything is read *and* polled; the status is `STATUS_NONE` then.
      A reset is `STATUS_ERROR`.
    - After an error `connect_to_host` is refused until `disconnect_from_host`.
    - `get_data` and `put_data` block, the whole game with them, until all bytes have come or gone.
    - Nagle's algorithm is on: small writes wait for acknowledgements until `set_no_delay(True)`.
    """

    STATUS_NONE: ClassVar = Status.STATUS_NONE
    STATUS_CONNECTING: ClassVar = Status.STATUS_CONNECTING
    STATUS_CONNECTED: ClassVar = Status.STATUS_CONNECTED
    STATUS_ERROR: ClassVar = Status.STATUS_ERROR

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._status = Status.STATUS_NONE
        self._host = ""
        self._port = 0
        self._deadline = 0.0

    def __del__(self) -> None:
        self.disconnect_from_host()

    @classmethod
    def _accepted(cls, sock: socket.socket, ip: str, port: int) -> StreamPeerTCP:
        """A connection that a server has accepted."""
        peer = cls()
        sock.setblocking(False)
        peer._socket, peer._status, peer._host, peer._port = sock, Status.STATUS_CONNECTED, ip, port
        return peer

    def bind(self, port: int, host: str = sockets.WILDCARD) -> Error:
        """Choose the local port, before connecting."""
        if self._socket is not None:
            return Error.ERR_ALREADY_IN_USE
        if not 0 <= port <= 65_535:
            return Error.ERR_INVALID_PARAMETER
        if host != sockets.WILDCARD and not sockets.is_address(host):
            # Godot opens the socket first, so that this object can no longer be bound.
            self._socket = sockets.open_socket(socket.SOCK_STREAM, sockets.WILDCARD)
            return Error.ERR_INVALID_PARAMETER
        try:
            sock = sockets.open_socket(socket.SOCK_STREAM, host)
        except OSError:
            return Error.ERR_CANT_CREATE
        try:
            sock.bind(sockets.to_address(sock, host, port))
        except OSError:
            sock.close()
            return Error.ERR_UNAVAILABLE
        self._socket = sock
        return Error.OK

    def connect_to_host(self, host: str, port: int) -> Error:
        """Begin to connect; `poll` shows when that has succeeded or failed."""
        addresses = sockets.resolve(host)
        if not addresses:
            return Error.ERR_CANT_RESOLVE
        if self._status is not Status.STATUS_NONE:
            return Error.ERR_ALREADY_IN_USE
        if not 1 <= port <= 65_535:
            return Error.ERR_INVALID_PARAMETER
        if self._socket is None:
            try:
                self._socket = sockets.open_socket(socket.SOCK_STREAM, addresses[0])
            except OSError:
                return Error.ERR_CANT_CREATE
        self._host, self._port = addresses[0], port
        self._deadline = time.monotonic() + CONNECT_TIMEOUT_S
        begun = self._connect()
        if begun is Error.OK:
            self._status = Status.STATUS_CONNECTED
        elif begun is Error.ERR_BUSY:
            self._status = Status.STATUS_CONNECTING
        else:
            self.disconnect_from_host()
            return Error.FAILED
        return Error.OK

    def poll(self) -> Error:
        """Bring the status up to date."""
        sock = self._socket
        if sock is not None and self._status is Status.STATUS_CONNECTED:
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                return self._fail(Error.FAILED)
            try:
                ended = sock.recv(1, socket.MSG_PEEK) == b""
            except BlockingIOError:
                return Error.OK
            except OSError:
                return self._fail(Error.FAILED)
            if ended:
                self.disconnect_from_host()
        elif self._status is Status.STATUS_CONNECTING:
            come_to = self._connect()
            if come_to is Error.OK:
                self._status = Status.STATUS_CONNECTED
            elif come_to is not Error.ERR_BUSY or time.monotonic() > self._deadline:
                return self._fail(Error.ERR_CONNECTION_ERROR)
        return Error.OK

    def get_status(self) -> Status:
        """As of the last `poll`, or of what has failed since."""
        return self._status

    def get_available_bytes(self) -> int:
        """Bytes that can be read at once; needs no `poll`. -1 without a socket."""
        if self._socket is None:
            return -1
        try:
            return _waiting(self._socket)
        except OSError:
            return -1

    def get_data(self, size: int) -> tuple[Error, bytes]:
        """So many bytes; blocks until they have come, the other side closes or the connection fails.

        Even with an error it is so many bytes: what had come, then garbage (here zeros).
        """
        error, data = self._read(size, block=True)
        return error, data.ljust(size, b"\0")

    def get_partial_data(self, size: int) -> tuple[Error, bytes]:
        """What has come, at most so many bytes."""
        error, data = self._read(size, block=False)
        return error, b"" if error else data

    def put_data(self, data: bytes) -> Error:
        """Send; blocks until the kernel has taken all of it."""
        return self._write(data, block=True)[0]

    def put_partial_data(self, data: bytes) -> tuple[Error, int]:
        """Send what the kernel takes at once; with it, how many bytes that was."""
        return self._write(data, block=False)

    def set_no_delay(self, enabled: bool) -> None:
        """Switch Nagle's algorithm off; does nothing without a socket (Godot prints an error)."""
        if self._socket is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(enabled))

    def get_connected_host(self) -> str:
        """The other side's address; empty if there is none."""
        return self._host

    def get_connected_port(self) -> int:
        """The other side's port; 0 if there is none."""
        return self._port

    def get_local_port(self) -> int:
        """Our port; 0 if there is none."""
        return sockets.local_port(self._socket)

    def disconnect_from_host(self) -> None:
        """Close the connection; the status is `STATUS_NONE`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._status = Status.STATUS_NONE
        self._host, self._port = "", 0

    def _connect(self) -> Error:
        assert self._socket is not None  # noqa: S101 - for the type checker: every caller has opened it
        result = self._socket.connect_ex(sockets.to_address(self._socket, self._host, self._port))
        if result in (0, errno.EISCONN):
            return Error.OK
        return Error.ERR_BUSY if result in _UNDER_WAY else Error.FAILED

    def _fail(self, error: Error) -> Error:
        self.disconnect_from_host()
        self._status = Status.STATUS_ERROR
        return error

    def _read(self, size: int, *, block: bool) -> tuple[Error, bytes]:
        sock = self._socket
        if size < 0:
            return Error.ERR_OUT_OF_MEMORY, b""
        if sock is None or self._status is not Status.STATUS_CONNECTED:
            return Error.FAILED, b""
        data = bytearray()
        try:
            sock.setblocking(block)
            while len(data) < size:
                piece = sock.recv(min(size - len(data), _WAITING_AT_MOST))
                if not piece:
                    self.disconnect_from_host()
                    return Error.ERR_FILE_EOF, bytes(data)
                data += piece
                if not block:
                    break
            sock.setblocking(False)
        except BlockingIOError:
            pass
        except OSError:
            self.disconnect_from_host()
            return Error.FAILED, b""
        return Error.OK, bytes(data)

    def _write(self, data: bytes, *, block: bool) -> tuple[Error, int]:
        sock = self._socket
        if sock is None or self._status is not Status.STATUS_CONNECTED:
            return Error.FAILED, 0
        view = memoryview(data)
        sent = 0
        try:
            sock.setblocking(block)
            while sent < len(view):
                sent += sock.send(view[sent:])
            sock.setblocking(False)
        except BlockingIOError:
            pass
        except OSError:
            self.disconnect_from_host()
            return Error.FAILED, 0
        return Error.OK, sent
