"""What both sides of a WebSocket connection speak.

The protocol is that of the `websockets` library, without its input and output: `ServerProtocol` gets the bytes that
our own thread reads, so that there is no event loop in the notebook's way, one thread serves all connections, and the
kernel's stamps can be read. Messages of one frame, nearly all there are, do not pass through it: see `wsframes`.
"""

from __future__ import annotations

import functools
import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, State

from gdlab.errors import NotSent
from gdlab.facts import PEER, US, Fact, Reason
from gdlab.messages import Event, Kind, TimeSource, wire_bytes
from gdlab.payloads import Int64, UInt8
from gdlab.transports.effects import (
    AfterReading,
    Effects,
    Ending,
    Finish,
    Later,
    ManyArrived,
    Noted,
    Write,
)
from gdlab.transports.encoding import Outgoing
from gdlab.transports.session import LINGER_S, Encoded, Link, ManyEncoded, Read, Session, Whole
from gdlab.transports.wsframes import LARGE_BYTES, LOOKS, Frames
from gdlab.transports.wsmaking import of_columns, of_outgoing
from gdlab.transports.wsrows import WebSocketRows
from gdlab.words import sentence

log = logging.getLogger(__name__)

#: What the library says of single connections is in our rows already.
library_log = logging.getLogger(f"{__name__}.protocol")
library_log.setLevel(logging.CRITICAL)

#: The largest message that Godot receives unless `WebSocketPeer.inbound_buffer_size` is raised before connecting; a
#: larger one ends the connection with the code 1009 (seen in 4.6.3).
GODOT_RECEIVES_BYTES: Final = 65_535

#: So many messages of one read are written to the sink together; fewer where their answers are, too.
_MANY: Final = 16
_MANY_ASKING: Final = 4

#: What is kept of why a handshake failed, which is partly the other side's text.
SHOWN_REFUSAL: Final = 1000
#: How a close frame begins, and an empty last fragment as each side sends it.
_CLOSE: Final = 0x88
_LAST_FRAGMENT: Final = b"\x80\x00"
_LAST_FRAGMENT_MASKED: Final = b"\x80\x80" + bytes(4)
_END_OF_HEAD: Final = b"\r\n\r\n"


class WebSocketSession(Session):
    """The part of a WebSocket connection that is the same on both sides: messages, and the end.

    Text and binary are kept apart, fragments are put together. Pings of the protocol are answered by the library; we
    send none, because Godot answers only while the game polls, and a ping between the fragments of a message corrupts
    the message in Godot.
    """

    protocol: Protocol
    takes_ahead = True

    def __init__(self, link: Link, *, masks: bool) -> None:
        self._link = link
        self._masks = masks
        options = link.options
        # Compressed frames are for the library alone.
        self._frames = (
            None if options.compression else Frames(masked=not masks, max_size=options.max_message_bytes)
        )
        self._tail = b""  # of what has come of the other side's half of the handshake
        self._in_fragments = False
        self._rows = WebSocketRows(wire_bytes("ws", 0, ipv6=link.ipv6, masked=not masks))
        self._parts = bytearray()  # of a message in fragments
        self._is_text = False
        self._wire_bytes = 0
        self._since_event = 0
        self._messages: list[tuple[bytes, bool, int]] = []
        self._time_ns, self._time_source, self._one_by_one = 0, TimeSource.USER, True  # of the last read
        self._warned = False
        self._not_text: tuple[Fact, bytes] | None = None
        self._opened = self._over = False
        self._reason: Fact | None = None  # why it will end

    @property
    def _is_opening(self) -> bool:
        """Whether the handshake is still to be completed."""
        return not (self._opened or self._over)

    def receive(
        self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool = True
    ) -> Effects:
        """Take the bytes of one read."""
        one = self._frames.whole(chunk) if self._frames is not None and self._may_be_plain else None
        if one is not None:
            return iter((self._rows.of_one(*one, time_ns, time_source),))
        return self._receive(chunk, time_ns, time_source, one_by_one=one_by_one)

    def whole(self, chunk: bytes) -> Whole | None:
        """Take a read that is just one frame."""
        one = self._frames.whole(chunk) if self._frames is not None and self._may_be_plain else None
        return None if one is None else self._rows.of_whole(*one)

    def wholes(self, chunk: bytes) -> Sequence[Whole] | None:
        """Take a read that is just some frames."""
        some = self._frames.wholes(chunk) if self._frames is not None and self._may_be_plain else None
        return None if some is None else list(map(self._rows.of_whole, *some))

    @property
    def _may_be_plain(self) -> bool:
        return self.protocol.state is State.OPEN and not (self._in_fragments or self._over)

    def _receive(self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool) -> Effects:
        self._time_ns, self._time_source, self._one_by_one = time_ns, time_source, one_by_one
        frames = self._frames
        if frames is None or self.protocol.state is State.CONNECTING:
            self._since_event += len(chunk)
            self.protocol.receive_data(chunk)
            yield from self._go_on()
            return
        # The library gets whole frames only, so that it is never in the middle of one when a message is taken here.
        frames.feed(chunk)
        looks = LOOKS
        while not (self._over or self._not_text):
            if self.protocol.state is State.OPEN and not self._in_fragments:
                # A few times: it looks at all of it, and would do so again for every frame of another sort.
                if looks and frames.held_bytes >= LARGE_BYTES:
                    looks -= 1
                    many = frames.take_columns(apart=not one_by_one)
                    if many is not None:
                        yield self._rows.of_columns(many, time_ns, time_source, asks=one_by_one)
                        continue
                yield from self._take_messages(*frames.take_messages())
            frame = b"" if self._not_text else frames.take_frame()
            if not frame:
                break
            if self._in_fragments and frame[0] == _CLOSE and not frames.broken:
                yield self._give_up_fragments()
            self.protocol.receive_data(frame)
            yield from self._go_on()

    def _give_up_fragments(self) -> Noted:
        """End a message in fragments whose sender closes within it.

        It may (RFC 6455 section 5.4); the library calls that a fault, so for it the message ends before.
        """
        self.protocol.receive_data(_LAST_FRAGMENT if self._masks else _LAST_FRAGMENT_MASKED)
        self.protocol.events_received()
        parts, self._parts, self._in_fragments = bytes(self._parts), bytearray(), False
        fact = Fact.of(Reason.INCOMPLETE, by=PEER, case="fragments", held=len(parts))
        return Noted(Event.ERROR, fact, parts, self._time_ns, self._time_source)

    def _end_of_head(self, chunk: bytes) -> int:
        """How much of this read still belongs to the other side's half of the handshake."""
        seen = self._tail + chunk
        end = seen.find(_END_OF_HEAD)
        head = len(chunk) if end < 0 else end + len(_END_OF_HEAD) - len(self._tail)
        self._tail = seen[1 - len(_END_OF_HEAD) :]
        return head

    def _take_messages(self, payloads: list[bytes], texts: list[bool]) -> Effects:
        """Take messages of one frame each."""
        if True in texts:
            for index, payload in enumerate(payloads):
                if texts[index] and not payload.isascii() and not self._is_utf8(payload):
                    del payloads[index:], texts[index:]
                    break
        yield from self._rows.of_list(
            payloads, texts, self._time_ns, self._time_source, one_by_one=self._one_by_one
        )
        if self._not_text:
            yield from self._give_up(*self._not_text)

    def take_ahead(self, reads: list[Read]) -> tuple[list[ManyArrived], list[Read]]:
        """Take messages of several reads at once, which costs less, as far as they are of one frame each.

        A message still has the time of the read that completed it.
        """
        frames = self._frames
        if frames is None or self._over or self._in_fragments or self.protocol.state is not State.OPEN:
            return [], reads
        found, left = frames.take_ahead([chunk for chunk, _, _ in reads])
        times, time_source = np.array([time_ns for _, time_ns, _ in reads], np.int64), reads[0].time_source
        return (
            [self._rows.of_columns(many, np.repeat(times, each), time_source) for many, each in found],
            [read._replace(chunk=rest) for read, rest in zip(reads, left, strict=True) if rest],
        )

    def end(self) -> Effects:
        """The peer has ended the TCP connection."""
        if self.protocol.state is State.CLOSED:
            return
        self.protocol.receive_eof()
        yield from self._go_on()
        yield self._finish(
            Fact(Reason.PEER_CLOSED, PEER, CloseCode.ABNORMAL_CLOSURE, case="no_frame")
            if self._opened
            else Fact(Reason.HANDSHAKE_CUT, PEER)
        )

    def encode(self, outgoing: Outgoing) -> Encoded:
        """Make a frame of a message; text becomes a text frame, bytes a binary one."""
        if self.protocol.state is not State.OPEN:
            raise NotSent(Fact(Reason.ENDING))
        payload, kind, _ = outgoing
        if kind is Kind.TEXT:
            self.protocol.send_text(payload)
        else:
            self.protocol.send_binary(payload)
        fact = self._warning(len(payload)) if len(payload) > GODOT_RECEIVES_BYTES else None
        wire = wire_bytes("ws", len(payload), ipv6=self._link.ipv6, masked=self._masks)
        return Encoded(payload, b"".join(self.protocol.data_to_send()), kind, wire, fact)

    def encode_many(self, outgoing: Sequence[Outgoing]) -> ManyEncoded | None:
        """Make frames of many messages at once, where they are plain and go out without a mask."""
        if not self._makes_many or max([len(one.payload) for one in outgoing]) > GODOT_RECEIVES_BYTES:
            return None
        return of_outgoing(outgoing, wire_bytes("ws", 0, ipv6=self._link.ipv6))

    def encode_columns(
        self, payloads: UInt8, sizes: Int64, kinds: npt.NDArray[np.int8]
    ) -> ManyEncoded | None:
        """Make frames of many messages in columns, where they are plain and go out without a mask."""
        if not self._makes_many or int(sizes.max()) > GODOT_RECEIVES_BYTES:
            return None
        return of_columns(payloads, sizes, kinds, wire_bytes("ws", 0, ipv6=self._link.ipv6))

    @property
    def _makes_many(self) -> bool:
        return self._frames is not None and not self._masks and self.protocol.state is State.OPEN

    def _warning(self, size: int) -> Fact:
        """What its row has of a message that Godot may not be able to receive."""
        warning = Fact.of(Reason.MAY_NOT_FIT, by=US, count=size, most=GODOT_RECEIVES_BYTES)
        if not self._warned:
            log.warning("%s to %s: %s", self._link.address, self._link.peer, sentence(warning))
            self._warned = True
        return warning

    def take_leave(self, reason: Fact, code: int = 0, said: str = "") -> Effects:
        """Send a close frame, as soon as the peer has had the time to read the last message."""
        yield self._ending(reason._replace(code=code or CloseCode.GOING_AWAY))
        yield AfterReading(
            functools.partial(
                self._close, code or CloseCode.GOING_AWAY, said if code else "gdlab has stopped"
            )
        )

    @property
    def held_bytes(self) -> int:
        """Bytes of the message that is not yet complete."""
        waiting = self._frames.held_bytes if self._frames else 0
        return waiting + self._since_event + len(self._parts)

    @property
    def waiting(self) -> tuple[int, int]:
        """The same, of a message and not of a handshake."""
        return (self.held_bytes if self._opened and not self._over else 0), 0

    # ---- what has arrived

    def _go_on(self) -> Effects:
        """React to what the protocol made of the last bytes."""
        for event in self.protocol.events_received():
            self._since_event = 0
            if self._not_text:  # nothing behind it counts
                break
            if isinstance(event, Frame):
                self._take_frame(event)
            else:
                yield from self._shake_hands(event)
        if self._messages:
            messages, self._messages = self._messages, []
            payloads, texts, wires = zip(*messages, strict=True)
            yield from self._rows.of_list(
                payloads, texts, self._time_ns, self._time_source, one_by_one=self._one_by_one, wires=wires
            )
        broken = self.protocol.parser_exc
        if self._not_text:
            yield from self._give_up(*self._not_text)
            return
        if broken is not None and not isinstance(broken, EOFError):
            yield from self._give_up(self._flaw(broken))
            return
        closed = self.protocol.close_rcvd
        if closed is None:
            yield from self._write()
            return
        case = "no_code" if closed.code == CloseCode.NO_STATUS_RCVD else "code"
        closing = Fact(Reason.PEER_CLOSED, PEER, int(closed.code), said=closed.reason, case=case)
        # Before our own close frame goes out, which fails where the peer has left without waiting for it.
        yield self._ending(closing)
        yield from self._write()
        yield self._finish(closing)

    @abstractmethod
    def _shake_hands(self, event: Request | Response) -> Effects:
        """Take the other side's half of the handshake."""

    def _take_frame(self, frame: Frame) -> None:
        """Put messages together; the library sees to the other frames, and to the order of fragments."""
        opcode = frame.opcode
        if opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if opcode is not Opcode.CONT:
            self._is_text = opcode is Opcode.TEXT
            self._wire_bytes = 0
        size = len(frame.data)
        self._wire_bytes += wire_bytes("ws", size, ipv6=self._link.ipv6, masked=not self._masks)
        self._in_fragments = not frame.fin
        if not frame.fin:
            self._parts += frame.data
            return
        payload = bytes(frame.data)
        if opcode is Opcode.CONT:
            payload = bytes(self._parts) + payload
            self._parts = bytearray()
        if self._is_text and not self._is_utf8(payload):
            return
        self._messages.append((payload, self._is_text, self._wire_bytes))

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

    # ---- the end

    def _flaw(self, broken: Exception) -> Fact:
        """What the library found wrong with what the peer sent."""
        if isinstance(broken, PayloadTooBig):
            most = self._link.options.max_message_bytes
            return Fact.of(Reason.OVERSIZED, by=PEER, limit="max_message_bytes", case="ws", most=most)
        return Fact(Reason.MALFORMED, PEER, said=str(broken), case="ws")

    def _ending(self, reason: Fact) -> Ending:
        """Decide why it will end; the first reason counts."""
        self._reason = self._reason or reason
        return Ending(self._reason)

    def _finish(self, reason: Fact) -> Finish:
        self._over = True
        return Finish(self._reason or reason)

    def _give_up(self, flaw: Fact, payload: bytes = b"") -> Effects:
        """End the connection because of what the peer sent; the library has a close frame ready that says so."""
        closed = self.protocol.close_sent
        code = int(closed.code) if closed else None
        if self._reason:  # already waiting for the peer to read the last message
            return
        yield self._ending(
            Fact.of(
                Reason.WE_CLOSED, by=US, code=code, limit=flaw.limit, case="code" if code else "", cause=flaw
            )
        )
        if self._opened:
            yield Noted(Event.ERROR, flaw, payload, self._time_ns, self._time_source)
        yield AfterReading(self._write_and_finish)

    def _write_and_finish(self) -> Effects:
        yield from self._write()
        yield self._finish(Fact(Reason.STOPPED, US))

    def _close(self, code: int, reason: str) -> Effects:
        """Begin to end the connection: send a close frame, and wait for the peer's."""
        if self.protocol.state is not State.OPEN:
            return
        self.protocol.send_close(code, reason)
        yield from self._write()
        yield Later(LINGER_S, functools.partial(self._finish_late, code))

    def _finish_late(self, code: int) -> Effects:
        yield self._finish(Fact(Reason.STOPPED, US, code))

    def _write(self) -> Effects:
        """Send what the protocol has to say; the end of the stream is the endpoint's business."""
        for data in filter(None, self.protocol.data_to_send()):
            yield Write(data)
