"""The TCP listener, and reading all streams of an endpoint again."""

from __future__ import annotations

from collections.abc import Sequence

from gdlab.framing import FramingLike, Read
from gdlab.transports.session import Link
from gdlab.transports.stream_endpoint import StreamEndpoint
from gdlab.transports.stream_history import history, rewrite
from gdlab.transports.stream_listener import StreamListener
from gdlab.transports.tcp_session import TcpSession


class TcpListener(StreamListener):
    """Receives framed messages from any number of TCP clients."""

    def _new_session(self, link: Link) -> TcpSession:
        return TcpSession(link)

    def _reframe(self, choice: FramingLike) -> None:
        reframe(self, choice)


def reframe(endpoint: StreamEndpoint, choice: FramingLike) -> None:
    """Read all streams of an endpoint again, those that have ended and those that go on."""
    sink = endpoint.sink
    streams = history(sink.streams())
    going_on = {(one.code, one.began_ns): one for one in endpoint.connections}
    mine: dict[tuple[int, int], Sequence[Read]] = {}
    ended = []
    for stream in streams:
        key = stream.peer, stream.began_ns
        if key in going_on:
            mine[key] = stream.reads
        else:
            ended.append(stream)
    sink.withdraw()
    rewrite(sink, ended, choice, max_message_bytes=endpoint.options.max_message_bytes)
    for key, connection in going_on.items():
        if isinstance(session := connection.session, TcpSession):
            endpoint.act(connection, session.reframe(choice, mine.get(key, ())))
