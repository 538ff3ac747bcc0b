"""A program for the tests: a capture that spills to a file system of 2 MB until that is full, and beyond.

``unshare --user --map-root-user --mount python -m tests.files.small_disk FOLDER``. It mounts the file system on FOLDER,
which nobody else sees; without the right to do that it ends with the code 77. Prints JSON.
"""

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from gdlab.files import Spill, load
from gdlab.store import Store

#: What a program ends with that could not do its work here, as test harnesses have it.
CANNOT = 77
BATCH = 1000


def receive(store, count):
    """Write so many numbered messages."""
    numbers = np.arange(store.received, store.received + count)
    sizes = np.full(count, 8)
    payloads = numbers.view(np.uint8)
    store.extend(10**18 + numbers, np.zeros(count, int), sizes, payloads, sizes, np.ones(count, np.int8))


def numbers(folder):
    """The numbers of the messages that can be loaded."""
    messages = load(folder).table.query("event == 'message'")
    return [int.from_bytes(payload, "little") for payload in messages.payload]


def main(folder):
    """Fill the disk, free it, and say what could be loaded in between and afterwards."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "small", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        sys.exit(CANNOT)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    store, told = Store("udp://127.0.0.1:4242"), []
    spill = Spill(folder / "spill", interval_s=1e6, on_status=told.append)  # flushed here, not by the clock
    spill.add(store)
    while not spill.status:
        receive(store, BATCH)
        spill.flush()
    try:
        (folder / "proof").write_bytes(bytes(1_000_000))
        is_full = False
    except OSError as error:
        is_full = error.errno == errno.ENOSPC
    (folder / "proof").unlink()
    receive(store, BATCH)
    spill.flush()
    while_full = numbers(folder / "spill")
    errors = spill.statistics().errors
    ballast.unlink()
    receive(store, BATCH)
    spill.close()
    print(
        json.dumps(
            {
                "is_full": is_full,
                "told": told,
                "errors": errors,
                "received": store.received,
                "while_full": while_full,
                "afterwards": numbers(folder / "spill"),
                "notes": load(folder / "spill").notes,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
