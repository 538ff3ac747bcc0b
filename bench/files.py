"""How fast files are written and read, beside what pandas does with the same table."""

import importlib.util
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bench.rounds import Contender, Metric, Result, Table, Target, check, interleave
from gdlab.files import load, write_csv, write_parquet, write_pcapng
from gdlab.messages import Peer
from gdlab.store import Limit, Store, table

ROWS = 1_000_000
CHUNK = 10_000
#: Of a file of another program; scapy takes a fifth of a millisecond for each.
PACKETS = 50_000
PANDAS = {"csv": "DataFrame.to_csv", "parquet": "DataFrame.to_parquet, payloads as bytes"}


def captured(kind: str) -> pd.DataFrame:
    """A table of 64-byte payloads: random bytes, or JSON of 50 to 63 characters."""
    store = Store("udp://127.0.0.1:4242", Limit())
    peers = np.array([store.peer_code(Peer("127.0.0.1", 50_000 + n)) for n in range(8)])
    random = np.random.default_rng(1)
    size = np.full(CHUNK, 64)
    for start in range(0, ROWS, CHUNK):
        if kind == "binary":
            payload = random.integers(0, 256, 64 * CHUNK, dtype=np.uint8)
        else:
            texts = [
                b'{"id": %07d, "pos": [1.5, 2.25], "name": "player"}' % (start + n) for n in range(CHUNK)
            ]
            payload = np.frombuffer(b"".join(text.ljust(64) for text in texts), np.uint8)
        times = 1_700_000_000_000_000_000 + np.arange(start, start + CHUNK) * 20_000
        kinds = np.full(CHUNK, kind == "binary", np.int8)
        store.extend(times, peers[np.arange(CHUNK) % 8], size, payload, size + 28, kinds)
    return table.build([store.snapshot()])


def timed(run: Callable[[], object], file: Path | None = None) -> Result:
    """Seconds of one call, and what it wrote."""
    begin = time.perf_counter()
    run()
    result = {"ms": 1000 * (time.perf_counter() - begin)}
    return {**result, "mb": file.stat().st_size / 1e6} if file else result


def read(path: Path) -> Result:
    """Seconds of loading; all rows must be there."""
    begin = time.perf_counter()
    loaded = load(path)
    result = {"ms": 1000 * (time.perf_counter() - begin)}
    check(len(loaded.table) == ROWS, f"{path.name}: {len(loaded.table)} rows, not {ROWS}")
    return result


def of_kind(kind: str, rounds: int) -> Iterator[Table]:
    """Write and read a table of a million rows."""
    frame = captured(kind)
    with tempfile.TemporaryDirectory() as folder:
        csv, parquet, pcapng = (Path(folder) / f"a.{suffix}" for suffix in ("csv", "parquet", "pcapng"))
        theirs = {name: Path(folder) / f"pandas.{name}" for name in PANDAS}

        def to_parquet() -> None:
            objects = frame.assign(payload=np.array(list(frame["payload"]), object))
            objects.to_parquet(theirs["parquet"], compression="zstd")

        results, missing = interleave(
            [
                Contender(PANDAS["csv"], lambda: timed(lambda: frame.to_csv(theirs["csv"]), theirs["csv"])),
                Contender("write_csv", lambda: timed(lambda: write_csv(frame, csv), csv)),
                Contender(PANDAS["parquet"], lambda: timed(to_parquet, theirs["parquet"])),
                Contender("write_parquet", lambda: timed(lambda: write_parquet(frame, parquet), parquet)),
                Contender("write_pcapng", lambda: timed(lambda: write_pcapng(frame, pcapng), pcapng)),
            ],
            rounds,
        )
        yield Table(
            f"Writing 1,000,000 rows of 64 B, {kind}",
            [Metric("ms", "ms", 0, ratio=True), Metric("mb", "MB", 0)],
            PANDAS["csv"],
            results,
            missing,
            [
                Target("write_csv", "ms", least=4, against=PANDAS["csv"], upside_down=True, source="issue"),
                Target(
                    "write_parquet", "ms", least=3, against=PANDAS["parquet"], upside_down=True, source="D3"
                ),
            ],
        )
        writers = {
            "CSV": (write_csv, csv),
            "Parquet": (write_parquet, parquet),
            "pcapng": (write_pcapng, pcapng),
        }
        results, missing = interleave(
            [
                Contender("pandas.read_csv", lambda: timed(lambda: pd.read_csv(theirs["csv"]))),
                *(
                    each
                    for form, (write, path) in writers.items()
                    for each in (
                        Contender(
                            f"write {form}", lambda write=write, path=path: timed(lambda: write(frame, path))
                        ),
                        Contender(f"load {form}", lambda path=path: read(path)),
                    )
                ),
            ],
            rounds,
        )
        yield Table(
            f"Reading them again, {kind}",
            [Metric("ms", "ms", 0, ratio=True)],
            "pandas.read_csv",
            results,
            missing,
            [
                Target(f"load {form}", "ms", most=2, against=f"write {form}", source="issue")
                for form in writers
            ],
            notes=[
                "read_csv leaves text as text and times as text; load gives back the capture's own columns"
            ],
        )


def foreign(path: Path) -> None:
    """A pcap as tcpdump writes them: datagrams of 64 bytes from eight clients to one server."""
    rng = np.random.default_rng(2)
    packets = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
    for number in range(PACKETS):
        payload = rng.bytes(64)
        udp = struct.pack(">HHHH", 50_000 + number % 8, 4242, 8 + len(payload), 0)
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, b"\n\0\0\1", b"\n\0\0\2"
        )
        frame = bytes(12) + b"\x08\0" + ip + udp + payload
        packets += struct.pack("<IIII", 1_700_000_000 + number // 1000, number % 1000, len(frame), len(frame))
        packets += frame
    path.write_bytes(packets)


def by_tshark(path: Path) -> int:
    """Rows as tshark prints them."""
    fields = ["frame.time_epoch", "ip.src", "udp.srcport", "ip.dst", "udp.dstport", "udp.payload"]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", *(f"-e{name}" for name in fields)]
    return len(subprocess.run(command, check=True, capture_output=True).stdout.splitlines())


def by_scapy(path: Path) -> int:
    """The same rows as scapy has them."""
    from scapy.layers.inet import IP, UDP
    from scapy.utils import PcapReader

    with PcapReader(str(path)) as packets:
        rows = [
            (p.time, p[IP].src, p[UDP].sport, p[IP].dst, p[UDP].dport, bytes(p[UDP].payload)) for p in packets
        ]
    return len(rows)


def of_others(rounds: int) -> Table:
    """A pcap of another program, read by those who read such files."""
    readers: dict[str, Callable[[Path], int]] = {
        "gdlab": lambda path: len(load(path).table),
        "tshark -T fields": by_tshark,
        "scapy": by_scapy,
    }
    absent = {
        "tshark -T fields": "" if shutil.which("tshark") else "not measured: install tshark",
        "scapy": "" if importlib.util.find_spec("scapy") else "not measured: install scapy",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "theirs.pcap"
        foreign(path)

        def run(name: str) -> Result:
            return timed(lambda: check(readers[name](path) == PACKETS, f"{name}: not all packets"))

        contenders = [Contender(name, lambda name=name: run(name), absent.get(name, "")) for name in readers]
        results, missing = interleave(contenders, rounds)
    targets = [
        Target("gdlab", "ms", least=5, against="tshark -T fields", upside_down=True, source="issue"),
        Target("gdlab", "ms", least=50, against="scapy", upside_down=True, source="issue"),
    ]
    return Table(
        f"Reading {PACKETS:,} packets of another program's pcap",
        [Metric("ms", "ms", 0, ratio=True)],
        "gdlab",
        results,
        missing,
        targets,
    )


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module but one."""
    yield from of_kind("binary", rounds)
    yield of_others(rounds)


def long_tables(rounds: int) -> Iterator[Table]:
    """The same with text, which pandas takes much longer for."""
    yield from of_kind("json", rounds)
