"""The buffer and the life cycle that all framers share."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gdlab.errors import FramingError
from gdlab.facts import Fact, Statement
from gdlab.framing.frames import KEPT_BYTES, Frame, FrameTable, State


class StreamFramer(ABC):
    """Base of the framers: subclasses say in `_advance` what the buffered bytes are.

    A bytearray is the buffer because appending to it and deleting from its front are amortised constant per
    byte in CPython; joining chunks anew for every read would be quadratic for a long frame in small pieces.
    """

    def __init__(self, name: str, *, max_frame_bytes: int) -> None:
        if max_frame_bytes < 1:
            raise FramingError(Statement.of("framing/limit", most=max_frame_bytes))
        self.name = name
        self.max_frame_bytes = max_frame_bytes
        self.kept_bytes = min(max_frame_bytes, KEPT_BYTES)
        self.state = State.RECEIVING
        self.error: FramingError | None = None
        self.dropped_bytes = 0
        self._buffer = bytearray()
        #: What was held when the stream was given up, and is in no frame but for its beginning.
        self.rest = b""
        #: Give the stream up at a frame over the limit, instead of skipping it: what was guessed may be wrong.
        self.strict = False
        self._taken = 0  # bytes of the stream before the buffer
        self._ready: list[Frame] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.state}, {self.held_bytes} bytes held>"

    @property
    def held_bytes(self) -> int:
        """Bytes waiting for the rest of their frame."""
        return len(self._buffer)

    @property
    def is_lost(self) -> bool:
        """Whether the bytes that came last are not what the framing promises, and a next frame is looked for."""
        return False

    @property
    def held(self) -> bytes:
        """The bytes that wait."""
        return bytes(self._buffer)

    @property
    def waits_for(self) -> int:
        """Bytes of the frame that is not yet complete, where it announces them; 0 where it does not."""
        return 0

    def receive_data(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the bytes of one read."""
        if self.state is State.ENDED:
            raise FramingError(Statement("framing/ended"))
        if self.state is State.ERROR:
            self.dropped_bytes += len(chunk)
            return
        self._buffer += chunk

    def end(self) -> None:
        """The stream has ended: what remains becomes an INCOMPLETE frame."""
        if self.state is not State.RECEIVING:
            return
        self._advance()
        if self.state is State.RECEIVING:
            self._finish()
            self.state = State.ENDED
            self._take(len(self._buffer))

    def frames(self) -> list[Frame]:
        """All frames complete since the last call, each once."""
        if self.state is State.RECEIVING:
            self._advance()
        ready, self._ready = self._ready, []
        return ready

    def table(self) -> FrameTable:
        """The plain frames up to the first flawed one, as arrays."""
        ready = self.frames()
        plain = next((index for index, frame in enumerate(ready) if frame.flaw), len(ready))
        self._ready = ready[plain:]
        return FrameTable.of(ready[:plain])

    def table_with(self, chunk: bytes) -> tuple[Frame | None, FrameTable]:
        """Take the bytes of one read; give what `table` gives then.

        The frame that had begun before may come for itself, so that the others lie in the chunk as it is.
        """
        self.receive_data(chunk)
        return None, self.table()

    @abstractmethod
    def _advance(self) -> None:
        """Move every frame that is complete in the buffer to `_ready`."""

    @abstractmethod
    def _finish(self) -> None:
        """Move what an ended stream leaves in the buffer to `_ready`."""

    def _take(self, count: int) -> bytes:
        """Remove `count` bytes from the front of the buffer."""
        with memoryview(self._buffer) as view:
            data = bytes(view[:count])
        del self._buffer[:count]
        self._taken += count
        return data

    def _drop(self, count: int) -> None:
        """Remove bytes from the front of the buffer that will be in no frame."""
        del self._buffer[:count]
        self._taken += count
        self.dropped_bytes += count

    def _add(self, payload: bytes, header_bytes: int, flaw: Fact) -> None:
        self._ready.append(Frame(payload, header_bytes, flaw))

    def _fail(self, flaw: Fact, *, needed_bytes: int | None = None) -> None:
        """Give up the stream: the first buffered bytes become a last frame, `error` and `state` say why."""
        self.error = FramingError(flaw, offset=self._taken, needed_bytes=needed_bytes)
        self.state = State.ERROR
        self.rest = bytes(self._buffer)
        self._add(self._take(min(len(self._buffer), self.kept_bytes)), 0, flaw)
        self._drop(len(self._buffer))
