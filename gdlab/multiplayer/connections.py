"""Which links are two views of one connection: a relay stands between a client and its server and sees both legs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gdlab.multiplayer.record import Link, Units

#: Numbers compared to find the legs of a connection whose beginning was not captured.
_COMPARED: Final = 400


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and its server.

    Attributes
    ----------
    links : the places that see it, the one nearest the client first; mostly one.
    client : the client's id; a negative number made up where the capture does not tell.
    known : whether the capture tells the id.
    """

    index: int
    links: tuple[Link, ...]
    client: int
    known: bool = field(default=True)

    def nearest(self, from_client: bool) -> Link:
        """The link nearest the side that sends."""
        return self.links[0] if from_client else self.links[-1]

    def farthest(self, from_client: bool) -> Link | None:
        """The link nearest the side that receives; None if there is only one."""
        if len(self.links) < 2:
            return None
        return self.links[-1] if from_client else self.links[0]

    def __str__(self) -> str:
        link = self.links[0]
        own, other = link.endpoint.partition("://")[2] or link.endpoint, link.peer
        return f"{other} > {own}" if not link.client_out else f"{own} > {other}"


def connections(links: list[Link], units: Units) -> list[Connection]:
    """Group links: by the client's id and the connection's number, else by the numbers of what they carry."""
    groups: dict[tuple[str, int, int], list[Link]] = {}
    nameless: list[Link] = []
    for link in links:
        if link.client:
            groups.setdefault((link.transport, link.client, link.connect_id), []).append(link)
        else:
            nameless.append(link)
    gathered = list(groups.values()) + _alike(nameless, units)
    gathered.sort(key=lambda group: min(link.first_row for link in group))
    found = []
    for index, group in enumerate(gathered):
        places = {link.index: _when_the_client_spoke(link, units) for link in group}
        group.sort(key=lambda link: places[link.index])
        client = group[0].client
        found.append(Connection(index, tuple(group), client or -1000 - index, bool(client)))
    return found


def _when_the_client_spoke(link: Link, units: Units) -> int:
    """A number that is the lower, the nearer to the client a link is: what a client sends passes there first.

    ENet's client begins. Over WebSocket the server does, so its first words tell nothing, or the opposite.
    """
    if link.transport != "websocket":
        return link.first_row
    for row, of_link, out in zip(units.row, units.link, units.out, strict=True):
        if of_link == link.index and bool(out) == bool(link.client_out):
            return row
    return -link.first_row  # only the server has spoken: the last to see it is the nearest


def _alike(links: list[Link], units: Units) -> list[list[Link]]:
    """Links that carry the same numbered things are legs of one connection."""
    if len(links) < 2:
        return [[link] for link in links]
    of_link = np.array(units.link, np.int64)
    seen: dict[int, set[tuple[int, ...]]] = {}
    for link in links:
        mine = np.flatnonzero(of_link == link.index)[:_COMPARED]
        seen[link.index] = {
            (
                units.kind[i],
                units.channel[i],
                units.sequence[i],
                units.number[i],
                units.sent_time[i],
                units.size[i],
            )
            for i in mine
            if link.transport == "enet" and units.kind[i] in {1, 6, 7, 8, 9}
        }
    groups: list[list[Link]] = []
    for link in links:
        for group in groups:
            first = group[0]
            common = seen[link.index] & seen[first.index]
            # The time the sender stamped is in the key, so what is alike by chance is rare.
            if len(common) * 2 > min(len(seen[link.index]), len(seen[first.index])) >= 8:
                group.append(link)
                # The one is at the relay's listening side, so its peer is the client.
                link.client_out, first.client_out = True, bool(first.client_out)
                break
        else:
            groups.append([link])
    return groups
