"""When the receiver's ENet hands each packet to its game, whatever order the datagrams came in.

Reliable packets are handed on in the order of their channel, so one that overtook another waits for it. An
unreliable_ordered packet waits for the reliable ones that were sent before it on its channel, and is thrown away if a
later one was handed on already. What is unsequenced is handed on at once.

Notes
-----
ENet 1.3.18, ``enet_peer_queue_incoming_command``, ``enet_peer_dispatch_incoming_reliable_commands`` and
``enet_peer_dispatch_incoming_unreliable_commands``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.multiplayer.sequences import Ints, unwrapped

if TYPE_CHECKING:
    import numpy.typing as npt

    from gdlab.multiplayer.dissector import Dissector

#: In place of a unit: the packet is never handed on.
NEVER: Final = np.iinfo(np.int64).max
_PACKETS: Final = (6, 7, 8, 9, 12)


def released(
    dissector: Dissector, units: Mapping[str, Ints], gone: npt.NDArray[np.bool_] | None
) -> tuple[Ints, Ints]:
    """The unit that made the receiver hand on each packet, and the packet's rank among those of one unit.

    Of each link by itself: a packet's link is the place that saw it. `NEVER` where it was not handed on.
    """
    count = len(dissector.packets)
    rank = np.zeros(count, np.int64)
    release = _complete(dissector, units, gone)
    first = np.array(dissector.packets.unit, np.int64)
    if not count:
        return release, rank
    kind, link, out = units["kind"][first], units["link"][first], units["out"][first]
    channel = units["channel"][first]
    enet = np.isin(kind, (6, 7, 8, 12))
    ways = np.stack([link, out, channel], axis=1)
    _, which = np.unique(ways[enet], axis=0, return_inverse=True)
    places = np.flatnonzero(enet)
    order = np.argsort(which.reshape(-1), kind="stable")
    borders = np.flatnonzero(np.diff(which.reshape(-1)[order])) + 1
    for part in np.split(places[order], borders):
        if len(part):
            _channel(dissector, units, part, first, release, rank)
    return release, rank


def _complete(dissector: Dissector, units: Mapping[str, Ints], gone: npt.NDArray[np.bool_] | None) -> Ints:
    """The unit with which each packet was whole where it was seen, copies that were dropped behind left out."""
    count = len(dissector.packets)
    # A unit is a part of a packet, or a copy of one; a part is told from the others by its number.
    mine = np.flatnonzero(units["packet"] >= 0)
    packet, kind = units["packet"][mine], units["kind"][mine]
    part = np.where(kind == 8, units["sequence"][mine], 0)
    pieces = np.flatnonzero(kind == 12)
    fields = dissector.units.fields
    part[pieces] = [fields[unit][1] for unit in mine[pieces].tolist()]
    came = mine.copy()
    if gone is not None:
        came[gone[units["row"][mine]]] = NEVER
    # The first copy that came of each part, then the last of the parts.
    order = np.lexsort((came, part, packet))
    packet, part, came = packet[order], part[order], came[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (np.diff(packet) != 0) | (np.diff(part) != 0)
    packet, came = packet[begins], came[begins]
    whole = np.full(count, -1, np.int64)
    np.maximum.at(whole, packet, came)
    return np.where(whole < 0, np.array(dissector.packets.unit, np.int64), whole)


def _channel(
    dissector: Dissector, units: Mapping[str, Ints], part: Ints, first: Ints, release: Ints, rank: Ints
) -> None:
    """Put the packets of a channel and direction, given in order of time, into the order of delivery."""
    at = first[part]
    kind = units["kind"][at]
    fragment = kind == 8
    # What counts as the packet's number: of fragments, that of the last one.
    sequence = units["sequence"][at].copy()
    fields = dissector.units.fields
    counts = np.array([fields[unit][0] for unit in at[fragment].tolist()], np.int64)
    sequence[fragment] = (units["number"][at[fragment]] + counts - 1) % 65_536
    sequence = unwrapped(sequence)
    sure = np.flatnonzero((kind == 6) | fragment)
    sure = sure[np.argsort(sequence[sure], kind="stable")]
    until = np.maximum.accumulate(release[part[sure]])
    release[part[sure]] = until
    rank[part] = sequence * (1 << 30)
    loose = np.flatnonzero((kind == 7) | (kind == 12))
    if not len(loose):
        return
    _, group = np.unique(sequence[loose], return_inverse=True)
    inner = units["number"][at[loose]].astype(np.int64)
    for each in range(int(group.max()) + 1):
        own = np.flatnonzero(group.reshape(-1) == each)
        inner[own] = unwrapped(inner[own])
    rank[part[loose]] += 1 + np.clip(inner, 0, (1 << 30) - 2)
    # The reliable packet an ordered one waits for, and the one behind which it is too old.
    place = np.searchsorted(sequence[sure], sequence[loose], side="right")
    waits = np.where(place > 0, until[np.maximum(place - 1, 0)] if len(until) else -1, -1)
    ends = np.append(until, NEVER)[place]
    ready = np.maximum(release[part[loose]], waits)
    keys = sequence[loose] * (1 << 40) + inner
    highest = np.iinfo(np.int64).min
    for index in np.lexsort((keys, ready)).tolist():
        if ready[index] >= ends[index] or keys[index] < highest or ready[index] == NEVER:
            ready[index] = NEVER
        else:
            highest = keys[index]
    release[part[loose]] = ready
