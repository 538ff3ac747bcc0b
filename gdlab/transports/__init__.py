"""Endpoints: sockets, their threads, and the rows they write."""

from gdlab.transports.address import Address, parse
from gdlab.transports.endpoint import Endpoint, EndpointStatistics, State
from gdlab.transports.replies import Reply
from gdlab.transports.sink import Sink
from gdlab.transports.udp import UdpListener

__all__ = ["Address", "Endpoint", "EndpointStatistics", "Reply", "Sink", "State", "UdpListener", "parse"]
