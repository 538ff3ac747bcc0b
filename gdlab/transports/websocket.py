"""The WebSocket listener."""

from __future__ import annotations

from gdlab.transports.session import Link
from gdlab.transports.stream_listener import StreamListener
from gdlab.transports.websocket_sides import ServerSession


class WebSocketListener(StreamListener):
    """Receives messages from any number of WebSocket clients."""

    def _new_session(self, link: Link) -> ServerSession:
        return ServerSession(link)
