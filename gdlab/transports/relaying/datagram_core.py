"""The sockets of a UDP relay: one that clients send to, and one towards the server for each client."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import time
from typing import Any, Final

import numpy as np

from gdlab.errors import RelayError
from gdlab.facts import SYSTEM, US, Fact, Reason
from gdlab.impair import UP, WAYS, Copy
from gdlab.impair.streams import Stream
from gdlab.impair.truth import DAMAGED
from gdlab.messages import TimeSource
from gdlab.transports.address import Address
from gdlab.transports.batch import Batched, available
from gdlab.transports.binding import bind_all
from gdlab.transports.datagrams import (
    Batch,
    Datagram,
    OneByOne,
    Receiver,
    Source,
    prepare_datagrams,
)
from gdlab.transports.relaying import wire
from gdlab.transports.relaying.files import raise_file_limit
from gdlab.transports.relaying.worker import Worker

#: A client that has been silent for so long is forgotten.
IDLE_NS: Final = 60_000_000_000
#: Datagrams in one turn from which on a client's answers are taken in batches.
_MANY: Final = 64
_CLIENT_BUFFER_BYTES: Final = 4 * 2**20
_ROWS: Final[np.dtype[Any]] = np.dtype(wire.ROW_FIELDS)


class Client:
    """One source address and its socket towards the server."""

    __slots__ = ("drops", "front", "heard_ns", "number", "receiver", "sock", "source")

    def __init__(self, number: int, front: socket.socket, source: Source, sock: socket.socket) -> None:
        self.number = number
        self.front = front
        self.source = source
        self.sock = sock
        self.receiver: Receiver = OneByOne(sock)
        self.heard_ns = 0
        self.drops = 0


class DatagramCore:
    """UDP.

    Raises
    ------
    PortInUse, PortForbidden, AddressError, RelayError : it cannot listen, or does not know the server's address.
    """

    def __init__(self, worker: Worker, first: dict[str, Any]) -> None:
        raise_file_limit()
        self._worker = worker
        self._target = resolve(first["to_host"], first["to_port"], socket.SOCK_DGRAM)
        self._max_clients = int(first["max_clients"])
        address = Address("udp", first["host"], first["port"])
        bound = bind_all(address, socket.SOCK_DGRAM, prepare_datagrams)
        self._fronts = bound.sockets
        self.address = str(bound.address)
        self._receivers = {front: _best(front) for front in self._fronts}
        self._drops = dict.fromkeys(self._fronts, 0)
        self._clients: dict[tuple[socket.socket, Source], Client] = {}
        self._by_number: dict[int, Client] = {}
        self._count = 0
        self._refused: dict[Source, int] = {}
        self._unreachable_ns = 0
        self._selector: selectors.BaseSelector | None = None
        self._damage: dict[tuple[int, int], Stream] = {}

    @property
    def clients(self) -> int:
        """See `Core`."""
        return len(self._clients)

    def register(self, selector: selectors.BaseSelector) -> None:
        """See `Core`."""
        self._selector = selector
        for front in self._fronts:
            selector.register(
                front, selectors.EVENT_READ, lambda _mask, front=front: self._from_clients(front)
            )

    # ---- receiving

    def _from_clients(self, front: socket.socket) -> None:
        arrive, row = self._worker.arrive, self._worker.outlet.row
        for item in self._receivers[front].receive():
            if isinstance(item, Batch):
                self._batch(front, item)
                continue
            client = self._clients.get((front, item.source)) or self._new(front, item.source, item.time_ns)
            if client is None:
                continue
            if item.drops:
                self._count_drops(front, item.drops, item.time_ns)
            client.heard_ns = item.time_ns
            row(item.time_ns, client.number, item.payload, _stamped(item))
            arrive(client.number, "up", item.time_ns, item.payload)

    def _batch(self, front: socket.socket, batch: Batch) -> None:
        arrive = self._worker.arrive
        times, sizes, whole = batch.time_ns.tolist(), batch.sizes.tolist(), batch.payloads.tobytes()
        clients = [
            self._clients.get((front, source)) or self._new(front, source, times[0])
            for source in batch.sources
        ]
        all_known = None not in clients
        if all_known:
            numbers = np.array([0 if client is None else client.number for client in clients], np.uint32)
            self._tell_rows(batch, numbers[batch.source], _stamped(batch), whole)
        at = 0
        for time_ns, size, which in zip(times, sizes, batch.source.tolist(), strict=True):
            payload = whole[at : at + size]
            at += size
            client = clients[which]
            if client is not None:
                client.heard_ns = time_ns
                if not all_known:
                    self._worker.outlet.row(time_ns, client.number, payload, _stamped(batch))
                arrive(client.number, "up", time_ns, payload)
        if batch.drops is not None and len(batch.drops):
            self._count_drops(front, int(batch.drops.max()), times[-1])

    def _tell_rows(self, batch: Batch, client: Any, flags: int, payloads: bytes) -> None:
        rows = np.zeros(len(batch.sizes), _ROWS)
        rows["time"], rows["client"], rows["size"], rows["flags"] = (
            batch.time_ns,
            client,
            batch.sizes,
            flags,
        )
        self._worker.outlet.rows(rows.tobytes(), len(rows), payloads)

    def _from_server(self, client: Client) -> None:
        # Asked for before it is read: reading would take the refusal away, and no later send would hear of it.
        if client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED:
            self._nobody_there(client, time.time_ns())
        arrive, row = self._worker.arrive, self._worker.outlet.row
        number, taken = client.number, 0
        for item in client.receiver.receive():
            if isinstance(item, Batch):
                times, sizes, whole = item.time_ns.tolist(), item.sizes.tolist(), item.payloads.tobytes()
                self._tell_rows(item, number, _stamped(item) | wire.DOWN, whole)
                taken += len(item)
                at = 0
                for time_ns, size in zip(times, sizes, strict=True):
                    arrive(number, "down", time_ns, whole[at : at + size])
                    at += size
                continue
            taken += 1
            row(item.time_ns, number, item.payload, _stamped(item) | wire.DOWN)
            arrive(number, "down", item.time_ns, item.payload)
            if item.drops and item.drops != client.drops:
                lost, client.drops = (item.drops - client.drops) & 0xFFFFFFFF, item.drops
                self._worker.outlet.tell(
                    event="gap", time=item.time_ns, client=number, at_server=True, fact=_dropped(lost)
                )
        if taken > _MANY and isinstance(client.receiver, OneByOne):
            client.receiver = _best(client.sock)

    def _count_drops(self, front: socket.socket, total: int, time_ns: int) -> None:
        lost, self._drops[front] = (total - self._drops[front]) & 0xFFFFFFFF, total
        if lost:
            self._worker.outlet.tell(event="gap", time=time_ns, fact=_dropped(lost))

    # ---- clients

    def _new(self, front: socket.socket, source: Source, time_ns: int) -> Client | None:
        if len(self._clients) >= self._max_clients:
            if len(self._refused) < 1000 and source not in self._refused:
                self._refused[source] = 1
                self._worker.outlet.tell(
                    event="error", time=time_ns, peer=list(source[:2]), fact=too_many(self._max_clients)
                )
            return None
        family, target = self._target
        sock = None
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            prepare_datagrams(sock, _CLIENT_BUFFER_BYTES)
            sock.connect(target)
        except OSError as error:
            if sock is not None:
                sock.close()
            fact = Fact(Reason.SYSTEM_ERROR, SYSTEM, error.errno, said=f"no socket for a client: {error}")
            self._worker.outlet.tell(event="error", time=time_ns, fact=fact)
            return None
        self._count += 1
        client = Client(self._count, front, source, sock)
        self._clients[front, source] = client
        self._by_number[client.number] = client
        if self._selector is not None:
            self._selector.register(sock, selectors.EVENT_READ, lambda _mask: self._from_server(client))
        self._worker.outlet.tell(
            event="client",
            time=time_ns,
            client=client.number,
            peer=list(source[:2]),
            local=list(sock.getsockname()[:2]),
            server=list(sock.getpeername()[:2]),
        )
        return client

    def housekeep(self, now_ns: int) -> None:
        """See `Core`."""
        idle = [client for client in self._clients.values() if now_ns - client.heard_ns > IDLE_NS]
        fact = Fact.of(Reason.IDLE, by=US, seconds=IDLE_NS / 1e9)
        for client in idle:
            self._drop(client)
            self._worker.outlet.tell(event="close", time=now_ns, client=client.number, fact=fact)

    def _drop(self, client: Client) -> None:
        del self._clients[client.front, client.source]
        del self._by_number[client.number]
        if self._selector is not None:
            self._selector.unregister(client.sock)
        client.sock.close()
        self._worker.path.forget(client.number)

    # ---- sending

    def send(self, copy: Copy) -> bool:
        """See `Core`."""
        client = self._by_number.get(copy.client)
        if client is None:
            return False
        payload = copy.handle
        if copy.also & DAMAGED:
            payload = self._damaged(copy)
        try:
            copy.sent = time.time_ns()
            if copy.way == UP:
                client.sock.send(payload)
            else:
                client.front.sendto(payload, client.source)
        except OSError as error:
            if not self._again(client, copy, payload, error):
                return False
        flags = wire.OUT if copy.way == UP else wire.OUT | wire.DOWN
        self._worker.outlet.row(copy.sent, copy.client, payload, flags)
        return True

    def _again(self, client: Client, copy: Copy, payload: bytes, error: OSError) -> bool:
        """Whether a second attempt succeeds: a refusal tells of an earlier datagram, and this one was not sent."""
        if error.errno == errno.ECONNREFUSED and copy.way == UP:
            self._nobody_there(client, copy.sent)
            with contextlib.suppress(OSError):
                client.sock.send(payload)
                return True
            return False
        fact = Fact(Reason.SYSTEM_ERROR, SYSTEM, error.errno, said=f"not sent on: {error.strerror or error}")
        at_server = copy.way == UP
        self._worker.outlet.tell(
            event="error", time=copy.sent, client=client.number, at_server=at_server, fact=fact
        )
        return False

    def _nobody_there(self, client: Client, now_ns: int) -> None:
        """Tell that the system refused a datagram for the server; once per second at the most."""
        if now_ns - self._unreachable_ns > 1_000_000_000:
            self._unreachable_ns = now_ns
            address = "{}:{}".format(*self._target[1][:2])
            fact = Fact.of(Reason.UNREACHABLE, by=SYSTEM, address=address)
            self._worker.outlet.tell(
                event="error", time=now_ns, client=client.number, at_server=True, fact=fact
            )

    def _damaged(self, copy: Copy) -> bytes:
        key = (copy.client, copy.way)
        stream = self._damage.get(key)
        if stream is None:
            path = self._worker.path
            stream = self._damage[key] = Stream(path.seed, copy.client, WAYS[copy.way], "damaged bits")
        payload = bytearray(copy.handle)
        if payload:
            for bit in range(copy.pipe.link.damage_bits):
                place = int(stream.at(copy.n * 64 + bit) * len(payload) * 8)
                payload[place >> 3] ^= 1 << (place & 7)
        return bytes(payload)

    def close(self) -> None:
        """See `Core`."""
        for client in list(self._clients.values()):
            self._drop(client)
        for front in self._fronts:
            front.close()


def _dropped(count: int) -> Fact:
    return Fact(Reason.KERNEL_DROP, SYSTEM, count=count, case="relay")


def too_many(most: int) -> Fact:
    """A client that is not served, as there are so many already."""
    return Fact.of(Reason.REFUSED_LIMIT, by=US, limit="max_clients", case="relay", most=most)


def _stamped(arrived: Datagram | Batch) -> int:
    """The flag of rows whose times are the kernel's."""
    return wire.KERNEL if arrived.time_source is TimeSource.KERNEL else 0


def _best(sock: socket.socket) -> Receiver:
    try:
        return Batched(sock) if available() else OneByOne(sock)
    except MemoryError:
        return OneByOne(sock)


def resolve(host: str, port: int, kind: socket.SocketKind) -> tuple[socket.AddressFamily, Source]:
    """The server's address; IPv4 first, as Godot's own `localhost` is."""
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except OSError as error:
        raise RelayError(f"there is no host {host!r}: {error.strerror or error}") from error
    found.sort(key=lambda item: item[0] != socket.AF_INET)
    family, _, _, _, target = found[0]
    return family, target
