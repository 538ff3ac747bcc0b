"""A capture that spills: its memory, and whether everything is on the disk."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.native import send
from bench.rounds import Contender, Metric, Result, Table, Target, check, interleave

RATE = 100_000
SIZE = 64

#: Captures until its stdin ends; prints its port, then what it has come to.
_CAPTURING = """
import json, resource, sys, threading, time
import gdlab
def rss():
    return int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1]) * 1024
before = rss()
cap = gdlab.listen('udp://127.0.0.1:0', spill=sys.argv[1])
print(cap.port, flush=True)
samples, ended = [], threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while not ended.wait(0.5):
    samples.append((cap.statistics().received, rss() - before))
while sum((cap.statistics().received, cap.statistics().kernel_drops or 0)) < int(sys.argv[2]):
    time.sleep(0.05)
cap.stop()
told, spilled = cap.statistics(), cap.spilled
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    'received': told.received, 'drops': told.kernel_drops or 0, 'missed': spilled.missed_rows,
    'errors': spilled.errors, 'written_mb': spilled.bytes / 1e6, 'cpu_s': used.ru_utime + used.ru_stime,
    'buffer_mb': told.receive_buffer_bytes / 1e6, 'samples': samples}))
"""


def numbers_on_disk(folder: Path) -> np.ndarray:
    """The numbers that the sender wrote into its datagrams, in the order of the files; a batch at a time."""
    import pyarrow as pa

    found = []
    for part in sorted(folder.glob("*.arrow")):
        with pa.OSFile(str(part)) as file, pa.ipc.open_stream(file) as stream:
            at = stream.schema.get_field_index("payload")
            for batch in stream:
                column = batch.column(at)
                _, offsets, data = column.buffers()
                wide = pa.types.is_large_binary(column.type)
                starts = np.frombuffer(offsets, np.int64 if wide else np.int32)[: len(batch) + 1]
                starts = starts[column.offset :]
                filled = starts[:-1][np.diff(starts) == SIZE].astype(np.int64)
                where = filled[:, None] + np.arange(8)
                found.append(np.frombuffer(data, np.uint8)[where].copy().view(np.int64)[:, 0])
    return np.concatenate(found)


def captured(rows: int) -> Result:
    """Capture that many datagrams at a steady rate in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", _CAPTURING, folder, str(rows)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout
            assert process.stdin
            port = int(process.stdout.readline())
            for start in range(0, rows, RATE * 30):  # the sender's own deadline is 120 s
                send(port, SIZE, min(RATE * 30, rows - start), RATE)
            process.stdin.close()
            told = json.loads(process.stdout.readline())
        check(
            told["received"] + told["drops"] == rows,
            f"{told['received']} rows + {told['drops']} drops are not the {rows} sent",
        )
        numbers = numbers_on_disk(Path(folder))
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    check(len(numbers) + told["missed"] == told["received"], f"{len(numbers)} rows are on the disk")
    # The sender starts anew every 3,000,000.
    check(told["drops"] > 0 or bool((numbers == np.arange(rows) % (RATE * 30)).all()), "rows out of order")
    samples = told.pop("samples")
    mb = [used / 1e6 for _, used in samples]
    early = [used / 1e6 for received, used in samples if received > rows / 10][:1] or mb[-1:]
    return {
        **told,
        "early_mb": early[0],
        "end_mb": mb[-1],
        "most_mb": max(mb),
        "percent": 100 * told["cpu_s"] / (rows / RATE),
        "disk_mb": size / 1e6,
    }


def spilled(rows: int) -> Iterator[Table]:
    """One table of one run."""
    linux = "" if sys.platform == "linux" else "memory is read from /proc"
    results, missing = interleave([Contender("gdlab", lambda: captured(rows), linux)], 1)
    yield Table(
        f"{rows:,} datagrams of {SIZE} B at {RATE:,}/s, spilled to disk (64 MiB stay in memory)",
        [
            Metric("received", "rows", 0),
            Metric("drops", "dropped by the kernel", 0),
            Metric("missed", "missed by the disk", 0),
            Metric("early_mb", "MB after a tenth", 1),
            Metric("end_mb", "MB at the end", 1),
            Metric("most_mb", "MB at most", 1),
            Metric("percent", "% of a core, all threads", 1),
            Metric("disk_mb", "MB on disk", 0),
        ],
        "gdlab",
        results,
        missing,
        [
            Target("gdlab", "missed", most=0, source="issue"),
            Target("gdlab", "drops", most=0, source="issue"),
            Target(
                "gdlab", "most_mb", most=200, source="64 MiB of rows, buffers, pyarrow and what is in flight"
            ),
        ],
        ["every datagram sent is on the disk once, in order, or was counted"],
    )


def tables(_rounds: int) -> Iterator[Table]:
    """A short run."""
    yield from spilled(1_000_000)


def long_tables(_rounds: int) -> Iterator[Table]:
    """A run of nearly two minutes."""
    yield from spilled(10_000_000)
