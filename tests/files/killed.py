"""A program for the tests: captures that spill, each in a process of its own, killed at random moments.

``python -m tests.files.killed FOLDER COUNT SEED`` makes FOLDER/0, FOLDER/1, ... and prints for each how many rows
the capture knew to be written when it was killed. Everything is imported once; each capture is a fork.
"""

import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from gdlab.files import Spill, load
from gdlab.store import Limit, Store


def capture(folder, out):
    """Receive numbered messages for ever; report to `out` each time that a flush has ended."""
    store = Store("udp://127.0.0.1:4242", Limit(rows=4000))
    spill = Spill(folder, interval_s=0.002)
    spill.add(store)
    numbers = iter(range(10**9))
    while True:
        count = random.randrange(1, 60)
        payload = np.array([next(numbers) for _ in range(count)], np.int64).view(np.uint8)
        times = 10**18 + payload.view(np.int64)
        peers = np.array([store.peer_code(f"p{time % 97 if time % 5 else time}") for time in times.tolist()])
        store.extend(times, peers, np.full(count, 8), payload, np.full(count, 36), np.ones(count, np.int8))
        spill.flush()
        os.write(out, b"%d\n" % store.received)


def check(folder, flushed):
    """Hold what `load` gives against what the capture wrote: all up to the last flush, in order, nothing else."""
    loaded = load(folder)
    count = len(loaded.table)
    assert count >= flushed, f"{count} rows, {flushed} were flushed"
    assert (loaded.table.event == "message").all()
    numbers = np.frombuffer(loaded.table.payload.array.contiguous()[0], np.int64)
    assert (numbers == np.arange(count)).all()
    times = (numbers + 10**18).tolist()
    assert list(loaded.table.peer) == [f"p{time % 97 if time % 5 else time}" for time in times]
    assert any("was not closed properly" in note for note in loaded.notes)


def main(folder, count, seed):
    """Fork, kill and report, `count` times."""
    choose = random.Random(seed)
    for number in range(count):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            capture(folder / str(number), writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as lines:
            read = [lines.readline() for _ in range(choose.randrange(1, 40))]
            for _ in range(choose.randrange(3000)):  # somewhere in the middle of what comes next
                pass
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            whole, _, _ = (b"".join(read) + lines.read()).rpartition(
                b"\n"
            )  # the last line may be half of one
        print(whole.split(b"\n")[-1].decode(), flush=True)


if __name__ == "__main__":
    assert pa.__version__  # imported before the first fork
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
