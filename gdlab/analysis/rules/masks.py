"""Messages that rules count or look into, chosen by what is in their own rows: files can be looked at one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gdlab.analysis.rules.evidence import Evidence, Mask

#: WebSocketPeer.inbound_buffer_size and outbound_buffer_size of Godot 4.6: the largest message each way.
GODOT_WEBSOCKET_BYTES: Final = 65_535
#: What an Ethernet frame of 1,500 bytes leaves for a UDP payload over IPv4; and ENet's MTU in Godot 4.6.
ETHERNET_UDP_BYTES: Final = 1472
ENET_BYTES: Final = 1392


def arrived(evidence: Evidence) -> NDArray[np.bool_]:
    """What came in."""
    return evidence.arrived


def sent(evidence: Evidence) -> NDArray[np.bool_]:
    """What went out."""
    return evidence.sent


def in_a_stream(evidence: Evidence) -> NDArray[np.bool_]:
    """What came in by TCP, which knows no messages."""
    return evidence.transport("tcp") & evidence.arrived


def may_have_large_integers(evidence: Evidence) -> NDArray[np.bool_]:
    """Messages long enough, and not too long to be searched."""
    return (evidence.arrived | evidence.sent) & (evidence.size >= 16) & (evidence.size <= 65_536)


def over_websocket_buffer(evidence: Evidence) -> NDArray[np.bool_]:
    """Messages to a game that are too long for it."""
    return evidence.sent & evidence.transport("ws", "wss") & (evidence.size > GODOT_WEBSOCKET_BYTES)


def datagrams(evidence: Evidence) -> NDArray[np.bool_]:
    """Messages of UDP, both ways."""
    return (evidence.arrived | evidence.sent) & evidence.transport("udp")


def over_mtu(evidence: Evidence) -> NDArray[np.bool_]:
    """Datagrams that a path of Ethernet divides."""
    return datagrams(evidence) & (evidence.size > ETHERNET_UDP_BYTES)


def over_enet_mtu(evidence: Evidence) -> NDArray[np.bool_]:
    """Datagrams that ENet would divide and Ethernet not."""
    return datagrams(evidence) & (evidence.size > ENET_BYTES) & (evidence.size <= ETHERNET_UDP_BYTES)


def heard(evidence: Evidence) -> NDArray[np.bool_]:
    """All that came in, answers to our pings as well."""
    return evidence.heard


#: Of which rules ask how many there are, how large, and which are the first.
COUNTED: Final[tuple[Mask, ...]] = (
    arrived,
    sent,
    heard,
    datagrams,
    over_websocket_buffer,
    over_mtu,
    over_enet_mtu,
)
#: Whose first payloads are looked at.
LOOKED_AT: Final[tuple[Mask, ...]] = (arrived, sent, in_a_stream, may_have_large_integers)
