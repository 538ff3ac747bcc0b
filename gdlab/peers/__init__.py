"""Scripted peers: what games send and how Godot's network classes behave, from Python, where no Godot is installed."""

from gdlab.peers.blog import CHAT_PORT, GREETING, GREETING_PORT, AnswerGame, ChatSender
from gdlab.peers.codes import Error
from gdlab.peers.frames import FramePeer
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
from gdlab.peers.websocket import State, WebSocketPeer, WriteMode

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
