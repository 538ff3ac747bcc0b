"""A program for the tests: a spilled capture whose disk is full for a while.

The limit on the size of a file stands for the disk: the system refuses writes beyond it, in the middle of one, too.
``python -m tests.files.full_disk FOLDER ROWS_KEPT RECOVERS...``, one line of JSON for each three arguments.
"""

import json
import resource
import sys

from gdlab.files import Spill, load
from gdlab.store import Limit, Store


def main(folder, rows_kept, recovers):
    """Print what the user was told, and the rows that could be loaded while the disk was full."""
    store = Store("udp://127.0.0.1:4242", Limit(rows=rows_kept))
    told = []
    spill = Spill(folder, interval_s=1e6, on_status=told.append)  # flushed here, not by the clock
    spill.add(store)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, unlimited[1]))
    number = 0
    while not spill.status:
        for _ in range(100):
            store.append(10**18 + number, store.peer_code("p"), b"%d" % number)
            number += 1
        spill.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited[1]))  # nor is there room for another file
    for _ in range(1000):
        store.append(10**18 + number, store.peer_code("p"), b"%d" % number)
        number += 1
    spill.flush()
    while_full = load(folder)
    if recovers:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        spill.flush()
        store.append(10**18 + number, store.peer_code("p"), b"%d" % number)
        number += 1
    spill.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    print(
        json.dumps(
            {
                "told": told,
                "received": number,
                "kept": len(store.snapshot()),
                "while_full": len(while_full.table),
                "statistics": spill.statistics().missed_rows,
            }
        )
    )


if __name__ == "__main__":
    for at in range(1, len(sys.argv), 3):
        main(sys.argv[at], int(sys.argv[at + 1]), sys.argv[at + 2] == "yes")
