"""One replayed side of one conversation: a socket, and the protocol it speaks."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, Protocol

from gdlab import framing
from gdlab.errors import FramingError, ReplayError

_READ_BYTES: Final = 64 * 1024
_CONNECT_S: Final = 10.0


class Talker(Protocol):
    """Sends the recorded messages of one peer, and takes what comes back."""

    sock: socket.socket

    def send(self, payload: bytes, text: bool) -> None:
        """Send a message."""

    def receive(self) -> Iterator[bytes]:
        """Take the messages that are there; raises `ConnectionError` at the end of the stream."""

    def close(self, code: int) -> None:
        """End as recorded."""


class Datagrams:
    """UDP: each message is a datagram."""

    def __init__(self, sock: socket.socket, peer: Any = None) -> None:
        self.sock = sock
        self._peer = peer

    def send(self, payload: bytes, text: bool) -> None:
        """See `Talker`."""
        with contextlib.suppress(
            ConnectionRefusedError
        ):  # of an earlier one; the rows tell that nobody answers
            if self._peer is None:
                self.sock.send(payload)
            else:
                self.sock.sendto(payload, self._peer)

    def receive(self) -> Iterator[bytes]:
        """See `Talker`."""
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                yield self.sock.recv(65_535)

    def close(self, code: int) -> None:
        """See `Talker`."""
        if self._peer is None:
            self.sock.close()


class Stream:
    """TCP: messages in their framing."""

    def __init__(self, sock: socket.socket, framing_name: str) -> None:
        self.sock = sock
        self._framing = framing_name
        self._framer = framing.framer(framing_name)

    def send(self, payload: bytes, text: bool) -> None:
        """See `Talker`."""
        send_all(self.sock, framing.encode(self._framing, payload))

    def receive(self) -> Iterator[bytes]:
        """See `Talker`."""
        for chunk in chunks(self.sock):
            with contextlib.suppress(FramingError):
                self._framer.receive_data(chunk)
                yield from (frame.payload for frame in self._framer.frames())

    def close(self, code: int) -> None:
        """See `Talker`."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)


class WebSocket:
    """WebSocket, by the `websockets` library; the handshake and the masks are new ones."""

    def __init__(self, sock: socket.socket, protocol: Any) -> None:
        self.sock = sock
        self._protocol = protocol
        self._parts: list[bytes] = []

    def send(self, payload: bytes, text: bool) -> None:
        """See `Talker`."""
        if text:
            self._protocol.send_text(payload)
        else:
            self._protocol.send_binary(payload)
        self.flush()

    def flush(self) -> None:
        """Write what the protocol has to say."""
        for data in self._protocol.data_to_send():
            if data:
                send_all(self.sock, data)

    def receive(self) -> Iterator[bytes]:
        """See `Talker`."""
        from websockets.frames import Frame, Opcode

        for chunk in chunks(self.sock):
            self._protocol.receive_data(chunk)
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                    self._parts.append(bytes(event.data))
                    if event.fin:
                        yield b"".join(self._parts)
                        self._parts.clear()
            self.flush()

    def close(self, code: int) -> None:
        """See `Talker`."""
        with contextlib.suppress(Exception):  # closed by the other side meanwhile
            self._protocol.send_close(code if 1000 <= code < 5000 and code not in {1005, 1006} else 1000)
            self.flush()


def chunks(sock: socket.socket) -> Iterator[bytes]:
    """What can be read now; raises `ConnectionError` at the end of the stream."""
    while True:
        try:
            chunk = sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            raise ConnectionError("closed by the other side")
        yield chunk


def send_all(sock: socket.socket, data: bytes) -> None:
    """Send all of it; what the receiver does not take, waits with us: a replay is bounded by who receives it."""
    sock.setblocking(True)
    try:
        sock.settimeout(_CONNECT_S)
        sock.sendall(data)
    except TimeoutError as error:
        raise ConnectionError(f"nobody has read for {_CONNECT_S:g} s") from error
    finally:
        sock.setblocking(False)


def prepare(transport: str) -> None:
    """Import what the protocol needs before the clock runs, as the first message is due at once."""
    if transport == "ws":
        for name in ("client", "frames", "http11", "protocol", "server", "uri"):
            import_module(f"websockets.{name}")


def dial(first: dict[str, Any], framing_name: str) -> Talker:
    """Connect as a client.

    Raises
    ------
    ReplayError : nobody listens there, or it is no WebSocket server.
    """
    transport, target = first["transport"], (first["host"], first["port"])
    if transport == "udp":
        family = socket.AF_INET6 if ":" in first["host"] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.connect(target)
        sock.setblocking(False)
        return Datagrams(sock)
    try:
        sock = socket.create_connection(target, timeout=_CONNECT_S)
    except OSError as error:
        raise ReplayError(
            f"nobody listens at {target[0]}:{target[1]}: {error}; start the server first"
        ) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if transport == "tcp":
        sock.setblocking(False)
        return Stream(sock, framing_name)
    return _dial_websocket(sock, first)


def _dial_websocket(sock: socket.socket, first: dict[str, Any]) -> Talker:
    from websockets.client import ClientProtocol
    from websockets.protocol import State
    from websockets.uri import parse_uri

    protocol = ClientProtocol(parse_uri(first["uri"]), subprotocols=first["subprotocols"] or None)
    talker = WebSocket(sock, protocol)
    protocol.send_request(protocol.connect())
    talker.flush()
    sock.settimeout(_CONNECT_S)
    while protocol.state is State.CONNECTING:
        data = sock.recv(_READ_BYTES)
        protocol.receive_data(data)
        list(protocol.events_received())
        if not data or protocol.handshake_exc is not None:
            sock.close()
            raise ReplayError(
                f"no WebSocket server at {first['uri']}: {protocol.handshake_exc or 'it hung up'}"
            )
    sock.setblocking(False)
    return talker


def answer(sock: socket.socket, first: dict[str, Any], framing_name: str) -> Talker:
    """Speak with a client that has connected to us.

    Raises
    ------
    ReplayError : it speaks no WebSocket.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if first["transport"] == "tcp":
        sock.setblocking(False)
        return Stream(sock, framing_name)
    from websockets.http11 import Request
    from websockets.protocol import State
    from websockets.server import ServerProtocol

    def offered_first(_protocol: Any, offers: Any) -> Any:
        return offers[0] if offers else None

    protocol = ServerProtocol(subprotocols=None, select_subprotocol=offered_first)
    talker = WebSocket(sock, protocol)
    sock.settimeout(_CONNECT_S)
    while protocol.state is State.CONNECTING:
        data = sock.recv(_READ_BYTES)
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
        talker.flush()
        if not data or protocol.handshake_exc is not None:
            sock.close()
            raise ReplayError("the client that connected speaks no WebSocket")
    sock.setblocking(False)
    return talker
