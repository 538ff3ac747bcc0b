"""Godot's `WebSocketPeer`, traps included."""

from __future__ import annotations

import base64
import secrets
import time
from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Final

from websockets.frames import Opcode

from gdlab.peers import sockets, ws_handshake
from gdlab.peers.codes import Error
from gdlab.peers.ring import shift_above
from gdlab.peers.tcp import Status, StreamPeerTCP
from gdlab.peers.ws_parser import Chunk, Close, Control, FrameParser, Message, Refuse
from gdlab.peers.ws_sender import FrameSender
from gdlab.peers.ws_states import State, WriteMode

_READ_BYTES: Final = 4096

_REASONS: Final = {1002: "Protocol error", 1007: "Invalid frame payload data", 1009: "Message too big"}


class WebSocketPeer:
    """A WebSocket connection as Godot's scripts have it (4.6; `modules/websocket/wsl_peer.cpp`); no TLS.

    - Nothing happens without `poll`: no connecting, no reading, no closing.
    - Packets can be taken in `STATE_OPEN` only. A message that is followed at once by a close frame, or by the end of
      the connection, is lost: one `poll` takes both, and the state is no longer `STATE_OPEN`.
    - A frame over `inbound_buffer_size` closes the connection with 1009. A single message over
      `outbound_buffer_size` is `ERR_OUT_OF_MEMORY` and not sent.
    - Whoever does not read loses nothing: the socket is not read while the buffer is full.
    - The payload of a ping between two fragments becomes part of the message.
    - The close code is 0 after an empty close frame and -1 when the connection ends without one.

    Attributes
    ----------
    supported_protocols, handshake_headers : sub-protocols, and whole header lines, to ask with or to answer with.
    inbound_buffer_size, outbound_buffer_size : bytes; set them before connecting.
    max_queued_packets : messages that wait to be taken.
    heartbeat_interval : seconds between own pings; 0 sends none.
    """

    STATE_CONNECTING: ClassVar = State.STATE_CONNECTING
    STATE_OPEN: ClassVar = State.STATE_OPEN
    STATE_CLOSING: ClassVar = State.STATE_CLOSING
    STATE_CLOSED: ClassVar = State.STATE_CLOSED
    WRITE_MODE_TEXT: ClassVar = WriteMode.WRITE_MODE_TEXT
    WRITE_MODE_BINARY: ClassVar = WriteMode.WRITE_MODE_BINARY

    def __init__(self) -> None:
        self.supported_protocols: Sequence[str] = ()
        self.handshake_headers: Sequence[str] = ()
        self.inbound_buffer_size = 65_535
        self.outbound_buffer_size = 65_535
        self.max_queued_packets = 4096
        self.heartbeat_interval = 0.0
        self._packet_error = Error.OK
        self._was_string = False
        self._reset()

    def _reset(self) -> None:
        self._state = State.STATE_CLOSED
        self._tcp: StreamPeerTCP | None = None
        self._is_server = False
        self._candidates: list[str] = []
        self._port = 0
        self._url = self._protocol = self._key = ""
        self._to_send = b""
        self._head = bytearray()
        self._close_code = -1
        self._close_reason = ""
        self._closed_by_peer = False
        self._beat_at: float | None = None
        self._packets: deque[tuple[int, bool]] = deque()
        self._inbox = bytearray()
        self._clear_inbox()
        self._prepare()

    def _clear_inbox(self) -> None:
        self._packets.clear()
        self._inbox.clear()
        self._under_way = 0  # bytes of the message that is not complete
        self._awaits_pong = False

    def _prepare(self) -> None:
        self._largest = self.inbound_buffer_size
        self._capacity = (1 << shift_above(self.inbound_buffer_size)) - 1
        self._parser = FrameParser(masked=self._is_server, max_bytes=self.inbound_buffer_size)
        self._sender = FrameSender(mask=not self._is_server)

    def __del__(self) -> None:
        self.close(-1)

    def connect_to_url(self, url: str) -> Error:
        """Begin to connect; `poll` goes on with it."""
        if self._state in (State.STATE_CONNECTING, State.STATE_OPEN):
            return Error.ERR_ALREADY_IN_USE
        self._reset()
        parsed = ws_handshake.parse_url(url)
        if parsed is None:
            return Error.ERR_INVALID_PARAMETER
        if parsed.scheme == "wss":
            return Error.ERR_UNAVAILABLE
        self._url = url
        self._tcp = StreamPeerTCP()
        self._candidates = sockets.resolve(parsed.host)
        self._port = parsed.port
        if sockets.is_address(parsed.host):  # names are looked up elsewhere, until some later poll
            self._try_next_candidate(self._tcp)
            if self._tcp.get_status() is Status.STATUS_NONE:
                self._reset()
                return Error.FAILED
        self._key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._to_send = ws_handshake.request(
            parsed, self._key, self.supported_protocols, self.handshake_headers
        )
        self._state = State.STATE_CONNECTING
        return Error.OK

    def accept_stream(self, stream: StreamPeerTCP | None) -> Error:
        """Be the server on a connection that a `TCPServer` gave."""
        if stream is None:
            return Error.ERR_INVALID_PARAMETER
        if self._state in (State.STATE_CONNECTING, State.STATE_OPEN):
            return Error.ERR_ALREADY_IN_USE
        self._reset()
        self._tcp = stream
        self._is_server = True
        stream.set_no_delay(True)
        self._state = State.STATE_CONNECTING
        return Error.OK

    def poll(self) -> None:
        """Connect, read, answer pings, send and close, as far as that goes without waiting."""
        tcp = self._tcp
        if tcp is None or self._state is State.STATE_CLOSED:
            return
        if self._state is State.STATE_CONNECTING:
            if self._is_server:
                self._serve(tcp)
            else:
                self._connect(tcp)
        # Not `else`: what came with the handshake's last bytes is read at once.
        if self._state in (State.STATE_OPEN, State.STATE_CLOSING):
            if not (self._beat() and self._read(tcp) and self._sender.send(self._put)):
                self.close(-1)
            elif self._sender.close_sent and self._parser.ended:
                if not self._closed_by_peer:
                    self._close_code = self._sender.close_code
                    self._close_reason = _REASONS.get(self._close_code, "Unknown")
                self.close(-1)

    def send(self, message: bytes, write_mode: int = WriteMode.WRITE_MODE_BINARY) -> Error:
        """Send a message, an empty one too."""
        text = write_mode == WriteMode.WRITE_MODE_TEXT
        return self._send(Opcode.TEXT if text else Opcode.BINARY, message)

    def send_text(self, message: str) -> Error:
        """Send a text message, an empty one too."""
        return self._send(Opcode.TEXT, message.encode())

    def put_packet(self, buffer: bytes) -> Error:
        """Send a binary message; an empty one is not sent, and `OK`."""
        return self._send(Opcode.BINARY, buffer) if buffer else Error.OK

    def get_available_packet_count(self) -> int:
        """Messages that wait; 0 in any state but `STATE_OPEN`."""
        return len(self._packets) if self._state is State.STATE_OPEN else 0

    def get_packet(self) -> bytes:
        """Take the oldest message; an empty one if there is none, and `get_packet_error` then says so."""
        self._packet_error = Error.OK
        if self._state is not State.STATE_OPEN:
            self._packet_error = Error.FAILED
        elif not self._packets:
            self._packet_error = Error.ERR_UNAVAILABLE
        if self._packet_error is not Error.OK:
            return b""
        size, is_string = self._packets.popleft()
        if size > self._largest:
            return b""  # and its bytes stay in the ring, where they become the next message's
        self._was_string = is_string
        packet = bytes(self._inbox[:size])
        del self._inbox[:size]
        return packet

    def get_packet_error(self) -> Error:
        """What the last `get_packet` came to."""
        return self._packet_error

    def was_string_packet(self) -> bool:
        """Whether the message taken last was text."""
        return self._was_string

    def get_ready_state(self) -> State:
        """As of the last `poll` or `close`."""
        return self._state

    def get_close_code(self) -> int:
        """The code of the close frame; 0 for an empty one, -1 without one."""
        return self._close_code

    def get_close_reason(self) -> str:
        """The text of the close frame."""
        return self._close_reason

    def get_connected_host(self) -> str:
        """The other side's address; empty if there is none."""
        return self._tcp.get_connected_host() if self._tcp else ""

    def get_connected_port(self) -> int:
        """The other side's port; 0 if there is none."""
        return self._tcp.get_connected_port() if self._tcp else 0

    def get_requested_url(self) -> str:
        """What was connected to, or what a client asked for."""
        return self._url

    def get_selected_protocol(self) -> str:
        """The sub-protocol that was agreed on; empty if none."""
        return self._protocol

    def get_current_outbound_buffered_amount(self) -> int:
        """Bytes of messages that the system has not taken yet."""
        return self._sender.queued_bytes if self._state is State.STATE_OPEN else 0

    def set_no_delay(self, enabled: bool) -> None:
        """Switch Nagle's algorithm off, which it is unless this is called with False."""
        if self._tcp:
            self._tcp.set_no_delay(enabled)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin to close, which takes more polls; what waits is lost. -1 ends the connection without a close frame."""
        if code < 0:
            self._state = State.STATE_CLOSED
        if self._state is State.STATE_OPEN:
            self._sender.queue_close(code, reason.encode())
            self._sender.send(self._put)
            self._state = State.STATE_CLOSING
        elif self._state in (State.STATE_CONNECTING, State.STATE_CLOSED):
            self._state = State.STATE_CLOSED
            if self._tcp is not None:
                self._tcp.disconnect_from_host()
                self._tcp = None
        self._clear_inbox()

    # Connecting.

    def _try_next_candidate(self, tcp: StreamPeerTCP) -> None:
        if tcp.get_status() is not Status.STATUS_NONE:
            tcp.poll()
            if tcp.get_status() is Status.STATUS_CONNECTED:
                tcp.set_no_delay(True)
                self._candidates.clear()
                return
            if tcp.get_status() is Status.STATUS_CONNECTING:
                return
            tcp.disconnect_from_host()
        while self._candidates:
            if tcp.connect_to_host(self._candidates.pop(0), self._port) is Error.OK:
                return
            tcp.disconnect_from_host()

    def _connect(self, tcp: StreamPeerTCP) -> None:
        if self._candidates or tcp.get_status() is Status.STATUS_CONNECTING:
            self._try_next_candidate(tcp)
            if self._candidates:
                return
        tcp.poll()
        if tcp.get_status() is Status.STATUS_CONNECTING:
            return
        if tcp.get_status() is not Status.STATUS_CONNECTED:
            self.close(-1)
        elif self._to_send:
            self._send_head(tcp)
        elif self._receive_head(tcp):
            protocol = ws_handshake.check_response(bytes(self._head), self._key, self.supported_protocols)
            if protocol is None:
                self.close(-1)
                return
            self._protocol = protocol
            self._open()

    def _serve(self, tcp: StreamPeerTCP) -> None:
        if not self._to_send:
            if not self._receive_head(tcp):
                return
            asked = ws_handshake.check_request(bytes(self._head), self.supported_protocols)
            if asked is None:
                self.close(-1)
                return
            self._url, self._protocol = f"ws://{asked.host}{asked.path}", asked.protocol
            self._to_send = ws_handshake.response(asked, self.handshake_headers)
        self._send_head(tcp)
        if self._state is State.STATE_CONNECTING and not self._to_send:
            self._open()

    def _send_head(self, tcp: StreamPeerTCP) -> None:
        error, sent = tcp.put_partial_data(self._to_send)
        if error:
            self.close(-1)
        self._to_send = self._to_send[sent:]

    def _receive_head(self, tcp: StreamPeerTCP) -> bool:
        """Read headers byte by byte, so that nothing behind them is taken; whether they are complete."""
        while len(self._head) < ws_handshake.MAX_HEADER_BYTES:
            error, byte = tcp.get_partial_data(1)
            if error:
                self.close(-1)
                return False
            if not byte:
                return False
            self._head += byte
            if self._head.endswith(b"\r\n\r\n"):
                return True
        if not self._is_server:
            self.close(-1)
        return False

    def _open(self) -> None:
        self._prepare()
        self._state = State.STATE_OPEN

    # Open.

    def _send(self, opcode: Opcode, data: bytes) -> Error:
        if self._state is not State.STATE_OPEN:
            return Error.FAILED
        sender = self._sender
        if sender.queued >= self.max_queued_packets:
            return Error.ERR_OUT_OF_MEMORY
        if 0 < self.outbound_buffer_size < sender.queued_bytes + len(data):
            return Error.ERR_OUT_OF_MEMORY
        if not sender.queue(opcode, data) or not sender.send(self._put):
            self.close(-1)
            return Error.FAILED
        return Error.OK

    def _put(self, data: bytes) -> int | None:
        if self._tcp is None:
            return None
        error, sent = self._tcp.put_partial_data(data)
        return None if error else sent

    def _beat(self) -> bool:
        """Ping when it is time; False if the last one was not answered."""
        if not self.heartbeat_interval or self._state is not State.STATE_OPEN:
            return True
        now = time.monotonic()
        if self._beat_at is not None and now - self._beat_at <= self.heartbeat_interval:
            return True
        if self._awaits_pong:
            return False
        self._beat_at, self._awaits_pong = now, True
        return self._sender.queue(Opcode.PING, b"")

    def _read(self, tcp: StreamPeerTCP) -> bool:
        """Take what has come and fits; False if the connection has ended."""
        while not self._parser.ended:
            space = self._capacity - len(self._inbox)
            # The smallest message takes two bytes.
            limit = min(_READ_BYTES, space, 2 * (self.max_queued_packets - len(self._packets)))
            if limit <= 0:
                return True
            error, data = tcp.get_partial_data(limit)
            if error:
                return False
            if not data:
                return True
            for event in self._parser.feed(data):
                if not self._take(event):
                    return False
        return True

    def _take(self, event: Chunk | Message | Control | Close | Refuse) -> bool:
        match event:
            case Chunk(data):
                self._inbox += data
                self._under_way += len(data)
            case Message(is_text):
                self._packets.append((self._under_way, is_text))
                self._under_way = 0
            case Control(Opcode.PING, data):
                self._sender.queue(Opcode.PONG, data)
            case Control():
                self._awaits_pong = False
            case Close(code, reason):
                self._closed_by_peer = True
                self._close_code, self._close_reason = code, reason.decode()
                self._sender.queue_close(code, reason)
                self._state = State.STATE_CLOSING
            case Refuse(code):
                if code is None:
                    return False
                self._sender.queue_close(code, b"")
        return True
