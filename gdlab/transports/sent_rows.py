"""The rows of answers that are sent one right after the other, written together."""

from __future__ import annotations

from typing import Final

import numpy as np

from gdlab import clock
from gdlab.messages import Direction, TimeSource, guess_kind
from gdlab.transports.sink import Sink
from gdlab.transports.text_or_binary import guess_kinds

#: Fewer are written one by one, which costs less.
_FEW: Final = 8


class SentRows:
    """Collects what has been sent by one socket, until it is written.

    Parameters
    ----------
    header_bytes : what a message takes on the wire beside its payload.
    """

    def __init__(self, header_bytes: int) -> None:
        self._header_bytes = header_bytes
        self._rows: list[tuple[int, int, bytes]] = []
        #: Takes a reading of `clock.reading_ns` right before a message was sent, the peer's number, the payload.
        self.add = self._rows.append

    def write(self, sink: Sink) -> None:
        """Write the rows."""
        count = len(self._rows)
        if count < _FEW:
            for reading, peer, payload in self._rows:
                sink.append(
                    clock.from_readings(reading),
                    peer,
                    payload,
                    direction=Direction.OUT,
                    kind=guess_kind(payload),
                    wire_bytes=len(payload) + self._header_bytes,
                )
            return
        readings, peers, payloads = zip(*self._rows, strict=True)
        sizes = np.fromiter(map(len, payloads), np.int64, count)
        whole = np.frombuffer(b"".join(payloads), np.uint8)
        sink.extend(
            clock.from_readings(np.array(readings, np.int64)),
            np.array(peers, np.int32),
            sizes,
            whole,
            sizes + self._header_bytes,
            guess_kinds(whole, sizes),
            time_source=TimeSource.USER,
            direction=Direction.OUT,
        )
