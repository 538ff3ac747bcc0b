"""Frames on their way out, in the order in which Godot sends them; sans-I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from websockets.frames import Frame, Opcode


@dataclass(slots=True)
class _Outgoing:
    opcode: Opcode
    size: int
    left: memoryview


class FrameSender:
    """A queue of frames: control frames first, and after a close frame nothing, also not what waits.

    Parameters
    ----------
    mask : frames are masked, as a client's must be.

    Attributes
    ----------
    queued_bytes : payload of what the system has not wholly taken.
    queued : frames of which that is so.
    close_queued, close_sent : whether there is a close frame, and whether it has gone.
    close_code : the close frame's code, 1005 for an empty one.
    """

    def __init__(self, *, mask: bool) -> None:
        self._mask = mask
        self._data: deque[tuple[Opcode, bytes]] = deque()
        self._control: deque[tuple[Opcode, bytes]] = deque()
        self._current: _Outgoing | None = None
        self.queued_bytes = 0
        self.queued = 0
        self.close_queued = self.close_sent = False
        self.close_code = 0

    def queue(self, opcode: Opcode, data: bytes) -> bool:
        """Add a frame; False if there is a close frame already."""
        if self.close_queued:
            return False
        (self._control if opcode & 0x8 else self._data).append((opcode, data))
        self.queued += 1
        self.queued_bytes += len(data)
        return True

    def queue_close(self, code: int, reason: bytes) -> bool:
        """Add a close frame, an empty one for code 0; False if there is one or the reason is over 123 bytes."""
        if len(reason) > 123:
            return False
        data = (code & 0xFFFF).to_bytes(2, "big") + reason if code else b""
        if not self.queue(Opcode.CLOSE, data):
            return False
        self.close_queued = True
        self.close_code = code & 0xFFFF or 1005
        return True

    def send(self, put: Callable[[bytes], int | None]) -> bool:
        """Hand frames to `put`, which says how many bytes it took, or None when it failed; False if it did."""
        while not self.close_sent:
            if self._current is None:
                self._current = self._next()
            current = self._current
            if current is None:
                break
            taken = put(bytes(current.left))
            if taken is None:
                return False
            current.left = current.left[taken:]
            if current.left:
                break
            self.queued -= 1
            self.queued_bytes -= current.size
            self.close_sent = current.opcode is Opcode.CLOSE
            self._current = None
        return True

    def _next(self) -> _Outgoing | None:
        queue = self._control or self._data
        if self.close_queued:
            while self._control and self._control[0][0] is not Opcode.CLOSE:
                self._control.popleft()
            queue = self._control
        if not queue:
            return None
        opcode, data = queue.popleft()
        return _Outgoing(opcode, len(data), memoryview(Frame(opcode, data).serialize(mask=self._mask)))
