"""Endpoints: sockets, their threads, and the rows they write."""

from __future__ import annotations

from gdlab.transports.address import Address, parse
from gdlab.transports.endpoint import Endpoint, EndpointStatistics, State
from gdlab.transports.replies import Reply
from gdlab.transports.sink import Sink
from gdlab.transports.udp import UdpListener

__all__ = [
    "LISTENERS",
    "Address",
    "Endpoint",
    "EndpointStatistics",
    "Reply",
    "Sink",
    "State",
    "UdpListener",
    "listener",
    "parse",
]

#: The listener of each transport.
LISTENERS: dict[str, type[Endpoint]] = {"udp": UdpListener}


def listener(
    address: Address, sink: Sink, *, reply: Reply | None = None, ping_s: float | None = None
) -> Endpoint:
    """Bind the listener for an address; it receives nothing before it is started."""
    return LISTENERS[address.transport](address, sink, reply=reply, ping_s=ping_s)
