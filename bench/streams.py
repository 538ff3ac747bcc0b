"""The TCP and WebSocket listeners against what one writes by hand: ``python -m bench streams``.

Every contender takes the same bytes from the same sender, in a process of its own. The listeners capture: every
message is a row with stamp, peer, kind and wire size, and so is every answer; the C program keeps stamp, size and
payload, the other ones append the payload to a list, one of them with its time, and keep nothing where they answer.
Then what Nagle's algorithm costs, and memory and processor time of many connections in one listener.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import gdlab
from bench.native import helper
from bench.rounds import Contender, InvariantBroken, Metric, Result, Table, Target, interleave
from bench.stream_senders import (
    Server,
    echoed,
    figures,
    lacking,
    masked,
    payloads,
    prefixed,
    sent,
    steady,
    unmasked,
)
from bench.stream_servers import (
    AIOHTTP,
    ASYNCIO,
    GDLAB_TCP,
    GDLAB_WS,
    JOINING,
    LOOP,
    PICOWS,
    PICOWS_TIMED,
    STREAMS,
)
from gdlab import probe

C = "C"
WINDOW = 64
RATE = Metric("k_per_s", "1000/s", 0, ratio=True)
CPU = Metric("us_each", "CPU µs/message", 2, ratio=True)


def by_c(wire: bytes, count: int) -> Result:
    """A C program, for TCP; its processor time is that of the whole process."""
    binary, _ = helper()
    with subprocess.Popen([str(binary), "frames", str(count)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with socket.create_connection(("127.0.0.1", int(process.stdout.readline()))) as sock:
            began = time.perf_counter()
            sock.sendall(wire)
            if int(process.stdout.readline()) != count:
                raise InvariantBroken("the C program has not received all messages")
            took = time.perf_counter() - began
    return {"k_per_s": figures(count, took, 0.0)["k_per_s"]}


def compared(
    names: Sequence[str],
    run: Callable[[Server], Result],
    rounds: int,
    *modes: str,
    others: Sequence[Contender] = (),
) -> tuple[dict[str, list[Result]], dict[str, str]]:
    """Start one process for each name, warm it up, and let them take turns."""
    with contextlib.ExitStack() as stack:
        contenders = []
        for name in names:
            if why := lacking(name):
                contenders.append(Contender(name, None, why))
                continue
            server = stack.enter_context(Server(name, *modes))
            run(server)
            contenders.append(Contender(name, functools.partial(run, server)))
        return interleave([*contenders, *others], rounds)


def one_way(rounds: int) -> Iterator[Table]:
    _, no_c = helper()
    for mixed in (False, True):
        count = 400_000
        wire = b"".join(map(prefixed, payloads(count, mixed=mixed)))
        results, missing = compared(
            [GDLAB_TCP, LOOP, STREAMS],
            lambda server, wire=wire, count=count: sent(server, wire, count),
            rounds + 1,
            others=[Contender(C, functools.partial(by_c, wire, count), no_c)],
        )
        yield Table(
            f"TCP frames of {'mixed sizes, 20 to 200' if mixed else '64'} bytes behind a u32 length, one way",
            [RATE, CPU],
            LOOP,
            results,
            missing,
            [Target(GDLAB_TCP, "k_per_s", least=2 if mixed else 4, against=LOOP)],
        )
    for mixed in (False, True):
        count = 200_000
        wire = b"".join(map(masked, payloads(count, mixed=mixed)))
        results, missing = compared(
            [GDLAB_WS, PICOWS, PICOWS_TIMED, AIOHTTP, ASYNCIO],
            lambda server, wire=wire, count=count: sent(server, wire, count),
            rounds + 1,
        )
        yield Table(
            f"WebSocket, capture one way, {'20 to 200' if mixed else '64'} bytes",
            [RATE, CPU],
            PICOWS,
            results,
            missing,
            [Target(GDLAB_WS, "k_per_s", least=1.2, against=PICOWS)],
        )


def replies(rounds: int) -> Iterator[Table]:
    count = 40_000
    messages = payloads(count, mixed=False)
    for names, wire, wanted, reference, targets in (
        (
            [GDLAB_TCP, LOOP, JOINING, STREAMS],
            b"".join(map(prefixed, messages)),
            b"".join(map(prefixed, messages)),
            LOOP,
            [
                Target(GDLAB_TCP, "k_per_s", least=0.7, against=LOOP),
                Target(GDLAB_TCP, "k_per_s", least=0.7, against=JOINING, source="the fastest loop"),
            ],
        ),
        (
            [GDLAB_WS, PICOWS, AIOHTTP, ASYNCIO],
            b"".join(map(masked, messages)),
            b"".join(map(unmasked, messages)),
            PICOWS,
            [
                Target(GDLAB_WS, "k_per_s", least=1, against=PICOWS),
                Target(GDLAB_WS, "k_per_s", least=1, against=ASYNCIO),
            ],
        ),
    ):
        results, missing = compared(
            names,
            lambda server, wire=wire, wanted=wanted: echoed(server, wire, wanted, count, WINDOW),
            rounds + 1,
            "echo",
        )
        yield Table(
            f"replies: echo of {'TCP' if reference == LOOP else 'WebSocket'} at window {WINDOW}, 64 bytes",
            [RATE, CPU],
            reference,
            results,
            missing,
            targets,
            ["gdlab keeps both directions as rows; the others keep nothing"],
        )


def two_writes(*, nodelay: bool, count: int = 40) -> Result:
    """Round trips of pings that follow at once on another message, to a peer that answers the ping.

    With Nagle's algorithm the ping waits until the message before it is acknowledged, which the peer's system puts
    off, as it hopes to send the acknowledgement with data: 40 ms on Linux (RFC 896, RFC 1122 section 4.2.3.2).
    """
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        capture = stack.enter_context(gdlab.connect(address, framing="lines", nodelay=nodelay))
        sock = stack.enter_context(server.accept()[0])
        stream = stack.enter_context(sock.makefile("rb"))
        for number in range(count):
            capture.send("the position")
            capture.send(probe.ping(number, time.time_ns()))
            stream.readline()
            sock.sendall(stream.readline())
            capture.wait_sync(number + 1, timeout=10)
        trips = gdlab.analysis.round_trips(capture.df).rtt_ms
        told = "nagle" in set(capture.findings()["rule"])
    if told is nodelay:
        raise InvariantBroken(f"with TCP_NODELAY {nodelay} the finding about Nagle was given: {told}")
    return {"median_ms": float(trips.median()), "longest_ms": float(trips.max())}


def nagle(rounds: int) -> Iterator[Table]:
    results, missing = interleave(
        [
            Contender(name, functools.partial(two_writes, nodelay=nodelay))
            for name, nodelay in (("TCP_NODELAY", True), ("Nagle's algorithm", False))
        ],
        rounds,
    )
    yield Table(
        "TCP round trips of the second of two messages",
        [Metric("median_ms", "median, ms", 2, ratio=True), Metric("longest_ms", "longest, ms", 1)],
        "Nagle's algorithm",
        results,
        missing,
        [Target("TCP_NODELAY", "median_ms", most=0.2, against="Nagle's algorithm")],
        ["the finding about Nagle is given for the one capture and not for the other"],
    )


def many(rounds: int) -> Iterator[Table]:
    count, active = 1000, 200
    message = b"x" * 64

    def apart(name: str, *, spread: bool) -> Result:
        """Each in a process of its own, whose memory nobody has used before."""
        with Server(name) as server:
            wire = prefixed(message) if name == GDLAB_TCP else masked(message)
            return steady(server, wire, count, active, spread=spread)

    kinds = {
        "TCP": (GDLAB_TCP, False),
        "WebSocket": (GDLAB_WS, False),
        "TCP, spread": (GDLAB_TCP, True),
        "WebSocket, spread": (GDLAB_WS, True),
    }
    results, missing = interleave(
        [
            Contender(name, functools.partial(apart, who, spread=spread))
            for name, (who, spread) in kinds.items()
        ],
        rounds,
    )
    yield Table(
        f"{active} connections at 60/s, of {count} in one listener",
        [
            Metric("bytes_each", "bytes each", 0),
            Metric("idle_percent", "idle, % of a core", 2),
            Metric("busy_percent", f"{active} at 60/s, % of a core", 1),
            Metric("us_each", "CPU µs/message", 1),
        ],
        "TCP",
        results,
        missing,
        [Target(name, "busy_percent", most=20 if name.startswith("TCP") else 25) for name in kinds],
        ["spread: each connection sends at its own moment of the frame, else all at the same"],
    )


def growth(rounds: int) -> Iterator[Table]:
    """Every figure once more at ten times the size: what a message costs must not depend on how many there are."""
    for what, who, count, frame, back, window in (
        ("TCP, mixed sizes, one way", GDLAB_TCP, 40_000, prefixed, None, 0),
        ("WebSocket, 20 to 200 bytes, one way", GDLAB_WS, 20_000, masked, None, 0),
        ("echo of TCP", GDLAB_TCP, 4_000, prefixed, prefixed, WINDOW),
        ("echo of WebSocket", GDLAB_WS, 4_000, masked, unmasked, WINDOW),
    ):
        contenders = []
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(Server(who, *(["echo"] if back else [])))
            for size in (count, 10 * count):
                messages = payloads(size, mixed=back is None)
                wire = b"".join(map(frame, messages))
                if back is None:
                    run = functools.partial(sent, server, wire, size)
                else:
                    run = functools.partial(echoed, server, wire, b"".join(map(back, messages)), size, window)
                contenders.append(Contender(f"{size:,} messages", run))
            contenders[0].run()
            results, missing = interleave(contenders, rounds + 1)
        yield grown(what, contenders, results, missing)
    for name, who, frame in (("TCP", GDLAB_TCP, prefixed), ("WebSocket", GDLAB_WS, masked)):

        def steadily(active: int, who: str = who, wire: bytes = frame(b"x" * 64)) -> Result:
            with Server(who) as server:
                return steady(server, wire, active, active, spread=True)

        contenders = [
            Contender(f"{active} connections", functools.partial(steadily, active)) for active in (20, 200)
        ]
        results, missing = interleave(contenders, rounds)
        yield grown(f"{name} connections at 60/s", contenders, results, missing)


def grown(
    what: str, contenders: Sequence[Contender], results: dict[str, list[Result]], missing: dict[str, str]
) -> Table:
    few, many = (contender.name for contender in contenders)
    target = Target(many, "us_each", most=1.2, against=few, source="issue")
    title = f"growth, {what}: CPU per message at ten times the size"
    return Table(title, [CPU], few, results, missing, [target])


def tables(rounds: int) -> Iterator[Table]:
    yield from one_way(rounds)
    yield from replies(rounds)
    if sys.platform == "linux":
        yield from nagle(rounds)
    yield from many(rounds)
    yield from growth(rounds)
