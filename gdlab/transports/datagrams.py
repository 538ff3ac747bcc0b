"""Taking datagrams from a socket: what a receiver gives, and the portable one, which takes them one by one."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.messages import TimeSource

if TYPE_CHECKING:  # it brings pandas, which a relay's process does without
    from gdlab.payloads import Int64, UInt8

#: The socket's address of a sender, as `socket.recvfrom` returns it.
Source: TypeAlias = tuple[Any, ...]

MAX_DATAGRAM_BYTES: Final = 65_535

#: Datagrams that the portable receiver takes from one socket before the others, timers and calls have their turn. For
#: more than 500 elements numpy gives up the interpreter's lock.
TURN: Final = 500

#: Fewer datagrams than this are handed over one by one, because that is cheaper.
FEW: Final = 16

#: So many that come alone are waited for before it is tried whether there are more, which costs as much as one.
_ALONE: Final = 16

#: Asked of the system; it grants what it allows.
RECEIVE_BUFFER_BYTES: Final = 32 * 2**20

# Linux's socket options that Python has no names for (asm-generic/socket.h; not so numbered on parisc and sparc).
LINUX: Final = sys.platform == "linux"
SO_RXQ_OVFL: Final = 40
_SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = getattr(socket, "SO_TIMESTAMPNS", 35)
_ANCILLARY_BYTES = socket.CMSG_SPACE(16) + socket.CMSG_SPACE(4) if hasattr(socket, "CMSG_SPACE") else 0
#: A stamp of Linux: seconds, nanoseconds.
TIMESPEC: Final = struct.Struct("@ll")
# The older option with microseconds, which macOS has as well, for everybody (bsd/sys/socket.h); Linux numbers the
# option and its control message alike.
MACOS: Final = sys.platform == "darwin"
SO_TIMESTAMP: Final = 0x0400 if MACOS else 29
SCM_TIMESTAMP: Final = 0x02 if MACOS else SO_TIMESTAMP
#: The microseconds have 32 bits on macOS, and what stands behind them may be anything; of Linux's 64 the first 32 do.
_TIMEVAL = struct.Struct("@li")
_TIMEVALS: Final = np.dtype(
    {"names": ["s", "us"], "formats": [np.int64, np.int32], "offsets": [0, 8], "itemsize": 16}
)
_COUNTER = struct.Struct("@I")
#: The control message that comes with each datagram where nothing was dropped.
_USUAL_STAMP: Final = SO_TIMESTAMPNS if LINUX else SCM_TIMESTAMP


class Datagram(NamedTuple):
    """One datagram.

    `drops` is the kernel's 32-bit count of what it had dropped at this socket before this datagram was queued; None
    where it says nothing, which it does while the count is 0.
    """

    payload: bytes
    source: Source
    time_ns: int
    time_source: TimeSource
    drops: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Many datagrams, column by column.

    Attributes
    ----------
    time_ns, sizes : (n,) int64.
    payloads : uint8, one behind the other. They are overwritten when the receiver goes on.
    sources : the different senders.
    source : (n,) which of them sent each datagram.
    drops : (n,) uint32 as in `Datagram`, 0 where the kernel says nothing; None where all are 0.
    time_source : who took the times.
    """

    time_ns: Int64
    sizes: Int64
    payloads: UInt8
    sources: Sequence[Source]
    source: npt.NDArray[np.intp]
    drops: npt.NDArray[np.uint32] | None
    time_source: TimeSource = TimeSource.KERNEL

    def __len__(self) -> int:
        return len(self.sizes)


class Receiver(Protocol):
    """Takes datagrams from one non-blocking socket; used by one thread, which also owns the socket.

    Attributes
    ----------
    turn : how many datagrams one call of `receive` takes at most; fewer mean that no more had arrived.
    stamped : whether the times are the kernel's, so that they stay true however late a datagram is taken.
    remark : what the user should know of it; mostly nothing.
    """

    turn: int
    stamped: bool
    remark: str

    def receive(self, most: int | None = None, few: int = FEW) -> Iterator[Datagram | Batch]:
        """Take what has arrived, in order; what was gathered, and up to so many datagrams. No more than a turn.

        Fewer than `few` are given one by one.
        """

    def gather(self) -> bool:
        """Take what has arrived out of the kernel; False where it should be received now, or cannot wait."""

    def stay(self, wait: Callable[[], bool]) -> bool:
        """Take datagrams as they come, each with its time; the next `receive` gives them.

        Parameters
        ----------
        wait : waits for one; False where that is to end.

        Returns
        -------
        Whether there is room for more of them.
        """


class OneByOne:
    """A system call for each datagram: works everywhere. Many are handed over together, as columns."""

    turn = TURN

    def __init__(self, sock: socket.socket, remark: str = "") -> None:
        self.remark = remark
        self.stamped = _stamps(sock)
        self._sock = sock
        self._kept = _Gathered([], [], [])  # what came while it stayed

    def receive(self, most: int | None = None, few: int = FEW) -> Iterator[Datagram | Batch]:
        """Take what has arrived, in order; at most so many datagrams, and no more than a turn."""
        gather = self._stamped if self.stamped else self._unstamped
        left = min(most or self.turn, self.turn)
        while left > 0:
            gathered, self._kept = self._kept, _Gathered([], [], [])
            other, empty = None, False
            try:
                other = gather(gathered, left - len(gathered.payloads))
            except BlockingIOError:
                empty = True
            except OSError as error:
                _leave_aside(error)
                left -= 1
            left -= len(gathered.payloads)
            yield from gathered.handed_over(few, stamped=self.stamped)
            if other is not None:
                left -= 1
                yield other
            if empty:
                return

    def gather(self) -> bool:
        """Nothing waits here: taking a datagram is most of its cost."""
        return False

    def stay(self, wait: Callable[[], bool]) -> bool:
        """Take datagrams as they come, as `Receiver.stay`; not where the kernel stamps them, which may lie there."""
        receive, now, kept = self._sock.recvfrom, clock.reading_ns, self._kept
        payloads, turn_of, time_of = kept.payloads, kept.turns.append, kept.times.append
        while True:
            before = len(payloads)
            try:
                self._unstamped(kept, self.turn - before)
            except BlockingIOError:
                pass
            except OSError as error:
                _leave_aside(error)
            last = kept.turns[-1][1] if kept.turns else None
            for _ in range(_ALONE if len(payloads) == before else 1):
                if len(payloads) >= self.turn:
                    return False
                if not wait():
                    return True
                reading = now()  # it has come by now; the next call may wait for the interpreter's lock
                try:
                    payload, source = receive(MAX_DATAGRAM_BYTES)
                except BlockingIOError:  # it was damaged, and thrown away as it was to be copied
                    continue
                except OSError as error:
                    _leave_aside(error)
                    continue
                time_of(reading)
                if source != last:
                    turn_of((len(payloads), source))
                    last = source
                payloads.append(payload)

    def _unstamped(self, gathered: _Gathered, most: int) -> None:
        """Take datagrams, and the time after each."""
        receive, now = self._sock.recvfrom, clock.reading_ns
        payload_of, turn_of, time_of = (
            gathered.payloads.append,
            gathered.turns.append,
            gathered.times.append,
        )
        last = gathered.turns[-1][1] if gathered.turns else None
        first = len(gathered.payloads)
        for row in range(first, first + most):
            payload, source = receive(MAX_DATAGRAM_BYTES)
            time_of(now())
            payload_of(payload)
            if source != last:
                turn_of((row, source))
                last = source

    def _stamped(self, gathered: _Gathered, most: int) -> Datagram | None:
        """Take datagrams with their stamps; the first that comes with anything else beside it ends that."""
        receive = self._sock.recvmsg
        payload_of, turn_of, stamp_of = (
            gathered.payloads.append,
            gathered.turns.append,
            gathered.times.append,
        )
        last: Source | None = None
        for row in range(most):
            payload, ancillary, _, source = receive(MAX_DATAGRAM_BYTES, _ANCILLARY_BYTES)
            # Neither they nor the sources are kept: the garbage collector would go through all of them again and again.
            try:
                ((_, kind, stamp),) = ancillary
            except ValueError:  # none, or several
                kind = None
            if kind != _USUAL_STAMP:
                return Datagram(payload, source, *stamp_and_drops(ancillary))
            payload_of(payload)
            stamp_of(stamp)
            if source != last:
                turn_of((row, source))
                last = source
        return None


class _Gathered(NamedTuple):
    """Datagrams on their way into columns.

    The times are stamps as they came, or readings of our clock; of the sources there is each change, with its row.
    """

    payloads: list[bytes]
    turns: list[tuple[int, Source]]
    times: list[Any]

    def handed_over(self, few: int, *, stamped: bool) -> Iterator[Datagram | Batch]:
        """A few one by one, which costs less, or all in one."""
        payloads, turns, _ = self
        if not payloads:
            return
        time_source = TimeSource.KERNEL if stamped else TimeSource.USER
        if len(payloads) < few:
            ends = [row for row, _ in turns[1:]] + [len(payloads)]
            times = self._few_times(stamped=stamped)
            for (first, source), end in zip(turns, ends, strict=True):
                for row in range(first, end):
                    yield Datagram(payloads[row], source, times[row], time_source, None)
            return
        sizes = np.fromiter(map(len, payloads), np.int64, len(payloads))
        which = np.zeros(len(payloads), np.intp)
        numbers = {source: number for number, source in enumerate(dict.fromkeys(each for _, each in turns))}
        if len(numbers) > 1:
            rows = [row for row, _ in turns]
            which = np.repeat([numbers[source] for _, source in turns], np.diff([*rows, len(payloads)]))
        whole = np.frombuffer(b"".join(payloads), np.uint8)
        yield Batch(self._time_ns(stamped=stamped), sizes, whole, list(numbers), which, None, time_source)

    def _few_times(self, *, stamped: bool) -> list[int]:
        """As `_time_ns`, without numpy, which takes as long for one as for hundreds."""
        if stamped:
            return [stamp_and_drops([(socket.SOL_SOCKET, _USUAL_STAMP, stamp)])[0] for stamp in self.times]
        begin = self.times[0]
        begin_ns = clock.from_readings(begin)
        return [begin_ns + (reading - begin) for reading in self.times]

    def _time_ns(self, *, stamped: bool) -> Int64:
        if not stamped:
            return clock.from_readings(np.array(self.times, np.int64))
        packed = b"".join(self.times)
        if len(packed) == len(self.times) * 16 and TIMESPEC.size == 16:
            if _USUAL_STAMP == SO_TIMESTAMPNS:
                seconds, parts = np.frombuffer(packed, np.int64).reshape(-1, 2).T
            else:
                stamps = np.frombuffer(packed, _TIMEVALS)
                seconds, parts = stamps["s"], stamps["us"].astype(np.int64) * 1000
            return np.asarray(seconds * 1_000_000_000 + parts - clock.stepped_ns(), np.int64)
        ancillaries = ([(socket.SOL_SOCKET, _USUAL_STAMP, stamp)] for stamp in self.times)
        return np.array([stamp_and_drops(ancillary)[0] for ancillary in ancillaries], np.int64)


def _leave_aside(error: OSError) -> None:
    """Raise an error that is not, as on Windows, about an answer of ours that found nobody, or was long on its way."""
    if not isinstance(error, ConnectionError) and error.errno != errno.ENETRESET:
        raise error


def _stamps(sock: socket.socket) -> bool:
    """Whether the kernel stamps what arrives at a socket."""
    if not (LINUX or MACOS) or not _ANCILLARY_BYTES:
        return False
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS if LINUX else SO_TIMESTAMP))
    except OSError:
        return False


def stamp_and_drops(ancillary: Sequence[tuple[int, int, bytes]]) -> tuple[int, TimeSource, int | None]:
    """Read the control messages of one datagram; without a stamp of the kernel's the time is taken now."""
    if len(ancillary) == 1:  # mostly
        level, kind, data = ancillary[0]
        if kind == SO_TIMESTAMPNS and level == socket.SOL_SOCKET and len(data) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(data)
            return seconds * 1_000_000_000 + nanoseconds - clock.stepped_ns(), TimeSource.KERNEL, None
    time_ns, time_source, drops = 0, TimeSource.USER, None
    for level, kind, data in ancillary:
        if level != socket.SOL_SOCKET:
            continue
        if kind == SO_TIMESTAMPNS and len(data) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(data)
            time_ns, time_source = seconds * 1_000_000_000 + nanoseconds, TimeSource.KERNEL
        elif kind == SCM_TIMESTAMP and len(data) >= _TIMEVAL.size:
            seconds, microseconds = _TIMEVAL.unpack_from(data)
            time_ns, time_source = seconds * 1_000_000_000 + microseconds * 1000, TimeSource.KERNEL
        elif kind == SO_RXQ_OVFL and len(data) >= _COUNTER.size:
            drops = _COUNTER.unpack_from(data)[0]
    kernel = time_source is TimeSource.KERNEL
    return time_ns - clock.stepped_ns() if kernel else clock.now_ns(), time_source, drops


def grow_receive_buffer(sock: socket.socket, size: int = RECEIVE_BUFFER_BYTES) -> None:
    """Ask for a large receive buffer: the kernel's default holds 256 small datagrams, gone in a blink of the GIL."""
    if LINUX:
        with contextlib.suppress(OSError):  # not root
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
            return
    while size > sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF):
        # Linux grants silently less; BSD and macOS refuse what is too much.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            return
        size //= 2


def prepare_datagrams(sock: socket.socket, size: int = RECEIVE_BUFFER_BYTES) -> None:
    """Set the options of a datagram socket: a large receive buffer, the kernel's stamps and its count of drops."""
    grow_receive_buffer(sock, size)
    if LINUX:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    elif MACOS:
        with contextlib.suppress(OSError):  # rows then have the time at which they were read
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
