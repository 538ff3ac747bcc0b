"""Frames that end with a line feed."""

from __future__ import annotations

from gdlab.facts import PEER, US, Fact, Reason
from gdlab.framing.frames import Frame, plain_frames
from gdlab.framing.stream import StreamFramer


class LineFramer(StreamFramer):
    r"""Lines; the payload is without its ``\n`` or ``\r\n``, which count as `header_bytes`.

    A line over the limit leaves its first bytes as a row, and the stream goes on after the next line feed.
    """

    def __init__(self, name: str, *, max_frame_bytes: int) -> None:
        super().__init__(name, max_frame_bytes=max_frame_bytes)
        self._searched = 0  # no line feed before this position of the buffer
        self._skipped: int | None = None  # bytes dropped of a line over the limit; None outside one

    def _advance(self) -> None:
        if self._skipped is not None and not self._skip(self._skipped):
            return
        last = self._buffer.rfind(b"\n", self._searched)
        if last >= 0:
            block = self._take(last + 1)
            lines = block.split(b"\n")
            lines.pop()  # what follows the last line feed: empty
            if last <= self.max_frame_bytes and b"\r" not in block:
                self._ready += plain_frames(lines, 1)
            else:
                self._add_lines(lines)
        # One byte more than the limit may still be a line of just the limit with its carriage return.
        if len(self._buffer) > self.max_frame_bytes + 1:
            self._add_start(self._take(self.kept_bytes))
            self._skipped = len(self._buffer)
            self._drop(len(self._buffer))
        self._searched = len(self._buffer)

    def _add_lines(self, lines: list[bytes]) -> None:
        for line in lines:
            payload = line[:-1] if line.endswith(b"\r") else line
            if len(payload) > self.max_frame_bytes:
                self._add_start(line)
                self.dropped_bytes += len(line) - self.kept_bytes
                self._add_skipped(len(line) - self.kept_bytes)
            else:
                self._ready.append(Frame(payload, len(line) - len(payload) + 1))

    def _skip(self, skipped: int) -> bool:
        """Drop the rest of a line over the limit; whether its end was found."""
        end = self._buffer.find(b"\n")
        more = end if end >= 0 else len(self._buffer)
        self._drop(more)
        self._skipped = skipped + more
        if end < 0:
            return False
        self._add_skipped(self._skipped)
        self._take(1)
        self._skipped = None
        self._searched = 0
        return True

    def _add_start(self, line: bytes) -> None:
        self._add(
            line[: self.kept_bytes],
            0,
            Fact.of(
                Reason.OVERSIZED,
                by=PEER,
                limit="max_frame_bytes",
                case="line",
                most=self.max_frame_bytes,
                kept=self.kept_bytes,
            ),
        )

    def _add_skipped(self, count: int) -> None:
        self._add(b"", 1, Fact(Reason.SKIPPED, US, count=count, limit="max_frame_bytes", case="line"))

    def _finish(self) -> None:
        if self._skipped is not None:
            skipped = Fact(
                Reason.SKIPPED, US, count=self._skipped, limit="max_frame_bytes", case="line_ended"
            )
            self._add(b"", 0, skipped)
        elif self._buffer:
            self._add(bytes(self._buffer), 0, Fact(Reason.INCOMPLETE, PEER, case="line"))
