"""Messages that were reads of their own, of many connections, written together."""

from __future__ import annotations

from typing import Final

import numpy as np

from gdlab.messages import TimeSource, guess_kind
from gdlab.transports.sink import Sink
from gdlab.transports.text_or_binary import guess_kinds

#: Fewer are cheaper written one by one.
_MANY: Final = 6


class Wholes:
    """Keeps them in their order until they are written."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._last = ("", TimeSource.USER)

    def __len__(self) -> int:
        return len(self._groups)

    def add(
        self, time_ns: int, peer: int, payload: bytes, wire_bytes: int, word: str, time_source: TimeSource
    ) -> None:
        """Keep one; the arguments are those of `Sink.append`."""
        if not self._groups or self._last != (word, time_source):
            self._last = (word, time_source)
            self._groups.append(_Group(word, time_source))
        group = self._groups[-1]
        group.times.append(time_ns)
        group.peers.append(peer)
        group.payloads.append(payload)
        group.wires.append(wire_bytes)

    def write(self, sink: Sink) -> None:
        """Write all of them, and keep none."""
        groups, self._groups = self._groups, []
        for group in groups:
            group.write(sink)


class _Group:
    """Messages that were cut out of their streams and stamped in the same way."""

    __slots__ = ("payloads", "peers", "time_source", "times", "wires", "word")

    def __init__(self, word: str, time_source: TimeSource) -> None:
        self.word, self.time_source = word, time_source
        self.times: list[int] = []
        self.peers: list[int] = []
        self.payloads: list[bytes] = []
        self.wires: list[int] = []

    def write(self, sink: Sink) -> None:
        """Write them."""
        if len(self.times) >= _MANY:
            sizes = np.array(list(map(len, self.payloads)), np.int64)
            joined = np.frombuffer(b"".join(self.payloads), np.uint8)
            sink.extend(
                np.array(self.times, np.int64),
                np.array(self.peers, np.int32),
                sizes,
                joined,
                np.array(self.wires, np.int64),
                guess_kinds(joined, sizes),
                time_source=self.time_source,
                word=self.word,
            )
            return
        for time_ns, peer, payload, wire_bytes in zip(
            self.times, self.peers, self.payloads, self.wires, strict=True
        ):
            sink.append(
                time_ns,
                peer,
                payload,
                kind=guess_kind(payload),
                time_source=self.time_source,
                wire_bytes=wire_bytes,
                word=self.word,
            )
