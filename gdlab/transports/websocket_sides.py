"""The two sides of a WebSocket connection, which differ in the handshake."""

from __future__ import annotations

import http
from collections.abc import Sequence
from typing import Final

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from gdlab.facts import PEER, US, Fact, Reason
from gdlab.messages import TimeSource
from gdlab.transports.effects import Drop, Effects, Later, Opened, Write
from gdlab.transports.options import EndpointOptions
from gdlab.transports.origins import is_welcome
from gdlab.transports.session import Link
from gdlab.transports.websocket_session import SHOWN_REFUSAL, WebSocketSession, library_log

_SHOWN_CHARACTERS: Final = 200


class ServerSession(WebSocketSession):
    """The listener's side: lets the client in, or says why not."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, masks=False)
        options = link.options
        self.protocol: ServerProtocol = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()] if options.compression else None,
            # A function, as the library binds it to the protocol.
            select_subprotocol=lambda _protocol, offered: _subprotocol(options, offered),
            max_size=options.max_message_bytes,
            logger=library_log,
        )

    def begin(self, time_ns: int) -> Effects:
        """The client has so long to say what it wants."""
        yield Later(self._link.options.handshake_s, self._expire)

    def receive(
        self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool = True
    ) -> Effects:
        """Take the bytes of one read."""
        if self._is_opening:
            # The library would read on behind the request before it is answered.
            head = self._end_of_head(chunk)
            yield from super().receive(chunk[:head], time_ns, time_source)
            if self.protocol.handshake_exc is not None and self._is_opening:
                yield from self._refuse(self.protocol.handshake_exc)
            chunk = chunk[head:]
        if chunk and self._opened and not self._over:
            yield from super().receive(chunk, time_ns, time_source, one_by_one=one_by_one)

    def _expire(self) -> Effects:
        if self._is_opening:
            seconds = self._link.options.handshake_s
            late = Fact.of(Reason.HANDSHAKE_TIMEOUT, by=PEER, limit="handshake_timeout", seconds=seconds)
            yield Drop(late, reset=True)

    def _refuse(self, error: Exception) -> Effects:
        """End a handshake that failed; where the library has no answer ready, give a plain one."""
        answers = [data for data in self.protocol.data_to_send() if data]
        if not answers:
            body = b"This is a WebSocket listener of gdlab, and that was not a WebSocket handshake.\n"
            answers = [
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            ]
        for data in answers:
            yield Write(data)
        cause = f": {error.__cause__}" if error.__cause__ else ""
        said = f"{error}{cause}"[:SHOWN_REFUSAL]
        yield self._finish(Fact(Reason.REFUSED_HANDSHAKE, US, said=said))

    def _shake_hands(self, event: Request | Response) -> Effects:
        """Let the client in, or refuse it with a reason that it can read."""
        assert isinstance(event, Request)  # noqa: S101 (a server gets requests only)
        link, options = self._link, self._link.options
        path = link.address.path
        origin = ", ".join(event.headers.get_all("Origin")) or None
        asked, page = event.path[:_SHOWN_CHARACTERS], (origin or "")[:_SHOWN_CHARACTERS]
        problem: Fact | None
        if path not in {"", "/"} and event.path.partition("?")[0] != path:
            problem = Fact.of(
                Reason.REFUSED_PATH, by=US, code=http.HTTPStatus.NOT_FOUND, said=asked, path=path
            )
            text = f"nothing is at {asked!r}, this listener is at {path!r}.\n"
            response = self.protocol.reject(http.HTTPStatus.NOT_FOUND, text)
        elif not is_welcome(origin, link.own_host, options.origins):
            problem = Fact(Reason.REFUSED_ORIGIN, US, http.HTTPStatus.FORBIDDEN, said=page)
            text = f"the web page {page!r} may not connect; to let it in, listen with gdlab and origins=[{page!r}].\n"
            response = self.protocol.reject(http.HTTPStatus.FORBIDDEN, text)
        else:
            try:
                response = self.protocol.accept(event)
            except UnicodeError as error:  # websockets 14 cannot quote what is not ASCII in its answer
                yield from self._refuse(error)
                return
            wrong = self.protocol.handshake_exc
            problem = None
            if wrong is not None:
                said = str(wrong)[:SHOWN_REFUSAL]
                problem = Fact(Reason.REFUSED_HANDSHAKE, US, response.status_code, said=said, case="http")
        if response.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS:
            chosen = self.protocol.subprotocol or ""
            opened = Fact.of(Reason.OPENED, by=PEER, said=asked, case="ws", subprotocol=chosen, page=page)
            self._opened = True
            yield Opened(opened)
        self.protocol.send_response(response)
        yield from self._write()
        if problem:
            yield self._finish(problem)


def _subprotocol(options: EndpointOptions, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose a sub-protocol; a Godot client that offered some closes unless it gets one of them."""
    if options.subprotocols is None:
        return offered[0] if offered else None
    return next((Subprotocol(name) for name in options.subprotocols if name in offered), None)


class ClientSession(WebSocketSession):
    """The connecting side of a WebSocket."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, masks=True)
        options = link.options
        names = None if options.subprotocols is None else [Subprotocol(name) for name in options.subprotocols]
        self.protocol: ClientProtocol = ClientProtocol(
            parse_uri(str(link.address)),
            extensions=[ClientPerMessageDeflateFactory()] if options.compression else None,
            subprotocols=names,
            max_size=options.max_message_bytes,
            logger=library_log,
        )

    def begin(self, time_ns: int) -> Effects:
        """Ask for the WebSocket."""
        self.protocol.send_request(self.protocol.connect())
        yield from self._write()
        yield Later(self._link.options.handshake_s, self._expire)

    def receive(
        self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool = True
    ) -> Effects:
        """Take the bytes of one read."""
        if self.protocol.state is State.CONNECTING:
            head = self._end_of_head(chunk)
            yield from super().receive(chunk[:head], time_ns, time_source)
            chunk = chunk[head:]
        if chunk:
            yield from super().receive(chunk, time_ns, time_source, one_by_one=one_by_one)
        problem = self.protocol.handshake_exc
        if problem is not None and self._is_opening:
            cause = f": {problem.__cause__}" if problem.__cause__ else ""
            said = f"{problem}{cause}"[:SHOWN_REFUSAL]
            yield Drop(Fact(Reason.NOT_WEBSOCKET, PEER, said=said))

    def _expire(self) -> Effects:
        if self._is_opening:
            seconds = self._link.options.handshake_s
            late = Fact.of(Reason.HANDSHAKE_TIMEOUT, by=PEER, limit="timeout", case="out", seconds=seconds)
            yield Drop(late)

    def _shake_hands(self, event: Request | Response) -> Effects:
        if self.protocol.handshake_exc is None and self.protocol.state is not State.CONNECTING:
            chosen = self.protocol.subprotocol or ""
            self._opened = True
            yield Opened(Fact.of(Reason.OPENED, by=US, subprotocol=chosen))
