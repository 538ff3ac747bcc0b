"""The Godot programs of the tutorial that gdlab grew from, as they stand, mistakes included.

Each does in a frame what the tutorial's `_process` does, and collects what it would print.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from gdlab.peers.blog import CHAT_PORT, GREETING, GREETING_PORT
from gdlab.peers.codes import Error
from gdlab.peers.game_loop import FramePeer
from gdlab.peers.tcp import Status, StreamPeerTCP
from gdlab.peers.text import get_string_from_utf8
from gdlab.peers.udp import PacketPeerUDP
from gdlab.peers.udp_server import UDPServer
from gdlab.peers.websocket import WebSocketPeer
from gdlab.peers.ws_states import State

#: Where the tutorial's Python TCP server listens.
STREAM_PORT: Final = 50_007

#: Where the tutorial's Python WebSocket server listens.
WEBSOCKET_URL: Final = "ws://localhost:5000"


class BlogProgram(FramePeer):
    """A program of the tutorial.

    Attributes
    ----------
    prints : the lines it has printed.
    """

    def __init__(self, *, fps: float = 60.0, seconds: float | None = None) -> None:
        super().__init__(fps=fps, seconds=seconds)
        self.prints: list[str] = []

    def _print(self, *parts: object) -> None:
        self.prints.append("".join(map(str, parts)))


class BlogUDPServer(BlogProgram):
    """The tutorial's `UDPServer`: each frame it takes one peer, reads one packet and lets the peer go.

    So of a burst it prints the first datagram only, and of 300 datagrams at 200 per second about a third.

    Parameters
    ----------
    port : where it listens; 0 takes any, see `port`.
    """

    def __init__(self, port: int = CHAT_PORT, *, fps: float = 60.0, seconds: float | None = None) -> None:
        super().__init__(fps=fps, seconds=seconds)
        self._server = UDPServer()
        self._server.listen(port)

    @property
    def port(self) -> int:
        """The port it listens on; 0 if it could not, of which the tutorial takes no notice."""
        return self._server.get_local_port()

    def _process(self) -> None:
        self._server.poll()
        if self._server.is_connection_available():
            peer = self._server.take_connection()
            assert peer is not None  # noqa: S101 - it was available, in this thread
            packet = peer.get_packet()
            self._print(f"Accepted peer: {peer.get_packet_ip()}:{peer.get_packet_port()}")
            self._print(f"Received data: {get_string_from_utf8(packet)}")

    def _close(self) -> None:
        self._server.stop()


class BlogUDPClient(BlogProgram):
    """The tutorial's `PacketPeerUDP`: in each frame it sends "The answer is... 42!", until it is answered."""

    def __init__(
        self,
        port: int = GREETING_PORT,
        host: str = "127.0.0.1",
        *,
        fps: float = 60.0,
        seconds: float | None = None,
    ) -> None:
        super().__init__(fps=fps, seconds=seconds)
        self._udp = PacketPeerUDP()
        self._udp.connect_to_host(host, port)
        self.connected = False

    def _process(self) -> None:
        if not self.connected:
            self._udp.put_packet(GREETING)
        if self._udp.get_available_packet_count() > 0:
            self._print(f"Connected: {get_string_from_utf8(self._udp.get_packet())}")
            self.connected = True

    def _close(self) -> None:
        self._udp.close()


class BlogTCPClient(BlogProgram):
    """The tutorial's `StreamPeerTCP`: it prints what it can read in a frame, whatever the messages in it were.

    Attributes
    ----------
    status : of the connection, as of the last frame.
    """

    def __init__(
        self,
        port: int = STREAM_PORT,
        host: str = "127.0.0.1",
        *,
        fps: float = 60.0,
        seconds: float | None = None,
    ) -> None:
        super().__init__(fps=fps, seconds=seconds)
        self._stream = StreamPeerTCP()
        self._lock = threading.Lock()  # `send` may be called from outside the game
        self.status = self._stream.get_status()
        self._print(int(self.status))
        self._connect_to_host(host, port)

    def send(self, data: bytes) -> bool:
        """Send bytes; whether that went well. The tutorial has this function and never calls it."""
        with self._lock:
            if self.status is not Status.STATUS_CONNECTED:
                self._print("Error: Stream is not currently connected.")
                return False
            error = self._stream.put_data(data)
            if error is not Error.OK:
                self._print("Error writing to stream: ", int(error))
                return False
            return True

    def _connect_to_host(self, host: str, port: int) -> None:
        self._print(f"Connecting to {host}:{port}")
        self.status = Status.STATUS_NONE
        if self._stream.connect_to_host(host, port) is not Error.OK:
            self._print("Error connecting to host.")

    def _process(self) -> None:
        with self._lock:
            self._stream.poll()
            status = self._stream.get_status()
            if status is not self.status:
                self.status = status
                self._print(_STATUS_TEXTS[status])
            if self.status is Status.STATUS_CONNECTED:
                self._read()

    def _read(self) -> None:
        available = self._stream.get_available_bytes()
        if available > 0:
            self._print("available bytes: ", available)
            error, data = self._stream.get_partial_data(available)
            if error is not Error.OK:
                self._print("Error getting data from stream: ", int(error))
            else:
                self._print("Data", get_string_from_utf8(data))

    def _close(self) -> None:
        with self._lock:
            self._stream.disconnect_from_host()


_STATUS_TEXTS: Final = {
    Status.STATUS_NONE: "Disconnected from host.",
    Status.STATUS_CONNECTING: "Connecting to host.",
    Status.STATUS_CONNECTED: "Connected to host.",
    Status.STATUS_ERROR: "Error with socket stream.",
}


class BlogWebSocketClient(BlogProgram):
    """The tutorial's `WebSocketPeer`, with its button, its line to write in and its label.

    Attributes
    ----------
    label : what the label shows.
    processing : False from when the connection has closed; then nothing happens but that presses are printed.
    """

    def __init__(self, url: str = WEBSOCKET_URL, *, fps: float = 60.0, seconds: float | None = None) -> None:
        super().__init__(fps=fps, seconds=seconds)
        self._socket = WebSocketPeer()
        self._pressed: deque[str] = deque()
        self.label = ""
        self.processing = True
        self._socket.connect_to_url(url)

    def is_open(self) -> bool:
        """Whether the connection was open in the last frame."""
        return self._socket.get_ready_state() is State.STATE_OPEN

    def press(self, text: str) -> None:
        """Write a line and press the button; it is printed and sent in the next frame."""
        self._pressed.append(text)

    def _process(self) -> None:
        while self._pressed:
            text = self._pressed.popleft()
            self._print(text)
            self._socket.send_text(text)
        if self.processing:
            self._poll()

    def _poll(self) -> None:
        self._socket.poll()
        state = self._socket.get_ready_state()
        if state is State.STATE_OPEN:
            while self._socket.get_available_packet_count():
                packet = self._socket.get_packet()
                self._print("Packet: ", list(packet))
                self.label = f"Packet: {get_string_from_utf8(packet)}"
        elif state is State.STATE_CLOSED:
            code, reason = self._socket.get_close_code(), self._socket.get_close_reason()
            clean = "false" if code == -1 else "true"
            self._print(f"WebSocket closed with code: {code}, reason {reason}. Clean: {clean}")
            self.processing = False

    def _close(self) -> None:
        self._socket.close(-1)
