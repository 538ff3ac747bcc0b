"""A packet's bytes explained through all layers: IP, UDP or TCP, ENet or WebSocket, SceneMultiplayer, Variant."""

from __future__ import annotations

import html
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from gdlab.errors import VariantDecodeError
from gdlab.multiplayer.enet import Command, Datagram, Kind, take_apart
from gdlab.multiplayer.record import MESSAGE
from gdlab.multiplayer.scene import ScenePacket, read_value, spawn_parts
from gdlab.multiplayer.scene.packets import PATH_BIT
from gdlab.multiplayer.tables import label
from gdlab.multiplayer.view import View
from gdlab.variant.explain import explain as explain_variant
from gdlab.variant.kinds import Type

_SHOWN_BYTES: Final = 24
#: Fields of one packet, and datagrams of a fragmented one, that are listed.
MAX_FIELDS: Final = 1000
MAX_DATAGRAMS: Final = 64


class Part(NamedTuple):
    """Some bytes and what they say; `offset` counts within their layer, `size` also where no bytes were captured."""

    layer: str
    offset: int
    data: bytes
    meaning: str
    value: str = ""
    size: int = -1


@dataclass(frozen=True, slots=True)
class LayeredExplanation:
    """Parts of one packet, outermost layer first; shown as a table."""

    title: str
    parts: tuple[Part, ...]

    def rows(self) -> list[tuple[str, int, str, str, str]]:
        """Layer, offset, bytes as hex, meaning and value of each part."""
        return [(part.layer, part.offset, _hex(part), part.meaning, part.value) for part in self.parts]

    def __str__(self) -> str:
        rows = self.rows()
        wide = [max([len(str(row[column])) for row in rows], default=0) for column in (0, 2, 3)]
        lines = [self.title]
        lines += [
            f"{layer:{wide[0]}}  {at:5}  {raw:{wide[1]}}  {meaning:{wide[2]}}  {value}".rstrip()
            for layer, at, raw, meaning, value in rows
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        left = "text-align:left;padding:1px 8px"
        body = "".join(
            f"<tr><td style='{left}'>{html.escape(layer)}</td><td style='text-align:right'>{at}</td>"
            f"<td style='{left}'><code>{raw}</code></td><td style='{left}'>{html.escape(meaning)}</td>"
            f"<td style='{left}'>{html.escape(value)}</td></tr>"
            for layer, at, raw, meaning, value in self.rows()
        )
        head = "".join(
            f"<th style='{left}'>{name}</th>" for name in ("layer", "offset", "bytes", "meaning", "value")
        )
        return f"<p>{html.escape(self.title)}</p><table><tr>{head}</tr>{body}</table>"


def _hex(part: Part) -> str:
    if not part.data and part.size > 0:
        return f"({part.size} bytes)"
    return part.data[:_SHOWN_BYTES].hex(" ") + (" ..." if len(part.data) > _SHOWN_BYTES else "")


def explain(view: View, index: int) -> LayeredExplanation:
    """All layers of a packet.

    Parameters
    ----------
    index : the packet's number: the index of the tables `packets`, `calls` and `sync`.

    Raises
    ------
    KeyError : there is no such packet.
    """
    if not 0 <= index < len(view.packets):
        raise KeyError(f"there is no packet {index}; the capture has {len(view.packets)}")
    packet, payload, who = view.packets.packet[index], view.packets.payload[index], view.said[index]
    path, method = label(view, index)
    name = ".".join(part for part in (path, method) if part)
    title = (
        f"packet {index}: {packet.kind} {name}".rstrip()
        + f", {who.sender} to {who.receiver}, {len(payload)} bytes"
    )
    parts: list[Part] = []
    owned = [unit for unit in _units_of(view, index) if not view.units["again"][unit]]
    for unit in owned[:MAX_DATAGRAMS]:
        parts += _transport(view, unit)
    if len(owned) > MAX_DATAGRAMS:
        parts.append(Part("ENet", 0, b"", "further fragments", f"{len(owned) - MAX_DATAGRAMS} datagrams"))
    for part in packet_parts(packet, payload, method):
        parts.append(part)
        if len(parts) >= MAX_FIELDS:
            parts.append(Part("", 0, b"", "more parts, not listed"))
            break
    return LayeredExplanation(title, tuple(parts))


def _units_of(view: View, index: int) -> list[int]:
    found: list[int] = np.flatnonzero(view.units["packet"] == index).tolist()
    return found


def _transport(view: View, unit: int) -> Iterator[Part]:
    row = int(view.units["row"][unit])
    link = view.dissector.links[int(view.units["link"][unit])]
    own, other = link.endpoint.partition("://")[2] or link.endpoint, link.peer
    source, target = (own, other) if view.units["out"][unit] else (other, own)
    ipv6 = 40 if "[" in link.endpoint else 20
    yield Part("IP", 0, b"", "header, not captured: its usual size", f"{source} to {target}", ipv6)
    data = view.payload(row)
    if view.units["kind"][unit] == MESSAGE:
        yield Part("TCP", 0, b"", "header, not captured: its usual size", "", 32)
        over = int(view.units["size"][unit]) - len(view.packets.payload[int(view.units["packet"][unit])])
        if over > 0:
            yield Part("WebSocket", 0, b"", "frame header, and the mask of a client's", "", over)
        return
    yield Part("UDP", 0, b"", "header, not captured", f"{len(data)} bytes follow", 8)
    found = take_apart(data)
    yield from _header(found, data)
    wanted = (
        int(view.units["channel"][unit]),
        int(view.units["sequence"][unit]),
        int(view.units["number"][unit]),
    )
    if len(found.commands) > 1:
        yield Part("ENet", 0, b"", "commands in this datagram", str(len(found.commands)))
    for command in found.commands:
        if (command.channel, command.sequence, command.number) == wanted and command.kind == view.units[
            "kind"
        ][unit]:
            yield from command_parts(command, found)
            return


def _header(found: Datagram, data: bytes) -> Iterator[Part]:
    flags = [f"slot {found.slot}", f"session {found.session}"]
    if found.sent_time >= 0:
        flags.append("a time follows")
    if found.compressed:
        flags.append(f"compressed ({found.compressed})")
    yield Part("ENet", 0, data[:2], "slot, session, flags", ", ".join(flags))
    if found.sent_time >= 0:
        yield Part("ENet", 2, data[2:4], "sent time", f"{found.sent_time} ms of the sender's clock")
    if found.compressed:
        packed = len(data) - found.header
        yield Part(
            "ENet",
            found.header,
            data[found.header :],
            "compressed",
            f"{packed} bytes hold {len(found.body)}, shown below",
        )


def command_parts(command: Command, found: Datagram) -> Iterator[Part]:
    """Fields of an ENet command without its data."""
    body, at = found.body, command.start
    kind = Kind(command.kind)
    flags = [kind.name.lower()]
    if command.flags & 0x80:
        flags.append("wants an acknowledgement")
    if command.flags & 0x40:
        flags.append("unsequenced")
    yield Part("ENet", at, body[at : at + 1], "command", ", ".join(flags))
    yield Part("ENet", at + 1, body[at + 1 : at + 2], "channel", str(command.channel))
    yield Part("ENet", at + 2, body[at + 2 : at + 4], "reliable sequence number", str(command.sequence))
    at += 4
    if kind in _FIELDS:
        for meaning, size, value in _FIELDS[kind](command):
            yield Part("ENet", at, body[at : at + size], meaning, value)
            at += size


def _fragment_fields(command: Command) -> list[tuple[str, int, str]]:
    count, number, total, offset = command.fields
    return [
        ("number of the first fragment", 2, str(command.number)),
        ("length", 2, str(command.length)),
        ("fragments", 4, str(count)),
        ("this fragment", 4, str(number)),
        ("bytes in all", 4, str(total)),
        ("offset", 4, str(offset)),
    ]


def _length(command: Command) -> list[tuple[str, int, str]]:
    return [("length", 2, str(command.length))]


def _numbered(command: Command) -> list[tuple[str, int, str]]:
    meaning = "group" if command.kind == Kind.UNSEQUENCED else "unreliable sequence number"
    return [(meaning, 2, str(command.number)), *_length(command)]


_FIELDS: Final[dict[Kind, Callable[[Command], list[tuple[str, int, str]]]]] = {
    Kind.RELIABLE: _length,
    Kind.UNRELIABLE: _numbered,
    Kind.UNSEQUENCED: _numbered,
    Kind.FRAGMENT: _fragment_fields,
    Kind.UNRELIABLE_FRAGMENT: _fragment_fields,
}


def packet_parts(packet: ScenePacket, data: bytes, method: str = "") -> Iterator[Part]:
    """Fields of a SceneMultiplayer packet, its values taken apart too."""
    at = 0

    def part(size: int, meaning: str, value: str = "") -> Part:
        nonlocal at
        at += size
        return Part("SceneMultiplayer", at - size, data[at - size : at], meaning, value)

    if packet.kind == "peer_id":
        yield part(4, "the client's id", str(packet.peer))
        return
    if packet.relayed is not None:
        yield part(1, "command", "system")
        yield part(1, "system command", "relay")
        yield part(4, "peer it is for, or comes from", str(packet.relayed))
    if packet.kind == "unknown":
        yield part(len(data) - at, "not understood", packet.note)
        return
    first = data[at] if at < len(data) else 0
    yield part(1, "command and flags", f"{packet.kind}, 0x{first:02x}")
    if packet.kind == "rpc":
        width = (1, 2, 4, 4)[first >> 4 & 3]
        yield part(
            width, "node", f"path id {packet.node}" if packet.node >= 0 else "its path stands at the end"
        )
        yield part(2 if first & 0x40 else 1, "method", f"{packet.method} {method}".rstrip())
        if packet.raw:
            if packet.stop > at:
                yield part(packet.stop - at, "one PackedByteArray", f"{packet.stop - at} bytes")
        elif at < packet.stop:
            count = data[at]
            yield part(1, "arguments", str(count))
            yield from _values(data, at, packet.stop, "argument")
        at = packet.stop
        if packet.path_bytes:
            yield part(packet.path_bytes, "path, not confirmed by the other side yet", packet.path)
    elif packet.kind == "simplify_path":
        yield part(33, "MD5 of the node's RPC methods", packet.text)
        yield part(4, "path id", str(packet.node))
        yield part(len(data) - at, "path", packet.path)
    elif packet.kind == "confirm_path":
        yield part(1, "the same methods there", "yes" if packet.valid else "no")
        yield part(4, "path id", str(packet.node))
    elif packet.kind in {"sync", "delta"}:
        if packet.kind == "sync":
            yield part(2, "counter", str(packet.method))
        for state in packet.objects:
            known = "path id" if state.net_id & PATH_BIT else "net id"
            yield part(4, "object", f"{known} {state.net_id & ~PATH_BIT}")
            if packet.kind == "delta":
                yield part(8, "mask of properties", f"{state.mask:b}")
            yield part(4, "bytes of its values", str(state.stop - state.start))
            yield from _values(data, state.start, state.stop, "value")
            at = state.stop
    elif packet.kind == "spawn":
        yield part(1, "scene", "spawn function" if packet.method == 255 else str(packet.method))
        yield part(4, "path id of the spawner", str(packet.ids[0]))
        yield part(4, "net id", str(packet.node))
        yield part(4, "synchronizers", str(len(packet.ids) - 1))
        (length,) = struct.unpack_from("<I", data, at)
        yield part(4, "bytes of the name", str(length))
        for net_id in packet.ids[1:]:
            yield part(4, "synchronizer", f"net id {net_id}")
        yield part(length, "name", packet.text)
        argument, start = spawn_parts(packet, data)
        if argument is not None:
            yield part(4, "bytes of the argument", str(argument[1] - argument[0]))
            yield from _values(data, *argument, "argument")
        yield from _values(data, start, packet.stop, "value")
    elif packet.kind == "despawn":
        yield part(4, "net id", str(packet.node))
    else:
        if packet.kind in {"auth", "add_peer", "del_peer"}:
            yield part(1, "system command", packet.kind)
        if packet.kind in {"add_peer", "del_peer"}:
            yield part(4, "peer", str(packet.peer))
        if len(data) > at:
            yield part(len(data) - at, "bytes", f"{len(data) - at} bytes")


def _values(data: bytes, at: int, end: int, what: str) -> Iterator[Part]:
    number = 0
    while at < end:
        try:
            value, after = read_value(data, at, end)
        except VariantDecodeError as wrong:
            yield Part("Variant", at, data[at:end], "refused", str(wrong))
            return
        kind = data[at] & 0x3F
        if kind in {Type.BOOL, Type.INT}:
            yield Part(
                "Variant",
                at,
                data[at:after],
                f"{what} {number}: {Type(kind).godot_name}, shortened",
                repr(value),
            )
        else:
            for field in explain_variant(data[at:after]).fields:
                meaning = (
                    f"{what} {number}: {field.meaning}"
                    if field.depth == 0
                    else "  " * field.depth + field.meaning
                )
                yield Part("Variant", at + field.offset, field.data, meaning, field.value)
        at = after
        number += 1
    if number == 0 and at > end:
        yield Part("Variant", at, b"", "no values")
