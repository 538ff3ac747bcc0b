"""What was dissected, seen as a whole: who says what to whom, each packet once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from gdlab.multiplayer import delivery
from gdlab.multiplayer.connections import Connection, connections
from gdlab.multiplayer.dissector import Dissector
from gdlab.multiplayer.names import Names
from gdlab.multiplayer.resolve import Resolver, Said

#: A packet that passes the far leg later than this after the near one is another with the same number.
_SAME_WITHIN_NS: Final = 60_000_000_000
SERVER: Final = 1

Ints = npt.NDArray[np.int64]


class View:
    """Columns of units and packets, with the questions that need all of them answered.

    Parameters
    ----------
    dissector : what took the rows.
    times_ns : time of each row, UTC nanoseconds.
    names : what is known of paths and methods.
    payloads : of each row, for what asks for whole datagrams.
    positions : of each row in the table it comes from; by default its number.
    gone : which rows were lost behind the place of capture, where that is known.
    """

    def __init__(
        self,
        dissector: Dissector,
        times_ns: Ints,
        names: Names,
        payloads: Sequence[bytes] = (),
        positions: Ints | None = None,
        gone: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self.dissector = dissector
        self.gone = gone
        self._payloads = payloads
        #: Position in the user's table of each row that was taken.
        self.positions = np.arange(len(times_ns)) if positions is None else positions
        self.names = names
        self.times_ns = times_ns
        self.packets = dissector.packets
        self.units: dict[str, Ints] = {
            name: np.array(values, np.int64) for name, values in dissector.units.columns().items()
        }
        self.connections: list[Connection] = connections(dissector.links, dissector.units)
        links = len(dissector.links)
        self._of_link = np.zeros(links, np.int64)
        near = np.zeros((links, 2), np.bool_)
        self._client_out = np.zeros(links, np.int64)
        for connection in self.connections:
            for link in connection.links:
                self._of_link[link.index] = connection.index
                self._client_out[link.index] = link.from_client
            for from_client in (True, False):
                link = connection.nearest(from_client)
                near[link.index, link.from_client if from_client else 1 - link.from_client] = True
        link_of, out = self.units["link"], self.units["out"]
        #: Connection of each unit, whether the client sent it, and whether this is the leg nearest the sender.
        self.connection = self._of_link[link_of] if links else link_of
        self.from_client = (out == self._client_out[link_of]) if links else link_of.astype(np.bool_)
        self.near = near[link_of, out] if links else link_of.astype(np.bool_)
        self.time_ns = times_ns[self.units["row"]] if len(times_ns) else self.units["row"]

    @cached_property
    def said(self) -> list[Said]:
        """Who says each packet to whom."""
        units = np.array(self.packets.unit, np.int64)
        owners = self.connection[units].tolist() if len(units) else []
        ways = self.from_client[units].tolist() if len(units) else []
        clients = [connection.client for connection in self.connections]
        made: dict[tuple[int, bool, int | None], Said] = {}
        found: list[Said] = []
        for owner, up, packet in zip(owners, ways, self.packets.packet, strict=True):
            key = (owner, up, packet.relayed)
            who = made.get(key)
            if who is None:
                client, other = clients[owner], packet.relayed
                if other is None:
                    sender, receiver = (client, SERVER) if up else (SERVER, client)
                    who = Said(owner, up, sender, receiver, "direct")
                elif up:
                    who = Said(owner, up, client, other, "up")
                else:
                    who = Said(owner, up, other, client, "down")
                made[key] = who
            found.append(who)
        return found

    @cached_property
    def resolver(self) -> Resolver:
        """Paths and methods."""
        return Resolver(self.connections, self.packets, self.said, self.names)

    @cached_property
    def arrivals(self) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
        """Which packets to list, when each passed the far leg (the lowest number where it did not), and as which.

        Listed are those of the leg nearest the sender, and those that only the far leg saw.
        """
        count = len(self.packets)
        listed = np.ones(count, np.bool_)
        arrived = np.full(count, np.iinfo(np.int64).min, np.int64)
        partner = np.full(count, -1, np.int64)
        if all(len(connection.links) < 2 for connection in self.connections):
            return listed, arrived, partner
        near = self.near[np.array(self.packets.unit, np.int64)]
        far: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        keys = self._numbers()
        times = self.time_ns[np.array(self.packets.unit, np.int64)]
        for index in np.flatnonzero(~near).tolist():
            far.setdefault(keys[index], []).append((int(times[index]), index))
        for index in np.flatnonzero(near).tolist():
            seen = far.get(keys[index])
            if not seen:
                continue
            now = int(times[index])
            place = bisect_left(seen, (now - 1_000_000, -1))
            if place < len(seen) and seen[place][0] - now < _SAME_WITHIN_NS:
                arrived[index], other = seen[place]
                listed[other], partner[index] = False, other
        return listed, arrived, partner

    @cached_property
    def deliveries(self) -> tuple[Ints, Ints]:
        """When the receiver's ENet hands on each packet (the lowest number where never), and the order of it all.

        The order has every packet; one that is never handed on stands where it was seen.
        """
        listed, _, partner = self.arrivals
        release, rank = delivery.released(self.dissector, self.units, self.gone)
        own = np.array(self.packets.unit, np.int64)
        with_far = np.array([len(connection.links) > 1 for connection in self.connections], np.bool_)
        if with_far.any():  # the leg nearest the receiver is what counts
            lost = listed & (partner < 0) & with_far[self.connection[own]] & self.near[own]
            found = partner >= 0
            release[found], rank[found] = release[partner[found]], rank[partner[found]]
            release[lost] = delivery.NEVER
        never = release == delivery.NEVER
        moment = np.full(len(own), np.iinfo(np.int64).min, np.int64)
        moment[~never] = self.time_ns[release[~never]]
        return moment, np.lexsort((rank, np.where(never, own, release)))

    def _numbers(self) -> list[tuple[int, ...]]:
        """What identifies each packet within its connection on both legs."""
        at = np.array(self.packets.unit, np.int64)
        kind = self.units["kind"][at]
        fragment = (kind == 8) | (kind == 12)
        columns: Sequence[Ints] = (
            self.connection[at],
            self.from_client[at].astype(np.int64),
            kind,
            np.where(kind == 9, 0, self.units["channel"][at]),
            np.where(fragment | (kind == 9), 0, self.units["sequence"][at]),
            np.where(kind == 6, 0, self.units["number"][at]),
        )
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def payload(self, row: int) -> bytes:
        """Bytes of a row of the table."""
        return bytes(self._payloads[row])
