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
    """Collects what has been sent, until it is written."""

    def __init__(self) -> None:
        self._readings: list[int] = []
        self._peers: list[int] = []
        self._payloads: list[bytes] = []
        self._headers: list[int] = []

    def add(self, reading: int, peer: int, payload: bytes, header_bytes: int) -> None:
        """One message.

        Parameters
        ----------
        reading : of `clock.reading_ns`, right before it was sent. peer : its number in the sink.
        header_bytes : what it takes on the wire beside the payload.
        """
        self._readings.append(reading)
        self._peers.append(peer)
        self._payloads.append(payload)
        self._headers.append(header_bytes)

    def write(self, sink: Sink) -> None:
        """Write the rows and forget them."""
        if not self._payloads:
            return
        readings, peers, payloads, headers = self._readings, self._peers, self._payloads, self._headers
        self.__init__()  # type: ignore[misc]  # as new
        if len(payloads) < _FEW:
            for reading, peer, payload, header in zip(readings, peers, payloads, headers, strict=True):
                sink.append(
                    clock.from_readings(reading),
                    peer,
                    payload,
                    direction=Direction.OUT,
                    kind=guess_kind(payload),
                    wire_bytes=len(payload) + header,
                )
            return
        count = len(payloads)
        sizes = np.fromiter(map(len, payloads), np.int64, count)
        whole = np.frombuffer(b"".join(payloads), np.uint8)
        sink.extend(
            clock.from_readings(np.array(readings, np.int64)),
            np.array(peers, np.int32),
            sizes,
            whole,
            sizes + np.array(headers, np.int64),
            guess_kinds(whole, sizes),
            time_source=TimeSource.USER,
            direction=Direction.OUT,
        )
