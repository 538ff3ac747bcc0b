"""The C helper: compiled when it is needed, in a folder of its own; and the processes that use it."""

import atexit
import functools
import json
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from bench.rounds import Result, bring, check

#: The receivers in C and their arguments: woken by each datagram, or asleep for so many microseconds each time.
IN_C = {
    "C recvmmsg": (),
    "C, naps of 6 ms": ("6000",),
    "C, naps of 12 ms": ("12000",),
    "C, naps of 90 ms": ("90000",),
}


@functools.cache
def helper() -> tuple[Path | None, str]:
    """The compiled helper, or None and the reason."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux":
        return None, "recvmmsg is only on Linux"
    if not compiler:
        return None, bring("gcc", program=True)
    folder = tempfile.mkdtemp(prefix="gdlab-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    binary = Path(folder) / "native"
    source = Path(__file__).with_name("native.c")
    done = subprocess.run(
        [compiler, "-O2", "-o", binary, source], capture_output=True, text=True, check=False
    )
    return (
        (binary, "")
        if done.returncode == 0
        else (None, f"it does not compile: {done.stderr.splitlines()[:1]}")
    )


def send(port: int, size: int, count: int, rate: int) -> float:
    """Send `count` datagrams, `rate` a second (0: as fast as possible), with number and time; return seconds."""
    binary, _ = helper()
    if binary is None:
        return _send_slowly(port, size, count, rate)
    done = subprocess.run(
        [binary, "send", str(port), str(size), str(count), str(rate)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120 + (2 * count / rate if rate else 0),
    )
    sent, seconds = done.stdout.split()
    check(int(sent) == count, f"the sender sent {sent} of {count}")
    return float(seconds)


def bounce(port: int, size: int, count: int, window: int) -> float:
    """Send datagrams of which `window` at a time are unanswered; return seconds."""
    binary, why = helper()
    check(binary is not None, why)
    done = subprocess.run(
        [str(binary), "echo", str(port), str(size), str(count), str(window)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    back, seconds = done.stdout.split()
    check(int(back) == count, f"{back} of {count} came back")
    return float(seconds)


def _send_slowly(port: int, size: int, count: int, rate: int) -> float:
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        rest = bytes(max(0, size - 16))
        for number in range(count):
            while rate and (time.monotonic() - begin) * rate < number:
                time.sleep(0.0002)
            sock.send(struct.pack("=qq", number, time.time_ns()) + rest)
    return time.monotonic() - begin


class Receiver:
    """One contender in a process of its own: `bench.contenders`, or the C receiver where the name is one of `IN_C`."""

    def __init__(self, name: str, *, receive_buffer: int = 32 << 20) -> None:
        self.name = name
        if name in IN_C:
            binary, _ = helper()
            command = [str(binary), "receive", str(receive_buffer), *IN_C[name]]
        else:
            command = [sys.executable, "-m", "bench.contenders", name, str(receive_buffer)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._line())
        self.drops = 0

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        check(bool(line), f"{self.name} ended unexpectedly")
        return line

    def begin(self, busy_s: float = 0.0) -> None:
        """Let it take what is queued or arrives, until nothing came for 1 s; its main thread computes meanwhile."""
        assert self.process.stdin
        self.process.stdin.write(f"{busy_s}\n")
        self.process.stdin.flush()

    def end(self, sent: int) -> Result:
        """Return its figures; rows and drops together must be what was sent."""
        line = self._line()
        if self.name in IN_C:
            count, cpu_s, wall_s, drops = (float(text) for text in line.split())
            result = {"count": count, "cpu_s": cpu_s, "wall_s": wall_s, "drops": drops}
        else:
            result = json.loads(line)
        lost, self.drops = result["drops"] - self.drops, int(result["drops"])
        check(
            result["count"] + lost == sent,
            f"{self.name}: {result['count']} rows + {lost} drops are not the {sent} sent",
        )
        check(result.get("sent", sent) == sent, f"{self.name}: {result.get('sent')} of {sent} answers stored")
        result["lost"] = lost
        result["loss_percent"] = 100 * lost / sent
        if result["count"]:
            result["ns_each"] = 1e9 * result["cpu_s"] / result["count"]
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        with self.process as process:
            assert process.stdin
            process.stdin.close()
            process.wait(10)


def drained(receiver: Receiver, size: int, count: int) -> Result:
    """Queue datagrams first, then let the receiver take them: no sender beside it."""
    # Unsegmented and not too fast: the queue must be like that of many single datagrams.
    send(receiver.port, size, count, 250_000)
    receiver.begin()
    return receiver.end(count)


def echoed(receiver: Receiver, size: int, count: int, window: int) -> Result:
    """Let the receiver send back what it is sent."""
    receiver.begin()
    seconds = bounce(receiver.port, size, count, window)
    return {**receiver.end(count), "per_s": count / seconds}


def streamed(receiver: Receiver, size: int, count: int, rate: int, *, busy: bool = False) -> Result:
    """Let the receiver take a stream while it is sent."""
    receiver.begin(count / rate if busy else 0.0)
    send(receiver.port, size, count, rate)
    return receiver.end(count)
