"""Scripted peers: what games send, from Python, where no Godot is installed."""

from gdlab.peers.blog import CHAT_PORT, GREETING, GREETING_PORT, AnswerGame, ChatSender
from gdlab.peers.frames import FramePeer

__all__ = ["CHAT_PORT", "GREETING", "GREETING_PORT", "AnswerGame", "ChatSender", "FramePeer"]
