"""Godot's `PacketPeerUDP`, traps included."""

from __future__ import annotations

import socket
import sys
import weakref
from typing import Final, Protocol

from gdlab.peers import sockets
from gdlab.peers.codes import Error
from gdlab.peers.ring import PacketRing, shift_above

_LARGEST: Final = 65_536


class Keeper(Protocol):
    """The `UDPServer` whose socket a peer shares."""

    def _forget(self, ip: str, port: int) -> None:
        """Leave out a peer that was closed."""


class PacketPeerUDP:
    """A UDP socket as Godot's scripts have it (4.6; `core/io/packet_peer_udp.cpp`).

    - The socket is emptied into a ring of 65,535 bytes only by `get_available_packet_count` and `get_packet`; before
      that the kernel's own buffer fills up.
    - Each datagram costs its size and 24 bytes of the ring. What does not fit is lost, the newest first, without a
      sign (editor builds print a warning).
    - `put_packet(b"")` returns `OK` and sends nothing.
    - `connect_to_host` takes no names, not even "localhost"; `set_dest_address` does.
    - What waited at `close` is read again after the next `bind`, before anything new. What waited at
      `connect_to_host` is gone, but still counted.
    - An address that nobody listens at is noticed only by a connected socket, as a count of -1.

    Every method returns what Godot's returns; nothing raises for what the network does.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._server: weakref.ref[Keeper] | None = None
        self._ring = PacketRing()
        self._connected = False
        self._host = ""
        self._port = 0
        self._packet_ip = ""
        self._packet_port = 0
        self._packet_error = Error.OK

    def __del__(self) -> None:
        # Godot's objects are counted: a peer that nobody keeps is closed and forgotten, here as there.
        self.close()

    def bind(self, port: int, bind_address: str = sockets.WILDCARD, recv_buf_size: int = 65_536) -> Error:
        """Open the socket on a local port, 0 for any; the ring becomes the power of two *above* `recv_buf_size`."""
        if self.is_bound():
            return Error.ERR_ALREADY_IN_USE
        if not 0 <= port <= 65_535 or not (
            bind_address == sockets.WILDCARD or sockets.is_address(bind_address)
        ):
            return Error.ERR_INVALID_PARAMETER
        try:
            sock = sockets.open_socket(socket.SOCK_DGRAM, bind_address)
        except OSError:
            return Error.ERR_CANT_CREATE
        try:
            sock.bind(sockets.to_address(sock, bind_address, port))
        except OSError:
            sock.close()
            return Error.ERR_UNAVAILABLE
        self._socket = sock
        self._ring.resize(shift_above(recv_buf_size))
        return Error.OK

    def connect_to_host(self, host: str, port: int) -> Error:
        """Set where packets go, and take packets only from there. `host` is an address; names are refused."""
        if self._server is not None:
            return Error.ERR_LOCKED
        if not sockets.is_address(host) or not 1 <= port <= 65_535:
            return Error.ERR_INVALID_PARAMETER
        try:
            sock = self._open(host)
        except OSError:
            return Error.ERR_CANT_OPEN
        try:
            sock.connect(sockets.to_address(sock, host, port))
        except OSError:
            self.close()
            return Error.FAILED
        self._connected = True
        self._host, self._port = host, port
        self._ring.flush()
        return Error.OK

    def set_dest_address(self, host: str, port: int) -> Error:
        """Set where packets go; packets are taken from anywhere."""
        addresses = sockets.resolve(host)
        if not addresses:
            return Error.ERR_CANT_RESOLVE
        if not self._connected:  # else Godot prints an error, and returns OK all the same
            self._host, self._port = addresses[0], port
        return Error.OK

    def put_packet(self, buffer: bytes) -> Error:
        """Send a packet; an empty one is not sent, and `OK`."""
        if not buffer:
            return Error.OK
        if not self._host:
            return Error.ERR_UNCONFIGURED
        try:
            sock = self._open(self._host)
        except OSError:
            return Error.FAILED
        try:
            sock.setblocking(True)  # Godot tries again and again until the kernel takes it
            try:
                if self._connected and self._server is None:
                    sock.send(buffer)
                else:
                    sock.sendto(buffer, sockets.to_address(sock, self._host, self._port))
            finally:
                sock.setblocking(False)
        except (OSError, OverflowError):
            return Error.FAILED
        return Error.OK

    def get_available_packet_count(self) -> int:
        """Packets that wait, after emptying the socket; -1 if there is no socket or it has failed."""
        return self._ring.count if self._poll() is Error.OK else -1

    def get_packet(self) -> bytes:
        """Take the oldest packet; an empty one if there is none, and `get_packet_error` then says so."""
        self._packet_error = self._poll()
        if self._packet_error is not Error.OK:
            return b""
        taken = self._ring.take()
        if taken is None:
            self._packet_error = Error.ERR_UNAVAILABLE
            return b""
        self._packet_ip, port, payload = taken
        if port is not None:
            self._packet_port = port
        return payload

    def get_packet_error(self) -> Error:
        """What the last `get_packet` came to."""
        return self._packet_error

    def get_packet_ip(self) -> str:
        """Who sent the packet that was taken last; of a `UDPServer`'s peer, also before that."""
        return self._packet_ip

    def get_packet_port(self) -> int:
        """The port that the packet taken last came from."""
        return self._packet_port

    def get_local_port(self) -> int:
        """The port of the socket, 0 if there is none."""
        return sockets.local_port(self._socket)

    def is_bound(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None and self._socket.fileno() >= 0

    def is_socket_connected(self) -> bool:
        """Whether `connect_to_host` was called, or a `UDPServer` made this peer."""
        return self._connected

    def close(self) -> None:
        """Close the socket and forget what waits; a `UDPServer`'s peer leaves the server's socket open."""
        if self._server is not None:
            server = self._server()
            self._leave()
            if server is not None:
                server._forget(self._host, self._port)
        elif self._socket is not None:
            self._socket.close()
        self._socket = None
        self._ring.uncount()
        self._connected = False

    # What `UDPServer` does with its peers.

    def _share(self, server: Keeper, sock: socket.socket, ip: str, port: int) -> None:
        self._server = weakref.ref(server)
        self._socket = sock
        self._connected = True
        self._host = self._packet_ip = ip
        self._port = self._packet_port = port

    def _leave(self) -> None:
        self._server = self._socket = None

    def _store(self, ip: bytes, port: int, payload: bytes) -> bool:
        return self._ring.store(ip, port, payload)

    def _open(self, ip: str) -> socket.socket:
        if self._socket is None or self._socket.fileno() < 0:
            self._socket = sockets.open_socket(socket.SOCK_DGRAM, ip)
        return self._socket

    def _poll(self) -> Error:
        """Empty the socket into the ring."""
        if self._socket is None or self._socket.fileno() < 0:
            return Error.FAILED
        if self._server is not None:
            return Error.OK  # only the server's own poll() reads
        while True:
            try:
                payload, sender = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return Error.OK
            except ConnectionResetError:
                if sys.platform == "win32" and not self._connected:
                    continue  # Windows tells of a refused send on the next receive; Godot switches that off
                return Error.FAILED
            except OSError:
                return Error.FAILED
            ip, port = (self._host, self._port) if self._connected else (str(sender[0]), int(sender[1]))
            self._ring.store(sockets.pack(ip), port, payload)
