"""The states and modes of Godot's `WebSocketPeer`."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """`WebSocketPeer.State`."""

    STATE_CONNECTING = 0
    STATE_OPEN = 1
    STATE_CLOSING = 2
    STATE_CLOSED = 3


class WriteMode(IntEnum):
    """`WebSocketPeer.WriteMode`."""

    WRITE_MODE_TEXT = 0
    WRITE_MODE_BINARY = 1
