"""Sending many datagrams of one socket: by the dozen where the system can, else one by one."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import socket
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.payloads import Int64, UInt8
from gdlab.transports.datagrams import Source
from gdlab.transports.mmsghdr import HEADER, KNOWN_LAYOUT, NAME_BYTES_OF, NAME_STRIDE, name_of, sendmmsg

#: Datagrams that share a time, taken right before the first of them is sent: the last leaves some 50 µs later. A call
#: costs 1 µs, so more at once would save little.
TOGETHER: Final = 16

#: Datagrams that are prepared together.
SLOTS: Final = 64


class Datagrams(NamedTuple):
    """Datagrams to send, in columns.

    Attributes
    ----------
    payloads : one behind the other. sizes : (n,) int64.
    sources : those they are for. source : (n,) which of them each is for.
    """

    payloads: UInt8
    sizes: Int64
    sources: Sequence[Source]
    source: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.sizes)


class Sent(NamedTuple):
    """What became of some datagrams: those before `end` were sent, and one there was not if there is an `error`."""

    end: int
    error: OSError | None


class ManySender(Protocol):
    """Sends datagrams by one non-blocking socket; used by one thread, which also owns the socket."""

    def send(self, datagrams: Datagrams, first: int, readings: Int64) -> Sent:
        """Send all from the one numbered `first` on, up to one that the system refuses.

        Parameters
        ----------
        readings : (n,) int64; each is set to a reading of `clock.reading_ns` before its datagram leaves.
        """


class EachSender:
    """A system call for each datagram: works everywhere.

    Parameters
    ----------
    put : sends a payload to an address.
    """

    def __init__(self, put: Callable[[bytes, Source], object]) -> None:
        self._put = put

    def send(self, datagrams: Datagrams, first: int, readings: Int64) -> Sent:
        """Send them, as `ManySender`."""
        put, now, times, error = self._put, clock.reading_ns, [], None
        data, sizes = datagrams.payloads.tobytes(), datagrams.sizes.tolist()
        at = sum(sizes[:first])
        for size, which in zip(sizes[first:], datagrams.source[first:].tolist(), strict=True):
            reading = now()
            try:
                put(data[at : at + size], datagrams.sources[which])
            except OSError as refused:
                error = refused
                break
            times.append(reading)
            at += size
        end = first + len(times)
        readings[first:end] = times
        return Sent(end, error)


class TogetherSender:
    """Linux's `sendmmsg`, from arrays that are made once; the payloads are sent from where they lie.

    Parameters
    ----------
    sock : of IPv4 or IPv6; where it is connected, it sends to its peer whatever the addresses are.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self._sendmmsg = sendmmsg()
        self._names: UInt8 = np.zeros((SLOTS, NAME_STRIDE), np.uint8)
        self._names_at = self._names.ctypes.data
        self._name_bytes = self._names.reshape(-1).data
        self._pieces = np.zeros((SLOTS, 2), np.uint64)  # struct iovec: address, length
        self._headers = headers = np.zeros(SLOTS, HEADER)
        self._address = headers.ctypes.data
        self._connected = _is_connected(sock)
        self._name_column = headers["name"]
        self._piece_addresses, self._piece_sizes = self._pieces[:, 0], self._pieces[:, 1]
        headers["pieces"] = self._pieces.ctypes.data + np.arange(SLOTS) * self._pieces.strides[0]
        headers["piece_count"] = 1
        if not self._connected:
            headers["name"] = self._names_at
            headers["name_bytes"] = NAME_BYTES_OF[sock.family]
        self._source: Source | None = None  # whom all slots are for
        self._packed: dict[Source, bytes] = {}

    def send(self, datagrams: Datagrams, first: int, readings: Int64) -> Sent:
        """Send them, as `ManySender`."""
        count = len(datagrams)
        begins = np.cumsum(datagrams.sizes)
        begins -= datagrams.sizes
        begins += datagrams.payloads.__array_interface__["data"][0]
        while first < count:
            last = min(first + SLOTS, count)
            self._piece_addresses[: last - first] = begins[first:last]
            self._piece_sizes[: last - first] = datagrams.sizes[first:last]
            if not self._connected:
                try:
                    self._address_all(datagrams, first, last)
                except OSError as error:
                    return Sent(first, error)
            end, code = self._call(first, last, readings)
            if code:
                return Sent(end, OSError(code, os.strerror(code)))
            first = last
        return Sent(count, None)

    def _call(self, first: int, last: int, readings: Int64) -> tuple[int, int]:
        """Send what is prepared; up to which datagram that went, and the number of what the system says of it."""
        at, address, now = first, self._address, clock.reading_ns
        while at < last:
            wanted, reading = min(TOGETHER, last - at), now()
            sent = self._sendmmsg(
                self._fd, address + (at - first) * HEADER.itemsize, wanted, socket.MSG_DONTWAIT
            )
            if sent > 0:
                readings[at : at + sent] = reading
                at += sent
            elif (code := ctypes.get_errno()) != errno.EINTR:
                return at, code or errno.EAGAIN
        return at, 0

    def _address_all(self, datagrams: Datagrams, first: int, last: int) -> None:
        """Write the addresses that the headers point to."""
        sources = datagrams.sources
        if len(sources) == 1:
            if self._source != sources[0]:
                self._write(0, sources[0])
                self._name_column[:] = self._names_at
                self._source = sources[0]
            return
        self._source = None
        places: dict[int, int] = {}
        which = datagrams.source[first:last].tolist()
        for number in which:
            if number not in places:
                self._write(len(places), sources[number])
                places[number] = self._names_at + len(places) * NAME_STRIDE
        self._name_column[: last - first] = [places[number] for number in which]

    def _write(self, place: int, source: Source) -> None:
        packed = self._packed.get(source)
        if packed is None:
            if len(self._packed) >= 16 * SLOTS:
                self._packed.clear()
            packed = self._packed[source] = name_of(source)
        at = place * NAME_STRIDE
        self._name_bytes[at : at + NAME_STRIDE] = packed


def _is_connected(sock: socket.socket) -> bool:
    """Whether a socket is connected, so that no address is wanted."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


@functools.cache
def available() -> bool:
    """Whether this system sends many datagrams as this module expects it; tried once, on sockets of our own."""
    if not KNOWN_LAYOUT:
        return False
    payloads = [b"", b"small", bytes(range(256)) * 16]
    sizes = np.array(list(map(len, payloads)), np.int64)
    joined = np.frombuffer(b"".join(payloads), np.uint8)
    try:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with here, there:
            sent = TogetherSender(here).send(
                Datagrams(joined, sizes, [()], np.zeros(3, np.intp)), 0, np.zeros(3, np.int64)
            )
            there.setblocking(False)
            return sent == (3, None) and [there.recv(8192) for _ in payloads] == payloads
    except (AttributeError, OSError):
        return False
