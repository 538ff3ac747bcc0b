"""The relay as others see it: packets on both legs by tcpdump and tshark, and more than it can read."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import gdlab as gd
from tests.relays.games import numbered, udp_client, udp_server
from tests.waiting import limit, wait_until

ROUGH = gd.Link(
    delay_ms=15,
    jitter_ms=3,
    jitter_over_ms=20,
    loss=0.05,
    burst=2,
    duplicate=0.04,
    reorder=0.04,
    reorder_ms=12,
)


@contextlib.contextmanager
def recorded(path: Path, ports: tuple[int, int]) -> Iterator[None]:
    """Packets of two UDP ports on loopback, by tcpdump."""
    what = f"udp and (dst port {ports[0]} or dst port {ports[1]})"
    command = ["tcpdump", "-i", "lo", "-s", "256", "-B", "16384", "-U", "-w", str(path), what]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = ""
            while "listening on" not in said:
                line = process.stderr.readline()
                if not line:
                    pytest.skip(f"tcpdump may not listen here: {said.strip()[-200:]}")
                said += line
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(limit(10))


def legs(path: Path, ports: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Numbers of the messages that tshark finds before and behind the relay, in order."""
    fields = ["-e", "udp.dstport", "-e", "udp.payload"]
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", *fields],
        capture_output=True,
        text=True,
        check=True,
        timeout=limit(60),
    )
    found: dict[int, list[int]] = {port: [] for port in ports}
    for line in done.stdout.splitlines():
        port, payload = line.split("\t")
        found[int(port)].append(json.loads(bytes.fromhex(payload))["seq"])
    return found[ports[0]], found[ports[1]]


def overtaken(numbers: list[int]) -> set[int]:
    """Numbers whose first copy came behind a higher one."""
    seen, late, highest = set[int](), set[int](), -1
    for number in numbers:
        if number < highest and number not in seen:
            late.add(number)
        seen.add(number)
        highest = max(highest, number)
    return late


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("tshark") and shutil.which("tcpdump")), reason="tshark and tcpdump are not installed"
)
def test_tshark_sees_on_both_legs_what_the_truth_says(tmp_path) -> None:
    path = tmp_path / "legs.pcap"
    with (
        udp_server() as (_, to),
        gd.relay("udp://127.0.0.1:0", to=to, up=ROUGH, seed=5) as px,
        udp_client(px) as client,
    ):
        ports = (int(px.address.rpartition(":")[2]), int(to.rpartition(":")[2]))
        with recorded(path, ports):
            for number in range(600):
                client.send(numbered(number))
                wait_until(lambda sent=number + 1: sent - px.status.get("arrived", 0) < 100)
            px.wait_sync(600)
            px.stop(flush=True)
            passed = px.truth[px.truth.fate == "passed"].sort_values("sent", kind="stable")
            wait_until(lambda: path.stat().st_size > 0 and len(legs(path, ports)[1]) >= len(passed), 30)
        before, behind = legs(path, ports)
    truth = px.truth
    assert before == list(range(600)) == sorted(truth[truth["copy"] == 0].n)
    assert Counter(behind) == Counter(passed.n)
    assert set(before) - set(behind) == set(truth.n) - set(passed.n) != set()
    twice = {number for number, times in Counter(behind).items() if times > 1}
    assert twice == set(passed[passed.n.duplicated()].n) != set()
    assert overtaken(behind) == overtaken(passed.n.tolist()) != set()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a socket dropped")
def test_a_sender_faster_than_the_relay_is_counted() -> None:
    """What the kernel dropped before the relay read it is a gap, to the last datagram."""
    sent = 12_000
    with (
        udp_server() as (_, to),
        gd.relay("udp://127.0.0.1:0", to=to, up=gd.Link(loss=1.0), limit="256MiB") as px,
        udp_client(px) as client,
    ):
        client.send(b"first")
        px.wait_sync(1)
        os.kill(px.pid, signal.SIGSTOP)
        try:
            for _ in range(sent):
                client.send(bytes(8000))
        finally:
            os.kill(px.pid, signal.SIGCONT)

        def settled() -> bool:
            return px.status.get("arrived", 0) > 1 and px.status["arrived"] == px.truth["n"].nunique()

        wait_until(settled, 60)
        arrived = 0
        while arrived != px.status["arrived"]:  # until it has read all that the kernel kept
            arrived = px.status["arrived"]
            here = px.status["time"]
            wait_until(lambda here=here: px.status["time"] > here, 20)
        client.send(b"last")  # the counter comes with the next datagram
        wait_until(lambda: px.status["arrived"] > arrived, 20)
        px.stop()
        table = px.df
    gaps = table[table.event == "gap"]
    dropped = int(gaps["count"].sum())
    came = int(((table.event == "message") & (table.direction == "in")).sum())
    assert dropped > 0
    assert dropped + came == sent + 2
    assert set(gaps.reason) == {"kernel_drop"}
