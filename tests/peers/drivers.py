"""Two ways to play a scenario: with the engine's network objects, and with the scripted ones.

A scenario gets a driver and asks it for objects by Godot's class names; what they return is the same for both:
numbers, texts, bytes, None, sequences, objects. `del` lets an object go, in the engine too.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import struct
from pathlib import Path
from typing import Any

import gdlab.peers
from gdlab import godot
from gdlab.godot import Engine
from tests.waiting import limit

PUPPET = Path(__file__).parent / "puppet.gd"


class Scripted:
    """gdlab's own objects."""

    is_engine = False

    def make(self, name: str) -> Any:
        return getattr(gdlab.peers, name)()

    def text(self, data: bytes) -> str:
        return gdlab.peers.get_string_from_utf8(data)

    def close(self) -> None:
        pass


class Puppet:
    """A real engine that does what it is told over a TCP connection."""

    is_engine = True

    def __init__(self, engine: Engine) -> None:
        self._stack = contextlib.ExitStack()
        self._released: list[int] = []
        with self._stack:
            server = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            server.settimeout(limit(30))
            port = server.getsockname()[1]
            self.game = self._stack.enter_context(
                godot.start(source=PUPPET.read_text(), args=[f"port={port}"], engine=engine, time_limit_s=300)
            )
            self._control = self._stack.enter_context(server.accept()[0])
            self._control.settimeout(limit(30))
            self._control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stack = self._stack.pop_all()

    def make(self, name: str) -> Any:
        return self.ask("make", name=name)

    def text(self, data: bytes) -> str:
        return self.ask("text", data)

    def constants(self, names: list[str]) -> list[int]:
        return self.ask("constants", names)

    def methods(self, name: str) -> list[str]:
        return self.ask("methods", name=name)

    def ask(self, do: str, *args: object, of: int = 0, name: str = "") -> Any:
        released, self._released = self._released, []
        request = {
            "do": do,
            "id": of,
            "name": name,
            "args": [_encoded(arg) for arg in args],
            "release": released,
        }
        body = json.dumps(request).encode()
        self._control.sendall(struct.pack("<I", len(body)) + body)
        return self._decoded(json.loads(self._exactly(struct.unpack("<I", self._exactly(4))[0]))["value"])

    def release(self, number: int) -> None:
        self._released.append(number)

    def close(self) -> None:
        self._control.close()  # the puppet's game ends by that
        self._stack.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._control.recv(size - len(data))
            assert piece, f"the engine has ended: {self.game.output[-1000:]}"
            data += piece
        return data

    def _decoded(self, value: Any) -> Any:
        if isinstance(value, dict) and "bytes" in value:
            return base64.b64decode(value["bytes"])
        if isinstance(value, dict) and "object" in value:
            return Remote(self, value["object"])
        if isinstance(value, dict):
            raise AttributeError(value["error"])  # noqa: TRY004 - the engine's object has no such method
        if isinstance(value, list):
            return [self._decoded(item) for item in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value


class Remote:
    """An object in the engine; attributes are methods to call, assignments set properties."""

    def __init__(self, puppet: Puppet, number: int) -> None:
        self.__dict__.update(_puppet=puppet, _id=number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args: self._puppet.ask("call", *args, of=self._id, name=name)

    def __setattr__(self, name: str, value: object) -> None:
        self._puppet.ask("set", value, of=self._id, name=name)

    def __del__(self) -> None:
        self._puppet.release(self._id)


def _encoded(value: object) -> object:
    if isinstance(value, bytes) and len(value) > 1000 and not value.strip(b"\0"):
        return {"zeros": len(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, tuple):
        return {"strings": list(value)}
    if isinstance(value, Remote):
        return {"object": value._id}
    return value
