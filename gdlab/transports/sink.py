"""Where endpoints put what they receive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gdlab.facts import Fact
from gdlab.messages import Direction, Event, Kind, Peer, TimeSource
from gdlab.payloads import UInt8
from gdlab.store.streams import StreamRow


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
        time_source: TimeSource = TimeSource.USER,
        wire_bytes: int = 0,
        fact: Fact | None = None,
        word: str = "",
    ) -> None:
        """Write one row; `fact` is what is to be known beside the bytes, `word` how they were cut out of a stream."""

    def extend(
        self,
        time_ns: npt.NDArray[np.int64],
        peers: npt.NDArray[Any],
        sizes: npt.NDArray[Any],
        payloads: UInt8,
        wire_bytes: npt.NDArray[Any],
        kinds: npt.NDArray[np.int8],
        *,
        time_source: TimeSource = TimeSource.KERNEL,
        probes: npt.NDArray[np.bool_] | None = None,
        word: str = "",
        direction: Direction = Direction.IN,
        starts: npt.NDArray[np.int64] | None = None,
        words: Sequence[tuple[int, str]] = (),
    ) -> None:
        """Write n messages at once.

        `probes` are those that are pings of ours or answers to them, `starts` where each begins in `payloads`, which
        stand one behind the other without, `words` those of single messages, with their numbers.
        """

    def withdraw(self, peer: int | None = None, since_ns: int = 0) -> int:
        """Take back the rows that were cut out of streams, to write them anew."""

    def streams(self, peer: int | None = None, since_ns: int = 0) -> Iterable[StreamRow]:
        """Give the rows that were cut out of streams, and the openings between them."""
