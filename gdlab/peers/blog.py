"""The UDP programs of the tutorial that gdlab grew from, with sequence numbers and send times added."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Final

from gdlab import clock, probe
from gdlab.messages import Peer
from gdlab.peers.game_loop import FramePeer

#: What the tutorial's Godot client says until it is answered, and where it says it.
GREETING: Final = b"The answer is... 42!"
GREETING_PORT: Final = 4242

#: Where the tutorial's chat program sends its JSON arrays.
CHAT_PORT: Final = 4243

_LARGEST: Final = 65_535


class AnswerGame(FramePeer):
    """The tutorial's `PacketPeerUDP` client, grown up: greets in every frame until it is answered, then plays.

    From the first answer on it sends one probe message every `every` frames (`{"probe": "ping", "seq": ...,
    "t_us": ...}`, see `gdlab.probe`) and answers the probe messages it gets, as a game would: in the next frame.

    Parameters
    ----------
    port, host : where it sends.
    every : frames between two messages of the game.

    Attributes
    ----------
    sent : datagrams sent. received : datagrams received. answer : the first one received, or None.
    """

    def __init__(
        self,
        port: int = GREETING_PORT,
        host: str = "127.0.0.1",
        *,
        fps: float = 60.0,
        seconds: float | None = None,
        every: int = 3,
    ) -> None:
        super().__init__(fps=fps, seconds=seconds)
        self._every = every
        self._socket = _connected(host, port)
        self.sent = self.received = 0
        self._pings = 0
        self.answer: bytes | None = None

    @property
    def address(self) -> Peer:
        """Where the game sends from."""
        return Peer(*self._socket.getsockname()[:2])

    def _process(self) -> None:
        if self.answer is None:
            self._put(GREETING)
        elif self.frames % self._every == 0:
            # Numbered by themselves: a number that is missing is then a message that was lost.
            self._put(probe.ping(self._pings, clock.now_ns()))
            self._pings += 1
        while (payload := _get(self._socket)) is not None:
            self.received += 1
            if self.answer is None:
                self.answer = payload
            now_ns = clock.now_ns()
            pong = probe.answer(payload, now_ns, now_ns)
            if pong is not None:
                self._put(pong)

    def _put(self, payload: bytes) -> None:
        # Nobody may be listening yet: UDP says so at most by an error on a later call, which a game overlooks, too.
        with contextlib.suppress(OSError):
            self._socket.send(payload)
            self.sent += 1

    def _close(self) -> None:
        self._socket.close()


class ChatSender(FramePeer):
    """The tutorial's Python chat: `["PIDs", "Greetings! 9527"]`, then `["CHAT", "Hello from python N"]`.

    Parameters
    ----------
    port, host : where it sends.
    every_s : seconds between two chats; the tutorial waits 3.
    count : it ends after so many chats; None goes on until `stop` or `seconds`.
    """

    def __init__(
        self,
        port: int = CHAT_PORT,
        host: str = "127.0.0.1",
        *,
        every_s: float = 3.0,
        count: int | None = None,
        seconds: float | None = None,
    ) -> None:
        super().__init__(fps=1 / every_s, seconds=seconds)
        self._socket = _connected(host, port)
        self._count = count
        self.sent = 0

    def _process(self) -> None:
        if self.sent == 0:
            self._put(["PIDs", "Greetings! 9527"])
        if self._count is not None and self.sent > self._count:
            self._stop.set()
            return
        self._put(["CHAT", f"Hello from python {self.sent}"])

    def _put(self, chat: list[str]) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(json.dumps(chat).encode())
        self.sent += 1

    def _close(self) -> None:
        self._socket.close()


def _connected(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.connect((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _get(sock: socket.socket) -> bytes | None:
    """The next datagram, or None when there is none; a refusal of an earlier one is not an answer."""
    for _ in range(2):
        try:
            return sock.recv(_LARGEST)
        except BlockingIOError:
            return None
        except ConnectionError:
            continue
    return None
