"""What can be chosen for an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, SupportsFloat

from gdlab.messages import DEFAULT_MAX_MESSAGE_BYTES
from gdlab.transports.replies import Reply, reply_function

if TYPE_CHECKING:
    from gdlab.framing import FramingLike


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions:
    """Choices and limits of an endpoint; what its transport does not know it leaves aside.

    Attributes
    ----------
    reply : answer to each message, see `replies`.
    ping : send each peer a probe message this often on average, in seconds, to measure round trips; see `gdlab.probe`.
    every : do not answer, but send `reply` to each peer this often, in seconds. All peers get it at the same moment,
        the first time at most this long after they connected. A function gets a `Message` without payload then, with
        the direction `out` and the peer it is for.
    framing : TCP: how messages are told apart, see `gdlab.framing.NAMES`; or a function or an object of the
        user's own, see `gdlab.framing.custom`.
    nodelay : send at once (`TCP_NODELAY`). False shows what Nagle's algorithm does, which Godot leaves on for TCP.
    max_message_bytes : longer messages end as a row of event `error`.
    max_connections : further ones are refused, each with a row.
    max_waiting_bytes : a peer that lets more than this wait to be sent does not read; its connection is closed.
    max_unsent_bytes : what waits to be sent to all peers of an endpoint together; the connection of the one for whom
        most waits is closed.
    max_held_bytes : all incomplete messages of an endpoint together.
    handshake_s : WebSocket: so long may a handshake take.
    origins : WebSocket: further web pages that may connect, as the browser writes their origin
        (``"https://game.example"``); ``"*"`` lets every page in. Games send none and always may.
    subprotocols : WebSocket: those we speak, the preferred first; None accepts the first one that a client offers.
    compression : WebSocket: offer permessage-deflate, which Godot does not have.
    reconnect : clients: connect again when the connection ends or does not come about.
    connect_s : clients: so long may connecting take.
    """

    reply: Reply | None = None
    ping: float | None = None
    every: float | None = None
    framing: FramingLike = "auto"
    nodelay: bool = True
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES
    max_connections: int = 1000
    max_waiting_bytes: int = 8 * 2**20
    max_unsent_bytes: int = 64 * 2**20
    max_held_bytes: int = 256 * 2**20
    handshake_s: float = 5.0
    origins: Sequence[str] = ()
    subprotocols: Sequence[str] | None = None
    compression: bool = False
    reconnect: bool = False
    connect_s: float = 5.0

    def __post_init__(self) -> None:
        reply_function(self.reply)
        check_period(self.ping)
        check_period(self.every)
        if self.every is not None and self.reply is None:
            raise ValueError(
                "every= says reply= unasked, and there is none: give both, or ping= for round trips"
            )
        if self.reply is not None or self.ping is not None:
            import_module(
                "gdlab.variant"
            )  # now, as loading it on the endpoint's thread would hold up what arrives
        if self.framing != "auto":
            from gdlab.framing import check_name  # which datagrams have no use for

            check_name(self.framing)
        for name in (
            "connect_s",
            "max_message_bytes",
            "max_connections",
            "max_waiting_bytes",
            "max_unsent_bytes",
            "max_held_bytes",
            "handshake_s",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}, but must be positive")


#: What can be changed while an endpoint runs.
STEERED: Final = ("reply", "ping", "every")


def check_period(period: float | None) -> None:
    """Raise unless this can be a period for ping or every.

    Raises
    ------
    TypeError, ValueError : it is no number, or less than a millisecond.
    """
    if period is None:
        return
    wanted = "give seconds, at least 0.001, or None"
    if not isinstance(period, SupportsFloat):
        raise TypeError(f"{period!r} is no period for ping or every; {wanted}")
    if not 0.001 <= float(period) < float("inf"):
        raise ValueError(f"a period of {period} s is not possible for ping or every; {wanted}")
