"""Godot's `TCPServer`."""

from __future__ import annotations

import socket
from typing import Final

from gdlab.peers import sockets
from gdlab.peers.codes import Error
from gdlab.peers.tcp import StreamPeerTCP

#: Connections that the kernel accepts before the script takes them.
MAX_PENDING: Final = 8


class TCPServer:
    """A listening socket as Godot's scripts have it (4.6; `core/io/tcp_server.cpp`): taken, not called back."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def __del__(self) -> None:
        self.stop()

    def listen(self, port: int, bind_address: str = sockets.WILDCARD) -> Error:
        """Open the socket on a port, 0 for any; only its low 16 bits count."""
        if self._socket is not None:
            return Error.ERR_ALREADY_IN_USE
        if bind_address != sockets.WILDCARD and not sockets.is_address(bind_address):
            return Error.ERR_INVALID_PARAMETER
        try:
            sock = sockets.open_socket(socket.SOCK_STREAM, bind_address)
        except OSError:
            return Error.ERR_CANT_CREATE
        try:
            sockets.reuse_address(sock)
            sock.bind(sockets.to_address(sock, bind_address, port & 0xFFFF))
            sock.listen(MAX_PENDING)
        except OSError:
            sock.close()
            return Error.ERR_ALREADY_IN_USE
        self._socket = sock
        return Error.OK

    def is_connection_available(self) -> bool:
        """Whether somebody has connected."""
        return self._socket is not None and sockets.readable(self._socket)

    def take_connection(self) -> StreamPeerTCP | None:
        """The connection that waits longest, with `STATUS_CONNECTED`, or None."""
        if self._socket is None:
            return None
        try:
            sock, address = self._socket.accept()
        except OSError:
            return None
        return StreamPeerTCP._accepted(sock, sockets.unpack(sockets.pack(str(address[0]))), int(address[1]))

    def is_listening(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None

    def get_local_port(self) -> int:
        """The port listened on, 0 if there is none."""
        return sockets.local_port(self._socket)

    def stop(self) -> None:
        """Close the socket; what was taken goes on."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
