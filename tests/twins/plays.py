"""The plays: how each rule's guilty capture is made, and the innocent one, which lacks the fault and nothing else."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from unittest import mock

from websockets.sync.server import serve

import gdlab as gd
from gdlab.relays import Relay
from gdlab.transports import udp
from gdlab.transports.datagrams import prepare_datagrams
from tests.ports import free_port
from tests.twins.stage import Play, Player, Shown, Waits, seconds

PLAYS: Final[dict[str, Callable[[bool], Play]]] = {}
UDP, TCP = socket.SOCK_DGRAM, socket.SOCK_STREAM


def play(rule: str) -> Callable[[Callable[[bool], Play]], Callable[[bool], Play]]:
    def add(function: Callable[[bool], Play]) -> Callable[[bool], Play]:
        PLAYS[rule] = function
        return function

    return add


def at(transport: str) -> str:
    """An address of this machine that nobody else has."""
    return f"{transport}://127.0.0.1:{free_port(UDP if transport == 'udp' else TCP)}"


def heard(cap: gd.Capture, rows: int = 1) -> Waits:
    """So many messages have come from the game, pings aside."""
    return lambda: len(cap) >= rows and int((cap.conversations()["messages_in"]).sum()) >= rows


def answered(cap: gd.Capture, trips: int) -> Waits:
    return lambda: cap.round_trips()["rtt_ms"].notna().sum() >= trips


def told(source: gd.Capture, rule: str) -> Waits:
    return lambda: rule in set(source.findings()["rule"])


def event(cap: gd.Capture, name: str) -> Waits:
    return lambda: bool((cap.df["event"] == name).any())


def done(work: Callable[[], None]) -> Waits:
    """Until a thread has done its work."""
    thread = threading.Thread(target=work)
    thread.start()
    return lambda: not thread.is_alive()


def send(cap: gd.Capture, count: int, every_s: float) -> None:
    began = time.monotonic()
    for number in range(count):
        cap.send({"seq": number})
        time.sleep(max(0.0, began + (number + 1) * every_s - time.monotonic()))


# ---- UDP: what arrives


@play("nothing-arrived")
def nothing_arrived(bad: bool) -> Play:
    with gd.listen(at("udp")) as cap:
        yield Player("sender", cap.port, bad, ("lost_port",))
        yield seconds(1.0) if bad else heard(cap, 10)
    return Shown(cap)


@play("enet-unanswered")
def enet_unanswered(bad: bool) -> Play:
    if bad:
        with gd.listen(at("udp")) as cap:
            yield Player("enet", cap.port, bad)
            yield told(cap, "enet-unanswered")
        return Shown(cap)
    port = free_port(UDP)
    with gd.relay(at("udp"), to=f"udp://127.0.0.1:{port}") as px:
        yield Player("enet", port_of(px), bad, (port,))
        yield lambda: len(px.df) > 12  # asked, answered and acknowledged, at both sides of the relay
    return Shown(px)


def sent(bad: bool, *options: object, rows: int = 60) -> Play:
    with gd.listen(at("udp")) as cap:
        yield Player("sender", cap.port, bad, options)
        yield heard(cap, rows)
    return Shown(cap)


PLAYS |= {
    "over-mtu": lambda bad: sent(bad, "size", 2000, 1200, rows=10),
    "over-enet-mtu": lambda bad: sent(bad, "size", 1400, 1300, rows=10),
    "large-integers": lambda bad: sent(bad, "large_integer", rows=10),
    "foreign-clock": lambda bad: sent(bad, "clock"),
    "coarse-clock": lambda bad: sent(bad, "coarse_clock"),
    "leaping-numbers": lambda bad: sent(bad, "leap"),
}


@play("own-buffer")
def own_buffer(bad: bool) -> Play:
    small = functools.partial(prepare_datagrams, size=4096)
    with mock.patch.object(udp, "prepare_datagrams", small if bad else prepare_datagrams):
        cap = gd.listen(at("udp"))
    with cap:
        yield Player("sender", cap.port, bad, ("burst",))
        yield heard(cap, 3000) if not bad else heard(cap, 1)
        yield seconds(0.5)
    return Shown(cap)


@play("gap")
def gap(bad: bool) -> Play:
    with gd.listen(at("udp")) as cap:
        yield Player("sender", cap.port, bad, ("number",))
        yield heard(cap, 20)
        if bad:
            cap.stop()
            yield seconds(0.5)
            cap.start()
        yield heard(cap, 40)
    return Shown(cap)


@play("cut-off")
def cut_off(bad: bool) -> Play:
    with tempfile.TemporaryDirectory() as made:
        folder, copied = Path(made) / "spill", Path(made) / "copied"
        with gd.listen(at("udp"), spill=folder) as cap:
            yield Player("sender", cap.port, bad, ("number",))
            yield heard(cap, 40)
            # What a killed program leaves is what stands there while it runs.
            yield lambda: any(folder.rglob("*.arrows")) or any(folder.iterdir())
            yield seconds(1.5)
            if bad:
                shutil.copytree(folder, copied)
        yield seconds(0.1)
        return Shown(gd.load(copied if bad else folder))


# ---- UDP: loss


@play("missing-numbers")
def missing_numbers(bad: bool) -> Play:
    with (
        gd.listen(at("udp")) as cap,
        gd.relay(at("udp"), to=cap.addresses[0], up=gd.Link(loss=0.1 if bad else 0.0), seed=14) as px,
    ):
        yield Player("sender", port_of(px), bad, ("clock",))
        yield heard(cap, 100)
    return Shown(cap)


@play("lost-where")
def lost_where(bad: bool) -> Play:
    port = free_port(UDP)
    with gd.listen(at("udp")) as receiver:
        yield Player("forward", port, bad, (receiver.port,))
        with gd.connect(f"udp://127.0.0.1:{port}") as sender:
            yield done(lambda: send(sender, 150, 0.006))
            yield heard(receiver, 1 if bad else 150)
            yield seconds(0.5)
    return Shown(receiver, sender=sender)


@play("one-a-frame")
def one_a_frame(bad: bool) -> Play:
    port = free_port(UDP)
    yield Player("lost_peers", port, bad)
    with gd.connect(f"udp://127.0.0.1:{port}", ping=0.025) as cap:
        yield done(lambda: send(cap, 600, 0.01))
        yield told(cap, "one-a-frame") if bad else seconds(2.2)
    return Shown(cap)


@play("refused-datagrams")
def refused_datagrams(bad: bool) -> Play:
    port = free_port(UDP)
    yield Player("unbound", port, bad)
    with gd.connect(f"udp://127.0.0.1:{port}") as cap:
        for number in range(5):
            cap.send(f"message {number}")
            yield seconds(0.1)
        yield event(cap, "error") if bad else heard(cap, 5)
    return Shown(cap)


# ---- UDP: round trips


def pinged(bad: bool, kind: str, ping: float, trips: int) -> Play:
    with gd.listen(at("udp"), ping=ping) as cap:
        yield Player(kind, cap.port, bad)
        yield answered(cap, trips)
    return Shown(cap)


@play("unanswered-pings")
def unanswered(bad: bool) -> Play:
    with gd.listen(at("udp"), ping=0.1) as cap:
        yield Player("mute", cap.port, bad)
        yield told(cap, "unanswered-pings") if bad else answered(cap, 40)
    return Shown(cap)


@play("overload")
def overload(bad: bool) -> Play:
    with gd.listen(at("udp"), ping=0.006) as cap:
        yield Player("if_echo", cap.port, bad)
        yield told(cap, "overload") if bad else answered(cap, 400)
    return Shown(cap)


@play("frame-rate")
def frame_rate(bad: bool) -> Play:
    with gd.listen(at("udp"), ping=0.011) as cap:
        yield Player("threaded", cap.port, bad)
        yield answered(cap, 350)
    return Shown(cap)


@play("paused-sender")
def paused_sender(bad: bool) -> Play:
    with gd.listen(at("udp"), ping=0.02) as cap:
        yield Player("echo", cap.port, bad)
        yield answered(cap, 40)
        if bad:
            cap.set_ping(None)
            yield seconds(1.0)
            cap.set_ping(0.02)
        yield answered(cap, 80)
    return Shown(cap)


@play("few-samples")
def few_samples(bad: bool) -> Play:
    with gd.listen(at("udp"), ping=0.004) as cap:
        yield Player("echo", cap.port, bad)
        yield answered(cap, 40 if bad else 1050)
    return Shown(cap)


# ---- TCP


@play("nobody-there")
def nobody_there(bad: bool) -> Play:
    port = free_port(TCP)
    yield Player("late_server", port, bad)
    with gd.connect(f"tcp://127.0.0.1:{port}", framing="lines", reconnect=True) as cap:
        yield event(cap, "error") if bad else heard(cap)
    return Shown(cap)


def streamed(kind: str, framing: str, until: Callable[[gd.Capture, bool], Waits]) -> Callable[[bool], Play]:
    def performed(bad: bool) -> Play:
        with gd.listen(at("tcp"), framing=framing) as cap:
            yield Player(kind, cap.port, bad)
            yield until(cap, bad)
        return Shown(cap)

    return performed


PLAYS |= {
    "connected-and-silent": streamed(
        "silent", "lines", lambda cap, bad: told(cap, "connected-and-silent") if bad else seconds(3.5)
    ),
    "left": streamed("leaver", "lines", lambda cap, bad: event(cap, "close")),
    "bytes-waiting": streamed(
        "half", "put_utf8_string", lambda cap, bad: told(cap, "bytes-waiting") if bad else heard(cap, 2)
    ),
    "encrypted": streamed("tls", "auto", lambda cap, bad: event(cap, "error") if bad else heard(cap)),
}


@play("nagle")
def nagle(bad: bool) -> Play:
    with gd.listen(at("tcp"), framing="u32le", ping=0.08, reply=lambda _: b"ok") as cap:
        yield Player("small_writes", cap.port, bad)
        yield answered(cap, 60)
    return Shown(cap)


@play("glued-or-split")
def glued_or_split(bad: bool) -> Play:
    with gd.listen(at("tcp"), framing="raw" if bad else "json") as cap:
        yield Player("glued", cap.port, bad)
        yield told(cap, "glued-or-split") if bad else heard(cap, 90)
    return Shown(cap)


@play("lost-characters")
def lost_characters(bad: bool) -> Play:
    with gd.listen(at("tcp"), framing="put_utf8_string") as cap:
        yield Player("texts", cap.port, bad)
        yield heard(cap, 1)
        cap.send("Zürich")
        yield heard(cap, 2)
    return Shown(cap)


# ---- WebSocket


def spoken(bad: bool, kind: str, *options: object, ends: bool = False, address: str = "") -> Play:
    with gd.listen(address or at("ws")) as cap:
        yield Player(kind, cap.port, bad, options)
        yield event(cap, "close") if ends or bad else heard(cap)
    return Shown(cap)


PLAYS |= {
    "close-1006": lambda bad: spoken(bad, "ending", "none", ends=True),
    "own-close-1007": lambda bad: spoken(bad, "as_text", "none"),
    "own-close-1002": lambda bad: spoken(bad, "by_hand"),
}


@play("refused-visitors")
def refused_visitors(bad: bool) -> Play:
    with gd.listen(f"{at('ws')}/game") as cap:
        yield Player("socket", cap.port, bad, ("path",))
        yield event(cap, "error") if bad else heard(cap)
    return Shown(cap)


@play("sub-protocol")
def sub_protocol(bad: bool) -> Play:
    with gd.listen(at("ws"), subprotocols=["chat"]) as cap:
        yield Player("socket", cap.port, bad, ("protocol",))
        yield event(cap, "error") if bad else heard(cap)
    return Shown(cap)


@play("own-close-1009")
def own_close_1009(bad: bool) -> Play:
    with gd.listen(at("ws"), max_message_bytes=1000) as cap:
        yield Player("socket", cap.port, bad, ("long",))
        yield event(cap, "close") if bad else heard(cap)
    return Shown(cap)


@play("close-1009")
def close_1009(bad: bool) -> Play:
    with gd.listen(at("ws")) as cap:
        yield Player("socket", cap.port, bad, ("buffer",))
        yield heard(cap)
        cap.send("x" * 65_536)
        yield event(cap, "close") if bad else seconds(0.5)
    return Shown(cap)


@play("over-websocket-buffer")
def over_websocket_buffer(bad: bool) -> Play:
    with gd.listen(at("ws")) as cap:
        yield Player("socket", cap.port, bad, ("none",))
        yield heard(cap)
        cap.send("x" * (65_536 if bad else 65_535))
        yield event(cap, "close") if bad else seconds(0.5)
    return Shown(cap)


def spoilt(bad: bool, spoil: Callable[[bytes], bytes]) -> Play:
    """A proxy between the game and the capture changes one message."""
    with gd.listen(at("ws")) as cap, proxy(cap.port, spoil if bad else bytes) as port:
        yield Player("socket", port, bad, ("none",))
        yield heard(cap)
        cap.send("spoil me")
        yield event(cap, "close") if bad else seconds(0.5)
    return Shown(cap)


#: The first two bytes of the frame are its kind and its length; a server's frames must not be masked.
PLAYS |= {
    "close-1002": lambda bad: spoilt(bad, lambda data: data.replace(b"\x81\x08spoil", b"\x81\x88spoil")),
    "close-1007": lambda bad: spoilt(bad, lambda data: data.replace(b"spoil", b"sp\xffil")),
}


@contextmanager
def proxy(to: int, spoil: Callable[[bytes], bytes]) -> Iterator[int]:
    """Hands on the bytes of one connection, those towards the game as they are spoilt."""
    with socket.create_server(("127.0.0.1", 0)) as front:

        def serve() -> None:
            try:
                game, _ = front.accept()
            except OSError:
                return
            with game, socket.create_connection(("127.0.0.1", to)) as back:
                there = threading.Thread(target=pump, args=(game, back, bytes))
                there.start()
                pump(back, game, spoil)
                there.join()

        def pump(source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]) -> None:
            try:
                while data := source.recv(65_536):
                    sink.sendall(change(data))
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield front.getsockname()[1]
        finally:
            front.shutdown(socket.SHUT_RDWR)
            thread.join()


@play("close-1011")
def close_1011(bad: bool) -> Play:
    """A server of the `websockets` library gives up a game that answers no keep-alive ping; the relay sees both."""
    server = serve(
        lambda connection: [None for _ in connection], "127.0.0.1", 0, ping_interval=0.5, ping_timeout=2.5
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with gd.relay(at("ws"), to=f"ws://127.0.0.1:{server.socket.getsockname()[1]}") as px:
            yield Player("socket", port_of(px), bad, ("blocked",))
            yield seconds(9.0)
    finally:
        server.shutdown()
        thread.join()
    return Shown(px)


# ---- through a relay


def port_of(px: Relay) -> int:
    return int(px.addresses[0].rpartition(":")[2])


def relayed(bad: bool, up: gd.Link, without: gd.Link, rows: int, duration: float = 0.0) -> Play:
    with (
        gd.listen(at("udp")) as server,
        gd.relay(at("udp"), to=server.addresses[0], up=up if bad else without, seed=14) as px,
    ):
        yield Player("sender", port_of(px), bad, ("number",))
        yield heard(server, rows)
        yield seconds(duration)
        px.stop(flush=True)
    return Shown(px)


@play("relay-late")
def relay_late(bad: bool) -> Play:
    with (
        gd.listen(at("udp")) as server,
        gd.relay(at("udp"), to=server.addresses[0], up=gd.Link(delay_ms=40), seed=14) as px,
    ):
        yield Player("sender", port_of(px), bad, ("number",))
        with suppress(PermissionError):  # both twins: other programs of this machine are no fault of theirs
            os.sched_setscheduler(px.pid, os.SCHED_FIFO, os.sched_param(50))
        for _ in range(20):
            yield seconds(0.5)
            if bad:  # the system gives the relay no time, as when the machine is busy
                os.kill(px.pid, signal.SIGSTOP)
                yield seconds(0.06)
                os.kill(px.pid, signal.SIGCONT)
        px.stop(flush=True)
    return Shown(px)


PLAYS |= {
    "relay-not-network": lambda bad: relayed(bad, gd.Link(loss=0.1), gd.Link(), 60),
    "jitter-clamped": lambda bad: relayed(
        bad, gd.Link(delay_ms=100, jitter_ms=100), gd.Link(delay_ms=100, jitter_ms=100, order="free"), 130
    ),
    "queue-standing": lambda bad: relayed(
        bad, gd.Link(rate_kbps=5, queue_ms=60_000), gd.Link(rate_kbps=50, queue_ms=60_000), 20, 8.0
    ),
}
