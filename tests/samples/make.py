"""Makes the canned captures of `gd.sample`, with a real Godot.

    python -m tests.samples.make                  all of them
    python -m tests.samples.make udp-60fps ...    some

Each recipe plays a program of `gdlab/course/scripts` (or of `gdlab/godot/scripts`) in the engine and records it. A
take in which this machine was too busy to show what the sample is about is thrown away: `checks.py` decides, and the
tests ask it again of what was committed.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gdlab as gd
from gdlab import course, godot, watching
from gdlab.analysis.watched import stalls
from gdlab.capture.samples import FOLDER
from gdlab.files import write_csv, write_truth
from gdlab.relays import Relay
from tests.samples.checks import CHECKS, Unfit
from tests.samples.recorded_games import RecordedGame
from tests.waiting import wait_until

TAKES = 8
SEED = 20


@dataclass
class Take:
    """What a recipe gives."""

    capture: gd.Capture | RecordedGame | Relay
    truth: dict[str, Any] = field(default_factory=dict)
    watch: watching.Watch | None = None


@dataclass
class Recipe:
    name: str
    lesson: str
    shows: str
    record: Callable[[], Take]


RECIPES: dict[str, Recipe] = {}


def recipe(name: str, *, lesson: str, shows: str) -> Callable[[Callable[[], Take]], Callable[[], Take]]:
    def add(record: Callable[[], Take]) -> Callable[[], Take]:
        RECIPES[name] = Recipe(name, lesson, shows, record)
        return record

    return add


# ---- UDP: latency and frames


def _pinged(fps: int, rows: int, port: int) -> Take:
    """The blog's client is greeted, then pinged every 11 ms: a rhythm that no usual frame rate has."""

    def reply(message: gd.Message) -> str | None:
        return "hello from Python" if message.text.startswith("The answer is") else None

    with gd.listen(f"udp://127.0.0.1:{port}", reply=reply, ping=0.011) as cap:
        with gd.demo_game(cap.addresses[0], fps=fps, engine=True):
            cap.wait_sync(rows, probes=True, timeout=60)
        cap.stop()
    return Take(cap, {"fps": fps, "ping_ms": 11})


@recipe("udp-60fps", lesson="01, 07, 12", shows="pings answered by a game at 60 frames per second")
def udp_60fps() -> Take:
    return _pinged(60, 620, 4242)


@recipe("udp-30fps", lesson="02, 12", shows="the same game at 30 frames per second")
def udp_30fps() -> Take:
    return _pinged(30, 460, 4243)


@recipe("udp-unknown-fps", lesson="02", shows="a game whose frame rate is for you to find")
def udp_unknown_fps() -> Take:
    take = _pinged(48, 500, 4244)
    return Take(take.capture, {"fps": "for you to find"})


# ---- UDP: loss


def _numbered(to: course.Program, count: int, gap_s: float, size_bytes: int) -> Take:
    """Numbered datagrams to a server that sends back what it has read."""
    before = udp_receive_errors()
    with to, gd.connect(f"udp://127.0.0.1:{to.port}") as cap:
        time.sleep(0.7)  # the game's first frames are slow ones
        began = time.monotonic()
        for n in range(count):
            empty = json.dumps({"n": n, "pad": ""})
            cap.send(
                json.dumps({"n": n, "pad": "x" * max(0, size_bytes - len(empty))}) if size_bytes else {"n": n}
            )
            time.sleep(max(0.0, began + (n + 1) * gap_s - time.monotonic()))
        time.sleep(1.0)
        dropped = udp_receive_errors() - before
        printed = sum(line.startswith("Received data") for line in to.prints)
    return Take(cap, {"sent": count, "read_by_the_game": printed, "dropped_by_the_kernel": dropped})


def udp_receive_errors() -> int:
    """What Linux counts as datagrams dropped because a receive buffer was full, of all programs."""
    head, values = (
        line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")
    )
    return int(values[head.index("RcvbufErrors")])


@recipe(
    "udp-one-a-frame",
    lesson="06",
    shows="300 datagrams at 200 per second to the tutorial's server: two of three are lost",
)
def udp_one_a_frame() -> Take:
    return _numbered(course.program("udp_one_a_frame", engine=True), 300, 0.005, 0)


@recipe("udp-drained", lesson="06", shows="the same 300 datagrams to the mended server: none is lost")
def udp_drained() -> Take:
    return _numbered(course.program("udp_drained", engine=True), 300, 0.005, 0)


@recipe(
    "udp-kernel-full", lesson="06", shows="a burst of 800 small datagrams to a game at 5 frames per second"
)
def udp_kernel_full() -> Take:
    return _numbered(course.program("udp_drained", fps=5, engine=True), 800, 0.0, 0)


@recipe(
    "udp-ring-full",
    lesson="06",
    shows="a burst of 88 datagrams of 1,000 bytes to a game that drains its queue",
)
def udp_ring_full() -> Take:
    return _numbered(course.program("udp_drained", fps=5, engine=True), 88, 0.0, 1000)


@recipe(
    "udp-lossy-path",
    lesson="06",
    shows="600 numbered messages over a path that loses, doubles and delays some",
)
def udp_lossy_path() -> Take:
    with gd.listen("udp://127.0.0.1:4242") as cap, bad_path(4242) as (port, done):
        run = godot.run(
            godot.script("udp_sender"),
            args=[f"port={port}", "count=600", "rate=120/s", "form=probe", "linger=0.2"],
            fps=60,
        )
        assert run.ok, run
        time.sleep(0.3)
    return Take(cap, {"sent": 600, **done})


@contextmanager
def bad_path(to: int):
    """A forwarder in the way; what it does to each datagram is decided by a seeded generator, and noted."""
    chance = random.Random(SEED)
    done: dict[str, Any] = {"lost": 0, "duplicated": 0, "delayed": 0, "seed": SEED}
    held: list[bytes] = []
    ended = threading.Event()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside,
    ):
        inside.bind(("127.0.0.1", 0))
        inside.settimeout(0.1)
        outside.connect(("127.0.0.1", to))

        def forward() -> None:
            while not ended.is_set():
                try:
                    payload = inside.recv(65_535)
                except TimeoutError:
                    continue
                fate = chance.random()
                if fate < 0.05:
                    done["lost"] += 1
                elif fate < 0.07:
                    done["delayed"] += 1
                    held.append(payload)  # the next one overtakes it
                    continue
                else:
                    outside.send(payload)
                    if fate > 0.985:
                        done["duplicated"] += 1
                        outside.send(payload)
                while held:
                    outside.send(held.pop())
            while held:
                outside.send(held.pop())

        thread = threading.Thread(target=forward, name="bad path")
        thread.start()
        try:
            yield inside.getsockname()[1], done
        finally:
            ended.set()
            thread.join()


# ---- TCP


def _positions(form: str, framing: str) -> Take:
    with gd.listen("tcp://127.0.0.1:50007", framing=framing) as cap:
        course.program(
            "tcp_positions", engine=True, port=50007, form=form, count=300, per_frame=3
        ).wait_sync()
        time.sleep(0.3)
    return Take(cap, {"messages_sent": 300, "messages_per_frame": 3})


@recipe(
    "tcp-no-framing",
    lesson="03",
    shows="300 JSON messages over TCP, three a frame, as the reads returned them",
)
def tcp_no_framing() -> Take:
    return _positions("json", "raw")


@recipe("tcp-json", lesson="03", shows="the same messages, taken apart by their brackets")
def tcp_json() -> Take:
    return _positions("json", "json")


@recipe("tcp-put-var", lesson="03", shows="the same messages sent with put_var, taken apart by their lengths")
def tcp_put_var() -> Take:
    return _positions("var", "put_var")


# ---- WebSocket


def _echo(message: gd.Message) -> bytes | str:
    return gd.replies.echo(message)


@recipe(
    "ws-text-and-binary", lesson="05", shows="a game that sends text, bytes and a Variant, and gets them back"
)
def ws_text_and_binary() -> Take:
    with gd.listen("ws://127.0.0.1:5000", reply=_echo) as cap:
        game = course.program(
            "ws_client", engine=True, port=5000, end="close", code=1000, reason="done"
        ).wait_sync()
    return Take(cap, {"the_game_printed": game.prints})


@recipe("ws-too-big", lesson="05", shows="65,535 bytes reach the game, 65,536 end its connection")
def ws_too_big() -> Take:
    with gd.listen("ws://127.0.0.1:5000") as cap:
        game = course.program("ws_client", engine=True, port=5000)
        cap.wait_sync(3, timeout=20)
        cap.send("x" * 65_535)
        time.sleep(0.3)
        cap.send("x" * 65_536)
        game.wait_sync()
        time.sleep(0.2)
    return Take(cap, {"the_game_printed": game.prints})


@recipe("ws-endings", lesson="05", shows="four connections that end in four ways")
def ws_endings() -> Take:
    printed = []
    with gd.listen("ws://127.0.0.1:5000") as cap:
        for number, ending in enumerate(
            (
                {"end": "close", "code": 1000, "reason": "the round is over"},
                {"end": "close", "code": 4001, "reason": "kicked"},
                {"end": "quit"},
                {"end": "stay"},
            ),
            start=1,
        ):
            game = course.program("ws_client", engine=True, port=5000, **ending)
            if ending["end"] == "stay":
                cap.wait_sync(3 * number, timeout=20)
                cap.send("x" * 65_536)
            game.wait_sync()
            printed.append(game.prints)
        time.sleep(0.2)
    return Take(cap, {"the_games_printed": printed})


# ---- a session of three


@recipe(
    "three-players",
    lesson="04, 07",
    shows="three players send their state: 10, 30 and 10 times per second, one still as JSON",
)
def three_players() -> Take:
    players = [
        {"id": 1, "every": 3, "form": "var"},
        {"id": 2, "every": 1, "form": "var"},
        {"id": 3, "every": 3, "form": "json"},
    ]
    with gd.listen("udp://127.0.0.1:4242") as cap, ExitStack() as stack:
        games = [
            stack.enter_context(course.program("player", engine=True, fps=30, port=4242, seconds=5, **player))
            for player in players
        ]
        for game in games:
            game.wait_sync()
    return Take(cap, {"players": players, "the_games_printed": [game.prints[-1] for game in games]})


# ---- through a relay


@recipe("player-60hz", lesson="10", shows="a player's state 60 times per second, numbered, on a perfect path")
def player_60hz() -> Take:
    with gd.listen("udp://127.0.0.1:4242") as cap:
        course.program(
            "player", engine=True, fps=60, port=4242, id=1, every=1, form="json", seconds=8
        ).wait_sync()
        time.sleep(0.2)
    return Take(cap, {"fps": 60})


@recipe(
    "relay-4g-moving",
    lesson="11",
    shows="a relay's own capture of a game on a moving phone (4G), with the truth about each packet",
)
def relay_4g_moving() -> Take:
    with (
        gd.listen("udp://127.0.0.1:4243") as server,
        gd.relay("udp://127.0.0.1:4242", to="udp://127.0.0.1:4243", preset="4g-moving", seed=SEED) as px,
    ):
        course.program(
            "player", engine=True, fps=60, port=4242, id=1, every=2, form="json", seconds=18
        ).wait_sync()
        time.sleep(0.5)
        px.stop(flush=True)
        server.stop()
    return Take(px, {"preset": "4g-moving", "seed": SEED})


@recipe(
    "relay-tcp-stalls",
    lesson="10",
    shows="a relay's own capture of 300 messages over TCP, 3 % of them lost and sent again, with the truth",
)
def relay_tcp_stalls() -> Take:
    with (
        gd.listen("tcp://127.0.0.1:50008", framing="json") as server,
        gd.relay(
            "tcp://127.0.0.1:50007",
            to="tcp://127.0.0.1:50008",
            up=gd.Link(delay_ms=20, loss=0.03),
            down=gd.Link(delay_ms=20),
            framing="json",
            seed=SEED,
        ) as px,
    ):
        course.program(
            "tcp_positions", engine=True, port=50007, form="json", count=300, per_frame=1
        ).wait_sync()
        time.sleep(0.5)
        px.stop(flush=True)
        server.stop()
    return Take(px, {"messages_sent": 300, "seed": SEED})


# ---- a game that is watched

#: The game's project; the lesson shows its script.
BUSY_GAME = Path(__file__).parent / "busy_game"


@recipe(
    "watched-game",
    lesson="08",
    shows="a game whose answers come late: slow frames, a failed script, a breakpoint; with what it told its debugger",
)
def watched_game() -> Take:
    with (
        gd.debugger(breaks="hold", profile=["functions"], restart=True) as watch,
        gd.listen("udp://127.0.0.1:4242", ping=0.04) as cap,
        godot.start(project=BUSY_GAME, args=["port=4242"], debugger=watch, label="game") as game,
    ):
        watch.wait(timeout=30)
        cap.wait_sync(60, probes=True, timeout=20)
        for order, stands_s in (
            ({"order": "crate", "width": 4}, None),
            ({"order": "crate"}, 0.0),
            ({"order": "stop"}, 1.4),
        ):
            time.sleep(2.0)
            cap.send(json.dumps(order))
            if stands_s is not None:
                wait_until(lambda: watch.games[0].session.broken, 5)
                time.sleep(stands_s)
                watch.resume()
        time.sleep(4.0)
        game.stop()
        cap.stop()
        wait_until(lambda: not watch.games[0].running, 5)
    return Take(cap, {"stood_s": 1.4, "broken_by": '{"order": "crate"}'}, watch)


# ---- high-level multiplayer: recorded between two games


@recipe(
    "mp-hog",
    lesson="09",
    shows="RPCs of a client to its server over ENet: one of three takes nearly all bytes",
)
def mp_hog() -> Take:
    return Take(RecordedGame("hog_profiled"), {"bytes": {"state": 29163, "move": 1480, "chat": 131}})


@recipe(
    "mp-throttle",
    lesson="09",
    shows="a round trip that rises from 60 to 300 ms: calls are missing that no network lost",
)
def mp_throttle() -> Take:
    return Take(RecordedGame("step_enet"), {"called": 1244, "thrown_away": 433, "lost": 0})


@recipe(
    "mp-late-joiner",
    lesson="09",
    shows="nodes and methods that the other side does not have: calls that run nothing, or another method",
)
def mp_late_joiner() -> Take:
    return Take(
        RecordedGame("late_enet"), {"only_here": "Main/Game/OnlyHere", "runs": {"only_server": "owners"}}
    )


# ---- writing


def watch_truth(watch: watching.Watch) -> dict[str, Any]:
    """What the check of a watched game asks for: numbers that the committed recording must give, too."""
    found = stalls(watch)
    slow = [each.ms for each in found if each.what == "frame"]
    return {
        "game_frames": len(watch.frames),
        "slow_frames": len(slow),
        "slowest_ms": round(max(slow, default=0.0), 1),
        "stood_ms": [round(each.ms) for each in found if each.what == "break"],
    }


def write(chosen: Recipe, take: Take, engine: godot.Engine) -> Path:
    table = take.capture.df
    provenance = dict(take.capture.provenance)
    provenance["sample"] = {
        "name": chosen.name,
        "shows": chosen.shows,
        "lesson": chosen.lesson,
        "godot": take.capture.engine if isinstance(take.capture, RecordedGame) else engine.version,
        "how": f"tests/samples/make.py, recipe {chosen.name}",
        "seconds": round((table.time.iloc[-1] - table.time.iloc[0]).total_seconds(), 1),
        "truth": take.truth,
    }
    if take.watch is not None:
        take.watch.save(FOLDER / f"{chosen.name}.watch")
    path = write_csv(table, FOLDER / f"{chosen.name}.csv", provenance=provenance)
    if isinstance(take.capture, Relay):
        write_truth(take.capture.truth, path)
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="which; all by default")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    engine = godot.find()
    FOLDER.mkdir(exist_ok=True)
    failed = []
    for name in options.names or RECIPES:
        for number in range(1, TAKES + 1):
            take = RECIPES[name].record()
            with suppress(Exception):
                take.capture.stop()
            if take.watch is not None:
                take.truth["watch"] = watch_truth(take.watch)
            try:
                CHECKS[name](take.capture.df, take.truth)
            except Unfit as why:
                print(f"{name}: take {number} is thrown away: {why}", flush=True)
                continue
            path = write(RECIPES[name], take, engine)
            print(
                f"{name}: {len(take.capture.df)} rows, {path.stat().st_size} bytes, {take.truth}", flush=True
            )
            break
        else:
            failed.append(name)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
