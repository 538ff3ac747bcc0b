"""The replay's process: sends what a file says, each message at its own absolute time, and takes the answers."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import struct
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

from gdlab.errors import GdlabError
from gdlab.facts import PEER, SYSTEM, Fact, Reason, Statement
from gdlab.transports.address import Address
from gdlab.transports.binding import bind_all
from gdlab.transports.relaying import precise, wire
from gdlab.transports.relaying.outlet import Outlet
from gdlab.transports.relaying.talkers import Datagrams, Talker, answer, dial, prepare

#: One item of the schedule: due (ns from the start), peer, what, text, code, answers to wait for, payload bytes.
ITEM: Final = struct.Struct("=qIBBHII")
MESSAGE, OPEN, CLOSE = range(3)
#: What was sent: number of the item, due, sent.
SENT: Final = struct.Struct("=qqq")
#: Close code of those whose end was not recorded.
_GOING_AWAY: Final = 1001
_LOOK_S: Final = 0.05
_NEAR_S: Final = 0.002
#: Clients that may come to a replayed server, and messages of each that are kept until it has a part to play.
_MOST_CLIENTS: Final = 1000
_MOST_EARLY: Final = 1000


class Replayer:
    """Runs a schedule."""

    def __init__(self, first: dict[str, Any], outlet: Outlet) -> None:
        self._first = first
        self._outlet = outlet
        data = Path(first["schedule"]).read_bytes()
        count, at, self._items = first["count"], 0, []
        for _ in range(count):
            due, peer, what, text, code, answers, size = ITEM.unpack_from(data, at)
            at += ITEM.size
            self._items.append((due, peer, what, bool(text), code, answers, data[at : at + size]))
            at += size
        self._selector = selectors.DefaultSelector()
        self._talkers: dict[int, Talker] = {}
        self._numbers: dict[int, int] = {}
        self._answers: dict[int, int] = {}
        self._ended: set[int] = set()
        self._commands: deque[dict[str, Any]] = deque()
        self._paused = False
        self._credit = 0
        self._stopping = False
        self._sent: list[bytes] = []
        self._last_tell = 0.0
        self._fronts: tuple[socket.socket, ...] = ()
        self._waiting: deque[Any] = deque()  # clients that have come and play no peer yet
        self._known: dict[Any, int] = {}  # UDP clients, -1 for those that wait
        self._early: dict[Any, list[tuple[int, bytes]]] = {}  # what these have sent
        self.address = first["uri"]
        prepare(first["transport"])
        if first["serve"]:
            kind = socket.SOCK_DGRAM if first["transport"] == "udp" else socket.SOCK_STREAM
            scheme = "udp" if first["transport"] == "udp" else "tcp"
            bound = bind_all(Address(scheme, first["host"], first["port"]), kind, lambda _sock: None)
            self._fronts = bound.sockets
            self.address = f"{first['transport']}://{str(bound.address).partition('://')[2]}"
            for front in self._fronts:
                self._selector.register(front, selectors.EVENT_READ, front)

    # ---- the schedule

    def run(self) -> None:
        """Send everything, then wait a little for the last answers."""
        began, shift = time.time_ns(), 0
        if self._first["serve"]:
            self._wait_for_client()
            began = time.time_ns()
        for number, item in enumerate(self._items):
            due, peer, what, text, code, answers, payload = item
            if peer not in self._talkers and peer not in self._ended and what != CLOSE:
                self._begin(peer)
            if self._first["pace"] == "answer":
                self._wait_for_answers(peer, answers)
            else:
                shift += self._hold()
                self._wait_until(began + shift + due)
            if self._stopping:
                break
            planned = began + shift + due if self._first["pace"] == "time" else time.time_ns()
            self._do(number, planned, peer, what, text, code, payload)
        self._settle()
        self._outlet.tell(
            status={"sent": len(self._items), "time": time.time_ns(), "finished": True, **_NOTHING}
        )
        for talker in self._talkers.values():
            talker.close(_GOING_AWAY)
            talker.sock.close()
        for front in self._fronts:
            front.close()
        self._tell_sent(always=True)
        self._outlet.tell(stopped=True)
        self._outlet.close(5.0)

    def _hold(self) -> int:
        """While paused: nothing; return for how long, so that all that follows is later by as much."""
        began = time.time_ns()
        while self._paused and not self._credit and not self._stopping:
            self._look(_LOOK_S)
        if self._credit:
            self._credit -= 1
        return time.time_ns() - began if self._paused or time.time_ns() - began > 1_000_000 else 0

    def _wait_until(self, at_ns: int) -> None:
        while not self._stopping:
            left = (at_ns - time.time_ns()) / 1e9
            if left <= 0:
                self._look(0.0)
                return
            if left > _NEAR_S:
                self._look(min(left - _NEAR_S / 2, _LOOK_S))
            else:
                time.sleep(left)
                return

    def _wait_for_answers(self, peer: int, count: int) -> None:
        deadline = time.monotonic() + self._first["timeout"]
        self._hold()
        while self._answers.get(peer, 0) < count and not self._stopping:
            self._look(_LOOK_S)
            if time.monotonic() > deadline:
                had, seconds = self._answers.get(peer, 0), self._first["timeout"]
                self._note(
                    Statement.of("replay/late answer", peer=peer, wanted=count, had=had, seconds=seconds)
                )
                self._answers[peer] = count
                return

    def _do(self, number: int, due: int, peer: int, what: int, text: bool, code: int, payload: bytes) -> None:
        talker = self._talkers.get(peer)
        if talker is None or what == OPEN or peer in self._ended:
            return
        try:
            if what == CLOSE:
                talker.close(code)
                return
            now = time.time_ns()
            talker.send(payload, text)
        except (OSError, ConnectionError, GdlabError) as error:
            self._end(peer, Fact(Reason.BROKEN, PEER, said=str(error)))
            return
        serve = self._first["serve"]
        self._outlet.row(now, self._numbers[peer], payload, wire.OUT | (wire.DOWN if serve else 0))
        self._sent.append(SENT.pack(number, due, now))
        self._tell_sent()

    def _tell_sent(self, *, always: bool = False) -> None:
        now = time.monotonic()
        if self._sent and (always or now - self._last_tell > _LOOK_S):
            self._last_tell = now
            sent, self._sent = self._sent, []
            self._outlet.block(wire.TRUTH, b"".join(sent))

    def _settle(self) -> None:
        deadline = time.monotonic() + self._first["linger"]
        while time.monotonic() < deadline and not self._stopping:
            self._look(_LOOK_S)

    # ---- peers

    def _begin(self, peer: int) -> Talker | None:
        self._numbers[peer] = number = len(self._numbers) + 1
        if self._first["serve"]:
            return self._begin_serving(peer, number)
        try:
            talker = dial(self._first, self._framing(peer))
        except (GdlabError, OSError) as error:
            self._note(Statement.of("replay/no peer", peer=peer, why=str(error)))
            self._ended.add(peer)
            return None
        self._adopt(peer, number, talker, talker.sock.getpeername(), talker.sock.getsockname())
        return talker

    def _framing(self, peer: int) -> str:
        framings: list[str] = self._first["framings"]
        return framings[min(peer, len(framings) - 1)]

    def _begin_serving(self, peer: int, number: int) -> Talker | None:
        if not self._waiting:
            self._wait_for_client()
        if not self._waiting:
            return None
        found = self._waiting.popleft()
        if self._first["transport"] == "udp":
            front, source = found
            self._known[source] = peer
            talker: Talker = Datagrams(front, source)
            self._tell_client(number, source, front.getsockname())
            self._talkers[peer] = talker
            for time_ns, payload in self._early.pop(source, ()):
                self._answers[peer] = self._answers.get(peer, 0) + 1
                self._outlet.row(time_ns, number, payload, 0)
            return talker
        try:
            talker = answer(found, self._first, self._framing(peer))
        except (GdlabError, OSError) as error:
            self._note(Statement.of("replay/no peer", peer=peer, why=str(error)))
            self._ended.add(peer)
            return None
        self._adopt(peer, number, talker, found.getpeername(), found.getsockname())
        return talker

    def _adopt(self, peer: int, number: int, talker: Talker, other: Any, own: Any) -> None:
        self._talkers[peer] = talker
        self._tell_client(number, other, own)
        self._selector.register(talker.sock, selectors.EVENT_READ, peer)

    def _tell_client(self, number: int, other: Any, own: Any) -> None:
        there, here = list(other[:2]), list(own[:2])
        self._outlet.tell(
            event="client", time=time.time_ns(), client=number, peer=there, local=here, server=there
        )

    def _note(self, statement: Statement) -> None:
        self._outlet.tell(note=statement)

    def _wait_for_client(self) -> None:
        deadline = time.monotonic() + self._first["timeout"]
        while not self._waiting and not self._stopping and time.monotonic() < deadline:
            self._look(_LOOK_S)
        if not self._waiting and not self._stopping:
            self._note(Statement.of("replay/nobody", seconds=self._first["timeout"]))
            self._stopping = True

    def _end(self, peer: int, fact: Fact) -> None:
        talker = self._talkers.pop(peer, None)
        if talker is None:
            return
        self._ended.add(peer)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(talker.sock)
        if not isinstance(talker, Datagrams) or not self._first["serve"]:
            talker.sock.close()
        self._outlet.tell(event="close", time=time.time_ns(), client=self._numbers[peer], fact=fact)

    # ---- answers

    def _look(self, timeout: float) -> None:
        while self._commands:
            self._obey(self._commands.popleft())
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, int):
                self._take(key.data)
            elif self._first["transport"] == "udp":
                self._take_datagram(key.data)
            else:
                with contextlib.suppress(OSError):
                    self._waiting.append(key.data.accept()[0])
        self._outlet.flush()

    def _take(self, peer: int) -> None:
        talker = self._talkers.get(peer)
        if talker is None:
            return
        flags = 0 if self._first["serve"] else wire.DOWN
        try:
            for payload in talker.receive():
                self._answers[peer] = self._answers.get(peer, 0) + 1
                self._outlet.row(time.time_ns(), self._numbers[peer], payload, flags)
        except OSError as error:
            fact = (
                Fact(Reason.PEER_CLOSED, PEER)
                if error.errno is None
                else Fact(Reason.BROKEN, SYSTEM, error.errno, said=str(error))
            )
            self._end(peer, fact)

    def _take_datagram(self, front: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            while True:
                payload, source = front.recvfrom(65_535)
                peer = self._known.get(source)
                if peer is None and len(self._known) < _MOST_CLIENTS:
                    self._waiting.append((front, source))
                    self._known[source] = peer = -1
                if peer is not None and peer < 0:
                    early = self._early.setdefault(source, [])
                    if len(early) < _MOST_EARLY:
                        early.append((time.time_ns(), payload))
                elif peer is not None:
                    self._answers[peer] = self._answers.get(peer, 0) + 1
                    self._outlet.row(time.time_ns(), self._numbers[peer], payload, 0)

    # ---- commands

    def command(self, line: str) -> None:
        """Take a command; called by the thread that reads them."""
        self._commands.append(json.loads(line))

    def _obey(self, command: dict[str, Any]) -> None:
        if "pause" in command:
            self._paused = bool(command["pause"])
        self._credit += int(command.get("step", 0))
        if command.get("stop"):
            self._stopping = True
        if "id" in command:
            self._outlet.tell(done=command["id"])


_NOTHING: Final = {"arrived": 0, "dropped": 0, "clients": 0, "late_p99_us": 0.0, "held": 0}


def run(first: dict[str, Any], outlet: Outlet, commands: Any) -> None:
    """Run a replay in this process."""
    try:
        replayer = Replayer(first, outlet)
    except GdlabError as error:
        facts = {"error": type(error).__name__, "message": str(error), "holder": getattr(error, "holder", "")}
        outlet.tell(**facts)
        outlet.close(5.0)
        return
    precise.sleep_exactly()
    outlet.tell(ready=replayer.address, precise=True, pid=os.getpid())

    def listen() -> None:
        for line in commands:
            replayer.command(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    replayer.run()
