"""No framing at all: every chunk is a frame, as the reads returned them."""

from __future__ import annotations

from gdlab.errors import FramingError
from gdlab.facts import Statement
from gdlab.framing.frames import Frame, State
from gdlab.framing.stream import StreamFramer


class RawFramer(StreamFramer):
    """Chunks as they come; one longer than `max_frame_bytes` is cut into pieces of that length."""

    def receive_data(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the bytes of one read; an empty chunk is no frame."""
        if self.state is State.ENDED:
            raise FramingError(Statement("framing/ended"))
        for start in range(0, len(chunk), self.max_frame_bytes):
            piece = bytes(chunk[start : start + self.max_frame_bytes])
            self._ready.append(Frame(piece))
            self._taken += len(piece)

    def _advance(self) -> None:
        """Frames are complete as they arrive."""

    def _finish(self) -> None:
        """Nothing can remain."""
