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
from gdlab.framing import signatures
from gdlab.messages import Event, TimeSource
from gdlab.transports.effects import Drop, Effects, Later, Noted, Opened, Write
from gdlab.transports.options import EndpointOptions
from gdlab.transports.origins import is_welcome
from gdlab.transports.session import Link
from gdlab.transports.websocket_session import SHOWN_REFUSAL, WebSocketSession, library_log

_SHOWN_CHARACTERS: Final = 200
#: What is kept of a request; those of browsers are shorter.
_REQUEST_BYTES: Final = 16 * 1024
#: What no request begins with is shown so far.
_BEGIN_BYTES: Final = 12


class ServerSession(WebSocketSession):
    """The listener's side: lets the client in, or says why not."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, masks=False)
        options = link.options
        self._request = b""
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

    def _receive(self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool) -> Effects:
        if self._is_opening:
            # The library would read on behind the request before it is answered.
            head = self._end_of_head(chunk)
            self._request = (self._request + chunk[:head])[:_REQUEST_BYTES]
            foreign = _foreign(self._request)
            if foreign is not None:
                yield from self._refuse_foreign(foreign)
                return
            yield from super()._receive(chunk[:head], time_ns, time_source, one_by_one=True)
            if self.protocol.handshake_exc is not None and self._is_opening:
                yield from self._refuse(self.protocol.handshake_exc)
            chunk = chunk[head:]
        if chunk and self._opened and not self._over:
            yield from super()._receive(chunk, time_ns, time_source, one_by_one=one_by_one)

    @property
    def request(self) -> bytes:
        """The request with its header lines, or what came in its place."""
        return self._request

    def _refuse_foreign(self, fact: Fact) -> Effects:
        """End a connection whose first bytes are no HTTP: the library would wait for the end of a line."""
        yield Write(_NO_HANDSHAKE)
        yield self._finish(fact)

    def _expire(self) -> Effects:
        if self._is_opening:
            seconds = self._link.options.handshake_s
            late = Fact.of(Reason.HANDSHAKE_TIMEOUT, by=PEER, limit="handshake_timeout", seconds=seconds)
            yield Drop(late, reset=True)

    def _refuse(self, error: Exception) -> Effects:
        """End a handshake that failed; where the library has no answer ready, give a plain one."""
        for data in [data for data in self.protocol.data_to_send() if data] or [_NO_HANDSHAKE]:
            yield Write(data)
        if _is_plain(self._request):
            yield self._finish(
                Fact(Reason.REFUSED_HANDSHAKE, US, said=_first_line(self._request), case="plain")
            )
            return
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
                if _is_plain(self._request):
                    problem = problem._replace(said=_first_line(self._request), case="plain")
        if response.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS:
            chosen = self.protocol.subprotocol or ""
            opened = Fact.of(Reason.OPENED, by=PEER, said=asked, case="ws", subprotocol=chosen, page=page)
            self._opened = True
            yield Opened(opened, self._time_ns, self._request)
        self.protocol.send_response(response)
        yield from self._write()
        offered = ", ".join(event.headers.get_all("Sec-WebSocket-Protocol"))
        if self._opened and offered and not self.protocol.subprotocol:
            spoken = ", ".join(options.subprotocols or ())
            none = "" if spoken else "none"
            fact = Fact.of(Reason.SUBPROTOCOL, by=US, said=offered, case=none, spoken=spoken)
            yield Noted(Event.ERROR, fact, b"", self._time_ns, self._time_source)
        if problem:
            yield self._finish(problem)


_NO_HANDSHAKE_BODY: Final = (
    b"This is a WebSocket listener of gdlab, and that was not a WebSocket handshake.\n"
)
_NO_HANDSHAKE: Final = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_NO_HANDSHAKE_BODY), _NO_HANDSHAKE_BODY)
)


def _foreign(begun: bytes) -> Fact | None:
    """Why this is the beginning of no request; None where it may be one."""
    named = signatures.of_stream(begun)
    if named is not None and named.name == "TLS":
        return Fact(Reason.REFUSED_HANDSHAKE, US, case="tls")
    # A method is upper-case letters; empty lines may stand before it (RFC 9112 section 2.2).
    first = begun.lstrip(b"\r\n")[:1]
    if not first or first.isupper() or (first.isascii() and first.isalpha()):
        return None
    return Fact(Reason.REFUSED_HANDSHAKE, US, said=begun[:_BEGIN_BYTES].hex(" "), case="foreign")


def _is_plain(request: bytes) -> bool:
    """Whether it is HTTP as a web page or HTTPRequest speaks it: it asks for no WebSocket."""
    named = signatures.of_stream(request)
    return named is not None and named.name == "HTTP" and b"\nupgrade:" not in request.lower()


def _first_line(request: bytes) -> str:
    return request.split(b"\r\n", 1)[0].decode("latin-1")[:_SHOWN_CHARACTERS]


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

    def _receive(self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool) -> Effects:
        if self.protocol.state is State.CONNECTING:
            head = self._end_of_head(chunk)
            yield from super()._receive(chunk[:head], time_ns, time_source, one_by_one=True)
            chunk = chunk[head:]
        if chunk:
            yield from super()._receive(chunk, time_ns, time_source, one_by_one=one_by_one)
        problem = self.protocol.handshake_exc
        if problem is not None and self._is_opening:
            cause = f": {problem.__cause__}" if problem.__cause__ else ""
            said = f"{problem}{cause}"[:SHOWN_REFUSAL]
            yield Drop(Fact(Reason.NOT_WEBSOCKET, PEER, said=said))

    def end(self) -> Effects:
        """The server has ended the TCP connection."""
        offered = self._link.options.subprotocols
        if offered and self._is_opening:
            yield self._ending(Fact(Reason.HANDSHAKE_CUT, PEER, said=", ".join(offered), case="offered"))
        yield from super().end()

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
