"""SceneMultiplayer, what Godot's RPCs, spawners and synchronizers send: packets and their values. Pure."""

from __future__ import annotations

from gdlab.multiplayer.scene.packets import (
    KINDS,
    ScenePacket,
    State,
    rpc_packet,
    spawn_parts,
    take_packet_apart,
)
from gdlab.multiplayer.scene.values import (
    read_arguments,
    read_value,
    read_values,
    write_arguments,
    write_value,
)

__all__ = [
    "KINDS",
    "ScenePacket",
    "State",
    "read_arguments",
    "read_value",
    "read_values",
    "rpc_packet",
    "spawn_parts",
    "take_packet_apart",
    "write_arguments",
    "write_value",
]
