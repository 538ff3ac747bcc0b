"""The course's programs as scripted peers: what `scripts/*.gd` do, where no Godot is installed.

Line by line the same as the GDScript, with `gdlab.peers` in place of the engine's classes.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from gdlab.peers import (
    FramePeer,
    PacketPeerUDP,
    State,
    Status,
    StreamPeerTCP,
    UDPServer,
    WebSocketPeer,
    get_string_from_utf8,
)
from gdlab.variant import Vector2, dumps

#: Frames that a connection is kept open after the last message, so that the other side reads it.
_LINGER_FRAMES: Final = 20
#: Frames after which the WebSocket client ends.
_TALK_FRAMES: Final = 30


class PythonProgram(FramePeer):
    """A program of the course.

    Attributes
    ----------
    prints : the lines it has printed.
    OPTIONS : the options it has, with their defaults.
    """

    OPTIONS: ClassVar[Mapping[str, str | int | float]] = {"port": 0}

    def __init__(self, *, fps: float = 60.0, seconds: float | None = None, **options: object) -> None:
        super().__init__(fps=fps, seconds=seconds)
        self.prints: list[str] = []
        self.options: dict[str, Any] = {**self.OPTIONS, **options}

    def _end(self) -> None:
        self._stop.set()


class OneAFrame(PythonProgram):
    """`udp_one_a_frame.gd`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._server = UDPServer()
        self._server.listen(int(self.options["port"]), "127.0.0.1")
        self.prints.append(f"listening on {self._server.get_local_port()}")

    def _process(self) -> None:
        self._server.poll()
        if self._server.is_connection_available():
            peer = self._server.take_connection()
            assert peer is not None  # noqa: S101 - it was available, in this thread
            self._read(peer)

    def _read(self, peer: PacketPeerUDP) -> None:
        packet = peer.get_packet()
        self.prints.append(f"Received data: {get_string_from_utf8(packet)[:60]}")
        peer.put_packet(packet)

    def _close(self) -> None:
        self._server.stop()


class Drained(OneAFrame):
    """`udp_drained.gd`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._peers: list[PacketPeerUDP] = []

    def _process(self) -> None:
        self._server.poll()
        while self._server.is_connection_available():
            peer = self._server.take_connection()
            assert peer is not None  # noqa: S101 - it was available, in this thread
            self._peers.append(peer)
        for peer in self._peers:
            while peer.get_available_packet_count() > 0:
                self._read(peer)


class Positions(PythonProgram):
    """`tcp_positions.gd`."""

    OPTIONS: ClassVar[Mapping[str, str | int | float]] = {
        "port": 4242,
        "form": "json",
        "count": 300,
        "per_frame": 3,
    }

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._sent = 0
        self._frames_to_go = _LINGER_FRAMES
        self._peer = StreamPeerTCP()
        self._peer.connect_to_host("127.0.0.1", int(self.options["port"]))

    def _process(self) -> None:
        self._peer.poll()
        status = self._peer.get_status()
        if status is Status.STATUS_CONNECTING:
            return
        if status is not Status.STATUS_CONNECTED:
            self.prints.append("not connected any more")
            self._end()
            return
        count = int(self.options["count"])
        for _ in range(int(self.options["per_frame"])):
            if self._sent < count:
                self._put({"id": self._sent, "x": self._sent * 1.5})
                self._sent += 1
        if self._sent == count:
            self._frames_to_go -= 1
        if self._frames_to_go == 0:
            self.prints.append(f"sent {self._sent} messages")
            self._end()

    def _put(self, message: dict[str, Any]) -> None:
        if self.options["form"] == "var":
            variant = dumps(message)
            # Two calls, as the engine's put_var makes: first the length, then the value.
            self._peer.put_data(len(variant).to_bytes(4, "little"))
            self._peer.put_data(variant)
        else:
            self._peer.put_data(json.dumps(message, separators=(",", ":")).encode())

    def _close(self) -> None:
        self._peer.disconnect_from_host()


class TalkingClient(PythonProgram):
    """`ws_client.gd`."""

    OPTIONS: ClassVar[Mapping[str, str | int | float]] = {
        "port": 5000,
        "end": "stay",
        "code": 1000,
        "reason": "",
    }

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._open_frames = 0
        self._state = State.STATE_CONNECTING
        self._socket = WebSocketPeer()
        self._socket.connect_to_url(f"ws://127.0.0.1:{self.options['port']}")

    def _process(self) -> None:
        self._socket.poll()
        before, self._state = self._state, self._socket.get_ready_state()
        if self._state is State.STATE_OPEN:
            self._talk(just_opened=before is not self._state)
        elif self._state is State.STATE_CLOSED:
            code, reason = self._socket.get_close_code(), self._socket.get_close_reason()
            self.prints.append(f"closed with code {code} {reason}")
            self._end()

    def _talk(self, *, just_opened: bool) -> None:
        if just_opened:
            self.prints.append("open")
            self._socket.send_text("hello as text")
            self._socket.send(b"hello as bytes")
            self._socket.put_packet(dumps({"hello": "as a Variant"}))
        while self._socket.get_available_packet_count() > 0:
            packet = self._socket.get_packet()
            kind = "text" if self._socket.was_string_packet() else "binary"
            self.prints.append(f"got {kind} of {len(packet)} bytes")
        self._open_frames += 1
        if self._open_frames == _TALK_FRAMES:
            if self.options["end"] == "close":
                self._socket.close(int(self.options["code"]), str(self.options["reason"]))
            elif self.options["end"] == "quit":
                self.prints.append("quit")
                self._end()

    def _close(self) -> None:
        self._socket.close(-1)


class Player(PythonProgram):
    """`player.gd`."""

    OPTIONS: ClassVar[Mapping[str, str | int | float]] = {
        "port": 4242,
        "id": 1,
        "every": 3,
        "form": "var",
        "seconds": 4.0,
    }

    def __init__(self, *, fps: float = 60.0, seconds: float | None = None, **options: Any) -> None:
        super().__init__(fps=fps, seconds=float(options.pop("seconds", 4.0)), **options)
        self._sent = 0
        self._began_ns = time.perf_counter_ns()
        self._udp = PacketPeerUDP()
        self._udp.connect_to_host("127.0.0.1", int(self.options["port"]))

    def _process(self) -> None:
        if self.frames % int(self.options["every"]) == 0:
            self._udp.put_packet(self._state())
            self._sent += 1

    def _state(self) -> bytes:
        turn = self.frames * 0.05
        pos = Vector2(
            200.0 + 100.0 * int(self.options["id"]) + 100.0 * math.cos(turn), 240.0 + 100.0 * math.sin(turn)
        )
        state: dict[str, Any] = {
            "id": int(self.options["id"]),
            "seq": self._sent,
            "t_us": (time.perf_counter_ns() - self._began_ns) // 1000,  # as the engine, from its start
            "hp": 100 - self._sent % 40,
        }
        if self.options["form"] == "json":
            state["pos"] = {"x": pos.x, "y": pos.y}
            return json.dumps(state, separators=(",", ":")).encode()
        state["pos"] = pos
        return dumps(state)

    def _close(self) -> None:
        self.prints.append(f"sent {self._sent} messages")
        self._udp.close()


PYTHON_PROGRAMS: Final[Mapping[str, type[PythonProgram]]] = {
    "udp_one_a_frame": OneAFrame,
    "udp_drained": Drained,
    "tcp_positions": Positions,
    "ws_client": TalkingClient,
    "player": Player,
}
