"""The sockets of the engine's debugger link: games connect to us, one thread serves them all."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from gdlab import clock, surroundings
from gdlab.errors import DebuggerError
from gdlab.transports.address import Address
from gdlab.transports.binding import bind_all

#: Games at one time; more are refused with a message.
MAX_GAMES: Final = 64
#: What waits to be sent to a game that does not read.
MAX_OUTGOING_BYTES: Final = 8 * 2**20

_CHUNK_BYTES: Final = 1 << 18
#: How long a look at the sockets lasts when nothing happens.
_IDLE_S: Final = 0.5
#: Linux acknowledges late unless it is told otherwise before every read; the engine's Nagle waits for it, up to 50 ms.
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
_UNIX: Final[int | None] = getattr(socket, "AF_UNIX", None)
_FOLDER: Final = "gdlab-debugger-"


class Conversation(Protocol):
    """What is said to one game; all of it is called in the link's thread."""

    def receive(self, chunk: bytes, now_ns: int) -> None:
        """Take bytes; raises DebuggerError where they come from no game."""

    def tick(self, now_ns: int) -> float | None:
        """Do what is due; return after how many seconds there is something to do again, None for nothing."""

    def outgoing(self) -> bytes:
        """What is to be sent, once."""

    def ended(self, now_ns: int, why: str) -> None:
        """The connection has ended; `why` is empty if the game closed it."""


@dataclass(eq=False, slots=True)
class _Connection:
    sock: socket.socket
    talk: Conversation
    out: bytearray = field(default_factory=bytearray)
    writing: bool = False


class DebuggerLink:
    """A TCP port on this machine, and a unix socket where there are such, for games started with ``--remote-debug``.

    Parameters
    ----------
    make : makes the conversation with a game that has connected; `peer` says from where.
    refused : called with a sentence for a connection that was not let in.
    port : TCP port; 0 takes a free one.

    Raises
    ------
    PortInUse, PortForbidden : the port cannot be had.

    Notes
    -----
    Only loopback is bound: whoever reaches this port could feed the notebook anything.
    """

    def __init__(
        self, make: Callable[[str], Conversation], *, refused: Callable[[str], None], port: int = 0
    ) -> None:
        surroundings.demand("gd.debugger needs")
        self._make = make
        self._refused = refused
        bound = bind_all(Address("tcp", "127.0.0.1", port), socket.SOCK_STREAM, lambda _sock: None)
        self._sockets = list(bound.sockets)
        self.port = bound.address.port
        self._folder: Path | None = None
        self.unix_path = ""
        self._listen_unix()
        self._wake_r, self._wake_w = socket.socketpair()
        for end in (self._wake_r, self._wake_w):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._connections: dict[int, _Connection] = {}
        self._closing = False
        self._lock = threading.Lock()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gdlab debugger", daemon=True)

    @property
    def address(self) -> str:
        """What a game is started with, such as ``tcp://127.0.0.1:6007``."""
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def best_address(self) -> str:
        """The same, by the unix socket where there is one: its messages come without the delays of TCP."""
        return f"unix://{self.unix_path}" if self.unix_path else self.address

    @property
    def running(self) -> bool:
        """Whether games can connect."""
        return self._thread.is_alive() and not self._closing

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def wake(self) -> None:
        """Have the thread look again: something is to be sent. Any thread may call it."""
        with contextlib.suppress(OSError):  # a full pipe wakes it as well; a closed one has nobody to wake
            self._wake_w.send(b"x")

    def close(self) -> None:
        """End every connection and free the port; calling it again does nothing."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self.wake()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()
        elif self._thread.ident is None:
            self._free()

    # ---- the thread

    def _run(self) -> None:
        try:
            for sock in self._sockets:
                self._selector.register(sock, selectors.EVENT_READ, sock)
            self._selector.register(self._wake_r, selectors.EVENT_READ, None)
            while not self._closing:
                self._turn()
        except BaseException as error:  # noqa: BLE001 (kept for whoever asks: a thread's traceback reaches nobody)
            self.error = error
        finally:
            self._closing = True
            for connection in tuple(self._connections.values()):
                self._end(connection, "the watch was closed")
            self._free()

    def _turn(self) -> None:
        wait = _IDLE_S
        now_ns = clock.now_ns()
        for connection in tuple(self._connections.values()):
            due = connection.talk.tick(now_ns)
            if due is not None:
                wait = min(wait, max(0.0, due))
            self._send(connection)
        for key, events in self._selector.select(wait):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_r.recv(4096)
            elif isinstance(key.data, _Connection):
                if events & selectors.EVENT_READ:
                    self._read(key.data)
                if events & selectors.EVENT_WRITE and key.data.sock.fileno() >= 0:
                    self._send(key.data)
            else:
                self._accept(key.data)

    def _accept(self, listening: socket.socket) -> None:
        try:
            sock, source = listening.accept()
        except OSError:  # gone again, or no more files; the next look asks again
            return
        if len(self._connections) >= MAX_GAMES:
            sock.close()
            self._refused(
                f"a connection was refused: {MAX_GAMES} games are watched already. Stop some, or use another watch"
            )
            return
        sock.setblocking(False)
        is_tcp = sock.family != _UNIX
        if is_tcp:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = f"{source[0]}:{source[1]}" if is_tcp else "unix socket"
        connection = _Connection(sock, self._make(peer))
        self._connections[sock.fileno()] = connection
        self._selector.register(sock, selectors.EVENT_READ, connection)
        self._quick(sock)
        self._send(connection)

    def _read(self, connection: _Connection) -> None:
        self._quick(connection.sock)
        try:
            chunk = connection.sock.recv(_CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(connection, error.strerror or str(error))
            return
        if not chunk:
            self._end(connection, "")
            return
        self._quick(connection.sock)
        try:
            connection.talk.receive(chunk, clock.now_ns())
        except DebuggerError as error:
            self._end(connection, str(error))
            return
        except Exception as error:  # noqa: BLE001 (one game must not end the watching of the others)
            self._end(connection, f"gdlab could not take what it sent: {type(error).__name__}: {error}")
            return
        self._send(connection)  # an answer to a break must not wait for the next turn

    def _send(self, connection: _Connection) -> None:
        connection.out += connection.talk.outgoing()
        if not connection.out:
            return
        try:
            sent = connection.sock.send(connection.out)
            del connection.out[:sent]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            # What the game said before it went is still to be read, unless nothing is.
            connection.out.clear()
            if connection.writing:
                self._end(connection, error.strerror or str(error))
            return
        if len(connection.out) > MAX_OUTGOING_BYTES:
            self._end(connection, f"it has not read {len(connection.out)} bytes of requests")
            return
        if bool(connection.out) != connection.writing:
            connection.writing = bool(connection.out)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.writing else 0)
            self._selector.modify(connection.sock, events, connection)

    def _end(self, connection: _Connection, why: str) -> None:
        if self._connections.pop(connection.sock.fileno(), None) is None:
            return
        self._selector.unregister(connection.sock)
        connection.sock.close()
        connection.talk.ended(clock.now_ns(), why)

    def _quick(self, sock: socket.socket) -> None:
        if _QUICKACK is not None and sock.family != _UNIX:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    # ---- the unix socket

    def _listen_unix(self) -> None:
        if _UNIX is None:
            return
        _sweep()
        folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))  # readable by this user only
        sock = socket.socket(_UNIX, socket.SOCK_STREAM)
        try:
            path = folder / "godot.sock"
            sock.setblocking(False)
            sock.bind(str(path))
            sock.listen(MAX_GAMES)
        except OSError:  # a path too long, a file system without sockets: TCP does, too
            sock.close()
            shutil.rmtree(folder, ignore_errors=True)
            return
        self._folder, self.unix_path = folder, str(path)
        self._sockets.append(sock)

    def _free(self) -> None:
        for sock in (*self._sockets, self._wake_r, self._wake_w):
            sock.close()
        self._selector.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of processes of ours that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        number = folder.name.removeprefix(_FOLDER).partition("-")[0]
        with contextlib.suppress(OSError):
            if number.isdigit() and hasattr(os, "getuid") and folder.stat().st_uid == os.getuid():
                try:
                    os.kill(int(number), 0)
                except ProcessLookupError:
                    shutil.rmtree(folder, ignore_errors=True)
