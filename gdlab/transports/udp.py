"""The UDP listener."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from gdlab import clock
from gdlab.facts import SYSTEM, US, Fact, Reason
from gdlab.messages import (
    Direction,
    Event,
    Message,
    Peer,
    TimeSource,
    guess_kind,
)
from gdlab.payloads import Int64
from gdlab.transports.address import Address
from gdlab.transports.answering import MANY, Answering
from gdlab.transports.attention import Taken
from gdlab.transports.batch import Batched, available
from gdlab.transports.binding import bind_all
from gdlab.transports.bound import Bound
from gdlab.transports.datagrams import (
    FEW,
    Batch,
    OneByOne,
    Receiver,
    Source,
    prepare_datagrams,
)
from gdlab.transports.drops import Drops, dropped
from gdlab.transports.encoding import Outgoing
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.sink import Sink
from gdlab.transports.states import EndpointStatistics
from gdlab.transports.text_or_binary import guess_kinds

#: The largest payload of a datagram over IPv4.
MAX_DATAGRAM_BYTES: Final = 65_507

#: A peer is pinged for so long after it was last heard, and no more peers than this at a time.
PINGED_FOR_S: Final = 5.0
MAX_PINGED_PEERS: Final = 64

#: A peer is sent to for so long after it was last heard; the last one is, however long ago that was.
SENT_TO_FOR_S: Final = 300.0

#: How long a listener that stops goes on taking what a flood keeps sending.
_LAST_TURN_S: Final = 0.5

#: Known addresses before the cache is emptied; a flood of forged ones must not fill the memory.
_CACHED_PEERS: Final = 65_536


def best_receiver(sock: socket.socket) -> Receiver:
    """Return the fastest receiver that this system has, and has the memory for."""
    try:
        return Batched(sock) if available() else OneByOne(sock)
    except MemoryError as error:
        return OneByOne(
            sock,
            f"datagrams are received one by one, which takes several times the processor time: the system refuses "
            f"the memory to take them in batches ({error}). Close what takes memory, and start again",
        )


class UdpListener(Answering):
    """Receives datagrams: stamps each, stores it, and answers where a reply rule is set.

    On Linux the time is the kernel's stamp (`SO_TIMESTAMPNS`) and what the kernel drops for want of buffer is counted
    (`SO_RXQ_OVFL`) and becomes a `gap` row just before the next datagram. Elsewhere the time is taken right after the
    datagram was read, and drops cannot be seen.

    Datagrams are received and stored in batches. Where they are answered no more are taken at once than are answered in
    a moment, so that what waits for a slow answer waits in the kernel, where it is counted.

    An ICMP "port unreachable" that an answer of ours provoked (which Windows reports as a connection reset on the
    next receive) concerns that answer alone and is left aside.
    """

    def __init__(
        self,
        bound: Bound,
        sink: Sink,
        options: EndpointOptions | None = None,
        *,
        loop: Loop | None = None,
        receiver: Callable[[socket.socket], Receiver] = best_receiver,
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        self._sockets = list(bound.sockets)
        self._receivers: dict[socket.socket, Receiver] = {}
        self._new_receiver = receiver
        self._peers: dict[Source, tuple[int, Peer]] = {}
        self._heard: dict[tuple[socket.socket, Source], float] = {}
        self._drops = {sock: Drops() for sock in bound.sockets}
        self._taken_bytes = 0
        self._last_statistics = EndpointStatistics()

    @classmethod
    def bind(cls, address: Address) -> Bound:
        """Bind the sockets of an address, one or two."""
        return bind_all(address, socket.SOCK_DGRAM, prepare_datagrams)

    def _register(self) -> None:
        for sock in self._sockets:
            receiver = self._receivers[sock] = self._new_receiver(sock)
            self.remark = receiver.remark or self.remark
            self._answer_by(sock, together=isinstance(receiver, Batched))
            self._attend(sock, receiver)

    # ---- receiving

    def _look(self, sock: socket.socket) -> Taken:
        """Take and hand over what has arrived."""
        before = self._taken_bytes
        taken, full = self._receive(sock)
        if taken and not full:
            # What was dropped behind the last datagram, no datagram tells of, perhaps for a long time.
            self._count_behind(sock)
        return Taken(taken, self._taken_bytes - before, full)

    def _receive(self, sock: socket.socket) -> tuple[int, bool]:
        """Take what has arrived, at most one turn; return how many datagrams, and whether more may be waiting."""
        receiver = self._receivers[sock]
        most, taken = receiver.turn, 0
        if not self._answers:
            taken = self._take(sock, receiver, most)
            return taken, taken >= most
        while taken < most:
            wanted, begun_s = min(self._at_once, most - taken), time.monotonic()
            found = self._take(sock, receiver, wanted)
            taken += found
            if found:
                self._pace_answers(found, time.monotonic() - begun_s)
            if found < wanted:
                return taken, False
        return taken, True

    def _take(self, sock: socket.socket, receiver: Receiver, most: int) -> int:
        taken = 0
        few = MANY if self._answers else FEW
        for arrived in receiver.receive(most, few):
            if isinstance(arrived, Batch):
                taken += len(arrived)
                self._taken_bytes += len(arrived.payloads)
                self._arrived_together(sock, arrived)
            else:
                taken += 1
                self._taken_bytes += len(arrived.payload)
                if arrived.drops is not None:
                    self._count_drops(sock, arrived.drops, arrived.time_ns)
                self._arrived(sock, arrived.payload, arrived.source, arrived.time_ns, arrived.time_source)
        return taken

    def _arrived_together(self, sock: socket.socket, batch: Batch) -> None:
        known = [self._known(source)[0] for source in batch.sources]
        for source in batch.sources:
            self._hear(sock, source)
        codes = np.empty(len(batch), np.int32)
        codes[:] = known[0] if len(known) == 1 else np.array(known, np.int32)[batch.source]
        wire = batch.sizes + self._headers[sock]
        kinds = guess_kinds(batch.payloads, batch.sizes)
        self._write_together(sock, batch, codes, wire, kinds)
        if self._answers:
            self._answer_together(sock, batch, codes, wire, kinds)

    def _write_together(
        self,
        sock: socket.socket,
        batch: Batch,
        codes: npt.NDArray[np.int32],
        wire: Int64,
        kinds: npt.NDArray[np.int8],
    ) -> None:
        tellers = self._drops[sock].tellers(batch)
        if not tellers:
            self.sink.extend(
                batch.time_ns,
                codes,
                batch.sizes,
                batch.payloads,
                wire,
                kinds,
                time_source=batch.time_source,
            )
            return
        ends = np.cumsum(batch.sizes)
        # A gap row stands before the datagram that told of it, so rows are written from one such to the next.
        for first, last in pairwise([0, *tellers, len(batch)]):
            if first == last:
                continue
            if first in tellers and batch.drops is not None:
                self._count_drops(sock, int(batch.drops[last - 1]), int(batch.time_ns[first]))
            rows = slice(first, last)
            payloads = batch.payloads[int(ends[first] - batch.sizes[first]) : int(ends[last - 1])]
            self.sink.extend(
                batch.time_ns[rows],
                codes[rows],
                batch.sizes[rows],
                payloads,
                wire[rows],
                kinds[rows],
                time_source=batch.time_source,
            )

    def _arrived(
        self, sock: socket.socket, payload: bytes, source: Source, time_ns: int, time_source: TimeSource
    ) -> None:
        code, peer = self._known(source)
        kind = guess_kind(payload)
        wire = len(payload) + self._headers[sock]
        self.sink.append(time_ns, code, payload, kind=kind, time_source=time_source, wire_bytes=wire)
        self._hear(sock, source)
        if self._answers:
            message = Message(
                time_ns, self._name, peer, payload, kind=kind, time_source=time_source, wire_bytes=wire
            )
            self._answer(message, (sock, source), code)

    def _hear(self, sock: socket.socket, source: Source) -> None:
        """Remember a sender, who may be pinged or sent to."""
        if len(self._heard) >= _CACHED_PEERS:
            self._heard.clear()
        self._heard[sock, source] = time.monotonic()

    def _known(self, source: Source) -> tuple[int, Peer]:
        """Return the number under which the sink knows a sender, and its name."""
        known = self._peers.get(source)
        if known is None:
            if len(self._peers) >= _CACHED_PEERS:
                self._peers.clear()
            peer = Peer(source[0], source[1])
            known = self._peers[source] = (self.sink.peer_code(peer), peer)
        return known

    def _count_behind(self, sock: socket.socket) -> None:
        """Count what was dropped behind the last datagram."""
        counted = dropped(sock)
        if counted is not None:
            self._count_drops(sock, counted)

    def _count_drops(self, sock: socket.socket, counter: int, time_ns: int | None = None) -> None:
        """Turn a rise of the kernel's counter into a row; it stands before the datagram that told of it."""
        new = self._drops[sock].new(counter)
        if new:
            fact = Fact.of(Reason.KERNEL_DROP, by=SYSTEM, count=new, buffer=_buffer_bytes(sock))
            self.sink.append(time_ns or clock.now_ns(), event=Event.GAP, fact=fact)

    # ---- sending

    def _send(self, outgoing: Outgoing, peer: tuple[socket.socket, Source]) -> Fact | None:
        self._send_gathered()  # they came first
        (sock, source), payload = peer, outgoing.payload
        code = self._known(source)[0]
        # Before it leaves: while this thread waits for its turn after the call, a quick answer can be stamped already,
        # and would stand before its question.
        reading = clock.reading_ns()
        fact: Fact | None = None
        try:
            self._put(sock, payload, source)
        except OSError as error:
            fact = _not_sent(error, payload)
        self._spoke(sock)
        self.sink.append(
            clock.from_readings(reading),
            code,
            payload,
            direction=Direction.OUT,
            event=Event.MESSAGE if fact is None else Event.ERROR,
            kind=guess_kind(payload),
            wire_bytes=len(payload) + self._headers[sock] if fact is None else 0,
            fact=fact,
        )
        return fact

    def _put(self, sock: socket.socket, payload: bytes, source: Source) -> None:
        sock.sendto(payload, source)

    def _ping_targets(self) -> list[tuple[socket.socket, Source]]:
        return self._heard_within(PINGED_FOR_S)

    def _send_targets(self) -> list[tuple[socket.socket, Source]]:
        return self._heard_within(SENT_TO_FOR_S) or self._targets()[-1:]

    def _heard_within(self, seconds: float) -> list[tuple[socket.socket, Source]]:
        oldest = time.monotonic() - seconds
        lately = [(heard, target) for target, heard in self._heard.items() if heard >= oldest]
        # The most recent few, so that forged senders cannot make a flood of us.
        return [target for _, target in sorted(lately, key=lambda item: item[0])[-MAX_PINGED_PEERS:]]

    def _targets(self) -> list[tuple[socket.socket, Source]]:
        return [target for target, _ in sorted(self._heard.items(), key=lambda item: item[1])]

    def _peer_of(self, target: tuple[socket.socket, Source]) -> tuple[Peer, int]:
        code, peer = self._known(target[1])
        return peer, code

    # ---- ending

    def _finish(self) -> None:
        # What had arrived when stop was pressed belongs to the capture.
        deadline = time.monotonic() + _LAST_TURN_S
        for sock in self._sockets:
            while self._receive(sock)[1] and time.monotonic() < deadline:
                pass
            self._count_behind(sock)
        self._last_statistics = self.statistics()

    def _close_sockets(self) -> None:
        sockets, self._sockets = self._sockets, []
        self._receivers.clear()
        self._senders.clear()
        self._attend_no_longer()
        for sock in sockets:
            sock.close()

    def statistics(self) -> EndpointStatistics:
        """Return drops and buffer size; after the end, as they last were."""
        sockets = list(self._sockets)
        try:
            counted = [dropped(sock) for sock in sockets]
            buffer_bytes = max(_buffer_bytes(sock) for sock in sockets)
        except (OSError, ValueError):  # closed, perhaps by its thread this very moment
            return self._last_statistics
        known = [each for each in counted if each is not None]
        return EndpointStatistics(sum(known) if known else None, buffer_bytes)


def _not_sent(error: OSError, payload: bytes) -> Fact:
    """Why a datagram could not be sent."""
    cause = (
        Fact.of(Reason.TOO_BIG, by=US, size=len(payload), most=MAX_DATAGRAM_BYTES)
        if error.errno == errno.EMSGSIZE
        else Fact(Reason.SYSTEM_ERROR, SYSTEM, error.errno, said=error.strerror or str(error))
    )
    return Fact.of(Reason.NOT_SENT, by=cause.by, code=cause.code, cause=cause)


def _buffer_bytes(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
