"""Endpoints: sockets, their threads, and the rows they write."""

from __future__ import annotations

from typing import Protocol

from gdlab import surroundings
from gdlab.transports.address import Address, parse, parse_remote
from gdlab.transports.clients import TcpClient, UdpClient, WebSocketClient
from gdlab.transports.encoding import Outgoing, encode
from gdlab.transports.endpoint import Endpoint
from gdlab.transports.interfaces import lan_address
from gdlab.transports.loop import Loop
from gdlab.transports.options import STEERED, EndpointOptions
from gdlab.transports.replies import Reply
from gdlab.transports.sink import Sink
from gdlab.transports.socket_checks import Reception, has_ipv6_loopback, port_problem, reception
from gdlab.transports.states import EndpointStatistics, State
from gdlab.transports.stream_history import history, rewrite
from gdlab.transports.tcp import TcpListener
from gdlab.transports.udp import UdpListener
from gdlab.transports.websocket import WebSocketListener

__all__ = [
    "LISTENERS",
    "STEERED",
    "Address",
    "Endpoint",
    "EndpointOptions",
    "EndpointStatistics",
    "Loop",
    "MakeEndpoint",
    "Outgoing",
    "Reception",
    "Reply",
    "Sink",
    "State",
    "TcpClient",
    "TcpListener",
    "UdpClient",
    "UdpListener",
    "WebSocketClient",
    "WebSocketListener",
    "client",
    "encode",
    "has_ipv6_loopback",
    "history",
    "lan_address",
    "listener",
    "parse",
    "parse_remote",
    "port_problem",
    "reception",
    "rewrite",
]


class MakeEndpoint(Protocol):
    """Makes the endpoint of an address: `listener` or `client`."""

    def __call__(
        self,
        address: Address,
        sink: Sink,
        options: EndpointOptions | None = None,
        *,
        loop: Loop | None = None,
    ) -> Endpoint:
        """Make it; it does nothing before it is started."""


#: The transports that can be listened on.
LISTENERS = ("udp", "tcp", "ws")

_LISTENERS: dict[str, type[Endpoint]] = {"udp": UdpListener, "tcp": TcpListener, "ws": WebSocketListener}
_CLIENTS: dict[str, type[Endpoint]] = {"udp": UdpClient, "tcp": TcpClient, "ws": WebSocketClient}


def listener(
    address: Address, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
) -> Endpoint:
    """Bind the listener for an address; it receives nothing before it is started.

    Parameters
    ----------
    loop : what serves it; by default a loop of its own, which is a thread.

    Raises
    ------
    NotPossibleHere : in a Python without threads.
    """
    surroundings.demand("gd.listen needs")
    return _LISTENERS[address.transport].at(address, sink, options, loop=loop)


def client(
    address: Address, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
) -> Endpoint:
    """Make the client for an address; TCP and WebSocket connect when it is started.

    Raises
    ------
    NotConnected : there is no such host.
    NotPossibleHere : in a Python without threads.
    """
    surroundings.demand("gd.connect needs")
    return _CLIENTS[address.transport].at(address, sink, options, loop=loop)
