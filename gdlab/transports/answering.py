"""An endpoint of datagrams that answers those of a batch together: one call to send, and rows in columns."""

from __future__ import annotations

import socket
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.facts import Fact
from gdlab.messages import (
    CATEGORIES,
    Direction,
    Event,
    Kind,
    Message,
    Peer,
    TimeSource,
    guess_kind,
    wire_bytes,
)
from gdlab.payloads import Int64
from gdlab.transports.bound import Bound
from gdlab.transports.datagrams import Batch, Source
from gdlab.transports.encoding import Outgoing
from gdlab.transports.loop import Loop
from gdlab.transports.napping import Napping
from gdlab.transports.options import EndpointOptions
from gdlab.transports.replies import Close
from gdlab.transports.sending import Datagrams, EachSender, ManySender, TogetherSender
from gdlab.transports.sending import available as sends_together
from gdlab.transports.sink import Sink
from gdlab.transports.text_or_binary import guess_kinds

#: Datagrams that are answered are taken so many at once at most, and no more than are answered in this time.
MOST_AT_ONCE: Final = 64
ANSWERED_WITHIN_S: Final = 0.005

#: Answers to the datagrams of a batch wait for each other so long, and until they are so many.
GATHER_S: Final = 0.002
MOST_GATHERED: Final = 512

#: From so many datagrams on it is cheaper to take, answer and write them in columns.
MANY: Final = 5

#: Fewer rows are written one by one, which costs less.
_FEW_ROWS: Final = 4

_IN: Final = Direction.IN
_MESSAGE: Final = Event.MESSAGE
_KINDS: Final = tuple(map(Kind, CATEGORIES["kind"]))


class Answering(Napping):
    """Answers batches of datagrams; its parameters are those of `Endpoint`."""

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._senders: dict[socket.socket, ManySender] = {}
        #: What a datagram takes on the wire beside its payload.
        self._headers = {
            sock: wire_bytes("udp", 0, ipv6=sock.family == socket.AF_INET6) for sock in bound.sockets
        }
        self._at_once = 1  # datagrams that are taken together to be answered
        # Answers to datagrams of one batch, and which of its senders each is for.
        self._gathered: list[bytes] = []
        self._gathered_for: list[int] = []
        self._gathered_by: tuple[socket.socket, Batch] | None = None

    @abstractmethod
    def _known(self, source: Source) -> tuple[int, Peer]:
        """Return the number under which the sink knows a sender, and its name."""

    @abstractmethod
    def _put(self, sock: socket.socket, payload: bytes, source: Source) -> None:
        """Send a datagram."""

    def _not_put(self, sock: socket.socket, error: OSError) -> None:
        """React to an error that may be about an earlier datagram; the one that met it is sent again."""

    def _answer_by(self, sock: socket.socket, *, together: bool) -> None:
        """Prepare to send answers by a socket; `together` where the system is known to do as Linux does."""
        if together and sends_together():
            self._senders[sock] = TogetherSender(sock)
        else:
            self._senders[sock] = EachSender(lambda payload, source: self._put(sock, payload, source))

    def _pace_answers(self, found: int, took_s: float) -> None:
        """Take no more at once than can be answered in a moment: the rest waits in the kernel, which counts it."""
        quickly = int(found * ANSWERED_WITHIN_S / took_s) if took_s else MOST_AT_ONCE
        self._at_once = max(1, min(quickly, 2 * self._at_once, MOST_AT_ONCE))

    def _answer_together(
        self, sock: socket.socket, batch: Batch, codes: npt.NDArray[np.int32], wire: Int64, kinds: Any
    ) -> None:
        """Answer each datagram of a batch, whose rows have been written."""
        own = self._pings if len(self._pings) else None
        if self._echoes and own is None:
            self._send_many(
                sock, Datagrams(batch.payloads, batch.sizes, batch.sources, batch.source), codes, kinds
            )
            return
        whole, at, until = batch.payloads.tobytes(), 0, 0.0
        peers = [self._known(source) for source in batch.sources]
        gathered, gathered_for, now, name = self._gathered, self._gathered_for, time.monotonic, self._name
        self._gathered_by = sock, batch
        columns = (batch.time_ns, batch.sizes, batch.source, wire, kinds)
        for time_ns, size, which, on_wire, kind in zip(*(each.tolist() for each in columns), strict=True):
            payload = whole[at : at + size]
            at += size
            if own is not None and own.knows(payload):
                continue
            short = self._short
            if short is not None:
                said: Sequence[Outgoing | Close] = [short(payload, _KINDS[kind])]
            else:
                code, peer = peers[which]
                message = Message(
                    time_ns, name, peer, payload, _IN, _MESSAGE, _KINDS[kind], batch.time_source, on_wire
                )
                said = self._answers_to(message, code)
            for answer in said:
                if isinstance(answer, Close):  # there is no connection that could be closed
                    break
                gathered.append(answer.payload)
                gathered_for.append(which)
            if not until:
                until = now() + GATHER_S
            elif len(gathered) > MOST_GATHERED or now() > until:
                self._send_gathered()
                until = 0.0
        self._send_gathered()

    def _send_gathered(self) -> None:
        if not self._gathered:
            return
        payloads, which = self._gathered.copy(), np.array(self._gathered_for, np.intp)
        self._gathered.clear()
        self._gathered_for.clear()
        assert self._gathered_by is not None  # noqa: S101 (whoever gathers says for whom)
        sock, batch = self._gathered_by
        sizes = np.array(list(map(len, payloads)), np.int64)
        joined = np.frombuffer(b"".join(payloads), np.uint8)
        codes = np.array([self._known(source)[0] for source in batch.sources], np.int32)[which]
        datagrams = Datagrams(joined, sizes, batch.sources, which)
        self._send_many(sock, datagrams, codes, guess_kinds(joined, sizes))

    def _send_many(
        self,
        sock: socket.socket,
        datagrams: Datagrams,
        codes: npt.NDArray[np.int32],
        kinds: npt.NDArray[np.int8],
    ) -> None:
        """Send datagrams and write their rows, in their order; those that the system refuses go one by one."""
        first, count, sender = 0, len(datagrams), self._senders[sock]
        readings = np.empty(count, np.int64)
        while first < count:
            end, error = sender.send(datagrams, first, readings)
            self._write_sent(sock, datagrams, slice(first, end), codes, kinds, readings)
            if error is not None:
                self._not_put(sock, error)
                begin = int(datagrams.sizes[:end].sum())
                payload = bytes(datagrams.payloads[begin : begin + int(datagrams.sizes[end])])
                outgoing = Outgoing(payload, _KINDS[int(kinds[end])])
                self._send(outgoing, (sock, datagrams.sources[int(datagrams.source[end])]))
                end += 1
            first = end

    def _write_sent(
        self,
        sock: socket.socket,
        datagrams: Datagrams,
        rows: slice,
        codes: npt.NDArray[np.int32],
        kinds: npt.NDArray[np.int8],
        readings: Int64,
    ) -> None:
        sizes = datagrams.sizes[rows]
        if not len(sizes):
            return
        payloads = datagrams.payloads
        if len(sizes) < len(datagrams):
            begin = int(datagrams.sizes[: rows.start].sum())
            payloads = payloads[begin : begin + int(sizes.sum())]
        if len(sizes) >= _FEW_ROWS:
            self.sink.extend(
                clock.from_readings(readings[rows]),
                codes[rows],
                sizes,
                payloads,
                sizes + self._headers[sock],
                kinds[rows],
                time_source=TimeSource.USER,
                direction=Direction.OUT,
            )
            return
        data, at = payloads.tobytes(), 0
        for reading, code, size in zip(
            readings[rows].tolist(), codes[rows].tolist(), sizes.tolist(), strict=True
        ):
            payload = data[at : at + size]
            at += size
            self.sink.append(
                clock.from_readings(reading),
                code,
                payload,
                direction=Direction.OUT,
                kind=guess_kind(payload),
                wire_bytes=size + self._headers[sock],
            )

    @abstractmethod
    def _send(self, outgoing: Outgoing, peer: tuple[socket.socket, Source]) -> Fact | None:
        """Send a datagram and write its row, as `Endpoint`."""
