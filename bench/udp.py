"""UDP: the cost of receiving, what is lost, and how true the stamps are."""

import contextlib
from collections.abc import Callable, Iterator

from bench.native import Receiver, drained, helper, send, streamed
from bench.rounds import Contender, Metric, Result, Table, Target, check, interleave

C, GDLAB, PORTABLE, LOOP, ASYNCIO = "C recvmmsg", "gdlab", "gdlab portable", "recvfrom loop", "asyncio"
DEFAULT_BUFFER = 212_992 // 2  # what Linux gives to whom does not ask; it doubles the number
USER_BUFFER = 4 << 20  # 8 MiB granted: a common bound for plain users
ROOT_BUFFER = 32 << 20  # 64 MiB granted to root

Run = Callable[[Receiver], Result]


def compared(names: list[str], run: Run, rounds: int, buffer: int = ROOT_BUFFER) -> tuple[dict, dict]:
    """Start one process for each name, warm it up, and let them take turns."""
    binary, why = helper()
    with contextlib.ExitStack() as stack:
        contenders = []
        for name in names:
            if name == C and binary is None:
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
    for size, count, bound in ((64, 60_000, 1.25), (512, 40_000, 1.4)):
        names = [C, GDLAB, PORTABLE, LOOP, ASYNCIO]
        results, missing = compared(
            names, lambda receiver, s=size, n=count: drained(receiver, s, n), rounds + 1
        )
        yield Table(
            f"UDP, {count} datagrams of {size} B queued: CPU of the receiving thread, stored with stamp and sender",
            [EACH, LOSS],
            C,
            results,
            missing,
            [
                Target(GDLAB, "ns_each", most=bound, against=C, source="U1"),
                Target(GDLAB, "ns_each", most=1.4, against=C, source="issue"),
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
            f"UDP flood of {size} B, segmented by the kernel, 8 MiB buffer: datagrams received per second",
            [Metric("per_s", "received/s", 0, ratio=True), Metric("sent_per_s", "offered/s", 0), LOSS],
            C,
            results,
            missing,
            [
                Target(GDLAB, "per_s", least=0.8, against=C, source="issue"),
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
    for rate, targets in (
        (10_000, [Target(GDLAB, "ns_each", most=0.3, against=LOOP, source="U8")]),
        (1000, []),
    ):
        results, missing = compared(
            [C, GDLAB, LOOP, ASYNCIO],
            lambda receiver, rate=rate: streamed(receiver, 64, 2 * rate, rate),
            rounds,
        )
        for runs in results.values():
            for run in runs:
                run["percent"] = 100 * run["cpu_s"] / 2
                check(run["lost"] == 0, "a slow stream lost datagrams")
        yield Table(
            f"UDP, steady {rate}/s: CPU of the receiving thread",
            [EACH, Metric("percent", "% of a core", 2)],
            LOOP,
            results,
            missing,
            targets,
        )


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module."""
    for table in (queued, flood, without_loss, busy, steady):
        yield from table(rounds)
