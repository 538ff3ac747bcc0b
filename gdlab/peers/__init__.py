"""Scripted peers: a game's side of the network from Python, where no Godot is installed.

`PacketPeerUDP`, `UDPServer`, `StreamPeerTCP`, `TCPServer` and `WebSocketPeer` have Godot's names, return its error
codes and have its quirks; `tests/peers` plays the same scenarios with the real engine's. They are not threads: like
the engine's they do something only when they are called, and want one thread to do so. `get_data` and `put_data`
block, as in the engine.

The programs (`FramePeer` and what is made of it) are threads that call them once per frame.
"""

from gdlab.peers.blog import CHAT_PORT, GREETING, GREETING_PORT, AnswerGame, ChatSender
from gdlab.peers.codes import Error
from gdlab.peers.game_loop import FramePeer
from gdlab.peers.programs import (
    STREAM_PORT,
    WEBSOCKET_URL,
    BlogProgram,
    BlogTCPClient,
    BlogUDPClient,
    BlogUDPServer,
    BlogWebSocketClient,
)
from gdlab.peers.tcp import Status, StreamPeerTCP
from gdlab.peers.tcp_server import TCPServer
from gdlab.peers.text import get_string_from_utf8
from gdlab.peers.udp import PacketPeerUDP
from gdlab.peers.udp_server import UDPServer
from gdlab.peers.websocket import WebSocketPeer
from gdlab.peers.ws_states import State, WriteMode

__all__ = [
    "CHAT_PORT",
    "GREETING",
    "GREETING_PORT",
    "STREAM_PORT",
    "WEBSOCKET_URL",
    "AnswerGame",
    "BlogProgram",
    "BlogTCPClient",
    "BlogUDPClient",
    "BlogUDPServer",
    "BlogWebSocketClient",
    "ChatSender",
    "Error",
    "FramePeer",
    "PacketPeerUDP",
    "State",
    "Status",
    "StreamPeerTCP",
    "TCPServer",
    "UDPServer",
    "WebSocketPeer",
    "WriteMode",
    "get_string_from_utf8",
]
