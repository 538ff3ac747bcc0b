"""Endpoints: sockets, their threads, and the rows they write."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from gdlab import surroundings
from gdlab.transports.address import Address, parse, parse_known, parse_remote
from gdlab.transports.encoding import Outgoing, encode
from gdlab.transports.endpoint import Endpoint
from gdlab.transports.interfaces import lan_address
from gdlab.transports.loop import Loop
from gdlab.transports.options import STEERED, EndpointOptions
from gdlab.transports.replies import Reply
from gdlab.transports.sink import Sink
from gdlab.transports.socket_checks import Reception, has_ipv6_loopback, port_problem, reception
from gdlab.transports.states import EndpointStatistics, State

if TYPE_CHECKING:
    from gdlab.transports.clients import TcpClient, UdpClient, WebSocketClient
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
    "lan_address",
    "listener",
    "parse",
    "parse_known",
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
        options: EndpointOptions | None = None,
        *,
        loop: Loop | None = None,
    ) -> Endpoint:
        """Make it; it does nothing before it is started."""


#: The transports that can be listened on.
LISTENERS = ("udp", "tcp", "ws")

#: Where each endpoint's class is: what nobody listens with or connects by is not loaded.
_MODULES = {
    "TcpClient": "clients",
    "TcpListener": "tcp",
    "UdpClient": "clients",
    "UdpListener": "udp",
    "WebSocketClient": "clients",
    "WebSocketListener": "websocket",
}
_NAMES = {"udp": "Udp", "tcp": "Tcp", "ws": "WebSocket"}


def __getattr__(name: str) -> type[Endpoint]:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: type[Endpoint] = getattr(import_module(f"gdlab.transports.{_MODULES[name]}"), name)
    return found


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
    return __getattr__(f"{_NAMES[address.transport]}Listener").at(address, sink, options, loop=loop)


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
    return __getattr__(f"{_NAMES[address.transport]}Client").at(address, sink, options, loop=loop)
