"""Where endpoints put what they receive."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gdlab.messages import Direction, Event, Kind, Peer, Stamp
from gdlab.payloads import UInt8


class Sink(Protocol):
    """The writing side of a message store; called by one thread only."""

    def peer_code(self, peer: Peer | str | None) -> int:
        """Return the number under which `append` and `extend` take this peer."""

    def append(
        self,
        time_ns: int,
        peer: int = 0,
        payload: bytes | bytearray | memoryview = b"",
        *,
        direction: Direction = Direction.IN,
        event: Event = Event.MESSAGE,
        kind: Kind = Kind.BINARY,
        stamp: Stamp = Stamp.USER,
        wire_bytes: int = 0,
        detail: str = "",
        lost: int = 0,
    ) -> None:
        """Write one row."""

    def extend(
        self,
        time_ns: npt.NDArray[np.int64],
        peers: npt.NDArray[Any],
        sizes: npt.NDArray[Any],
        payloads: UInt8,
        wire_bytes: npt.NDArray[Any],
        kinds: npt.NDArray[np.int8],
        *,
        stamp: Stamp = Stamp.KERNEL,
    ) -> None:
        """Write n received messages at once."""
