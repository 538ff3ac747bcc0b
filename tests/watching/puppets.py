"""A program that speaks to a debugger as a game does, to the letter of the protocol."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from gdlab.debugging import Reader
from gdlab.variant import dumps, loads
from gdlab.watching import Watch

MONITORS = [60.0] + [0.0] * 58


class Puppet:
    """One connection to a watch."""

    def __init__(self, watch: Watch, pid: int = 4711, *, unix: bool = False) -> None:
        if unix:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(watch.best_address.removeprefix("unix://"))
        else:
            self.sock = socket.create_connection(("127.0.0.1", int(watch.address.rpartition(":")[2])))
        self.sock.settimeout(10)
        self._reader = Reader()
        self._asked: list[tuple[str, tuple[Any, ...]]] = []
        if pid:
            self.say("set_pid", [pid])

    def say(self, name: str, data: list[Any], thread: int = 1) -> None:
        body = dumps([name, thread, data])
        self.sock.sendall(len(body).to_bytes(4, "little") + body)

    def begin(self) -> None:
        """The first frame."""
        self.say("performance:profile_frame", MONITORS)

    def await_request(self, name: str) -> tuple[Any, ...]:
        """Read until a request of this name has come; its values."""
        while True:
            for number, (asked, data) in enumerate(self._asked):
                if asked == name:
                    del self._asked[: number + 1]
                    return data
            chunk = self.sock.recv(65536)
            assert chunk, f"the watch closed before it asked for {name}"
            for each in self._reader.receive(chunk, 0):
                message = each.message
                self._asked.append((_name(each.frame), getattr(message, "data", ())))

    def close(self) -> None:
        self.sock.close()


def _name(frame: bytes) -> str:
    return str(loads(frame)[0])


@contextlib.contextmanager
def puppet(watch: Watch, pid: int = 4711, **options: Any) -> Iterator[Puppet]:
    made = Puppet(watch, pid, **options)
    try:
        yield made
    finally:
        made.close()
