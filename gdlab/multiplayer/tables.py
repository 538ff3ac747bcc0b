"""Units and packets as tables."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.multiplayer.dissector import method_name
from gdlab.multiplayer.record import MODES, UNIT_NAMES
from gdlab.multiplayer.scene import ScenePacket
from gdlab.multiplayer.scene.packets import RELAY_BYTES
from gdlab.multiplayer.view import View

_NO_TIME: Final = np.iinfo(np.int64).min


def times(values: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    """Nanoseconds as UTC times; the lowest number is NaT."""
    return pd.DatetimeIndex(values.view("datetime64[ns]")).tz_localize("UTC")


def category(values: Any) -> pd.Categorical:
    """A categorical column."""
    return pd.Categorical(values)


def units(view: View) -> pd.DataFrame:
    """Everything on the wire: a row for each ENet command, WebSocket message and unreadable part.

    Returns
    -------
    `time`, `connection`, `leg` (near or far from the sender), `direction`, `from_client`, `command`, `flags`,
    `channel`, `sequence`, `number`, `sent_time` (ms of the sender's clock, 16 bits, -1 without), `compressed`,
    `size` (bytes, unpacked), `bytes` (its part of the payload; the sum over a row is the payload's length),
    `wire_bytes` (with headers), `again` (a copy of what was seen before), `slot`, `fields`, `packet` (its position
    in `packets`' index, -1 without), `row` (position in the table), `note`.
    """
    columns = view.units
    notes, fields = view.dissector.units.notes, view.dissector.units.fields
    count = len(columns["row"])
    return pd.DataFrame(
        {
            "time": times(view.time_ns),
            "connection": view.connection,
            "leg": category(np.where(view.near, "near", "far")),
            "direction": category(np.where(columns["out"] == 1, "out", "in")),
            "from_client": view.from_client,
            "command": category([UNIT_NAMES[kind] for kind in columns["kind"].tolist()]),
            "flags": columns["flags"],
            "channel": columns["channel"],
            "sequence": columns["sequence"],
            "number": columns["number"],
            "sent_time": columns["sent_time"],
            "compressed": category([method_name(code) for code in columns["compressed"].tolist()]),
            "size": columns["size"],
            "bytes": columns["bytes"],
            "wire_bytes": columns["wire"],
            "again": columns["again"] == 1,
            "slot": columns["slot"],
            "fields": [fields.get(index, ()) for index in range(count)],
            "packet": columns["packet"],
            "row": view.positions[columns["row"]],
            "note": pd.array([notes.get(index, "") for index in range(count)], dtype="string"),
        }
    )


def packets(view: View) -> pd.DataFrame:
    """One row for each packet of SceneMultiplayer, as the leg nearest its sender saw it, in the order of delivery.

    Returns
    -------
    `time` (when it was complete), `connection`, `direction`, `sender`, `receiver` (ids in the game, 1 the server;
    0 all, negative all but, for what the server is to relay), `hop` (direct, up to be relayed, down relayed),
    `kind`, `path`, `method`, `size` (bytes of the packet), `wire_bytes` (all copies, with every header), `mode`,
    `channel` (ENet's), `compressed`, `fragments`, `resent` (copies seen beyond the first), `arrived`, `delay_ms`
    (until the far leg of a relay; NaT where it never came there or there is none), `delivered` (when the receiver's
    ENet hands it to its game, as the place nearest to it shows: what overtook a reliable packet waits for it; NaT
    for what was lost, and for an unreliable_ordered packet that came too late), `row` (position in the table of what
    completed it), `note`. The index is the packet's number.
    """
    found = view.dissector.packets
    listed, arrived, _ = view.arrivals
    delivered, order = view.deliveries
    keep = order[listed[order]]
    units = np.array(found.unit, np.int64)
    at = view.time_ns[units] if len(units) else units
    count = len(found)
    owner, again = view.units["packet"], view.units["again"] == 1
    mine = owner >= 0
    wire = np.bincount(owner[mine], view.units["wire"][mine], count).astype(np.int64)
    resent = np.bincount(owner[mine & again], minlength=count)
    pieces = np.bincount(owner[mine & ~again], minlength=count)
    labels = [label(view, index) for index in keep.tolist()]
    said = [view.said[index] for index in keep.tolist()]
    notes = [found.packet[index].note for index in keep.tolist()]
    delays = np.where(arrived == _NO_TIME, np.nan, (arrived - at) / 1e6)
    return pd.DataFrame(
        {
            "time": times(at[keep]),
            "connection": view.connection[units[keep]] if count else units,
            "direction": category(
                np.where(view.units["out"][units[keep]] == 1, "out", "in") if count else []
            ),
            "sender": ids(view, [who.sender for who in said]),
            "receiver": ids(view, [who.receiver for who in said]),
            "hop": pd.Categorical([who.hop for who in said], ["direct", "up", "down"]),
            "kind": category([found.packet[index].kind for index in keep.tolist()]),
            "path": category([path for path, _ in labels]),
            "method": category([method for _, method in labels]),
            "size": np.array([len(found.payload[index]) for index in keep.tolist()], np.int64),
            "wire_bytes": wire[keep],
            "mode": pd.Categorical([MODES[found.mode[index]] for index in keep.tolist()], list(MODES)),
            "channel": np.array(found.channel, np.int64)[keep],
            "compressed": category(
                [method_name(code) for code in view.units["compressed"][units[keep]].tolist()]
                if count
                else []
            ),
            "fragments": pieces[keep],
            "resent": resent[keep],
            "arrived": times(arrived[keep]),
            "delay_ms": delays[keep],
            "delivered": times(delivered[keep]),
            "row": view.positions[view.units["row"][units[keep]]] if count else units,
            "note": pd.array(notes, dtype="string"),
        },
        index=pd.Index(keep, name="packet"),
    )


def ids(view: View, numbers: list[int]) -> Any:
    """Game ids as a column, those that are not known as missing."""
    made_up = {connection.client for connection in view.connections if not connection.known}
    return pd.array([None if number in made_up else number for number in numbers], dtype="Int64")


def label(view: View, index: int) -> tuple[str, str]:
    """Path and method of a packet; empty where it has none."""
    packet, who = view.packets.packet[index], view.said[index]
    kind = packet.kind
    if kind == "rpc":
        return view.resolver.call(who, packet)
    if kind in {"sync", "delta"}:
        paths = [view.resolver.object(who, state.net_id)[0] for state in packet.objects[:3]]
        return ", ".join(paths) + (" ..." if len(packet.objects) > 3 else ""), ""
    if kind == "simplify_path":
        return packet.path, ""
    if kind == "confirm_path":
        return confirmed_path(view, index), ""
    if kind in {"spawn", "despawn"}:
        spawned = [view.resolver.spawned.get((scope, packet.node)) for scope in view.resolver.scopes(who)]
        known = [node.path for node in spawned if node is not None]
        return known[0] if known else f"#net{packet.node}", ""
    return "", ""


def confirmed_path(view: View, index: int) -> str:
    """The path a confirm_path answers for: an id of the side it goes to."""
    packet, who = view.packets.packet[index], view.said[index]
    return view.resolver.path(who._replace(sender=who.receiver, receiver=who.sender), packet.node)


def call_bytes(packet: ScenePacket, size: int) -> int:
    """Bytes of an RPC as the engine counts them: without the path it may carry and without a relay's header."""
    return size - packet.path_bytes - (RELAY_BYTES if packet.relayed is not None else 0)
