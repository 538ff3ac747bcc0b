"""Frames that begin with their length."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from gdlab.facts import PEER, US, Fact, Reason
from gdlab.framing.frames import Frame, FrameTable, State, plain_frames
from gdlab.framing.runs import Prefix, PrefixScanner
from gdlab.framing.stream import StreamFramer

#: A frame over the limit is skipped if it announces at most so many times the limit. Beyond that the length
#: is hardly meant (text or the other byte order, read as a length), and the stream is given up.
SKIP_FACTOR: Final = 4


class PrefixFramer(StreamFramer):
    """Frames with a length prefix of 1, 2 or 4 bytes; covers all of Godot's own stream framings.

    Parameters
    ----------
    other : name of the framing with the other byte order, for the hint in an error; empty if there is none.
    """

    def __init__(self, name: str, prefix: Prefix, *, max_frame_bytes: int, other: str = "") -> None:
        super().__init__(name, max_frame_bytes=max_frame_bytes)
        self.prefix = prefix
        self._other = other
        self._unpack = struct.Struct(prefix.code).unpack_from
        self._scanner = PrefixScanner(prefix)
        self._over = 0  # announced length of a frame over the limit whose first bytes are awaited
        self._skip = 0  # bytes of it still to be dropped
        self._skipped = 0  # bytes of it to be dropped in all

    @property
    def waits_for(self) -> int:
        """Bytes of the frame that has begun, its length included."""
        if len(self._buffer) < self.prefix.header_bytes:
            return 0
        (length,) = self._unpack(self._buffer)
        return int(length) + self.prefix.header_bytes

    def table(self) -> FrameTable:
        """The plain frames up to the first flawed one, as arrays."""
        size = len(self._buffer)
        if self._ready or self._over or self._skip or not self._is_complete(self._buffer, size):
            return super().table()
        # Copies also what is incomplete; it came with this chunk, or nothing complete would be before it.
        return self._scanned(bytes(self._buffer), 0)

    def table_with(self, chunk: bytes) -> tuple[Frame | None, FrameTable]:
        """Take the bytes of one read; give what `table` gives then, the frame that had begun before for itself."""
        if self._ready or self._over or self._skip or self.state is not State.RECEIVING:
            return super().table_with(chunk)
        if not self._buffer:
            return None, self._scanned(chunk, 0)
        header, held = self.prefix.header_bytes, len(self._buffer)
        if not self._is_complete(self._buffer[:header] + chunk[:header], held + len(chunk)):
            return super().table_with(chunk)
        (length,) = self._unpack(self._buffer[:header] + chunk[:header])
        rest = header + length - held
        begun = bytes(self._buffer + chunk[:rest])
        self._taken += len(begun)
        return Frame(begun[header:], header), self._scanned(chunk, rest)

    def scanned(self, data: bytes) -> FrameTable | None:
        """The plain frames at the start of some bytes, and nothing of what is behind them; None where any is held."""
        if self._buffer or self._ready or self._over or self._skip or self.state is not State.RECEIVING:
            return None
        table = self._scanned(data, 0)
        self._buffer.clear()
        return table

    def _scanned(self, data: bytes, at: int) -> FrameTable:
        """The plain frames of some bytes from a place on; the buffer gets what is behind them."""
        offsets, lengths, end = self._scanner.scan(data, self.max_frame_bytes, at)
        self._buffer = bytearray(memoryview(data)[end:])
        self._taken += end - at
        return FrameTable(data, offsets, lengths, np.full(len(offsets), self.prefix.header_bytes, np.int64))

    def whole(self, chunk: bytes) -> bytes | None:
        """The payload, where nothing is held and this is just one plain frame; else None, and nothing is taken."""
        header = self.prefix.header_bytes
        if len(chunk) < header or self._buffer or self._ready or self._over or self._skip:
            return None
        (length,) = self._unpack(chunk)
        if (
            length != len(chunk) - header
            or length > self.max_frame_bytes
            or self.state is not State.RECEIVING
        ):
            return None
        self._taken += len(chunk)
        return chunk[header:]

    def wholes(self, chunk: bytes) -> list[bytes] | None:
        """The payloads, where nothing is held and these are just some plain frames; else None, and nothing is taken."""
        if self._buffer or self._ready or self._over or self._skip or self.state is not State.RECEIVING:
            return None
        header, most, unpack = self.prefix.header_bytes, self.max_frame_bytes, self._unpack
        size, at = len(chunk), 0
        payloads: list[bytes] = []
        add, last = payloads.append, size - header
        while at <= last:
            (length,) = unpack(chunk, at)
            start = at + header
            at = start + length
            if length > most or at > size:
                return None
            add(chunk[start:at])
        if at != size:
            return None
        self._taken += size
        return payloads

    def _is_complete(self, start: bytes | bytearray, size: int) -> bool:
        """Whether some bytes, of which these are the first, begin with a complete frame within the limit."""
        header = self.prefix.header_bytes
        if self.state is not State.RECEIVING or len(start) < header:
            return False
        (length,) = self._unpack(start)
        return bool(length <= min(self.max_frame_bytes, size - header))

    def _advance(self) -> None:
        header = self.prefix.header_bytes
        while True:
            if self._over:
                if len(self._buffer) < header + self.kept_bytes:
                    return
                self._add_start()
            if self._skip:
                dropped = min(self._skip, len(self._buffer))
                self._drop(dropped)
                self._skip -= dropped
                if self._skip:
                    return
                self._add(
                    b"",
                    0,
                    Fact(Reason.SKIPPED, US, count=self._skipped, limit="max_frame_bytes", case="frame"),
                )
            if len(self._buffer) < header:
                return
            length = self._slice()
            if length <= self.max_frame_bytes:
                return
            if self.strict or length > SKIP_FACTOR * self.max_frame_bytes:
                self._fail(self._too_long(length), needed_bytes=length)
                return
            self._over = length

    def _slice(self) -> int:
        """Move the plain frames at the front of the buffer to `_ready`.

        Returns
        -------
        int
            The length that the frame after them announces, 0 if its header is not complete.
        """
        header, limit, unpack = self.prefix.header_bytes, self.max_frame_bytes, self._unpack
        size = len(self._buffer)
        length: int
        (length,) = unpack(self._buffer)
        if length > limit or header + length > size:
            return length  # before copying: a long frame comes in many pieces
        data = bytes(self._buffer)
        payloads = []
        at = 0
        while (body := at + header) <= size:
            (length,) = unpack(data, at)
            end = body + length
            if end > size or length > limit:
                break
            payloads.append(data[body:end])
            at = end
        else:
            length = 0
        self._ready += plain_frames(payloads, header)
        del self._buffer[:at]
        self._taken += at
        return length

    def _add_start(self) -> None:
        """Keep the first bytes of a frame over the limit, and skip the rest."""
        flaw = Fact.of(
            Reason.OVERSIZED,
            by=PEER,
            limit="max_frame_bytes",
            case="frame",
            size=self._over,
            offset=self._taken,
            most=self.max_frame_bytes,
            kept=self.kept_bytes,
        )
        self._take(self.prefix.header_bytes)
        self._add(self._take(self.kept_bytes), self.prefix.header_bytes, flaw)
        self._skip = self._skipped = self._over - self.kept_bytes
        self._over = 0

    def _too_long(self, length: int) -> Fact:
        """Why the stream is given up, with what it may be instead."""
        header = bytes(self._buffer[: self.prefix.header_bytes])
        flaw = Fact.of(
            Reason.OVERSIZED,
            by=PEER,
            limit="max_frame_bytes",
            case="lost",
            header=header.hex(" "),
            offset=self._taken,
            size=length,
            most=self.max_frame_bytes,
        )
        swapped = int.from_bytes(header, "big" if self.prefix.little_endian else "little")
        if all(32 <= byte < 127 or byte in b"\r\n\t" for byte in header):
            return flaw._replace(case="text").also(text=header.decode())
        if self._other and 0 < swapped <= self.max_frame_bytes:
            return flaw._replace(case="order").also(swapped=swapped, other=self._other)
        return flaw

    def _finish(self) -> None:
        header = self.prefix.header_bytes
        held = bytes(self._buffer)
        if self._skip:
            dropped = self._skipped - self._skip
            flaw = Fact.of(
                Reason.SKIPPED,
                by=US,
                count=dropped,
                limit="max_frame_bytes",
                case="ended",
                announced=self._skipped,
            )
            self._add(b"", 0, flaw)
        elif 0 < len(held) < header:
            self._add(
                held, 0, Fact.of(Reason.INCOMPLETE, by=PEER, case="length", held=len(held), size=header)
            )
        elif held:
            (length,) = self._unpack(held)
            flaw = Fact.of(Reason.INCOMPLETE, by=PEER, case="frame", held=len(held) - header, size=length)
            self._add(held[header:], header, flaw)
