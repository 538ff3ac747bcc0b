"""Message frames of a large read taken in whole columns, RFC 6455 section 5.2."""

from __future__ import annotations

import functools
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gdlab.packed import packed
from gdlab.payloads import Int64, UInt8

#: How a message of one frame begins.
TEXT: Final = 0x81
BINARY: Final = 0x82

#: Frames that are walked before it is decided how the others are found.
_WALKED: Final = 16

#: A search costs by the byte and a walk by the frame: up to so many bytes of a frame in the mean the search is cheaper.
_SEARCHED_BYTES: Final = 200

#: How often what no frame leads to is sifted out. What is then left of it ends the chain too early, which does no harm.
_SIFTINGS: Final = 2

#: In the place of a length: it follows, in two bytes.
_EXTENDED: Final = 126

_WORD: Final = np.dtype("<u4")


class Header(NamedTuple):
    """What the headers of one direction are like.

    Attributes
    ----------
    before : bytes before the payload of a short frame. extended : the second byte where the length follows in two more.
    steps : bytes of a frame by its second byte; 0 where that does not say it.
    reaches : the same as a column, and more than there ever is in the place of 0.
    """

    before: int
    extended: int
    steps: list[int]
    reaches: Int64


@functools.cache
def header(*, masked: bool) -> Header:
    """The headers of a direction whose frames have a mask, or none."""
    before, flag = (6, 0x80) if masked else (2, 0)
    steps = [second - flag + before if 0 <= second - flag < _EXTENDED else 0 for second in range(256)]
    column = np.array(steps, np.int64)
    return Header(before, flag | _EXTENDED, steps, np.where(column == 0, np.int64(1) << 40, column))


class Chain(NamedTuple):
    """Complete frames, each of which begins where the one before it ends.

    Attributes
    ----------
    offsets, ends : (n,) where the payload of each begins and ends. texts : (n,) whether it says that it is text.
    """

    offsets: Int64
    ends: Int64
    texts: npt.NDArray[np.bool_]


class ChainFinder:
    """Finds the messages of one frame each that a read begins with.

    Parameters
    ----------
    masked : whether this direction of the connection must mask its frames.

    Notes
    -----
    Where a frame begins is known when the one before it has been found. Frames of one size lie at a stride, though, and
    many small ones are searched for: each byte that is the first of messages may be the start of a frame; those that
    are not where another of them would end are sifted out, and what is left is taken as far as each ends where the
    next one starts. So all ways find the same frames, whatever the payloads are; they differ in how many at once.
    """

    def __init__(self, *, masked: bool) -> None:
        self._before, self._extended, self._steps, self._reaches = header(masked=masked)
        self._mixed = False  # whether text and binary come by turns

    def find(self, buffer: bytes) -> Chain | None:
        """Return messages up to the first frame that is none, or fewer; None where there is none."""
        bounds = self._walk(buffer, _WALKED)
        kinds = {buffer[start] for start in bounds[:-1]}
        if len(bounds) == _WALKED + 1 and kinds <= {TEXT, BINARY}:
            if bounds[-1] == _WALKED * bounds[1]:
                found = self._strided(buffer, bounds[1])
                if found is not None:
                    return found
            if bounds[-1] <= _WALKED * _SEARCHED_BYTES:
                self._mixed = self._mixed or len(kinds) > 1
                found = self._searched(buffer)
                if found is not None and 4 * int(found.ends[-1]) > len(buffer):
                    return found
            bounds = self._walk(buffer, len(buffer))
        starts = np.array(bounds[:-1], np.int64)
        firsts = np.frombuffer(buffer, np.uint8)[starts]
        texts = firsts == TEXT
        count = _leading(texts | (firsts == BINARY))
        return self._chain(buffer, starts[:count], np.array(bounds[1:], np.int64)[:count], texts[:count])

    def _chain(self, buffer: bytes, starts: Int64, ends: Int64, texts: npt.NDArray[np.bool_]) -> Chain | None:
        if not len(starts):
            return None
        offsets = starts + self._before
        offsets[np.frombuffer(buffer, np.uint8)[starts + 1] == self._extended] += 2
        return Chain(offsets, ends, texts)

    def _walk(self, buffer: bytes, most: int) -> list[int]:
        """Where the complete frames begin, at most so many, and where the last of them ends."""
        steps, before, extended = self._steps, self._before, self._extended
        bounds = [0]
        add = bounds.append
        at, size = 0, len(buffer)
        last = size - 4
        while at <= last and len(bounds) <= most:
            step = steps[buffer[at + 1]]
            if not step:
                if buffer[at + 1] != extended:
                    break
                step = before + 2 + (buffer[at + 2] << 8 | buffer[at + 3])
            at += step
            if at > size:
                break
            add(at)
        return bounds

    def _strided(self, buffer: bytes, step: int) -> Chain | None:
        """Frames with the header of the first, but for its mask; None where there are few of them."""
        data = np.frombuffer(buffer, np.uint8)
        count = len(buffer) // step
        header = 4 if buffer[1] == self._extended else 2
        for place in range(header):
            count = min(count, _leading(data[place : count * step : step] == buffer[place]))
        if 4 * count * step < len(buffer):
            return None
        bounds = np.arange(0, (count + 1) * step, step, dtype=np.int64)
        offsets = bounds[:-1] + (self._before + header - 2)
        return Chain(offsets, bounds[1:], np.full(count, buffer[0] == TEXT))

    def _searched(self, buffer: bytes) -> Chain | None:
        """Frames of any sizes, of the first's kind until others have come as well."""
        data, size, kind = np.frombuffer(buffer, np.uint8), len(buffer), buffer[0]
        flags = (data - np.uint8(TEXT)) < 2 if self._mixed else data == kind
        starts = flags.nonzero()[0]
        starts = starts[: starts.searchsorted(size - 3)]
        seconds = data[starts + 1]
        ends = self._reaches[seconds]
        extended = (seconds == self._extended).nonzero()[0]
        if len(extended):
            at = starts[extended]
            ends[extended] = (data[at + 2].astype(np.int64) << 8 | data[at + 3]) + (self._before + 2)
        ends += starts
        np.minimum(ends, size + 1, out=ends)  # one place for all that are not complete
        for _ in range(_SIFTINGS):
            reached = np.zeros(size + 2, np.bool_)
            reached[ends] = True
            reached[0] = True
            kept = reached[starts]
            starts, ends = starts[kept], ends[kept]
            count = _leading(ends[:-1] == starts[1:]) + 1
            if count == len(starts):
                break
        count -= int(ends[count - 1]) > size
        end = int(ends[count - 1])
        if not self._mixed and end < size and buffer[end] == TEXT + BINARY - kind:
            self._mixed = True
            return self._searched(buffer)
        starts, ends = starts[:count], ends[:count]
        texts = data[starts] == TEXT if self._mixed else np.full(count, kind == TEXT)
        return self._chain(buffer, starts, ends, texts)


def unmasked(buffer: bytes, size: int, offsets: Int64) -> UInt8:
    """Return the first bytes with every payload unmasked, whose mask is the four bytes before it; the rest is void.

    Notes
    -----
    A mask begins anew with each payload. Turned so that it counts from the beginning of the buffer, it is the same
    for all words of four bytes which the payload touches, and no word is touched by two: at least six bytes of
    header lie between them. So the masks are one column of words, and there is one XOR.
    """
    whole, rest = divmod(size, 4)
    words = np.empty(whole + 1, _WORD)
    words[whole] = int.from_bytes(buffer[size - rest : size], "little")
    masks = np.ndarray((size - 3,), _WORD, buffer, 0, (1,))[offsets - 4].astype(np.uint64)
    masks |= masks << np.uint64(32)
    masks >>= (32 - 8 * (offsets & 3)).astype(np.uint64)
    turned = masks.astype(_WORD)
    begins = offsets >> 2
    first = int(begins[0])
    counts = np.empty(len(begins), np.int64)
    np.subtract(begins[1:], begins[:-1], out=counts[:-1])
    counts[-1] = whole + 1 - int(begins[-1])
    stream = np.repeat(turned, counts)
    np.bitwise_xor(np.frombuffer(buffer, _WORD, whole)[first:], stream[:-1], out=words[first:-1])
    words[whole] ^= stream[-1]
    return words.view(np.uint8)[:size]


def leading_texts(payloads: UInt8, sizes: Int64, texts: npt.NDArray[np.bool_]) -> int:
    """How many messages there are before the first that says it is text and is no UTF-8."""
    count = len(sizes)
    if not texts.any():
        return count
    ends = np.cumsum(sizes)
    if texts.all():
        data, lengths = payloads, sizes
    else:
        data, lengths = packed(payloads, (ends - sizes)[texts], sizes[texts]), sizes[texts]
    joined = data.tobytes()
    if joined.isascii():
        return count
    # Where all of it is UTF-8 and none begins within a character, each of them is.
    behind = np.cumsum(lengths)
    begins = (behind - lengths)[lengths > 0]
    if not (data[begins] & 0xC0 == 0x80).any() and is_utf8(joined):
        return count
    begin = 0
    for index, end in zip(texts.nonzero()[0].tolist(), behind.tolist(), strict=True):
        if not is_utf8(joined[begin:end]):
            return int(index)
        begin = end
    return count


def is_utf8(data: bytes) -> bool:
    """Whether it is text."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _leading(good: npt.NDArray[np.bool_]) -> int:
    """How many are true before the first that is not."""
    return len(good) if good.all() else int(good.argmin())
