"""Sniffers beside the listener: the same stream seen by tcpdump, and what scapy and pyshark cost."""

import contextlib
import importlib.util
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.native import Receiver, helper, send, streamed
from bench.rounds import Contender, Metric, Result, Table, Target, bring, check, interleave
from bench.stream_senders import paced_to
from gdlab.store import Store, table
from gdlab.transports import EndpointOptions, TcpListener, UdpListener, parse
from gdlab.transports.stream_naps import StreamNaps

SIZE = 64
#: Where in a record of a pcap of Ethernet and IPv4 the protocol stands, and the ports and number of a TCP segment.
_PROTOCOL, _TCP = 16 + 14 + 9, 16 + 14 + 20

#: Each prints `ready`, sniffs until its stdin says so, and prints the packets it saw and its CPU seconds.
_SCAPY = """
import sys, time
from scapy.all import AsyncSniffer, conf
seen = []
sniffer = AsyncSniffer(iface='lo', filter=f'udp dst port {sys.argv[1]}', store=False, prn=seen.append,
                       started_callback=lambda: print('ready', flush=True))
sniffer.start()
sys.stdin.readline()
sniffer.stop()
print(len(seen))
"""
_PYSHARK = """
import sys, threading, pyshark
capture = pyshark.LiveCapture('lo', bpf_filter=f'udp dst port {sys.argv[1]}')
seen = []
def stop():
    sys.stdin.readline()
    print(len(seen), flush=True)
    import os, signal
    capture.close()
threading.Thread(target=stop, daemon=True).start()
print('ready', flush=True)
try:
    for packet in capture.sniff_continuously():
        seen.append(packet)
except BaseException:
    pass
"""


def tcpdump() -> tuple[str, str]:
    """The program, and why it cannot be used."""
    program = shutil.which("tcpdump") or ""
    if not program:
        return "", bring("tcpdump", program=True)
    if os.geteuid():
        return program, "tcpdump needs root"
    return program, ""


@contextlib.contextmanager
def dumping(wanted: str, file: Path) -> Iterator[subprocess.Popen[str]]:
    """Run tcpdump with a filter until the block ends; its file is whole then."""
    process = subprocess.Popen(
        [
            *(tcpdump()[0], "-i", "lo", "-n", "-U", "-B", "65536", "-w", str(file)),
            *("--time-stamp-precision=nano", "-Z", "root", wanted),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        while "listening on" not in (line := process.stderr.readline()):
            check(bool(line), "tcpdump ended at once")
        yield process
        time.sleep(1.5)  # its ring hands over the last block after a second
    finally:
        process.send_signal(signal.SIGINT)
        with process:
            process.wait(10)


def stamps_in(file: Path) -> np.ndarray:
    """Stamps of a nanosecond pcap whose packets are of one length; of TCP segments that were sent again, the first."""
    data = np.fromfile(file, np.uint8)
    check(data[:4].tobytes() == b"\x4d\x3c\xb2\xa1", "not a nanosecond pcap of this machine")
    if len(data) == 24:
        return np.empty(0, np.int64)
    length = 16 + int(data[24 + 8 : 24 + 12].view(np.uint32)[0])
    packets = data[24:].reshape(-1, length)
    if packets[0, _PROTOCOL] == socket.IPPROTO_TCP:
        # What came before, the system sends again where the acknowledgement is late: nobody receives it twice.
        ports_and_numbers = np.ascontiguousarray(packets[:, _TCP : _TCP + 8]).view(np.uint64)[:, 0]
        packets = packets[np.sort(np.unique(ports_and_numbers, return_index=True)[1])]
    heads = np.ascontiguousarray(packets[:, :8]).view(np.uint32).astype(np.int64)
    return heads[:, 0] * 1_000_000_000 + heads[:, 1]


def side_by_side(rounds: int) -> Iterator[Table]:
    """The same stream, the listener and tcpdump at once."""
    rate = 20_000

    def run() -> Result:
        store = Store("udp://127.0.0.1:0")
        listener = UdpListener.at(parse("udp://127.0.0.1:0"), store)
        listener.start()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "beside.pcap"
            with dumping(f"udp dst port {listener.address.port}", file):
                send(listener.address.port, SIZE, rate, rate)
            listener.close()
            theirs = stamps_in(file)
        rows = table.build([store.snapshot()])
        rows = rows[rows.event == "message"]
        lost = listener.statistics().kernel_drops or 0
        check(len(rows) + lost == rate, f"{len(rows)} rows + {lost} drops are not {rate}")
        figures = {"gdlab": float(len(rows)), "tcpdump": float(len(theirs)), "lost": float(lost)}
        if len(theirs) == len(rows):
            apart = np.abs(rows.time.array.asi8 - theirs) / 1000
            figures |= {"p50": float(np.median(apart)), "p99": float(np.percentile(apart, 99))}
        return {**figures, "difference": abs(figures["gdlab"] - figures["tcpdump"])}

    results, missing = interleave([Contender("both", run, tcpdump()[1] or helper()[1])], rounds)
    yield Table(
        f"{rate}/s for 1 s, gdlab and tcpdump side by side",
        [
            Metric("gdlab", "gdlab's rows", 0),
            Metric("tcpdump", "tcpdump's", 0),
            Metric("lost", "dropped, counted", 0),
            Metric("p50", "stamps apart us, median", 2),
            Metric("p99", "99 %", 2),
        ],
        "both",
        results,
        missing,
        [
            Target("both", "difference", most=0, source="issue"),
            Target("both", "p99", most=100, source="issue"),
        ],
    )


class Noted(StreamNaps):
    """Naps that are known afterwards: seconds of the one after each turn, or 0."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[float] = []

    def looked(self, now_s: float, reads: int, close: Sequence[Hashable]) -> float:
        self.given.append(super().looked(now_s, reads, close))
        return self.given[-1]


def connections_side_by_side(rounds: int) -> Iterator[Table]:
    """Many TCP connections that a listener naps on, beside tcpdump."""
    count, ticks = 200, 180

    def run() -> Result:
        store = Store("tcp://127.0.0.1:0")
        options = EndpointOptions(framing="u32le", max_connections=count)
        listener = TcpListener.at(parse("tcp://127.0.0.1:0"), store, options)
        listener._naps = naps = Noted()
        listener.start()
        port = listener.address.port
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "beside.pcap"
            with dumping(f"tcp dst port {port} and tcp[tcpflags] & tcp-push != 0", file):
                sender = multiprocessing.get_context("spawn").Process(
                    target=paced_to, args=(port, count, ticks)
                )
                sender.start()
                sender.join()
            listener.close()
            theirs = stamps_in(file)
        rows = table.build([store.snapshot()])
        rows = rows[rows.event == "message"]
        check(len(rows) == count * ticks, f"{len(rows)} rows are not {count * ticks}")
        figures = {"gdlab": float(len(rows)), "tcpdump": float(len(theirs)), "turns": float(len(naps.given))}
        figures["napped"] = 100 * sum(map(bool, naps.given)) / len(naps.given)
        if len(theirs) == len(rows):
            apart = np.abs(np.sort(rows.time.array.asi8) - np.sort(theirs)) / 1000
            figures |= {"p50": float(np.median(apart)), "p99": float(np.percentile(apart, 99))}
            figures["late"] = float((apart > 100).sum())
        return {**figures, "difference": abs(figures["gdlab"] - figures["tcpdump"])}

    results, missing = interleave([Contender("both", run, tcpdump()[1])], rounds)
    yield Table(
        f"{count} TCP connections at 60/s, each at its own moment, gdlab and tcpdump side by side",
        [
            Metric("gdlab", "gdlab's rows", 0),
            Metric("tcpdump", "tcpdump's", 0),
            Metric("turns", "gdlab's turns", 0),
            Metric("napped", "% of them before a nap", 0),
            Metric("p50", "stamps apart us, median", 2),
            Metric("p99", "99 %", 2),
            Metric("late", "over 100 us apart", 0),
        ],
        "both",
        results,
        missing,
        [Target("both", "difference", most=0), Target("both", "p99", most=100)],
        ["messages of one connection meet in a read that comes late on a loaded machine, also without naps"],
    )


def sniffed(name: str) -> Result:
    """CPU of a sniffer's processes, their start left out, while 1000/s arrive for 3 s."""
    rate, count = 1000, 3000
    with Receiver("recvfrom loop") as receiver:  # somebody must hold the port
        if name == "tcpdump":
            with (
                tempfile.TemporaryDirectory() as folder,
                dumping(f"udp dst port {receiver.port}", Path(folder) / "x") as process,
            ):
                begin = _cpu_s(process.pid)
                streamed(receiver, SIZE, count, rate)
                used = _cpu_s(process.pid) - begin
            return {"ns_each": 1e9 * used / count}
        script = {"scapy": _SCAPY, "pyshark": _PYSHARK}[name]
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, str(receiver.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with process:
            assert process.stdin
            assert process.stdout
            check(process.stdout.readline().strip() == "ready", f"{name} does not start")
            time.sleep(2.0)  # pyshark's tshark
            begin = _cpu_s(process.pid)
            streamed(receiver, SIZE, count, rate)
            time.sleep(1.0)
            used = _cpu_s(process.pid) - begin
            process.stdin.write("stop\n")
            process.stdin.flush()
            seen = int(process.stdout.readline() or 0)
            process.terminate()
    check(seen > 0, f"{name} saw nothing")
    return {"ns_each": 1e9 * used / count, "seen_percent": 100 * seen / count}


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process and of those it started."""
    ticks = 0
    for entry in [pid, *_children(pid)]:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_children(child)]
    return found


def cost(_rounds: int) -> Iterator[Table]:
    """What each spends on a datagram at 1000/s."""

    def gdlab() -> Result:
        with Receiver("gdlab") as receiver:
            streamed(receiver, SIZE, 500, 1000)
            return {**streamed(receiver, SIZE, 3000, 1000), "seen_percent": 100.0}

    def absent(module: str) -> str:
        if importlib.util.find_spec(module) is None:
            return bring(module)
        return "sniffing needs root" if os.geteuid() else ""

    tshark = "" if shutil.which("tshark") else bring("tshark", program=True)
    results, missing = interleave(
        [
            Contender("gdlab", gdlab),
            Contender("tcpdump", lambda: sniffed("tcpdump"), tcpdump()[1]),
            Contender("scapy", lambda: sniffed("scapy"), absent("scapy")),
            Contender("pyshark", lambda: sniffed("pyshark"), absent("pyshark") or tshark),
        ],
        1,
    )
    yield Table(
        "1000/s for 3 s: CPU a datagram (gdlab: its listener's thread; sniffers: all their processes)",
        [Metric("ns_each", "CPU ns/datagram", 0, ratio=True), Metric("seen_percent", "seen %", 1)],
        "gdlab",
        results,
        missing,
        [
            Target("gdlab", "ns_each", least=10, against="scapy", upside_down=True, source="U9"),
            Target("gdlab", "ns_each", least=30, against="pyshark", upside_down=True, source="U9"),
        ],
        ["the sniffers' CPU is read in ticks of 10 ms"],
    )


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module."""
    for build in (side_by_side, connections_side_by_side, cost):
        yield from build(rounds)
