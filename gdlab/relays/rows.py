"""From what a relay's process tells to rows: one store for each of the relay's own addresses."""

from __future__ import annotations

import json
import threading
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

from gdlab.facts import PEER, US, Fact, Reason
from gdlab.messages import CATEGORIES, Direction, Event, Kind, TimeSource, wire_bytes
from gdlab.relays.listening import Listening
from gdlab.relays.truth import Truth
from gdlab.store import Limit, Snapshot, Store, table
from gdlab.transports import Address
from gdlab.transports.relaying import wire
from gdlab.transports.text_or_binary import guess_kinds

_DTYPE: Final[np.dtype[Any]] = np.dtype(wire.ROW_FIELDS)
_TEXT: Final = CATEGORIES["kind"].index(Kind.TEXT)
_BINARY: Final = CATEGORIES["kind"].index(Kind.BINARY)
#: A client's store towards the server is small while there is little in it.
_SHARE: Final = 8


class Report(TypedDict, total=False):
    """What a relay's process reports of itself five times per second; all of it is missing before the first report.

    Packets since it began (`arrived`, `passed`, `dropped`) and on the line now (`held`, `held_bytes`); bytes that wait
    before each bottleneck (`queue_up`, `queue_down`); of the packets `sent` since the report before, in microseconds:
    how late they were (`late_p50_us`, `late_p99_us`) and how long they were held (`held_p50_us`).
    """

    time: int
    arrived: int
    passed: int
    dropped: int
    held: int
    held_bytes: int
    queue_up: int
    queue_down: int
    clients: int
    sent: int
    late_p50_us: float
    late_p99_us: float
    held_p50_us: float
    paused: bool
    off: bool


class Client:
    """A client, as the notebook sees it."""

    def __init__(self, number: int, peer: str, server: str, store: Store, front: int) -> None:
        self.number = number
        self.peer = peer
        self.server = server
        self.store = store
        self.front_code = front
        self.server_code = store.peer_code(server)


class Rows:
    """Writes what a relay tells into stores; called by one thread, read by any."""

    def __init__(self, address: Address, limit: Limit, framing: str) -> None:
        self.transport = address.transport
        self.limit = limit
        self.truth_store = Truth()
        self.front = Store(str(address), limit)
        self.clients: dict[int, Client] = {}
        self.status: Report = {}
        self.status_ns: list[Report] = []
        self.refused: list[str] = []
        self.settings: list[tuple[int, int, dict[str, Any]]] = []
        self.untold = 0
        self._lock = threading.Lock()
        self._overhead = wire_bytes(self.transport, 0, ipv6=":" in address.host)
        self._listening = (
            None if self.transport == "udp" else Listening(self.transport, framing, self._message)
        )

    # ---- reading

    def snapshots(self) -> list[Snapshot]:
        """The rows of each store as they are now."""
        with self._lock:
            stores = [self.front, *(client.store for client in self.clients.values())]
        return [store.snapshot() for store in stores]

    @property
    def version(self) -> tuple[int, ...]:
        """Differs after every change of the rows."""
        with self._lock:
            return (self.front.version, *(client.store.version for client in self.clients.values()))

    def payloads(self, number: int, way: str) -> list[bytes]:
        """What came in from a client (`up`), or for it from the server (`down`), in order: packet n is the n-th."""
        client = self.clients[number]
        store, peer = (self.front, client.peer) if way == "up" else (client.store, client.server)
        rows = table.build([store.snapshot()])
        rows = rows[(rows["peer"] == peer) & (rows["direction"] == "in") & (rows["event"] == "message")]
        return [bytes(payload) for payload in rows["payload"]]

    @property
    def peers(self) -> dict[int, str]:
        """Addresses of the clients by their numbers."""
        with self._lock:
            return {number: client.peer for number, client in self.clients.items()}

    @property
    def onward(self) -> dict[str, str]:
        """The clients' names by the endpoints that stand for them towards the server."""
        with self._lock:
            return {client.store.endpoint: client.peer for client in self.clients.values()}

    # ---- writing: `Told`

    def truth(self, block: bytes) -> None:
        """See `Told`."""
        self.truth_store.add(block)

    def rows(self, block: bytes) -> None:
        """See `Told`."""
        (count,) = wire.COUNT.unpack_from(block)
        told = np.frombuffer(block, _DTYPE, count, wire.COUNT.size)
        whole = np.frombuffer(block, np.uint8)
        sizes = told["size"].astype(np.int64)
        first = wire.COUNT.size + count * _DTYPE.itemsize
        ends = first + np.cumsum(sizes)
        keys = told["client"].astype(np.int64) * 8 + told["flags"]
        for key in np.unique(keys).tolist():
            client = self.clients.get(key >> 3)
            if client is None:
                continue
            which = np.flatnonzero(keys == key)
            if self._listening is not None:
                for row in which.tolist():
                    chunk = bytes(block[int(ends[row] - sizes[row]) : int(ends[row])])
                    self._listening.feed(client, key & 7, int(told["time"][row]), chunk)
                continue
            if len(which) == count:
                payloads = whole[first:]
            else:
                payloads = np.frombuffer(
                    b"".join([block[int(ends[row] - sizes[row]) : int(ends[row])] for row in which.tolist()]),
                    np.uint8,
                )
            self._extend(client, key & 7, told["time"][which].astype(np.int64), sizes[which], payloads)

    def _extend(
        self,
        client: Client,
        flags: int,
        times: npt.NDArray[np.int64],
        sizes: npt.NDArray[np.int64],
        payloads: npt.NDArray[np.uint8],
    ) -> None:
        store, peer, direction = self._side(client, flags)
        store.extend(
            times,
            np.full(len(times), peer),
            sizes,
            payloads,
            sizes + self._overhead,
            guess_kinds(payloads, sizes),
            time_source=TimeSource.KERNEL if flags & wire.KERNEL else TimeSource.USER,
            direction=direction,
        )

    def _side(self, client: Client, flags: int) -> tuple[Store, int, Direction]:
        """The store that a row goes to: the client's side of the relay, or the server's."""
        out = bool(flags & wire.OUT)
        at_server = bool(flags & wire.DOWN) is not out
        direction = Direction.OUT if out else Direction.IN
        if at_server:
            return client.store, client.server_code, direction
        return self.front, client.front_code, direction

    def _message(
        self,
        client: Client,
        flags: int,
        time_ns: int,
        payload: bytes,
        kind: Kind,
        size: int,
        *,
        fact: Fact | None,
    ) -> None:
        store, peer, direction = self._side(client, flags)
        store.append(
            time_ns,
            peer,
            payload,
            direction=direction,
            kind=kind,
            time_source=TimeSource.KERNEL if flags & wire.KERNEL else TimeSource.USER,
            wire_bytes=size + self._overhead if size else 0,
            fact=fact,
            event=Event.MESSAGE if size else Event.CLOSE if fact and fact.by == PEER else Event.ERROR,
        )

    def told(self, values: dict[str, Any]) -> None:
        """See `Told`."""
        if "status" in values:
            self.status = values["status"]
            self.status_ns.append(values["status"])
            del self.status_ns[:-600]
        elif "setting" in values:
            self.settings.append((values["time"], values["setting"], values["step"]))
            change = json.dumps(values["step"])
            self.front.append(
                values["time"], event=Event.SETTING, fact=Fact.of(Reason.SETTING, by=US, change=change)
            )
        elif "refused" in values:
            self.refused.append(values["refused"])
        elif "untold" in values:
            self.untold += values["untold"]
            lost = Fact(Reason.UNTOLD, US, count=values["untold"])
            self.front.append(self.status.get("time", 0), event=Event.GAP, fact=lost)
        elif "event" in values:
            self._event(values)

    def _event(self, values: dict[str, Any]) -> None:
        event, time_ns = values["event"], values["time"]
        if event == "client":
            self._new(values, time_ns)
            return
        client = self.clients.get(values.get("client", 0))
        fact = _fact(values["fact"])
        if client is None:
            peer = self.front.peer_code(_name(values["peer"])) if "peer" in values else 0
            self.front.append(time_ns, peer, event=Event(event), fact=fact)
            return
        if values.get("at_server"):
            client.store.append(time_ns, client.server_code, event=Event(event), fact=fact)
        else:
            self.front.append(time_ns, client.front_code, event=Event(event), fact=fact)
        if event == Event.CLOSE and self._listening is not None:
            client.store.append(time_ns, client.server_code, event=Event.CLOSE, fact=fact)
            self._listening.forget(client)

    def _new(self, values: dict[str, Any], time_ns: int) -> None:
        peer, server, own = (_name(values[side]) for side in ("peer", "server", "local"))
        limit = Limit(bytes=max(1 << 20, (self.limit.bytes or 512 << 20) // _SHARE), rows=self.limit.rows)
        store = Store(f"{self.transport}://{own}", limit)
        client = Client(values["client"], peer, server, store, self.front.peer_code(peer))
        with self._lock:
            self.clients[client.number] = client
        if self.transport != "udp":
            number = client.number
            opened = Fact.of(Reason.OPENED, by=PEER, case="relay", number=number, server=server, own=own)
            self.front.append(time_ns, client.front_code, event=Event.OPEN, fact=opened)
            onward = Fact.of(Reason.OPENED, by=US, case="onward", number=number, client=peer)
            store.append(time_ns, client.server_code, event=Event.OPEN, fact=onward)


def _name(pair: list[Any]) -> str:
    return f"[{pair[0]}]:{pair[1]}" if ":" in str(pair[0]) else f"{pair[0]}:{pair[1]}"


def _fact(told: list[Any]) -> Fact:
    """A fact as it came through JSON."""
    reason, by, code, count, limit, said, case, more = told
    return Fact(
        Reason(reason), by, code, count, limit, said, case, tuple((name, value) for name, value in more)
    )
