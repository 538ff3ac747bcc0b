"""Whole WebSocket frames out of what a connection's reads bring, RFC 6455 section 5.2.

Most frames are messages of their own: final, text or binary, no extension bits. These are taken here, many of one
read at a time, which is several times faster than a protocol that is asked frame by frame. Every other frame is
handed on, whole, to the `websockets` library; from the first header that breaks the rules on, everything is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from websockets.frames import Opcode

from gdlab.packed import packed
from gdlab.payloads import Int64, UInt8

try:
    from websockets.speedups import apply_mask
except ImportError:  # an installation without compiled parts
    from websockets.utils import apply_mask

_TEXT: Final = 0x80 | Opcode.TEXT
_BINARY: Final = 0x80 | Opcode.BINARY
_MESSAGES: Final = frozenset((_TEXT, _BINARY))
_CONTROLS: Final = frozenset(0x80 | opcode for opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG))
#: The first byte of a frame in order, fragments included.
_IN_ORDER: Final = _MESSAGES | _CONTROLS | {0x80 | Opcode.CONT, Opcode.CONT, Opcode.TEXT, Opcode.BINARY}


_WORD: Final = np.dtype("<u4")


class Messages(NamedTuple):
    """Messages of one frame each, in columns.

    Attributes
    ----------
    payloads : unmasked, one behind the other. sizes : (n,) bytes of each.
    texts : (n,) for each, whether its frame says that it is text.
    """

    payloads: UInt8
    sizes: Int64
    texts: npt.NDArray[np.bool_]


class Frames:
    """The frames of one direction of a connection.

    Parameters
    ----------
    masked : whether this direction must mask its frames, as clients must.
    max_size : payload bytes that a frame may have; the header of a larger one is handed on at once.
    """

    def __init__(self, *, masked: bool, max_size: int) -> None:
        self._masked = masked
        self._max_size = max_size
        self._buffer: bytes | bytearray = b""
        self._needed = 0  # bytes until it is worth looking again
        # Bytes of a frame by its second byte; 0 where that does not say it.
        before, flag = (6, 0x80) if masked else (2, 0)
        self._steps = [second - flag + before if 0 <= second - flag < 126 else 0 for second in range(256)]
        self._before, self._extended = before, flag | 126
        #: Set by the first header that breaks the rules: the library is to judge it, and what follows.
        self.broken = False

    @property
    def held_bytes(self) -> int:
        """Bytes of the frame that is not yet complete."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> None:
        """Take the bytes of one read."""
        if not self._buffer:
            self._buffer = chunk
        else:
            if isinstance(self._buffer, bytes):
                self._buffer = bytearray(self._buffer)  # grows in place: large frames come in many reads
            self._buffer += chunk

    def take_messages(self) -> tuple[list[bytes], list[bool]]:
        """Return the messages of one frame each, up to the first frame of another sort.

        Returns
        -------
        payloads : unmasked. texts : for each, whether its frame says that it is text.
        """
        payloads: list[bytes] = []
        texts: list[bool] = []
        buffer, size = self._buffer, len(self._buffer)
        if self.broken or size < self._needed:
            return payloads, texts
        masked, most = self._masked, self._max_size
        flag, mask_bytes = (0x80, 4) if masked else (0, 0)
        add, add_text = payloads.append, texts.append
        at, last = 0, size - 2
        while at <= last:  # the loop of a flood: nothing is called in it that need not be
            first, length = buffer[at], buffer[at + 1] - flag
            if first not in _MESSAGES:
                break
            if 0 <= length < 126:
                start = at + 2 + mask_bytes
            elif length == 126 and at + 4 <= size:
                length = buffer[at + 2] << 8 | buffer[at + 3]
                start = at + 4 + mask_bytes
            else:
                break  # so large that it may as well be handed on, or with the wrong mask
            end = start + length
            if end > size or length > most:
                break
            payload = buffer[start:end]
            add(apply_mask(payload, buffer[start - 4 : start]) if masked else bytes(payload))
            add_text(first == _TEXT)
            at = end
        self._drop(at)
        return payloads, texts

    def take_columns(self) -> Messages | None:
        """Return what `take_messages` would, in columns, which pays for dozens of messages; None where there is none.

        Notes
        -----
        A mask begins anew with each payload. Turned so that it counts from the beginning of the buffer, it is the same
        for all words of four bytes which the payload touches, and no word is touched by two: at least six bytes of
        header lie between them. So the masks are one column of words, and there is one XOR.
        """
        buffer, size = self._buffer, len(self._buffer)
        if self.broken or size < self._needed:
            return None
        found = self._starts(buffer, size)
        if not found:
            return None
        starts = np.array(found, np.int64)
        data = np.frombuffer(buffer, np.uint8)
        firsts = data[starts[:-1]]
        long = data[starts[:-1] + 1] == self._extended
        offsets = starts[:-1] + self._before + 2 * long
        sizes = starts[1:] - offsets
        texts = firsts == _TEXT
        wrong = ~(texts | (firsts == _BINARY)) | (sizes > self._max_size)
        count = int(wrong.argmax()) if wrong.any() else len(wrong)
        if not count:
            return None
        offsets, sizes = offsets[:count], sizes[:count]
        end = int(starts[count])
        unmasked = _unmasked(data[:end], offsets) if self._masked else data
        payloads = packed(unmasked, offsets, sizes)
        del data, unmasked  # a buffer that is looked at cannot be cut
        self._drop(end)
        return Messages(payloads, sizes, texts[:count])

    def _starts(self, buffer: bytes | bytearray, size: int) -> list[int]:
        """Where the frames begin, if what stands before them is one, and where the last complete one ends."""
        steps, before, extended = self._steps, self._before, self._extended
        starts: list[int] = []
        add = starts.append
        at, last = 0, size - 4
        while at <= last:  # the loop of a flood
            step = steps[buffer[at + 1]]
            if not step:
                if buffer[at + 1] != extended:
                    break
                step = before + 2 + (buffer[at + 2] << 8 | buffer[at + 3])
            add(at)
            at += step
        if at <= size:
            add(at)
        return starts if len(starts) > 1 else []

    def take_frame(self) -> bytes:
        """Return the next frame as it came, if it is complete; once `broken`, all there is."""
        buffer, size = self._buffer, len(self._buffer)
        if size < 2 and not self.broken:
            return b""
        if not self.broken:
            header = self._header()
            if not self.broken:
                if header is None:
                    return b""
                start, length = header
                self._needed = start + length
                if size < self._needed:
                    return b""
                size = self._needed
        frame = bytes(buffer[:size])
        self._drop(size)
        return frame

    def _drop(self, count: int) -> None:
        if count:
            self._buffer = self._buffer[count:]
            self._needed = 0

    def _header(self) -> tuple[int, int] | None:
        """Where the payload of the first frame starts, and its length; None where the header is not complete."""
        buffer = self._buffer
        first, second = buffer[0], buffer[1]
        length = second & 0x7F
        start = 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if self._masked else 0)
        if (
            first not in _IN_ORDER
            or (second >= 0x80) is not self._masked
            or (first in _CONTROLS and length >= 126)
        ):
            self.broken = True
            return None
        if len(buffer) < start:
            return None
        if length >= 126:
            length = int.from_bytes(buffer[2 : 4 if length == 126 else 10])
        if length > self._max_size:
            self.broken = True
            return None
        return start, length


def _unmasked(data: UInt8, offsets: Int64) -> UInt8:
    """Return the bytes with every payload unmasked, whose mask is the four bytes before it; the rest is void."""
    size = len(data)
    words = np.empty(-(-size // 4), _WORD)
    result = words.view(np.uint8)[:size]
    result[:] = data
    masks = np.ndarray((size - 3,), _WORD, data, 0, (1,))[offsets - 4].astype(np.uint64)
    masks |= masks << np.uint64(32)
    turned = (masks >> (32 - 8 * (offsets & 3)).astype(np.uint64)).astype(_WORD)
    begins = offsets >> 2
    words[begins[0] :] ^= np.repeat(turned, np.diff(begins, append=len(words)))
    return result
