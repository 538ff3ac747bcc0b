"""How fast files are written and read, as ratios: ``python bench/files.py [--rows N] [--rounds N] [--json FILE]``.

Each round runs every case once, in turn, so that what else the machine does falls on all of them; the table has
medians. The reference is `DataFrame.to_csv` of the same table.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gdlab.messages import Peer
from gdlab.store import Limit, Store, load, table, write_csv, write_parquet, write_pcapng


def captured(rows, kind):
    """A table of 64-byte payloads: random bytes, or JSON of 50 to 63 characters."""
    store = Store("udp://127.0.0.1:4242", Limit())
    peers = np.array([store.peer_code(Peer("127.0.0.1", 50_000 + n)) for n in range(8)])
    random = np.random.default_rng(1)
    for start in range(0, rows, 10_000):
        count = min(10_000, rows - start)
        if kind == "binary":
            payload = random.integers(0, 256, 64 * count, dtype=np.uint8)
        else:
            texts = [
                b'{"id": %07d, "pos": [1.5, 2.25], "name": "player"}' % (start + n) for n in range(count)
            ]
            payload = np.frombuffer(b"".join(text.ljust(64) for text in texts), np.uint8)
        times = 1_700_000_000_000_000_000 + np.arange(start, start + count) * 20_000
        size = np.full(count, 64)
        store.extend(
            times,
            peers[np.arange(count) % 8],
            size,
            payload,
            size + 28,
            np.full(count, kind == "binary", np.int8),
        )
    return table.build([store.snapshot()])


def measured(frame, rounds, folder):
    """Median seconds of each case."""
    csv, parquet, pcapng = folder / "a.csv", folder / "a.parquet", folder / "a.pcapng"
    cases = {
        "DataFrame.to_csv": lambda: frame.to_csv(folder / "pandas.csv"),
        "write_csv": lambda: write_csv(frame, csv),
        "write_parquet": lambda: write_parquet(frame, parquet),
        "write_pcapng": lambda: write_pcapng(frame, pcapng),
        "load CSV": lambda: load(csv),
        "load Parquet": lambda: load(parquet),
        "load pcapng": lambda: load(pcapng),
    }
    times = {case: [] for case in cases}
    for _ in range(rounds):
        for case, run in cases.items():
            begun = time.perf_counter()
            run()
            times[case].append(time.perf_counter() - begun)
    return {case: statistics.median(values) for case, values in times.items()}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = {}
    for kind in ("binary", "json"):
        with tempfile.TemporaryDirectory() as folder:
            medians = measured(captured(arguments.rows, kind), arguments.rounds, Path(folder))
        print(f"{arguments.rows} rows of 64 bytes, {kind}, median of {arguments.rounds}")
        for case, seconds in medians.items():
            ratio = medians["DataFrame.to_csv"] / seconds
            print(f"  {case:18} {seconds * 1e3:9.0f} ms   {ratio:6.1f} times as fast as DataFrame.to_csv")
        results[kind] = medians
    if arguments.json:
        told = {"rows": arguments.rows, "python": sys.version, "seconds": results}
        arguments.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
