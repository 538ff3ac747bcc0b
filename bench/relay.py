"""The relay beside one in C and a pass-through `socat`: how late it is, and what it costs, while a cell computes."""

import atexit
import contextlib
import functools
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gdlab as gd
from bench.native import send
from bench.rounds import Contender, Metric, Result, Table, Target, bring, check, interleave

C, GDLAB, SOCAT = "C", "gdlab", "socat"
DELAY_MS = 50
SECONDS = 3.0
SIZE = 100

METRICS = [
    Metric("p50_us", "late p50 us", 0, ratio=True),
    Metric("p99_us", "late p99 us", 0, ratio=True),
    Metric("p999_us", "late p99.9 us", 0),
    Metric("cpu_percent", "CPU %", 1, ratio=True),
    Metric("lost", "lost", 0),
]


@functools.cache
def program() -> tuple[Path | None, str]:
    """The compiled C relay, or None and the reason."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or not compiler:
        return None, "needs Linux and a C compiler"
    folder = tempfile.mkdtemp(prefix="gdlab-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    binary, source = Path(folder) / "relay", Path(__file__).with_name("relay.c")
    done = subprocess.run(
        [compiler, "-O2", "-o", binary, source], capture_output=True, text=True, check=False
    )
    return (binary, "") if done.returncode == 0 else (None, done.stderr[:200])


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """A cell that computes in this process, as a notebook's would."""
    ended = threading.Event()

    def compute() -> None:
        number = 0
        while not ended.is_set():
            number += sum(range(1000))

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def relay(who: str, port: int, delay_ms: int) -> Iterator[tuple[int, int]]:
    """A relay in front of a port: its own port, and its process."""
    if who == GDLAB:
        link = gd.Link(delay_ms=delay_ms)
        with gd.relay("udp://127.0.0.1:0", to=f"udp://127.0.0.1:{port}", up=link, limit="64MiB") as px:
            yield int(px.address.rpartition(":")[2]), px.pid
        return
    binary, _ = program()
    if who == SOCAT:
        from tests.ports import free_port

        own = free_port(socket.SOCK_DGRAM)
        command = ["socat", f"UDP4-LISTEN:{own},bind=127.0.0.1", f"UDP4:127.0.0.1:{port}"]
    else:
        command = [str(binary), "relay", str(port), str(delay_ms * 1000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if who == SOCAT:
                time.sleep(0.2)
            else:
                own = int(process.stdout.readline())
            yield own, process.pid
        finally:
            process.kill()


def measured(who: str, rate: int, delay_ms: int) -> Result:
    """One run."""
    binary, _ = program()
    count = max(100, round(rate * SECONDS))
    with subprocess.Popen(
        [str(binary), "sink", str(delay_ms * 1000), str(count)], stdout=subprocess.PIPE, text=True
    ) as sink:
        assert sink.stdout is not None
        port = int(sink.stdout.readline())
        with relay(who, port, delay_ms) as (own, pid), busy():
            before = cpu_s(pid)
            took = send(own, SIZE, count, rate)
            came, p50, p99, p999 = map(int, sink.stdout.readline().split())
            used = cpu_s(pid) - before
    check(came > 0, f"{who}: nothing came through")
    return {
        "p50_us": p50 / 1e3,
        "p99_us": p99 / 1e3,
        "p999_us": p999 / 1e3,
        "cpu_percent": 100 * used / took,
        "lost": count - came,
    }


def tables(rounds: int) -> Iterator[Table]:
    """Delayed at four rates, and passed through."""
    binary, why = program()
    for rate in (60, 1000, 10_000, 50_000):
        contenders = [
            Contender(who, None if binary is None else functools.partial(measured, who, rate, DELAY_MS), why)
            for who in (C, GDLAB)
        ]
        results, missing = interleave(contenders, rounds)
        targets = []
        if rate == 10_000:
            targets = [
                Target(GDLAB, "p99_us", most=1000, source="issue"),
                Target(GDLAB, "cpu_percent", most=2, against=C, source="issue"),
            ]
        elif rate == 50_000:
            targets = [Target(GDLAB, "p99_us", most=2000, source="issue")]
        yield Table(
            f"relay, {rate} datagrams of {SIZE} B per second delayed by {DELAY_MS} ms, a cell computing beside it",
            METRICS,
            C,
            results,
            missing,
            targets,
            ["the sender's and the receiver's own lateness are in every row"],
        )
    contenders = [
        Contender(who, functools.partial(measured, who, 1000, 0) if there else None, missing_why)
        for who, there, missing_why in (
            (C, binary, why),
            (GDLAB, binary, why),
            (
                SOCAT,
                binary and shutil.which("socat"),
                why or ("" if shutil.which("socat") else bring("socat", program=True)),
            ),
        )
    ]
    results, missing = interleave(contenders, rounds)
    yield Table(
        "relay, 1000 datagrams per second passed through without delay, a cell computing beside it",
        METRICS,
        C,
        results,
        missing,
        [Target(GDLAB, "p50_us", most=150, source="issue")],
    )
