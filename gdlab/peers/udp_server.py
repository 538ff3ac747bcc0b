"""Godot's `UDPServer`, traps included."""

from __future__ import annotations

import contextlib
import socket
import weakref
from typing import Final

from gdlab.peers import sockets
from gdlab.peers.codes import Error
from gdlab.peers.udp import PacketPeerUDP

_LARGEST: Final = 65_536


class UDPServer:
    """One socket whose datagrams are sorted into a `PacketPeerUDP` per sender (4.6; `core/io/udp_server.cpp`).

    - Nothing is read except by `poll`, which reads everything.
    - Unknown senders wait to be taken, at most `max_pending_connections` of them; the datagrams of further ones are
      dropped.
    - A taken peer that the script does not keep is forgotten *with what waits in its ring*; the sender's next
      datagram makes a new one. A program that takes a peer, reads one packet and lets go loses the rest of a burst.
    - Setting `max_pending_connections` above the number of senders that wait throws all of these away.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._pending: dict[tuple[str, int], PacketPeerUDP] = {}
        # Weak: who keeps no reference to a taken peer has lost it.
        self._taken: weakref.WeakValueDictionary[tuple[str, int], PacketPeerUDP] = (
            weakref.WeakValueDictionary()
        )
        self._max_pending = 16

    def __del__(self) -> None:
        self.stop()

    @property
    def max_pending_connections(self) -> int:
        """So many unknown senders wait; setting it throws them away where it is above their number."""
        return self._max_pending

    @max_pending_connections.setter
    def max_pending_connections(self, value: int) -> None:
        if value < 0:
            return  # Godot prints an error
        self._max_pending = value
        if value > len(self._pending):
            self._pending.clear()

    def listen(self, port: int, bind_address: str = sockets.WILDCARD) -> Error:
        """Open the socket on a port, 0 for any.

        Only the low 16 bits of the port count. On Linux a port that another `UDPServer` listens on is no error.
        """
        if self._socket is not None:
            return Error.ERR_ALREADY_IN_USE
        if bind_address != sockets.WILDCARD and not sockets.is_address(bind_address):
            return Error.ERR_INVALID_PARAMETER
        try:
            sock = sockets.open_socket(socket.SOCK_DGRAM, bind_address)
        except OSError:
            return Error.ERR_CANT_CREATE
        try:
            sockets.reuse_address(sock)
            sock.bind(sockets.to_address(sock, bind_address, port & 0xFFFF))
        except OSError:
            sock.close()
            return Error.ERR_UNAVAILABLE
        self._socket = sock
        return Error.OK

    def poll(self) -> Error:
        """Read all datagrams and sort them by sender."""
        sock = self._socket
        if sock is None:
            return Error.ERR_UNCONFIGURED
        while True:
            try:
                payload, sender = sock.recvfrom(_LARGEST)
            except BlockingIOError:
                return Error.OK
            except ConnectionResetError:
                continue  # Windows tells of a refused send on the next receive; Godot switches that off
            except OSError:
                return Error.FAILED
            packed, port = sockets.pack(str(sender[0])), int(sender[1])
            key = sockets.unpack(packed), port
            peer = self._taken.get(key) or self._pending.get(key)
            if peer is None:
                if len(self._pending) >= self._max_pending:
                    continue
                peer = self._pending[key] = PacketPeerUDP()
                peer._share(self, sock, *key)
            peer._store(packed, port, payload)

    def is_connection_available(self) -> bool:
        """Whether an unknown sender waits."""
        return bool(self._pending)

    def take_connection(self) -> PacketPeerUDP | None:
        """The peer of the sender that waits longest, or None. Keep it, or it is forgotten with its packets."""
        if not self._pending:
            return None
        key = next(iter(self._pending))
        peer = self._taken[key] = self._pending.pop(key)
        return peer

    def is_listening(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None

    def get_local_port(self) -> int:
        """The port listened on, 0 if there is none."""
        return sockets.local_port(self._socket)

    def stop(self) -> None:
        """Close the socket; all its peers are closed with it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        for peer in [*self._pending.values(), *self._taken.values()]:
            peer._leave()
            with contextlib.suppress(OSError):
                peer.close()
        self._pending.clear()
        self._taken.clear()

    def _forget(self, ip: str, port: int) -> None:
        """Leave a peer out that was closed; its sender's next datagram makes a new one. Peers call this."""
        self._taken.pop((ip, port), None)
