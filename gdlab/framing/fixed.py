"""Frames that all have the same length."""

from __future__ import annotations

import numpy as np

from gdlab.errors import FramingError
from gdlab.facts import PEER, Fact, Reason, Statement
from gdlab.framing.frames import FrameTable, State, plain_frames
from gdlab.framing.stream import StreamFramer


class FixedFramer(StreamFramer):
    """Frames of `frame_bytes` bytes, no header."""

    def __init__(self, name: str, frame_bytes: int, *, max_frame_bytes: int) -> None:
        super().__init__(name, max_frame_bytes=max_frame_bytes)
        if not 1 <= frame_bytes <= max_frame_bytes:
            raise FramingError(Statement.of("framing/length", size=frame_bytes, most=max_frame_bytes))
        self.frame_bytes = frame_bytes

    @property
    def waits_for(self) -> int:
        """Bytes of the frame that has begun."""
        return self.frame_bytes if self._buffer else 0

    def table(self) -> FrameTable:
        """All complete frames, as arrays."""
        if self._ready or self.state is not State.RECEIVING:
            return super().table()
        count = len(self._buffer) // self.frame_bytes
        return FrameTable(
            self._take(count * self.frame_bytes),
            np.arange(count, dtype=np.int64) * self.frame_bytes,
            np.full(count, self.frame_bytes, np.int64),
            np.zeros(count, np.int64),
        )

    def _advance(self) -> None:
        size = self.frame_bytes
        data = self._take(len(self._buffer) // size * size)
        self._ready += plain_frames([data[start : start + size] for start in range(0, len(data), size)], 0)

    def _finish(self) -> None:
        if self._buffer:
            self._add(
                bytes(self._buffer),
                0,
                Fact.of(
                    Reason.INCOMPLETE, by=PEER, case="frame", held=len(self._buffer), size=self.frame_bytes
                ),
            )
