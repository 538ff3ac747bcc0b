"""Offsets of length-prefixed frames in a block of bytes, without a Python object per frame."""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Runs shorter than this cost more to find with numpy (about 5 µs) than to walk through.
_WORTHWHILE: Final = 32
_PATIENCE: Final = 3
_MOST_PATIENCE: Final = 64

#: So many frames one by one, and runs are not looked for any more in this block.
_UNLIKE: Final = 256

#: Lengths below are in the lowest byte.
_BYTE: Final = 256


@dataclass(frozen=True, slots=True)
class Prefix:
    """An unsigned length before each frame."""

    header_bytes: Literal[1, 2, 4]
    little_endian: bool = True

    @property
    def code(self) -> str:
        """The format as `struct` and numpy both spell it."""
        return ("<" if self.little_endian else ">") + {1: "B", 2: "H", 4: "I"}[self.header_bytes]

    @property
    def most(self) -> int:
        """The largest length it can announce."""
        return int(256**self.header_bytes - 1)


class PrefixScanner:
    """Finds where the frames are.

    Games repeat themselves: many messages of one length in a row. After a few equal lengths the column of length
    fields at that stride is compared at once (10 to 20 ns a frame). A run that turns out short makes the scanner more
    patient, and at last it walks from one frame to the next (60 to 110 ns), until a block is uniform again.
    """

    def __init__(self, prefix: Prefix) -> None:
        self.prefix = prefix
        self._unpack = struct.Struct(prefix.code).unpack_from
        self._dtype = np.dtype(prefix.code)
        self._low = 0 if prefix.little_endian else prefix.header_bytes - 1
        self._patience = _PATIENCE
        self._short = True  # whether the lengths have been below 256

    def scan(
        self, data: bytes, max_frame_bytes: int, at: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """The complete frames from the byte `at` on, up to one over the limit or the last complete one.

        Returns
        -------
        offsets, lengths : (n,) int64, of the payloads.
        end : where the last of these frames ends.
        """
        header, size = self.prefix.header_bytes, len(data)
        pieces: list[NDArray[np.int64]] = []
        if self._patience < _MOST_PATIENCE:
            pieces, at = self._runs(data, at)
        if at <= size - header:
            walked, at = self._walk(data, at)
            pieces += walked
        found = np.concatenate(pieces) if len(pieces) > 1 else pieces[0] if pieces else np.empty(0, np.int64)
        if at > size:  # the last one is incomplete; asking once here is cheaper than for every frame
            at = int(found[-1])
            found = found[:-1]
        lengths = np.empty(len(found), np.int64)
        if len(found):
            np.subtract(found[1:], found[:-1], out=lengths[:-1])
            lengths[-1] = at - found[-1]
            lengths -= header
            longest = int(lengths.max())
            if longest > max_frame_bytes:
                count = int((lengths > max_frame_bytes).argmax())
                at = int(found[count])
                found, lengths = found[:count], lengths[:count]
            elif self._patience >= _MOST_PATIENCE:
                self._short = longest < _BYTE
                if longest == int(lengths.min()):
                    self._patience = _PATIENCE
        return found + header, lengths, at

    def _runs(self, data: bytes, at: int) -> tuple[list[NDArray[np.int64]], int]:
        """Where the frames start, and where the last one ends, which may be behind the data."""
        header, unpack = self.prefix.header_bytes, self._unpack
        last_start = len(data) - header
        pieces: list[NDArray[np.int64]] = []
        starts = array("q")
        previous, equal = -1, 0
        patience = self._patience
        while at <= last_start and patience < _MOST_PATIENCE:
            (length,) = unpack(data, at)
            if length != previous:
                previous, equal = length, 0
            else:
                equal += 1
                if equal >= patience:
                    count = self._run(data, at, length)
                    if count >= _WORTHWHILE:
                        patience = max(_PATIENCE, patience // 2)
                        pieces.append(np.frombuffer(starts, np.int64))
                        starts = array("q")
                        stride = header + length
                        pieces.append(np.arange(at, at + count * stride, stride, dtype=np.int64))
                        at += count * stride
                        continue
                    patience *= 2
                    equal = 0
            starts.append(at)
            at += header + length
            if len(starts) >= _UNLIKE:  # so many frames, and not one run
                patience = _MOST_PATIENCE
        self._patience = patience
        pieces.append(np.frombuffer(starts, np.int64))
        return pieces, at

    def _walk(self, data: bytes, at: int) -> tuple[list[NDArray[np.int64]], int]:
        """As `_runs`, from one frame to the next.

        Notes
        -----
        Most messages are shorter than 256 bytes, and a byte of `bytes` is had in half the time of an unpacked number.
        So the walk goes by the lowest byte of each length, and all lengths are compared afterwards, in one column.
        """
        header, unpack, low = self.prefix.header_bytes, self._unpack, self._low
        last_start = len(data) - header
        column = np.ndarray((last_start + 1,), self._dtype, data, 0, (1,))
        pieces: list[NDArray[np.int64]] = []
        while at <= last_start and self._short:
            lengths = np.frombuffer(bytes(_lengths(data, at + low, header, last_start + low)), np.uint8)
            walked = np.empty(len(lengths) + 1, np.int64)
            walked[0] = at
            np.cumsum(lengths, out=walked[1:])
            walked[1:] += np.arange(at + header, at + header * len(walked), header)
            wrong = column[walked[:-1]] != lengths
            count = int(wrong.argmax()) if wrong.any() else len(wrong)
            pieces.append(walked[:count])
            at = int(walked[count])
            if count == len(wrong):
                return pieces, at
            self._short = count >= _WORTHWHILE
            pieces.append(walked[count : count + 1])
            at += header + int(column[at])
        starts: list[int] = []
        add = starts.append
        while at <= last_start:
            add(at)
            at += header + unpack(data, at)[0]
        pieces.append(np.array(starts, np.int64))
        return pieces, at

    def _run(self, data: bytes, at: int, length: int) -> int:
        """How many complete frames of just this length follow each other from `at`."""
        stride = self.prefix.header_bytes + length
        possible = (len(data) - at) // stride
        found, window = 0, 64
        while found < possible:
            count = min(window, possible - found)
            column = np.ndarray((count,), self._dtype, data, at + found * stride, (stride,))
            other = column != length
            first = int(other.argmax())
            if other[first]:
                return found + first
            found += count
            window *= 4  # a wrong guess then reads at most three times what it found
        return found


def _lengths(data: bytes, at: int, header: int, last: int) -> list[int]:
    """The lengths of the frames from a place on, where each is the byte at its place; no frame begins behind `last`.

    Notes
    -----
    The loop of a flood. Eight at once, as half of its time is the loop itself; lengths and not places, as Python has
    all numbers below 257 already, and makes a new one for each place.
    """
    lengths: list[int] = []
    add, extend = lengths.append, lengths.extend
    far = last - 7 * (header + _BYTE)
    while at <= far:
        a = data[at]
        at += a + header
        b = data[at]
        at += b + header
        c = data[at]
        at += c + header
        d = data[at]
        at += d + header
        e = data[at]
        at += e + header
        f = data[at]
        at += f + header
        g = data[at]
        at += g + header
        h = data[at]
        at += h + header
        extend((a, b, c, d, e, f, g, h))
    while at <= last:
        add(data[at])
        at += data[at] + header
    return lengths
