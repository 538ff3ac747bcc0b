"""Where an endpoint is in its life, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class State(Enum):
    """Where an endpoint is in its life."""

    IDLE = "bound, not yet receiving"
    LISTENING = "listening"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


#: Every legal change of state. CLOSED and FAILED are final: a stopped endpoint is not started again, a new one is made.
TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.IDLE: frozenset({State.LISTENING, State.CLOSED}),
    State.LISTENING: frozenset({State.CLOSING, State.FAILED}),
    State.CLOSING: frozenset({State.CLOSED, State.FAILED}),
    State.CLOSED: frozenset(),
    State.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class EndpointStatistics:
    """What an endpoint knows beyond its rows.

    Attributes
    ----------
    kernel_drops : messages the kernel dropped because the receive buffer was full; None where it does not tell.
    receive_buffer_bytes : size of that buffer as the system granted it; 0 where there is none.
    connections : open connections; for UDP 0.
    waiting_bytes : bytes of streams that wait for the rest of their message.
    awaited_bytes : length of the longest message that is on its way, as it announces it; 0 where none does.
    unsent_bytes : what waits until its peers read it.
    opening : connections whose handshake is not complete, which are not counted as open.
    """

    kernel_drops: int | None = None
    receive_buffer_bytes: int = 0
    connections: int = 0
    waiting_bytes: int = 0
    awaited_bytes: int = 0
    unsent_bytes: int = 0
    opening: int = 0
