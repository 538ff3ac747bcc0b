"""UDP: the cost of receiving, what is lost, and how true the stamps are."""

import contextlib
from collections.abc import Callable, Iterator

from bench.native import IN_C, Receiver, drained, echoed, helper, send, streamed
from bench.rounds import Contender, Metric, Result, Table, Target, interleave

C, GDLAB, LOOP, ASYNCIO = "C recvmmsg", "gdlab", "recvfrom loop", "asyncio"
MACOS, WINDOWS = "gdlab as on macOS", "gdlab as on Windows"  # one by one, with the kernel's stamps or without
ECHO, ECHO_LOOP, ECHO_ASYNCIO = "gdlab echo", "echo loop", "echo asyncio"
DEFAULT_BUFFER = 212_992 // 2  # what Linux gives to whom does not ask; it doubles the number
ASKED_BUFFER = (
    212_992  # what is granted at most to whom asks, as gdlab does, where the system's bound is the old one
)
USER_BUFFER = 4 << 20  # 8 MiB granted: a common bound for plain users
ROOT_BUFFER = 32 << 20  # 64 MiB granted to root

Run = Callable[[Receiver], Result]


def compared(names: list[str], run: Run, rounds: int, buffer: int = ROOT_BUFFER) -> tuple[dict, dict]:
    """Start one process for each name, warm it up, and let them take turns."""
    binary, why = helper()
    with contextlib.ExitStack() as stack:
        contenders = []
        for name in names:
            if name in IN_C and binary is None:
                contenders.append(Contender(name, None, why))
                continue
            receiver = Receiver(name, receive_buffer=buffer)
            stack.callback(receiver.close)
            streamed(receiver, 64, 500, 20_000)
            contenders.append(Contender(name, lambda receiver=receiver: run(receiver)))
        return interleave(contenders, rounds)


EACH = Metric("ns_each", "CPU ns/datagram", 0, ratio=True)
LOSS = Metric("loss_percent", "lost %", 2)


def queued(rounds: int) -> Iterator[Table]:
    """The receiver's CPU time for what stands in the queue already."""
    for size, count, bound in ((64, 60_000, 1.25), (512, 40_000, 1.15)):
        names = [C, GDLAB, MACOS, WINDOWS, LOOP, ASYNCIO]
        results, missing = compared(
            names, lambda receiver, s=size, n=count: drained(receiver, s, n), rounds + 1
        )
        yield Table(
            f"UDP {size} B, queued, and UDP, portable path (Windows, macOS): CPU of the receiving thread for {count} "
            "datagrams, stored with stamp and sender",
            [EACH, LOSS],
            C,
            results,
            missing,
            [
                Target(GDLAB, "ns_each", most=bound, against=C, source="U1" if size == 64 else "issue"),
                Target(WINDOWS, "ns_each", most=1.3, against=LOOP, source="issue"),
                Target(MACOS, "ns_each", most=1.3, against=LOOP, source="issue"),
                Target(GDLAB, "ns_each", least=2.2, against=LOOP, upside_down=True, source="U2"),
                Target(GDLAB, "ns_each", least=8, against=ASYNCIO, upside_down=True, source="U2, issue"),
            ],
        )


def flood(rounds: int) -> Iterator[Table]:
    """How many a second come through when a sender does its worst."""
    for size in (64, 512):

        def run(receiver: Receiver, size: int = size) -> Result:
            count = 1_000_000
            receiver.begin()
            seconds = send(receiver.port, size, count, 0)
            result = receiver.end(count)
            # Over the time of the stream or of the receiving, whichever took longer.
            return {
                **result,
                "per_s": result["count"] / max(seconds, result["wall_s"]),
                "sent_per_s": count / seconds,
            }

        results, missing = compared([C, GDLAB, LOOP, ASYNCIO], run, rounds, USER_BUFFER)
        yield Table(
            f"UDP {size} B, flood segmented by the kernel, 8 MiB buffer: datagrams received per second",
            [Metric("per_s", "received/s", 0, ratio=True), Metric("sent_per_s", "offered/s", 0), LOSS],
            C,
            results,
            missing,
            [
                Target(GDLAB, "per_s", least=0.8 if size == 64 else 0.85, against=C, source="issue"),
                Target(GDLAB, "per_s", least=8, against=ASYNCIO, source="issue"),
            ],
            ["sender and receiver share the cores; every datagram not received was counted as dropped"],
        )


LADDER = [10_000 * 2**step for step in range(8)]


def without_loss(rounds: int) -> Iterator[Table]:
    """The highest rate of a paced stream of which nothing is lost."""

    def run(receiver: Receiver) -> Result:
        best = 0
        for rate in LADDER:
            # A second chance: on a shared machine another process may take the core for longer than the buffer lasts.
            if all(streamed(receiver, 64, rate // 4, rate)["lost"] for _ in range(2)):
                break
            best = rate
        return {"best": best or LADDER[0] / 2}

    results, missing = compared([C, GDLAB, LOOP, ASYNCIO], run, max(1, rounds - 1), USER_BUFFER)
    yield Table(
        "UDP, 64 B, paced, 8 MiB buffer: highest rate without loss (steps of 2, a quarter of a second each)",
        [Metric("best", "datagrams/s", 0, ratio=True)],
        LOOP,
        results,
        missing,
        [
            Target(GDLAB, "best", least=2.5, against=LOOP, source="U3"),
            Target(GDLAB, "best", least=10, against=ASYNCIO, source="U3"),
        ],
        [
            (
                "a quarter of a second at 40,000/s fits into the buffer: lower steps lose nothing whoever receives; "
                f"the highest step is {LADDER[-1]:,}/s"
            )
        ],
    )


def busy(rounds: int) -> Iterator[Table]:
    """What is lost, and how late the stamps are, while the user's cell computes."""
    cases = [
        ("default 208 KiB buffer", DEFAULT_BUFFER, 1000, [GDLAB, LOOP]),
        ("default 208 KiB buffer", DEFAULT_BUFFER, 10_000, [GDLAB, LOOP]),
        ("8 MiB buffer", USER_BUFFER, 10_000, [GDLAB, LOOP, ASYNCIO]),
        ("8 MiB buffer", USER_BUFFER, 50_000, [GDLAB, LOOP, ASYNCIO]),
        ("64 MiB buffer (root)", ROOT_BUFFER, 50_000, [GDLAB, LOOP]),
    ]
    for title, buffer, rate, names in cases:
        results, missing = compared(
            names,
            lambda receiver, rate=rate: streamed(receiver, 64, rate, rate, busy=True),
            min(rounds, 2),
            buffer,
        )
        targets = [
            Target(GDLAB, "stamp_p50_us", most=1 / 200, against=LOOP, source="U7"),
            Target(GDLAB, "stamp_p99_us", most=1000, source="U7"),
        ]
        if buffer != DEFAULT_BUFFER:
            targets.append(Target(GDLAB, "lost", most=0, source={10_000: "U4"}.get(rate, "U5, issue")))
        elif rate == 10_000:
            targets.append(Target(GDLAB, "lost", most=0.1, against=LOOP, source="U6"))
        yield Table(
            f"UDP, {rate}/s for 1 s while the main thread computes in pure Python, {title}",
            [
                Metric("lost", "lost", 0),
                LOSS,
                Metric("stamp_p50_us", "stamp error us, median", 1, ratio=True),
                Metric("stamp_p99_us", "99 %", 1),
            ],
            LOOP,
            results,
            missing,
            targets,
        )


def steady(rounds: int) -> Iterator[Table]:
    """The CPU time of a stream that is far from any limit."""
    for rate, most, title, buffer, floor in (
        # The floor is what the kernel's part and the wake-ups cost a program in C that naps as gdlab does.
        (10_000, 0.3, "64 MiB buffer", ROOT_BUFFER, "C, naps of 90 ms"),
        (
            10_000,
            0.3,
            "416 KiB buffer, as gdlab gets on older stock systems",
            ASKED_BUFFER,
            "C, naps of 12 ms",
        ),
        (10_000, 0.3, "208 KiB buffer of who does not ask, as gdlab does", DEFAULT_BUFFER, "C, naps of 6 ms"),
        (1000, 1.0, "64 MiB buffer", ROOT_BUFFER, "C, naps of 90 ms"),
        (1000, 1.0, "208 KiB buffer of who does not ask, as gdlab does", DEFAULT_BUFFER, "C, naps of 12 ms"),
    ):
        results, missing = compared(
            [C, floor, GDLAB, MACOS, WINDOWS, LOOP, ASYNCIO],
            lambda receiver, rate=rate: streamed(receiver, 64, 2 * rate, rate),
            rounds,
            buffer,
        )
        for runs in results.values():
            for run in runs:
                run["percent"] = 100 * run["cpu_s"] / 2
        yield Table(
            f"UDP steady {rate:,}/s, CPU per datagram of the receiving thread, {title}",
            [
                EACH,
                Metric("percent", "% of a core", 2),
                LOSS,
                Metric("stamp_p99_us", "stamp error us, 99 %", 1),
            ],
            LOOP,
            results,
            missing,
            [
                Target(GDLAB, "ns_each", most=most, against=LOOP, source="issue"),
                Target(GDLAB, "lost", most=0, source="issue"),
            ],
        )


def echo(rounds: int) -> Iterator[Table]:
    """Replies: everything is sent back, as fast as it comes, and gdlab stores both ways."""
    results, missing = compared(
        [ECHO_LOOP, ECHO, ECHO_ASYNCIO], lambda receiver: echoed(receiver, 64, 30_000, 64), rounds + 1
    )
    for runs in results.values():
        for run in runs:
            run["per_cpu_s"] = run["count"] / run["cpu_s"]
    yield Table(
        "replies: echo of UDP at window 64, both directions stored by gdlab, nothing by the others",
        [
            Metric("per_cpu_s", "echoes per CPU second", 0, ratio=True),
            Metric("per_s", "echoes/s", 0, ratio=True),
            LOSS,
        ],
        ECHO_LOOP,
        results,
        missing,
        [Target(ECHO, "per_cpu_s", least=0.7, against=ECHO_LOOP, source="issue")],
    )


def growth(rounds: int) -> Iterator[Table]:
    """Every figure once more at ten times the size: what one datagram costs must not depend on how many there are."""
    for name, who, count, run in (
        ("steady 1,000/s", GDLAB, 1000, lambda receiver, n: streamed(receiver, 64, n, 1000)),
        ("steady 10,000/s", GDLAB, 10_000, lambda receiver, n: streamed(receiver, 64, n, 10_000)),
        ("512 B at 100,000/s", GDLAB, 100_000, lambda receiver, n: streamed(receiver, 512, n, 100_000)),
        ("one by one at 50,000/s", MACOS, 50_000, lambda receiver, n: streamed(receiver, 64, n, 50_000)),
        ("echo at window 64", ECHO, 10_000, lambda receiver, n: echoed(receiver, 64, n, 64)),
    ):
        with Receiver(who) as receiver:
            streamed(receiver, 64, 500, 20_000)
            results, missing = interleave(
                [
                    Contender(f"{many:,}", lambda many=many, run=run: run(receiver, many))
                    for many in (count, 10 * count)
                ],
                rounds,
            )
        small, large = f"{count:,}", f"{10 * count:,}"
        yield Table(
            f"growth, UDP {name}: CPU per datagram at ten times the size",
            [EACH, LOSS],
            small,
            results,
            missing,
            [Target(large, "ns_each", most=1.2, against=small, source="issue")],
        )


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module."""
    for table in (queued, flood, without_loss, busy, steady, echo, growth):
        yield from table(rounds)
