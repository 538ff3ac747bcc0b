"""Taking datagrams by the thousand: Linux's `recvmmsg` into arrays that were made once.

One system call fills up to `SLOTS` slots while the interpreter's lock is free; sizes, stamps, senders and drop counts
are then read as whole columns. Reading columns costs about 40 microseconds however few datagrams there are, so a
handful is read one by one instead.

The structures are those of the kernel's 64-bit interface (see `mmsghdr`; `cmsghdr` in uapi/linux/socket.h). `available`
tries them on a socket pair before anything relies on them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import mmap
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.messages import TimeSource
from gdlab.transports.datagrams import (
    FEW,
    SO_RXQ_OVFL,
    SO_TIMESTAMPNS,
    Batch,
    Datagram,
    Source,
    stamp_and_drops,
)
from gdlab.transports.mmsghdr import HEADER, KNOWN_LAYOUT, NAME_BYTES, NAME_STRIDE, recvmmsg, source_of

if TYPE_CHECKING:  # it brings pandas, which a relay's process does without
    from gdlab.payloads import Int64, UInt8

#: Datagrams of one system call: far beyond this the slots leave the processor's cache.
SLOTS: Final = 1000

#: Rows that are read as columns at once. For more than 500 elements numpy gives up the interpreter's lock in every
#: operation, and while the user's cell computes each time may cost 5 ms to win it back; up to 500 it keeps it.
_ROWS: Final = 500

#: Datagrams that are taken between two naps without giving up the interpreter's lock, in some 0.2 ms: while the user's
#: cell computes it may cost 5 ms to win it back, and the next nap would begin so much later.
_FEW_AT_ONCE: Final = 128

#: Bytes of a slot. Nearly every datagram fits into one Ethernet frame; the rest of a larger one goes to the overflow.
SLOT_BYTES: Final = 2048

#: Takes the largest datagram there is however short its slot is, so that none is ever cut.
OVERFLOW_BYTES: Final = 65_536

#: After large datagrams a call takes only this many, to bound what stays in memory.
_LARGE_SLOTS: Final = 128

_CONTROL_BYTES: Final = 64  # a stamp (32) and a count (24)

_HEADER_BYTES: Final = HEADER.itemsize
_DONTWAIT: Final = int(getattr(socket, "MSG_DONTWAIT", 0))
_LENGTHS_AT: Final = 40
_LENGTHS = struct.Struct("=QixxxxI")  # control_bytes, flags, size
_UINT64 = struct.Struct("=Q")
_CONTROL = struct.Struct("=QQqqQQI")  # the usual control messages
_CMSG = struct.Struct("=Qii")

# The control messages as 64-bit words: length, then level and type, then the data.
_STAMP_WORDS: Final = (_CMSG.size + 16, socket.SOL_SOCKET | SO_TIMESTAMPNS << 32)
_DROPS_WORDS: Final = (_CMSG.size + 4, socket.SOL_SOCKET | SO_RXQ_OVFL << 32)
_STAMP_ALONE, _STAMP_AND_DROPS = 32, 56  # `control_bytes` of the two forms there are

#: Known senders before the cache is emptied; a flood of forged ones must not fill the memory.
_CACHED_SOURCES: Final = 65_536

#: Different senders that are looked for one after the other before sorting is cheaper.
_FEW_SOURCES: Final = 8


class Batched:
    """Receives with `recvmmsg`. Its arrays live as long as it does; it keeps no reference to them in the kernel.

    A flood is mostly of datagrams of one size. After such a turn the slots are made exactly as long, so that the
    kernel itself writes the next payloads one behind the other, nothing is copied, and far fewer pages of memory are
    touched. A longer datagram then ends in the overflow, and makes the slots long again.

    Raises
    ------
    MemoryError : the system refuses the 64 MiB of address space, of which few pages are ever written to.
    """

    remark = ""
    stamped = True

    def __init__(self, sock: socket.socket) -> None:
        self.turn = SLOTS
        self._fd = sock.fileno()
        self._recvmmsg, self._recvmmsg_briefly = recvmmsg(), recvmmsg(keeps_lock=True)
        self._slots: UInt8 = np.empty(SLOTS * SLOT_BYTES, np.uint8)
        # Taken from the system only where a large datagram is written to it.
        try:
            self._overflow_map = mmap.mmap(
                -1, SLOTS * OVERFLOW_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
            )
        except OSError as error:
            raise MemoryError(f"{SLOTS * OVERFLOW_BYTES >> 20} MiB: {error.strerror}") from error
        self._overflow: UInt8 = np.frombuffer(self._overflow_map, np.uint8).reshape(SLOTS, OVERFLOW_BYTES)
        self._names: UInt8 = np.zeros((SLOTS, NAME_STRIDE), np.uint8)
        self._controls: UInt8 = np.zeros((SLOTS, _CONTROL_BYTES), np.uint8)
        self._pieces = np.zeros((SLOTS, 2, 2), np.uint64)  # struct iovec: address, length
        self._headers = np.zeros(SLOTS, HEADER)
        self._address = self._headers.ctypes.data

        slot = np.arange(SLOTS, dtype=np.uint64)
        self._slot_numbers = slot
        self._stretch(SLOT_BYTES)
        self._pieces[:, 1, 0] = self._overflow.ctypes.data + slot * OVERFLOW_BYTES
        self._pieces[:, 1, 1] = OVERFLOW_BYTES
        headers = self._headers
        headers["name"] = self._names.ctypes.data + slot * NAME_STRIDE
        headers["name_bytes"] = NAME_BYTES
        headers["pieces"] = self._pieces.ctypes.data + slot * self._pieces.strides[0]
        headers["piece_count"] = 2
        headers["control"] = self._controls.ctypes.data + slot * _CONTROL_BYTES
        headers["control_bytes"] = _CONTROL_BYTES

        self._sizes = headers["size"]
        self._name_lengths = headers["name_bytes"]
        self._control_lengths = headers["control_bytes"]
        self._name_words = self._names.view(np.uint64)
        self._control_words = self._controls.view(np.int64)
        self._gathered = 0  # datagrams in the slots that were not handed over yet
        self._largest = 0  # of the datagrams of this turn
        self._smallest = 0
        # Python reads single items several times faster from bytes than from arrays.
        self._slot_bytes = self._slots.data
        self._overflow_bytes = self._overflow.reshape(-1).data
        self._name_bytes = self._names.reshape(-1).data
        self._control_memory = self._controls.reshape(-1).data
        self._header_bytes = headers.view(np.uint8).data
        self._sources: dict[bytes, Source] = {}

    def receive(self, most: int | None = None, few: int = FEW) -> Iterator[Datagram | Batch]:
        """Take what has arrived, in order, with one system call; at most so many, and no more than a turn.

        What was gathered before comes first, whatever `most` is; fewer than `few` are given one by one.
        """
        count, self._gathered = self._gathered, 0
        room = min(most or self.turn, self.turn) - count
        if room > 0:
            try:
                count += self._call(count, room)
            except OSError:
                if not count:
                    raise
                # What is there comes first; the next call will tell.
        if not count:
            return
        self._largest, self._smallest = 0, OVERFLOW_BYTES
        try:
            if count < few:
                for row in range(count):
                    yield self._datagram(row)
            else:
                for first in range(0, count, _ROWS):
                    yield from self._rows(first, min(first + _ROWS, count))
        finally:
            self._reset(count)

    def gather(self) -> bool:
        """Take what has arrived into the slots; False where they are full: they are to be handed over."""
        gathered, turn = self._gathered, self.turn
        address, room = self._address + gathered * _HEADER_BYTES, turn - gathered
        count = self._recvmmsg_briefly(self._fd, address, min(room, _FEW_AT_ONCE), _DONTWAIT, None)
        self._gathered += max(0, count)
        if count < 0 or count == _FEW_AT_ONCE < room:  # an error, which it knows, or more of them
            self._gathered += self._call(self._gathered, turn - self._gathered)
        return self._gathered < turn

    def stay(self, wait: Callable[[], bool]) -> bool:
        """Nothing needs to be taken as it comes: the kernel has stamped it."""
        return False

    def _rows(self, first: int, last: int) -> Iterator[Datagram | Batch]:
        batch = self._batch(first, last)
        if batch is not None:
            yield batch
        else:  # control messages of another form than expected: read each for itself
            for row in range(first, last):
                yield self._datagram(row)

    def _call(self, first: int, slots: int) -> int:
        address = self._address + first * _HEADER_BYTES
        while True:
            count = int(self._recvmmsg(self._fd, address, slots, socket.MSG_DONTWAIT, None))
            if count >= 0:
                return count
            code = ctypes.get_errno()
            if code in {errno.EAGAIN, errno.EWOULDBLOCK}:
                return 0
            # ECONNREFUSED concerns an answer of ours, not what arrives.
            if code not in {errno.EINTR, errno.ECONNREFUSED}:
                raise OSError(code, os.strerror(code))

    def _reset(self, count: int) -> None:
        """Make the used headers ready for the next call, which wants to know the room it has."""
        for first in range(0, count, _ROWS):
            rows = slice(first, min(first + _ROWS, count))
            self._name_lengths[rows] = NAME_BYTES
            self._control_lengths[rows] = _CONTROL_BYTES
        large = self._largest > SLOT_BYTES
        if large:
            with contextlib.suppress(OSError):
                self._overflow_map.madvise(mmap.MADV_DONTNEED)
        self.turn = _LARGE_SLOTS if large else SLOTS
        if self._largest > self._slot_size:
            self._stretch(SLOT_BYTES)
        elif count >= FEW and 0 < self._largest == self._smallest < self._slot_size:
            self._stretch(self._largest)

    def _stretch(self, slot_size: int) -> None:
        """Make the slots this long."""
        self._slot_size = slot_size
        self._pieces[:, 0, 0] = self._slots.ctypes.data + self._slot_numbers * slot_size
        self._pieces[:, 0, 1] = slot_size

    # ---- one by one

    def _datagram(self, row: int) -> Datagram:
        length, _, size = _LENGTHS.unpack_from(self._header_bytes, row * _HEADER_BYTES + _LENGTHS_AT)
        self._largest, self._smallest = max(self._largest, size), min(self._smallest, size)
        payload = b"".join(self._parts(row, size))
        source = self._source(bytes(self._name_bytes[row * NAME_STRIDE : (row + 1) * NAME_STRIDE]))
        if not self._is_usual(row, length):
            return Datagram(payload, source, *stamp_and_drops(list(self._control_messages(row, length))))
        _, _, seconds, nanoseconds, _, _, drops = _CONTROL.unpack_from(
            self._control_memory, row * _CONTROL_BYTES
        )
        time_ns = seconds * 1_000_000_000 + nanoseconds - clock.stepped_ns()
        told = length == _STAMP_AND_DROPS
        return Datagram(payload, source, time_ns, TimeSource.KERNEL, drops if told else None)

    def _is_usual(self, row: int, length: int) -> bool:
        """Whether the control messages of a datagram, of that length, are a stamp, or a stamp and a count."""
        a, b, _, _, c, d, _ = _CONTROL.unpack_from(self._control_memory, row * _CONTROL_BYTES)
        return (a, b) == _STAMP_WORDS and (
            length == _STAMP_ALONE or (length == _STAMP_AND_DROPS and (c, d) == _DROPS_WORDS)
        )

    def _parts(self, row: int, size: int) -> Iterator[memoryview]:
        slot = self._slot_size
        yield self._slot_bytes[row * slot : row * slot + min(size, slot)]
        if size > slot:
            yield self._overflow_bytes[row * OVERFLOW_BYTES : row * OVERFLOW_BYTES + size - slot]

    def _control_messages(self, row: int, length: int) -> Iterator[tuple[int, int, bytes]]:
        at = row * _CONTROL_BYTES
        end = at + min(length, _CONTROL_BYTES)
        while at + _CMSG.size <= end:
            size, level, kind = _CMSG.unpack_from(self._control_memory, at)
            if size < _CMSG.size:
                return
            yield level, kind, bytes(self._control_memory[at + _CMSG.size : min(at + size, end)])
            at += (size + 7) & ~7

    def _source(self, name: bytes) -> Source:
        source = self._sources.get(name)
        if source is None:
            if len(self._sources) >= _CACHED_SOURCES:
                self._sources.clear()
            source = self._sources[name] = source_of(name)
        return source

    # ---- by the column

    def _batch(self, first: int, last: int) -> Batch | None:
        words, lengths = self._control_words[first:last], self._control_lengths[first:last]
        drops: npt.NDArray[np.uint32] | None = None
        # All datagrams of a socket have the same kinds of control messages: one of each length is looked at. The
        # comparisons here are those of bytes, a fifth of the price of numpy's for so few elements.
        if (packed := lengths.tobytes()) != packed[: _UINT64.size] * len(lengths):
            told = lengths == _STAMP_AND_DROPS
            alone = lengths == _STAMP_ALONE
            if not (told | alone).all() or not all(
                self._is_usual(first + int(form.argmax()), int(lengths[form.argmax()]))
                for form in (told, alone)
            ):
                return None
            drops = np.where(told, words[:, 6].astype(np.uint32), np.uint32(0))
        else:
            (length,) = _UINT64.unpack_from(packed)
            if not self._is_usual(first, length):
                return None
            if length == _STAMP_AND_DROPS:
                drops = words[:, 6].astype(np.uint32)
        time_ns = words[:, 2] * 1_000_000_000
        time_ns += words[:, 3]
        if step := clock.stepped_ns():
            time_ns -= step
        sizes = self._sizes[first:last].astype(np.int64)
        sources, source = self._senders(first, last)
        return Batch(time_ns, sizes, self._payloads(first, sizes), sources, source, drops)

    def _payloads(self, first: int, sizes: Int64) -> UInt8:
        slot = self._slot_size
        if (packed := sizes.tobytes()) == packed[: _UINT64.size] * len(sizes):
            smallest = largest = int(sizes[0])
        else:
            smallest, largest = int(sizes.min()), int(sizes.max())
        self._smallest, self._largest = min(self._smallest, smallest), max(self._largest, largest)
        if smallest == largest == slot:
            return self._slots[first * slot : (first + len(sizes)) * slot]
        # Joining slices costs 150 ns each whatever their size; an index for every byte costs 3 ns a byte.
        flat, parts, start = self._slot_bytes, [], first * slot
        for row, length in enumerate(sizes.tolist(), first):
            if length <= slot:
                parts.append(flat[start : start + length])
            else:
                parts.extend(self._parts(row, length))
            start += slot
        return np.frombuffer(b"".join(parts), np.uint8)

    def _senders(self, first: int, last: int) -> tuple[list[Source], npt.NDArray[np.intp]]:
        """Return the different senders, and for each datagram which of them it was."""
        count = last - first
        source = np.zeros(count, np.intp)
        names = bytes(self._name_bytes[first * NAME_STRIDE : last * NAME_STRIDE])
        if names == names[:NAME_STRIDE] * count:
            return [self._source(names[:NAME_STRIDE])], source
        words = self._name_words[first:last]

        def sent_by(row: int) -> npt.NDArray[np.bool_]:
            same: npt.NDArray[np.bool_] = words[:, 0] == words[row, 0]
            for word in range(1, words.shape[1]):
                same &= words[:, word] == words[row, word]
            return same

        leaders = [0]
        left = ~sent_by(0)
        while left.any() and len(leaders) < _FEW_SOURCES:
            row = int(left.argmax())
            same = sent_by(row)
            source[same] = len(leaders)
            leaders.append(row)
            left &= ~same
        if left.any():
            keys = np.frombuffer(names, np.dtype((np.void, NAME_STRIDE)))
            _, indices, source = np.unique(keys, return_index=True, return_inverse=True)
            leaders, source = indices.tolist(), source.reshape(-1)
        return [self._source(names[row * NAME_STRIDE : (row + 1) * NAME_STRIDE]) for row in leaders], source


@functools.cache
def available() -> bool:
    """Whether this system receives in batches as this module expects it; tried once, on a socket pair of our own.

    Raises
    ------
    MemoryError : there is too little memory to try.
    """
    if not KNOWN_LAYOUT:
        return False
    sent = [b"", b"small", bytes(range(256)) * 16]
    try:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with here, there:
            for payload in sent:
                there.send(payload)
            return [
                arrived.payload for arrived in Batched(here).receive() if isinstance(arrived, Datagram)
            ] == sent
    except (AttributeError, OSError, ValueError):
        return False
