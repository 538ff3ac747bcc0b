"""Ids on the wire turned into node paths and method names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gdlab.errors import VariantDecodeError
from gdlab.multiplayer.connections import Connection
from gdlab.multiplayer.names import Names
from gdlab.multiplayer.record import Packets
from gdlab.multiplayer.scene import ScenePacket, spawn_parts
from gdlab.multiplayer.scene.packets import PATH_BIT
from gdlab.multiplayer.scene.values import read_values


class Said(NamedTuple):
    """Who says a packet to whom: game ids, 1 the server; `hop` is direct, up (to be relayed) or down (relayed)."""

    connection: int
    from_client: bool
    sender: int
    receiver: int
    hop: str


@dataclass(frozen=True, slots=True)
class Told:
    """A path that a sender told the number of."""

    path: str
    md5: str
    packet: int


@dataclass(frozen=True, slots=True)
class Spawned:
    """A node that a sender made on the other side: its path, and the names of its synchronizers' properties."""

    path: str
    scene: str
    packet: int
    synchronizer: int = -1
    names: tuple[tuple[str, ...], tuple[str, ...]] | None = None


#: Whose ids: the place (a connection, or all of an endpoint) and the sender.
_Scope = tuple[object, int]


class Resolver:
    """Paths and methods of packets, from everything the capture and the names tell, sooner or later.

    A sender numbers its nodes once for all its peers, so what one connection did not tell (it was captured too
    late) another may.
    """

    def __init__(
        self, connections: list[Connection], packets: Packets, said: list[Said], names: Names
    ) -> None:
        self._connections = connections
        self._said = said
        self.names = names
        self.told: dict[tuple[_Scope, int], Told] = {}
        self.lists: dict[tuple[_Scope, str], str] = {}
        self.md5s: dict[str, dict[int, str]] = {}
        self.spawned: dict[tuple[_Scope, int], Spawned] = {}
        spawns = []
        for index, packet in enumerate(packets.packet):
            who = said[index]
            if packet.kind == "simplify_path":
                told = Told(packet.path, packet.text, index)
                for scope in self.scopes(who):
                    self.told.setdefault((scope, packet.node), told)
                    self.lists[scope, packet.path] = packet.text
                self.md5s.setdefault(packet.path, {})[who.sender] = packet.text
            elif packet.kind == "spawn":
                spawns.append(index)
        for index in spawns:
            self._spawn(index, packets.packet[index], packets.payload[index])

    def scopes(self, who: Said) -> Iterator[_Scope]:
        """Where a sender's ids may have been told, the nearest place first."""
        yield who.connection, who.sender
        yield self._connections[who.connection].links[0].endpoint, who.sender

    def path(self, who: Said, node: int) -> str:
        """Path of a sender's node; ``#`` and the id where it was never told."""
        for scope in self.scopes(who):
            told = self.told.get((scope, node))
            if told is not None:
                return told.path
        return f"#{node}"

    def md5(self, who: Said, path: str) -> str:
        """Sum of a node's list of methods as its sender told it, else as anybody did."""
        for scope in self.scopes(who):
            md5 = self.lists.get((scope, path))
            if md5 is not None:
                return md5
        others = self.md5s.get(path)
        return next(iter(others.values())) if others else ""

    def call(self, who: Said, packet: ScenePacket) -> tuple[str, str]:
        """Path and method of an RPC."""
        path = packet.path or self.path(who, packet.node)
        return path, self.names.method(self.md5(who, path), path, packet.method)

    def object(self, who: Said, net_id: int) -> tuple[str, Spawned | None]:
        """Path of what a net id means, and the spawn it comes from."""
        if net_id & PATH_BIT:
            return self.path(who, net_id & ~PATH_BIT), None
        for scope in self.scopes(who):
            spawned = self.spawned.get((scope, net_id))
            if spawned is not None:
                return spawned.path, spawned
        return f"#net{net_id}", None

    def _spawn(self, index: int, packet: ScenePacket, payload: bytes) -> None:
        who = self._said[index]
        spawner = self.path(who, packet.ids[0])
        where = self.names.spawn_path(spawner)
        path = f"{where}/{packet.text}" if where else f"{spawner}::{packet.text}"
        senders = packet.ids[1:]
        scene = None
        if self.names.scenes:
            try:
                count = len(read_values(payload, spawn_parts(packet, payload)[1], packet.stop))
            except VariantDecodeError:
                count = -1
            scene = self.names.spawned(spawner, packet.method, len(senders), count)
        node = Spawned(path, scene.path if scene else "", index)
        synchronizers = []
        for place in range(len(senders)):
            if scene is not None and place < len(scene.synchronizers):
                known = scene.synchronizers[place]
                synchronizers.append(
                    Spawned(f"{path}/{known.path}", scene.path, index, place, (known.always, known.on_change))
                )
            else:
                own = path if len(senders) == 1 else f"{path}[{place}]"
                synchronizers.append(Spawned(own, "", index, place))
        for scope in self.scopes(who):
            self.spawned[scope, packet.node] = node
            for net_id, synchronizer in zip(senders, synchronizers, strict=True):
                self.spawned[scope, net_id] = synchronizer
