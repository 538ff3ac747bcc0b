"""The WebSocket listener.

The protocol is that of the `websockets` library, without its input and output: `ServerProtocol` gets the bytes that
our own thread reads, so that there is no event loop in the notebook's way, one thread serves all connections, and the
kernel's stamps can be read. Messages of one frame, nearly all there are, do not pass through it: see `wsframes`.
"""

from __future__ import annotations

import functools
import http
import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from gdlab.errors import NotSent
from gdlab.facts import PEER, US, Fact, Reason
from gdlab.messages import CATEGORIES, Event, Kind, TimeSource, wire_bytes
from gdlab.transports.connections import Connection, Encoded, Phase, Session
from gdlab.transports.encoding import Outgoing
from gdlab.transports.options import EndpointOptions
from gdlab.transports.origins import is_welcome
from gdlab.transports.stream_endpoint import LINGER_S, StreamEndpoint
from gdlab.transports.stream_listener import StreamListener
from gdlab.transports.wsframes import Frames
from gdlab.words import sentence

log = logging.getLogger(__name__)

#: What the library says of single connections is in our rows already.
library_log = logging.getLogger(f"{__name__}.protocol")
library_log.setLevel(logging.CRITICAL)

#: The largest message that Godot receives unless `WebSocketPeer.inbound_buffer_size` is raised before connecting; a
#: larger one ends the connection with the code 1009 (seen in 4.6.3).
GODOT_RECEIVES_BYTES: Final = 65_535

#: A message followed at once by the end of the connection is lost in Godot, whose `poll` takes both in one frame and
#: is then no longer open (seen in 4.6.3; godotengine/godot 107442). So long, six frames, is it given to read it.
LAST_MESSAGE_S: Final = 0.1

#: So many messages of one read are written to the sink together.
_MANY: Final = 16

_KIND_CODES: Final = {kind: CATEGORIES["kind"].index(kind) for kind in Kind}
_SHOWN_CHARACTERS: Final = 200
#: What is kept of why a handshake failed, which is partly the other side's text.
SHOWN_REFUSAL: Final = 1000
_END_OF_HEAD: Final = b"\r\n\r\n"


class WebSocketSession(Session):
    """The part of a WebSocket connection that is the same on both sides: messages, and the end.

    Text and binary are kept apart, fragments are put together. Pings of the protocol are answered by the library; we
    send none, because Godot answers only while the game polls, and a ping between the fragments of a message corrupts
    the message in Godot.
    """

    protocol: Protocol

    def __init__(self, endpoint: StreamEndpoint, connection: Connection, *, masks: bool) -> None:
        self._endpoint = endpoint
        self._connection = connection
        self._masks = masks
        options = endpoint.options
        # Compressed frames are for the library alone.
        self._frames = (
            None if options.compression else Frames(masked=not masks, max_size=options.max_message_bytes)
        )
        self._tail = b""  # of what has come of the other side's half of the handshake
        self._in_fragments = False
        self._parts = bytearray()  # of a message in fragments
        self._kind = Kind.BINARY
        self._wire_bytes = 0
        self._since_event = 0
        self._messages: list[tuple[bytes, Kind, int]] = []
        self._time_ns, self._time_source = 0, TimeSource.USER  # of the last read
        self._warned = False
        self._not_text: tuple[Fact, bytes] | None = None

    def receive(self, chunk: bytes, time_ns: int, time_source: TimeSource) -> None:
        """Take the bytes of one read."""
        self._time_ns, self._time_source = time_ns, time_source
        frames = self._frames
        if frames is None or self.protocol.state is State.CONNECTING:
            self._since_event += len(chunk)
            self.protocol.receive_data(chunk)
            self._go_on()
            return
        # The library gets whole frames only, so that it is never in the middle of one when a message is taken here.
        frames.feed(chunk)
        while not (self._connection.closed or self._not_text):
            if self.protocol.state is State.OPEN and not self._in_fragments:
                self._take_messages(*frames.take_messages())
            frame = b"" if self._not_text else frames.take_frame()
            if not frame:
                break
            self.protocol.receive_data(frame)
            self._go_on()

    def _end_of_head(self, chunk: bytes) -> int:
        """How much of this read still belongs to the other side's half of the handshake."""
        seen = self._tail + chunk
        end = seen.find(_END_OF_HEAD)
        head = len(chunk) if end < 0 else end + len(_END_OF_HEAD) - len(self._tail)
        self._tail = seen[1 - len(_END_OF_HEAD) :]
        return head

    def _take_messages(self, payloads: list[bytes], texts: list[bool]) -> None:
        """Take messages of one frame each."""
        for index, payload in enumerate(payloads):
            if texts[index] and not payload.isascii() and not self._is_utf8(payload):
                del payloads[index:], texts[index:]
                break
        ipv6, masked = self._connection.ipv6, not self._masks
        wires = {size: wire_bytes("ws", size, ipv6=ipv6, masked=masked) for size in set(map(len, payloads))}
        self._deliver(
            payloads,
            [Kind.TEXT if text else Kind.BINARY for text in texts],
            [wires[len(payload)] for payload in payloads],
        )
        if self._not_text and not self._connection.closed:
            self._give_up(*self._not_text)

    def end(self) -> None:
        """The peer has ended the TCP connection."""
        if self.protocol.state is State.CLOSED:
            return
        self.protocol.receive_eof()
        self._go_on()
        self._endpoint.finish(
            self._connection,
            Fact(Reason.PEER_CLOSED, PEER, CloseCode.ABNORMAL_CLOSURE, case="no_frame")
            if self._connection.was_open
            else Fact(Reason.HANDSHAKE_CUT, PEER),
        )

    def encode(self, outgoing: Outgoing) -> Encoded:
        """Make a frame of a message; text becomes a text frame, bytes a binary one."""
        if self.protocol.state is not State.OPEN:
            ending = Fact(Reason.ENDING)
            raise NotSent(ending)
        payload, kind, _ = outgoing
        if kind is Kind.TEXT:
            self.protocol.send_text(payload)
        else:
            self.protocol.send_binary(payload)
        fact = self._warning(len(payload)) if len(payload) > GODOT_RECEIVES_BYTES else None
        wire = wire_bytes("ws", len(payload), ipv6=self._connection.ipv6, masked=self._masks)
        return Encoded(payload, b"".join(self.protocol.data_to_send()), kind, wire, fact)

    def _warning(self, size: int) -> Fact:
        """What its row has of a message that Godot may not be able to receive."""
        warning = Fact.of(Reason.MAY_NOT_FIT, by=US, count=size, most=GODOT_RECEIVES_BYTES)
        if not self._warned:
            log.warning("%s to %s: %s", self._endpoint.address, self._connection.peer, sentence(warning))
            self._warned = True
        return warning

    def take_leave(self, reason: Fact, code: int = 0, said: str = "") -> float:
        """Send a close frame, as soon as the peer has had the time to read the last message."""
        connection = self._connection
        connection.reason = connection.reason or reason._replace(code=code or CloseCode.GOING_AWAY)
        return self._after_last_message(
            functools.partial(
                self._close, code or CloseCode.GOING_AWAY, said if code else "gdlab has stopped"
            )
        )

    @property
    def held_bytes(self) -> int:
        """Bytes of the message that is not yet complete."""
        waiting = self._frames.held_bytes if self._frames else 0
        return waiting + self._since_event + len(self._parts)

    # ---- what has arrived

    def _go_on(self) -> None:
        """React to what the protocol made of the last bytes."""
        for event in self.protocol.events_received():
            self._since_event = 0
            if self._not_text:  # nothing behind it counts
                break
            if isinstance(event, Frame):
                self._take_frame(event)
            else:
                self._shake_hands(event)
        if self._messages:
            messages, self._messages = self._messages, []
            self._deliver(*zip(*messages, strict=True))
        if self._connection.closed:
            return
        broken = self.protocol.parser_exc
        if self._not_text:
            self._give_up(*self._not_text)
            return
        if broken is not None and not isinstance(broken, EOFError):
            self._give_up(self._flaw(broken))
            return
        closed = self.protocol.close_rcvd
        if closed is None:
            self._write()
            return
        case = "no_code" if closed.code == CloseCode.NO_STATUS_RCVD else "code"
        closing = Fact(Reason.PEER_CLOSED, PEER, int(closed.code), said=closed.reason, case=case)
        # Before our own close frame goes out, which fails where the peer has left without waiting for it.
        self._connection.reason = self._connection.reason or closing
        self._write()
        self._endpoint.finish(self._connection, self._connection.reason)

    @abstractmethod
    def _shake_hands(self, event: Request | Response) -> None:
        """Take the other side's half of the handshake."""

    def _take_frame(self, frame: Frame) -> None:
        """Put messages together; the library sees to the other frames, and to the order of fragments."""
        opcode = frame.opcode
        if opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if opcode is not Opcode.CONT:
            self._kind = Kind.TEXT if opcode is Opcode.TEXT else Kind.BINARY
            self._wire_bytes = 0
        size = len(frame.data)
        self._wire_bytes += wire_bytes("ws", size, ipv6=self._connection.ipv6, masked=not self._masks)
        self._in_fragments = not frame.fin
        if not frame.fin:
            self._parts += frame.data
            return
        payload = bytes(frame.data)
        if opcode is Opcode.CONT:
            payload = bytes(self._parts) + payload
            self._parts = bytearray()
        if self._kind is Kind.TEXT and not self._is_utf8(payload):
            return
        self._messages.append((payload, self._kind, self._wire_bytes))

    def _is_utf8(self, payload: bytes) -> bool:
        """Whether this is text; if not, the connection is to end with the reason."""
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            flaw = Fact.of(Reason.NOT_UTF8, by=PEER, problem=error.reason, at=error.start)
            self._not_text = flaw, payload
            if self.protocol.state is State.OPEN:
                self.protocol.fail(CloseCode.INVALID_DATA, sentence(flaw, "en"))  # the peer may not read ours
            return False
        return True

    def _deliver(self, payloads: Sequence[bytes], kinds: Sequence[Kind], wires: Sequence[int]) -> None:
        """Hand the messages of this read to the endpoint."""
        endpoint, connection = self._endpoint, self._connection
        if len(payloads) >= _MANY and endpoint.takes_columns:
            count = len(payloads)
            endpoint.deliver_columns(
                connection,
                np.frombuffer(b"".join(payloads), np.uint8),
                np.fromiter(map(len, payloads), np.int64, count),
                np.fromiter(wires, np.int64, count),
                self._time_ns,
                self._time_source,
                np.fromiter(map(_KIND_CODES.__getitem__, kinds), np.int8, count),
            )
            return
        for payload, kind, wire in zip(payloads, kinds, wires, strict=True):
            endpoint.deliver(connection, payload, kind, wire, self._time_ns, self._time_source)

    # ---- the end

    def _flaw(self, broken: Exception) -> Fact:
        """What the library found wrong with what the peer sent."""
        if isinstance(broken, PayloadTooBig):
            most = self._endpoint.options.max_message_bytes
            return Fact.of(Reason.OVERSIZED, by=PEER, limit="max_message_bytes", case="ws", most=most)
        return Fact(Reason.MALFORMED, PEER, said=str(broken), case="ws")

    def _give_up(self, flaw: Fact, payload: bytes = b"") -> None:
        """End the connection because of what the peer sent; the library has a close frame ready that says so."""
        closed = self.protocol.close_sent
        code = int(closed.code) if closed else None
        connection = self._connection
        if connection.reason:  # already waiting for the peer to read the last message
            return
        connection.reason = Fact.of(
            Reason.WE_CLOSED, by=US, code=code, limit=flaw.limit, case="code" if code else "", cause=flaw
        )
        if connection.was_open:
            self._endpoint.note(connection, Event.ERROR, flaw, payload, self._time_ns, self._time_source)
        self._after_last_message(self._write_and_finish)

    def _write_and_finish(self) -> None:
        self._write()
        self._endpoint.finish(self._connection, self._connection.reason or Fact(Reason.STOPPED, US))

    def _close(self, code: int, reason: str) -> None:
        """Begin to end the connection: send a close frame, and wait for the peer's."""
        if self.protocol.state is not State.OPEN:
            return
        self.protocol.send_close(code, reason)
        self._write()
        connection = self._connection
        self._endpoint.later(
            connection,
            LINGER_S,
            functools.partial(
                self._endpoint.finish, connection, connection.reason or Fact(Reason.STOPPED, US, code)
            ),
        )

    def _after_last_message(self, function: Callable[[], None]) -> float:
        """Do something when the peer has had the time to read the last message; return the seconds until then."""
        connection = self._connection
        wait_s = connection.last_sent_s + LAST_MESSAGE_S - time.monotonic() if connection.last_sent_s else 0.0
        if wait_s <= 0:
            function()
            return 0.0
        self._endpoint.later(connection, wait_s, function)
        return wait_s

    def _write(self) -> None:
        """Send what the protocol has to say; the end of the stream is `finish`'s business."""
        for data in self.protocol.data_to_send():
            self._endpoint.write(self._connection, data)


class ServerSession(WebSocketSession):
    """The listener's side: lets the client in, or says why not."""

    def __init__(self, endpoint: StreamEndpoint, connection: Connection) -> None:
        super().__init__(endpoint, connection, masks=False)
        options = endpoint.options
        self.protocol: ServerProtocol = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()] if options.compression else None,
            # A function, as the library binds it to the protocol.
            select_subprotocol=lambda _protocol, offered: _subprotocol(options, offered),
            max_size=options.max_message_bytes,
            logger=library_log,
        )

    def begin(self, time_ns: int) -> None:
        """The client has so long to say what it wants."""
        handshake_s = self._endpoint.options.handshake_s
        self._endpoint.later(self._connection, handshake_s, self._expire)

    def receive(self, chunk: bytes, time_ns: int, time_source: TimeSource) -> None:
        """Take the bytes of one read."""
        connection = self._connection
        if connection.phase is Phase.OPENING:
            # The library would read on behind the request before it is answered.
            head = self._end_of_head(chunk)
            super().receive(chunk[:head], time_ns, time_source)
            if self.protocol.handshake_exc is not None and connection.phase is Phase.OPENING:
                self._refuse(self.protocol.handshake_exc)
            chunk = chunk[head:]
        if chunk and connection.phase is Phase.OPEN:
            super().receive(chunk, time_ns, time_source)

    def _expire(self) -> None:
        if self._connection.phase is Phase.OPENING:
            seconds = self._endpoint.options.handshake_s
            late = Fact.of(Reason.HANDSHAKE_TIMEOUT, by=PEER, limit="handshake_timeout", seconds=seconds)
            self._endpoint.drop(self._connection, late, reset=True)

    def _refuse(self, error: Exception) -> None:
        """End a handshake that failed; where the library has no answer ready, give a plain one."""
        answers = [data for data in self.protocol.data_to_send() if data]
        if not answers:
            body = b"This is a WebSocket listener of gdlab, and that was not a WebSocket handshake.\n"
            answers = [
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            ]
        for data in answers:
            self._endpoint.write(self._connection, data)
        cause = f": {error.__cause__}" if error.__cause__ else ""
        said = f"{error}{cause}"[:SHOWN_REFUSAL]
        self._endpoint.finish(self._connection, Fact(Reason.REFUSED_HANDSHAKE, US, said=said))

    def _shake_hands(self, event: Request | Response) -> None:
        """Let the client in, or refuse it with a reason that it can read."""
        assert isinstance(event, Request)  # noqa: S101 (a server gets requests only)
        connection, options = self._connection, self._endpoint.options
        path = self._endpoint.address.path
        origin = ", ".join(event.headers.get_all("Origin")) or None
        asked, page = event.path[:_SHOWN_CHARACTERS], (origin or "")[:_SHOWN_CHARACTERS]
        problem: Fact | None
        if path not in {"", "/"} and event.path.partition("?")[0] != path:
            problem = Fact.of(
                Reason.REFUSED_PATH, by=US, code=http.HTTPStatus.NOT_FOUND, said=asked, path=path
            )
            text = f"nothing is at {asked!r}, this listener is at {path!r}.\n"
            response = self.protocol.reject(http.HTTPStatus.NOT_FOUND, text)
        elif not is_welcome(origin, connection.own_host, options.origins):
            problem = Fact(Reason.REFUSED_ORIGIN, US, http.HTTPStatus.FORBIDDEN, said=page)
            text = f"the web page {page!r} may not connect; to let it in, listen with gdlab and origins=[{page!r}].\n"
            response = self.protocol.reject(http.HTTPStatus.FORBIDDEN, text)
        else:
            try:
                response = self.protocol.accept(event)
            except UnicodeError as error:  # websockets 14 cannot quote what is not ASCII in its answer
                self._refuse(error)
                return
            wrong = self.protocol.handshake_exc
            problem = None
            if wrong is not None:
                said = str(wrong)[:SHOWN_REFUSAL]
                problem = Fact(Reason.REFUSED_HANDSHAKE, US, response.status_code, said=said, case="http")
        if response.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS:
            chosen = self.protocol.subprotocol or ""
            opened = Fact.of(Reason.OPENED, by=PEER, said=asked, case="ws", subprotocol=chosen, page=page)
            self._endpoint.opened(connection, opened)
        self.protocol.send_response(response)
        self._write()
        if problem:
            self._endpoint.finish(connection, problem)


def _subprotocol(options: EndpointOptions, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose a sub-protocol; a Godot client that offered some closes unless it gets one of them."""
    if options.subprotocols is None:
        return offered[0] if offered else None
    return next((Subprotocol(name) for name in options.subprotocols if name in offered), None)


class WebSocketListener(StreamListener):
    """Receives messages from any number of WebSocket clients."""

    def _new_session(self, connection: Connection) -> ServerSession:
        return ServerSession(self, connection)
