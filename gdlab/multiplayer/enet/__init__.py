"""ENet, the transport under Godot's high-level multiplayer: datagrams, commands, compression, connections. Pure."""

from __future__ import annotations

from gdlab.multiplayer.enet.commands import Command, Datagram, Kind, read_commands, take_apart
from gdlab.multiplayer.enet.compressors import METHODS, decompress

__all__ = [
    "METHODS",
    "Command",
    "Datagram",
    "Kind",
    "decompress",
    "read_commands",
    "take_apart",
]
