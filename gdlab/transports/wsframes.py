"""Whole WebSocket frames out of what a connection's reads bring, RFC 6455 section 5.2.

Most frames are messages of their own: final, text or binary, no extension bits. These are taken here, many of one
read at a time, which is several times faster than a protocol that is asked frame by frame. Every other frame is
handed on, whole, to the `websockets` library; from the first header that breaks the rules on, everything is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from websockets.frames import Opcode

from gdlab.packed import packed
from gdlab.payloads import Int64, UInt8
from gdlab.transports.wscolumns import BINARY, TEXT, ChainFinder, header, is_utf8, leading_texts, unmasked

try:
    from websockets.speedups import apply_mask
except ImportError:  # an installation without compiled parts
    from websockets.utils import apply_mask

#: Of so many bytes messages are taken in columns, and so often in one read: each time all that is left is looked at.
LARGE_BYTES: Final = 16 * 1024
LOOKS: Final = 4

_MESSAGES: Final = frozenset((TEXT, BINARY))
_CONTROLS: Final = frozenset(0x80 | opcode for opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG))
#: The first byte of a frame in order, fragments included.
_IN_ORDER: Final = _MESSAGES | _CONTROLS | {0x80 | Opcode.CONT, Opcode.CONT, Opcode.TEXT, Opcode.BINARY}


class Messages(NamedTuple):
    """Messages of one frame each, in columns.

    Attributes
    ----------
    payloads : unmasked, one behind the other unless `starts` says otherwise. sizes : (n,) bytes of each.
    texts : (n,) for each, whether its frame says that it is text, which it is then.
    ends : (n,) where each frame ended in what was held before they were taken.
    starts : (n,) where each payload starts, if there are headers between them; else None.
    """

    payloads: UInt8
    sizes: Int64
    texts: npt.NDArray[np.bool_]
    ends: Int64
    starts: Int64 | None = None


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
        self._buffer = b""
        self._behind: list[bytes] = []  # what has come since: large frames come in many reads
        self._held = 0
        self._needed = 0  # bytes until it is worth looking again
        self._finder = ChainFinder(masked=masked)
        self._before, self._extended, self._steps, _ = header(masked=masked)
        #: Set by the first header that breaks the rules: the library is to judge it, and what follows.
        self.broken = False

    @property
    def held_bytes(self) -> int:
        """Bytes of the frame that is not yet complete."""
        return self._held

    def feed(self, chunk: bytes) -> None:
        """Take the bytes of one read."""
        self._behind.append(chunk)
        self._held += len(chunk)

    def _joined(self) -> bytes:
        """All that is held."""
        if self._behind:
            parts = [self._buffer, *self._behind] if self._buffer else self._behind
            self._buffer = parts[0] if len(parts) == 1 else b"".join(parts)
            self._behind = []
        return self._buffer

    def whole(self, chunk: bytes) -> tuple[bytes, bool] | None:
        """Take a read that is one message, as those of a game mostly are; None for any other read, which is not fed.

        Returns
        -------
        payload : unmasked. text : whether it says that it is text, which it is then.
        """
        size = len(chunk)
        if self._held or self.broken or size < 4 or chunk[0] not in _MESSAGES:
            return None
        start = self._before
        step = self._steps[chunk[1]]
        if not step and chunk[1] == self._extended:
            start += 2
            step = start + (chunk[2] << 8 | chunk[3])
        if step != size or size - start > self._max_size:
            return None
        payload = apply_mask(chunk[start:], chunk[start - 4 : start]) if self._masked else chunk[start:]
        is_text = chunk[0] == TEXT
        return None if is_text and not is_utf8(payload) else (payload, is_text)

    def wholes(self, chunk: bytes) -> tuple[list[bytes], list[bool]] | None:
        """The same for a read that is some messages and nothing else."""
        if self._held or self.broken:
            return None
        self.feed(chunk)
        payloads, texts = self.take_messages()
        if not self._held and all(
            is_utf8(payload) for payload, text in zip(payloads, texts, strict=True) if text
        ):
            return payloads, texts
        self._buffer, self._behind, self._held = b"", [], 0
        return None

    def take_messages(self) -> tuple[list[bytes], list[bool]]:
        """Return the messages of one frame each, up to the first frame of another sort.

        Returns
        -------
        payloads : unmasked. texts : for each, whether its frame says that it is text.
        """
        payloads: list[bytes] = []
        texts: list[bool] = []
        if self.broken or self._held < self._needed:
            return payloads, texts
        buffer, size = self._joined(), self._held
        masked, most = self._masked, self._max_size
        steps, before, extended = self._steps, self._before, self._extended
        add, add_text = payloads.append, texts.append
        at, last = 0, size - 2
        while at <= last:  # the loop of a flood: nothing is called in it that need not be
            first = buffer[at]
            if first not in _MESSAGES:
                break
            step = steps[buffer[at + 1]]
            if step:
                start = at + before
                end = at + step
            elif buffer[at + 1] == extended and at + 4 <= size:
                start = at + before + 2
                end = start + (buffer[at + 2] << 8 | buffer[at + 3])
            else:
                break  # so large that it may as well be handed on, or with the wrong mask
            if end > size or end - start > most:
                break
            add(apply_mask(buffer[start:end], buffer[start - 4 : start]) if masked else buffer[start:end])
            add_text(first == TEXT)
            at = end
        self._drop(at)
        return payloads, texts

    def take_columns(self, *, apart: bool = False) -> Messages | None:
        """Return what `take_messages` would, or fewer, in columns, which pays for dozens; None where there is none.

        A message that says it is text and is not ends it: it is left to `take_messages`.

        Parameters
        ----------
        apart : binary payloads may be left as they lie if not too much is between them, which saves moving them.
        """
        if self.broken or self._held < max(self._needed, 4):
            return None
        buffer = self._joined()
        chain = self._finder.find(buffer)
        if chain is None:
            return None
        offsets, ends, texts = chain
        sizes = ends - offsets
        count = len(sizes)
        if int(sizes.max()) > self._max_size:
            count = int((sizes > self._max_size).argmax())
            if not count:
                return None
        end = int(ends[count - 1])
        data = unmasked(buffer, end, offsets[:count]) if self._masked else np.frombuffer(buffer, np.uint8)
        if apart and _may_lie_apart(sizes[:count], texts[:count], end):
            first = int(offsets[0])
            self._drop(end)
            return Messages(
                data[first:end], sizes[:count], texts[:count], ends[:count], offsets[:count] - first
            )
        payloads = packed(data, offsets[:count], sizes[:count])
        good = leading_texts(payloads, sizes[:count], texts[:count])
        if good < count:
            if not good:
                return None
            count, end = good, int(ends[good - 1])
            payloads = payloads[: int(sizes[:count].sum())]
        self._drop(end)
        return Messages(payloads, sizes[:count], texts[:count], ends[:count])

    def take_ahead(self, chunks: Sequence[bytes]) -> tuple[list[tuple[Messages, Int64]], list[bytes]]:
        """Take the messages of several reads in columns, as far as that goes.

        Returns
        -------
        found : messages, and how many of them each read completed. rest : what is left of each read, still to be fed.
        """
        if self._held + sum(map(len, chunks)) < self._needed:  # a large message is joined once
            return [], list(chunks)
        begin = -self._held  # counted from the first of these reads on
        for chunk in chunks:
            self.feed(chunk)
        bounds = np.cumsum([len(chunk) for chunk in chunks])
        found: list[tuple[Messages, Int64]] = []
        while (
            len(found) < LOOKS
            and self._held >= LARGE_BYTES
            and (many := self.take_columns(apart=True)) is not None
        ):
            found.append((many, np.diff(many.ends.searchsorted(bounds - begin, "right"), prepend=0)))
            begin += int(many.ends[-1])
        before, begin = max(0, -begin), max(0, begin)
        behind = self._joined()[before:]
        self._buffer, self._held = self._buffer[:before], before
        rest = []
        for bound in bounds.tolist():
            rest.append(behind[: max(0, bound - begin)])
            behind = behind[len(rest[-1]) :]
            begin = max(begin, bound)
        return found, rest

    def take_frame(self) -> bytes:
        """Return the next frame as it came, if it is complete; once `broken`, all there is."""
        size = self._held
        if (size < 2 and not self.broken) or size < self._needed:
            return b""
        buffer = self._joined()
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
        self._drop(size)
        return buffer[:size]

    def _drop(self, count: int) -> None:
        if count:
            self._buffer = self._buffer[count:]
            self._held -= count
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


def _may_lie_apart(sizes: Int64, texts: npt.NDArray[np.bool_], size: int) -> bool:
    """Whether payloads are kept with what is between them: no text, which is read as a whole, nor those of one size."""
    if texts.any() or 4 * int(sizes.sum()) < 3 * size:
        return False
    return bool((sizes != sizes[0]).any())
