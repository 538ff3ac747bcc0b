"""The queue formula against this kernel's own token bucket filter, packet by packet, in a network of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from gdlab.impair import Link, Path
from gdlab.messages import wire_bytes
from tests.waiting import limit

#: Ethernet's header counts at an interface, as `tc` counts it.
ETHERNET_BYTES = 14
RATE_KBPS, LIMIT_BYTES, SIZE, COUNT, GAP_S = 1000, 7100, 100, 800, 0.0007

#: Runs inside `unshare -Urn`, where it may set up its own loopback.
PROGRAM = f"""
import json, socket, struct, subprocess, time
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run("tc qdisc add dev lo root tbf rate {RATE_KBPS}kbit burst 1540 limit {LIMIT_BYTES}".split(), check=True)
SO_TIMESTAMPNS = 35
into = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
into.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
into.bind(("127.0.0.1", 0))
into.settimeout(1.0)
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.connect(into.getsockname())
sent = []
began = time.monotonic()
for number in range({COUNT}):
    while time.monotonic() < began + number * {GAP_S}:
        pass
    sent.append(time.time_ns())
    out.send(number.to_bytes(4, "big") + bytes({SIZE} - 4))
came = []
try:
    while True:
        data, control, _, _ = into.recvmsg(2000, 200)
        seconds, ns = struct.unpack("qq", control[0][2])
        came.append((int.from_bytes(data[:4], "big"), seconds * 10**9 + ns))
except TimeoutError:
    pass
print(json.dumps([sent, came]))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("unshare", "tc", "ip"))), reason="unshare, tc and ip are not installed"
)
def test_the_kernels_own_queue_does_what_the_formula_says() -> None:
    done = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no token bucket in a network namespace here: {done.stderr.strip()[-200:]}")
    sent, came = json.loads(done.stdout)
    # The kernel's bucket takes a first burst at once, and its queue holds so many bytes besides.
    link = Link(rate_kbps=RATE_KBPS, queue_bytes=LIMIT_BYTES, burst_bytes=1540, overhead_bytes=ETHERNET_BYTES)
    path = Path(1, link, Link())
    fates = [path.arrive(1, "up", at, SIZE)[0] for at in sent]
    passed = [copy for copy in fates if copy.fate == 0]
    numbers = [number for number, _ in came]
    assert numbers == sorted(set(numbers))  # first in, first out, and none twice
    # Offered was more than the rate: much was dropped, as much as the formula drops.
    assert len(passed) < 0.95 * COUNT
    assert abs(len(numbers) - len(passed)) <= 0.03 * COUNT
    # Whatever this machine was busy with: once the queue stands, packets leave at the rate.
    wire = wire_bytes("udp", SIZE) + ETHERNET_BYTES
    each_ns = wire * 8e6 / RATE_KBPS
    standing = [at for _, at in came][len(came) // 4 :]
    assert np.median(np.diff(standing)) == pytest.approx(each_ns, rel=0.03)
    predicted = {copy.n: copy.release for copy in passed}
    both = [(at, predicted[number]) for number, at in came if number in predicted]
    assert len(both) >= 0.9 * len(came) - 0.05 * COUNT
    delays = [at - sent[number] for number, at in came if number in predicted]
    meant = [release - sent[number] for number, release in predicted.items()]
    assert np.median(delays) == pytest.approx(np.median(meant), rel=0.1)
