"""Which messages are pings of ours, or answers to them: they are marked when they are written.

A ping is known by the number and the time that this endpoint put into it, so that a game's own probes, and payloads
that merely look like one, stay what they are: the user's messages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gdlab import probe
from gdlab.facts import Fact, Reason
from gdlab.messages import Direction, Event, Kind, TimeSource
from gdlab.payloads import UInt8
from gdlab.transports.sink import Sink

#: Pings that are remembered, the newest ones: 50 per second to each of 100 peers for 13 s.
REMEMBERED: Final = 65_536
#: How long the first ping may wait for an answer before its peer is called mute: as long as a round trip may take.
PATIENCE_NS: Final = 2_000_000_000

_MARK: Final = Fact(Reason.PROBE)
#: Every probe holds this, as JSON and as a Variant.
_KEY: Final = b"probe"
#: A ping inside other text, as of a server that answers "Got our msg: ...".
_INSIDE: Final = re.compile(
    rb'\{"probe": ?"ping", ?"seq": ?(\d{1,18})(?:\.0)?, ?"t_us": ?(\d{1,18})(?:\.0)?\}'
)


class OwnPings:
    """Makes pings, and knows them and their answers again."""

    def __init__(self) -> None:
        self._sent: dict[int, int] = {}  # number: time, in the order of sending
        self._next = 0
        self._first_ns = 0
        self._heard = False

    def __len__(self) -> int:
        return self._next

    def heard(self) -> None:
        """Note that something has come back."""
        self._heard = True

    def unanswered(self, now_ns: int) -> int:
        """How many were sent, where none was answered in the time that an answer may take; else 0."""
        late = self._next > 0 and not self._heard and now_ns - self._first_ns >= PATIENCE_NS
        return self._next if late else 0

    def make(self, now_ns: int, *, as_variant: bool) -> bytes:
        """The next ping, to be sent now."""
        if not self._next:
            self._first_ns = now_ns
        number, self._next = self._next, self._next + 1
        self._sent[number] = now_ns // 1000
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return probe.ping(number, now_ns, as_variant=as_variant)

    def knows(self, payload: bytes) -> bool:
        """Whether a payload is one of them, or an answer to one."""
        if _KEY not in payload or len(payload) > probe.MAX_PROBE_BYTES:
            return False
        found = probe.parse(payload)
        if found is not None:
            return self._sent.get(found.seq) == found.t_us
        inside = _INSIDE.search(payload)
        return inside is not None and self._sent.get(int(inside[1])) == int(inside[2])

    def among(
        self, sizes: npt.NDArray[Any], payloads: UInt8, starts: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.bool_] | None:
        """Which of many payloads are pings or answers; None where none is. `starts` as for `Sink.extend`."""
        data = payloads.tobytes()
        at = data.find(_KEY)
        if at < 0:
            return None
        ends = np.cumsum(sizes) if starts is None else starts + sizes
        found = None
        while at >= 0:
            row = int(np.searchsorted(ends, at, side="right"))
            end = int(ends[row])
            if self.knows(data[end - int(sizes[row]) : end]):
                if found is None:
                    found = np.zeros(len(sizes), np.bool_)
                found[row] = True
            at = data.find(_KEY, end)
        return found


class MarkingSink:
    """Writes to another sink, and marks the rows of our pings and of their answers.

    An endpoint puts it between itself and its store with its first ping; those that never ping do without.
    """

    def __init__(self, sink: Sink, pings: OwnPings) -> None:
        self._sink = sink
        self._pings = pings
        self.peer_code = sink.peer_code
        self.withdraw = sink.withdraw
        self.streams = sink.streams

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
        """Write one row."""
        if fact is None and event is Event.MESSAGE and self._pings.knows(bytes(payload)):
            fact = _MARK
            if direction is Direction.IN:
                self._pings.heard()
        self._sink.append(
            time_ns,
            peer,
            payload,
            direction=direction,
            event=event,
            kind=kind,
            time_source=time_source,
            wire_bytes=wire_bytes,
            fact=fact,
            word=word,
        )

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
        """Write n messages at once."""
        if probes is None:
            probes = self._pings.among(sizes, payloads, starts)
        if direction is Direction.IN and probes is not None and probes.any():
            self._pings.heard()
        self._sink.extend(
            time_ns,
            peers,
            sizes,
            payloads,
            wire_bytes,
            kinds,
            time_source=time_source,
            probes=probes,
            word=word,
            direction=direction,
            starts=starts,
            words=words,
        )
