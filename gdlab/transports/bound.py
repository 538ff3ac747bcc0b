"""What an endpoint is built of: the sockets of an address, bound or found, before anything runs."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from gdlab.transports.address import Address
from gdlab.transports.datagrams import Source


@dataclass(frozen=True, slots=True)
class Bound:
    """An address that can be served.

    Attributes
    ----------
    address : with its real port.
    sockets : those that are open; whoever holds this closes them, or hands them to an endpoint, which does.
    candidates : where a client may find its peer: families and the sockets' addresses.
    """

    address: Address
    sockets: tuple[socket.socket, ...] = ()
    candidates: tuple[tuple[socket.AddressFamily, Source], ...] = ()

    def close(self) -> None:
        """Close the sockets."""
        for sock in self.sockets:
            sock.close()
