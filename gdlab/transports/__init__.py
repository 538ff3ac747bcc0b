"""Endpoints: sockets, their threads, and the rows they write."""

from __future__ import annotations

from typing import Protocol

from gdlab.transports.address import Address, parse, parse_remote
from gdlab.transports.clients import TcpClient, UdpClient, WebSocketClient
from gdlab.transports.endpoint import Endpoint, EndpointStatistics, State
from gdlab.transports.interfaces import lan_address
from gdlab.transports.options import StreamOptions
from gdlab.transports.replies import Outgoing, Reply
from gdlab.transports.sink import Sink
from gdlab.transports.socket_checks import Reception, has_ipv6_loopback, port_problem, reception
from gdlab.transports.tcp import TcpListener
from gdlab.transports.udp import UdpListener
from gdlab.transports.websocket import WebSocketListener

__all__ = [
    "LISTENERS",
    "Address",
    "Endpoint",
    "EndpointStatistics",
    "MakeEndpoint",
    "Outgoing",
    "Reception",
    "Reply",
    "Sink",
    "State",
    "StreamOptions",
    "TcpClient",
    "TcpListener",
    "UdpClient",
    "UdpListener",
    "WebSocketClient",
    "WebSocketListener",
    "client",
    "has_ipv6_loopback",
    "lan_address",
    "listener",
    "parse",
    "parse_remote",
    "port_problem",
    "reception",
]


class MakeEndpoint(Protocol):
    """Makes the endpoint of an address: `listener` or `client`."""

    def __call__(
        self,
        address: Address,
        sink: Sink,
        *,
        reply: Reply | None = None,
        ping_s: float | None = None,
        every_s: float | None = None,
        options: StreamOptions | None = None,
    ) -> Endpoint:
        """Make it; it does nothing before it is started."""


#: The transports that can be listened on.
LISTENERS = ("udp", "tcp", "ws")


def listener(
    address: Address,
    sink: Sink,
    *,
    reply: Reply | None = None,
    ping_s: float | None = None,
    every_s: float | None = None,
    options: StreamOptions | None = None,
) -> Endpoint:
    """Bind the listener for an address; it receives nothing before it is started. UDP takes no `options`."""
    if address.transport == "udp":
        return UdpListener(address, sink, reply=reply, ping_s=ping_s, every_s=every_s)
    kind = TcpListener if address.transport == "tcp" else WebSocketListener
    return kind(address, sink, reply=reply, ping_s=ping_s, every_s=every_s, options=options)


def client(
    address: Address,
    sink: Sink,
    *,
    reply: Reply | None = None,
    ping_s: float | None = None,
    every_s: float | None = None,
    options: StreamOptions | None = None,
) -> Endpoint:
    """Make the client for an address; TCP and WebSocket connect when it is started. UDP takes no `options`.

    Raises
    ------
    NotConnected : there is no such host.
    """
    if address.transport == "udp":
        return UdpClient(address, sink, reply=reply, ping_s=ping_s, every_s=every_s)
    kind = TcpClient if address.transport == "tcp" else WebSocketClient
    return kind(address, sink, reply=reply, ping_s=ping_s, every_s=every_s, options=options)
