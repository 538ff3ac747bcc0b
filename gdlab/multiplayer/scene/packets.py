"""SceneMultiplayer's packets: what each is, whom it concerns, where its parts lie.

Little-endian. The first byte: low 3 bits the command, high 4 bits flags. Values are not decoded here; see `values`.

Notes
-----
Godot 4.6.3, ``scene_multiplayer.cpp``, ``scene_rpc_interface.cpp``, ``scene_cache_interface.cpp``,
``scene_replication_interface.cpp``; checked against what real games sent.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

#: Kinds of packets; `peer_id` is the server's first message over WebSocket, `unknown` what is none of them.
KINDS: Final = (
    "rpc",
    "simplify_path",
    "confirm_path",
    "raw",
    "spawn",
    "despawn",
    "sync",
    "delta",
    "auth",
    "add_peer",
    "del_peer",
    "peer_id",
    "unknown",
)

#: Net ids with this bit are path ids of synchronizers, others come from a spawn.
PATH_BIT: Final = 0x80000000
#: RPC ids with this bit belong to methods that were configured by code.
BY_CODE: Final = 0x8000
#: Objects read from one sync packet; one takes at least 8 bytes of at most 65,535.
MAX_OBJECTS: Final = 8192
RELAY_BYTES: Final = 6

_u16: Final = struct.Struct("<H").unpack_from
_u32: Final = struct.Struct("<I").unpack_from
_i32: Final = struct.Struct("<i").unpack_from
_sync: Final = struct.Struct("<II").unpack_from
_delta: Final = struct.Struct("<IQI").unpack_from
_spawn: Final = struct.Struct("<BIIII").unpack_from


class State(NamedTuple):
    """One object in a sync or delta packet: its net id, the mask of its properties (delta), where its values lie."""

    net_id: int
    mask: int
    start: int
    stop: int


class ScenePacket(NamedTuple):
    """A packet taken apart.

    Attributes
    ----------
    kind : one of `KINDS`.
    node : path id of the node (rpc), of the path told or confirmed, net id (spawn, despawn); -1 where there is none.
    path : a path that stands in the packet itself.
    method : number of the method (rpc), scene index (spawn; 255 is the spawn function), counter (sync); else -1.
    start, stop : where arguments, values or bytes lie.
    raw : the flag of an RPC whose arguments are one PackedByteArray or none.
    relayed : the peer a relayed packet is for (to the server: 0 all, negative all but) or from; None if it is direct.
    peer : the peer that is added, deleted or told its id.
    text : MD5 (simplify_path), name (spawn).
    valid : what a confirm_path says.
    path_bytes : bytes of the path that an RPC carries.
    objects : of sync and delta.
    ids : spawner's path id, then the synchronizers' net ids (spawn).
    note : what is wrong with it; the kind is then `unknown`, or the packet is one that the engine refuses.
    """

    kind: str
    node: int = -1
    path: str = ""
    method: int = -1
    start: int = 0
    stop: int = 0
    raw: bool = False
    relayed: int | None = None
    peer: int = 0
    text: str = ""
    valid: bool = True
    path_bytes: int = 0
    objects: tuple[State, ...] = ()
    ids: tuple[int, ...] = ()
    note: str = ""


def take_packet_apart(data: bytes) -> ScenePacket:
    """Read a packet; never raises, `note` says what is wrong."""
    return _packet(data, 0, len(data), None)


def _packet(data: bytes, at: int, end: int, relayed: int | None) -> ScenePacket:
    try:
        if at >= end:
            return _unknown(at, end, relayed, "an empty packet")
        first = data[at]
        command = first & 7
        if first & 8:
            return _unknown(at, end, relayed, f"no packet begins with the byte 0x{first:02x}")
        if command == 0:
            return _rpc(data, at, end, relayed)
        if command == 6:
            return _states(data, at, end, relayed)
        if command == 1:
            path = _text(data, at + 38, end)
            (node,) = _u32(data, at + 34)
            return ScenePacket(
                "simplify_path",
                node,
                path,
                text=data[at + 1 : at + 34].split(b"\0")[0].decode("ascii", "replace"),
                relayed=relayed,
            )
        if command == 2:
            if end - at != 6:
                return _unknown(at, end, relayed, f"a confirm_path of {end - at} bytes, not 6")
            return ScenePacket(
                "confirm_path", _u32(data, at + 2)[0], valid=data[at + 1] != 0, relayed=relayed
            )
        if command == 3:
            return ScenePacket("raw", start=at + 1, stop=end, relayed=relayed)
        if command == 4:
            return _spawned(data, at, end, relayed)
        if command == 5:
            if end - at != 5:
                return _unknown(at, end, relayed, f"a despawn of {end - at} bytes, not 5")
            return ScenePacket("despawn", _u32(data, at + 1)[0], relayed=relayed)
        return _system(data, at, end, relayed)
    except (struct.error, IndexError):
        return _unknown(at, end, relayed, "ends within its header")
    except ValueError as wrong:
        return _unknown(at, end, relayed, str(wrong))


def _unknown(at: int, end: int, relayed: int | None, note: str) -> ScenePacket:
    return ScenePacket("unknown", start=at, stop=end, relayed=relayed, note=note)


def _text(data: bytes, at: int, end: int) -> str:
    """UTF-8 that ends with a NUL, as the engine reads it: up to the first NUL."""
    stop = data.find(b"\0", at, end)
    if at >= end or stop < 0:
        raise ValueError("a text without its end")
    return data[at:stop].decode(errors="replace")


def _rpc(data: bytes, at: int, end: int, relayed: int | None) -> ScenePacket:
    first = data[at]
    width = first >> 4 & 3
    path, path_bytes = "", 0
    if width == 0:
        node, pos = data[at + 1], at + 2
    elif width == 1:
        node, pos = _u16(data, at + 1)[0], at + 3
    elif width == 2:
        node, pos = _u32(data, at + 1)[0], at + 5
    else:
        raise ValueError("an RPC with an unknown width of the node's id")
    if pos > end:
        raise IndexError
    if width == 2 and node & PATH_BIT:
        offset = at + (node & ~PATH_BIT)
        if offset < pos or offset >= end:
            raise ValueError("an RPC whose path lies outside of it")
        path = _text(data, offset, end)
        path_bytes = end - offset
        node, end = -1, offset
    if first & 0x40:
        method, pos = _u16(data, pos)[0], pos + 2
    else:
        method, pos = data[pos], pos + 1
    if pos > end:
        raise IndexError
    return ScenePacket("rpc", node, path, method, pos, end, first > 0x7F, relayed, path_bytes=path_bytes)


def _states(data: bytes, at: int, end: int, relayed: int | None) -> ScenePacket:
    delta = bool(data[at] & 0x10)
    objects: list[State] = []
    counter, pos = -1, at + 1
    if not delta:
        counter, pos = _u16(data, at + 1)[0], at + 3
    if pos > end:
        raise IndexError
    note = ""
    while pos < end:
        if len(objects) == MAX_OBJECTS:
            raise ValueError(f"more than {MAX_OBJECTS} objects in a packet")
        if delta:
            net_id, mask, size = _delta(data, pos)
            pos += 16
        else:
            net_id, size = _sync(data, pos)
            mask = 0
            pos += 8
        if end - pos < size:
            raise ValueError(f"the state of an object announces {size} bytes and has {end - pos}")
        objects.append(State(net_id, mask, pos, pos + size))
        pos += size
    if not objects:
        note = "a sync without an object, which the engine refuses"
    return ScenePacket(
        "delta" if delta else "sync",
        method=counter,
        start=at + (1 if delta else 3),
        stop=end,
        relayed=relayed,
        objects=tuple(objects),
        note=note,
    )


def _spawned(data: bytes, at: int, end: int, relayed: int | None) -> ScenePacket:
    scene, spawner, net_id, count, length = _spawn(data, at + 1)
    pos = at + 18
    if count > (end - pos) // 4 or end - pos - 4 * count < length or length < 1:
        raise ValueError("a spawn that ends within its list or name")
    ids = struct.unpack_from(f"<{count}I", data, pos)
    pos += 4 * count
    name = data[pos : pos + length].split(b"\0")[0].decode(errors="replace")
    pos += length
    if scene == 255:
        (size,) = _u32(data, pos)
        if end - pos - 4 < size:
            raise ValueError("a spawn that ends within its argument")
    return ScenePacket(
        "spawn", net_id, method=scene, start=pos, stop=end, relayed=relayed, text=name, ids=(spawner, *ids)
    )


def _system(data: bytes, at: int, end: int, relayed: int | None) -> ScenePacket:
    what = data[at + 1]
    if at + 2 > end:
        raise IndexError
    if what == 0:
        return ScenePacket("auth", start=at + 2, stop=end, relayed=relayed)
    (peer,) = _i32(data, at + 2)
    if at + 6 > end or what > 3:
        raise ValueError(f"a system packet of the unknown kind {what}")
    if what < 3:
        return ScenePacket("add_peer" if what == 1 else "del_peer", peer=peer, relayed=relayed)
    if relayed is not None:
        raise ValueError("a relayed packet inside a relayed packet")
    return _packet(data, at + RELAY_BYTES, end, peer)


def spawn_parts(packet: ScenePacket, data: bytes) -> tuple[tuple[int, int] | None, int]:
    """Where the argument of a spawn function lies (None for a spawn of a scene), and where the state begins."""
    if packet.method != 255:
        return None, packet.start
    (size,) = _u32(data, packet.start)
    return (packet.start + 4, packet.start + 4 + size), packet.start + 4 + size


def rpc_packet(
    method: int, arguments: tuple[Any, ...], *, node: int = 1, path: str = "", relayed: int | None = None
) -> bytes:
    """The bytes of an RPC as the engine writes them.

    Parameters
    ----------
    method : number of the method; with bit 15 one that was configured by code.
    arguments : values of Godot's.
    node : path id of a confirmed node.
    path : the node's path, while its id is not confirmed.
    relayed : the peer the server is to pass it to.
    """
    from gdlab.multiplayer.scene.values import write_arguments

    written, raw = write_arguments(arguments)
    width = 2 if path or node > 0xFFFF else 1 if node > 0xFF else 0
    wide = method > 0xFF
    first = (width << 4) | (0x40 if wide else 0) | (0x80 if raw else 0)
    called = struct.pack("<H" if wide else "<B", method) + written
    if path:
        node = PATH_BIT | 5 + len(called)
        called += path.encode() + b"\0"
    head = b"" if relayed is None else b"\x07\x03" + struct.pack("<i", relayed)
    return head + bytes((first,)) + struct.pack(f"<{'BHI'[width]}", node) + called
