"""Stream servers that are compared, each in a process of its own: `python -m bench.stream_servers NAME [echo]`.

Prints its port. For each line on stdin, a number of messages, it begins anew, prints ``ready``, waits until it has
them all, and prints one line of JSON: the processor seconds of the process meanwhile. A second number is how many
seconds it rests before it looks again whether it has them: each millisecond costs 3 % of a core by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

#: Names of the contenders; `GDLAB_TCP` and `GDLAB_WS` are ours.
GDLAB_TCP, GDLAB_WS, LOOP, JOINING, ASYNCIO, PICOWS, PICOWS_TIMED, AIOHTTP, STREAMS = (
    "gdlab tcp",
    "gdlab ws",
    "Python loop",
    "Python loop, replies joined",
    "bare websockets",
    "picows",
    "picows, times kept",
    "aiohttp",
    "asyncio streams",
)
MOST_CONNECTIONS: Final = 2000


class ByLoop:
    """A thread that cuts out each message by a slice and keeps it; the echo stores nothing."""

    def __init__(self, *, echo: bool, joined: bool = False) -> None:
        self.messages: list[bytes] = []
        self.echo, self.joined = echo, joined
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            connection, _ = self.server.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                (self.answer if self.echo else self.keep)(connection)

    def keep(self, connection: socket.socket) -> None:
        unpack = struct.Struct("<I").unpack_from
        rest, add = b"", self.messages.append
        while chunk := connection.recv(128 * 1024):
            data = rest + chunk
            at, size = 0, len(data)
            while at + 4 <= size:
                (length,) = unpack(data, at)
                if at + 4 + length > size:
                    break
                add(data[at + 4 : at + 4 + length])
                at += 4 + length
            rest = data[at:]

    def answer(self, connection: socket.socket) -> None:
        header = struct.Struct("<I")
        rest = b""
        while chunk := connection.recv(128 * 1024):
            data = rest + chunk
            at, size, answers = 0, len(data), []
            while at + 4 <= size:
                (length,) = header.unpack_from(data, at)
                if at + 4 + length > size:
                    break
                payload = data[at + 4 : at + 4 + length]
                if self.joined:
                    answers += [header.pack(len(payload)), payload]
                else:
                    connection.sendall(header.pack(len(payload)) + payload)
                at += 4 + length
            if answers:
                connection.sendall(b"".join(answers))
            rest = data[at:]

    @property
    def received(self) -> int:
        return len(self.messages)

    def begin(self) -> None:
        self.messages.clear()


class Asyncio:
    """A server in an event loop in a thread; subclasses say which."""

    def __init__(self, *, echo: bool) -> None:
        self.messages: list[Any] = []
        self.echo = echo
        self.port = 0
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True).start()
        if not ready.wait(20):
            raise TimeoutError("the server did not start")

    async def serve(self, ready: threading.Event) -> None:
        raise NotImplementedError

    async def stay(self, ready: threading.Event, port: int) -> None:
        self.port = port
        ready.set()
        await asyncio.Event().wait()

    @property
    def received(self) -> int:
        return len(self.messages)

    def begin(self) -> None:
        self.messages.clear()


class ByStreams(Asyncio):
    """asyncio's streams, for TCP."""

    async def serve(self, ready: threading.Event) -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = await reader.readexactly(4)
                    payload = await reader.readexactly(int.from_bytes(head, "little"))
                    if self.echo:
                        writer.write(head + payload)
                    else:
                        self.messages.append(payload)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        await self.stay(ready, server.sockets[0].getsockname()[1])


class ByWebsockets(Asyncio):
    """The asyncio server of `websockets`."""

    async def serve(self, ready: threading.Event) -> None:
        from websockets.asyncio.server import serve

        async def handle(connection: Any) -> None:
            async for message in connection:
                if self.echo:
                    await connection.send(message)
                else:
                    self.messages.append(message)

        async with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
            await self.stay(ready, next(iter(server.sockets)).getsockname()[1])


class ByPicows(Asyncio):
    """picows on asyncio; `timed` keeps each payload with the time at which it came, as a capture has to."""

    def __init__(self, *, echo: bool, timed: bool = False) -> None:
        self.timed = timed
        super().__init__(echo=echo)

    async def serve(self, ready: threading.Event) -> None:
        from picows import WSListener, WSMsgType, ws_create_server

        add, data = self.messages.append, (WSMsgType.BINARY, WSMsgType.TEXT)
        echo, timed, now = self.echo, self.timed, time.time_ns

        class Listener(WSListener):
            def on_ws_frame(self, transport: Any, frame: Any) -> None:
                if frame.msg_type in data:
                    if echo:
                        transport.send(frame.msg_type, frame.get_payload_as_memoryview())
                    elif timed:
                        add((now(), frame.get_payload_as_bytes()))
                    else:
                        add(frame.get_payload_as_bytes())

        server = await ws_create_server(lambda _request: Listener(), "127.0.0.1", 0)
        await self.stay(ready, server.sockets[0].getsockname()[1])


class ByAiohttp(Asyncio):
    """aiohttp."""

    async def serve(self, ready: threading.Event) -> None:
        from aiohttp import web

        async def handle(request: web.Request) -> web.WebSocketResponse:
            connection = web.WebSocketResponse(compress=False)
            await connection.prepare(request)
            async for message in connection:
                if self.echo:
                    await connection.send_bytes(message.data)
                else:
                    self.messages.append(message.data)
            return connection

        app = web.Application()
        app.router.add_get("/", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        await self.stay(ready, runner.addresses[0][1])


class ByGdlab:
    """A listener of gdlab with its store: each message, and each answer, is a row."""

    def __init__(self, scheme: str, *, echo: bool) -> None:
        from gdlab.store import Store
        from gdlab.transports import EndpointOptions, listener, parse, replies

        self.store_type, self.address = Store, f"{scheme}://127.0.0.1:0"
        self.echo = echo
        options = EndpointOptions(
            framing="u32le", max_connections=MOST_CONNECTIONS, reply=replies.echo if echo else None
        )
        self.listener: Any = listener(parse(self.address), Store(self.address), options)
        self.listener.start()
        self.port = self.listener.address.port
        self.begin()

    def begin(self) -> None:
        self.listener.sink = self.store = self.store_type(self.address)

    @property
    def received(self) -> int:
        return self.store.received

    def check(self, count: int) -> None:
        """Stop where a row is missing, or one more than there should be."""
        statistics = self.store.statistics()
        wanted = (count, count if self.echo else 0, 0)
        found = (statistics.received, statistics.sent, statistics.errors)
        if found != wanted:
            raise AssertionError(f"received, sent, errors: {found}, not {wanted}")


SERVERS: Final[dict[str, Callable[..., Any]]] = {
    GDLAB_TCP: lambda echo: ByGdlab("tcp", echo=echo),
    GDLAB_WS: lambda echo: ByGdlab("ws", echo=echo),
    LOOP: lambda echo: ByLoop(echo=echo),
    JOINING: lambda echo: ByLoop(echo=echo, joined=True),
    STREAMS: lambda echo: ByStreams(echo=echo),
    ASYNCIO: lambda echo: ByWebsockets(echo=echo),
    PICOWS: lambda echo: ByPicows(echo=echo),
    PICOWS_TIMED: lambda echo: ByPicows(echo=echo, timed=True),
    AIOHTTP: lambda echo: ByAiohttp(echo=echo),
}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Serve the commands on stdin."""
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = SERVERS[sys.argv[1]](echo="echo" in sys.argv[2:])
    print(server.port, flush=True)
    for line in sys.stdin:
        if line.strip() == "look":  # what it has used until now
            print(json.dumps({"cpu_s": time.process_time(), "bytes": resident_bytes()}), flush=True)
            continue
        count, rest_s = int(line.split()[0]), float((*line.split(), 0.001)[1])
        server.begin()
        began = time.process_time()
        print("ready", flush=True)
        if server.echo:
            sys.stdin.readline()  # who sends has all answers
        while not server.echo and server.received < count:
            time.sleep(rest_s)
        print(json.dumps({"cpu_s": time.process_time() - began}), flush=True)
        if isinstance(server, ByGdlab) and count:
            server.check(count)


if __name__ == "__main__":
    main()
