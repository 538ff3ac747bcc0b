"""Feed damaged packets of real games to everything `multiplayer` makes; only named errors, bounded time and memory.

python bench/fuzz_multiplayer.py [COUNT] [SEED]         # 1,000,000 by default, about five minutes
"""

from __future__ import annotations

import resource
import sys
import time

from tests.multiplayer.mutated import batches
from tests.multiplayer.test_mutated import survives


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began, done, worst = time.perf_counter(), 0, 0.0
    for number, frame in enumerate(batches(seed, count)):
        since = time.perf_counter()
        survives(frame, deep=number % 20 == 0)
        worst = max(worst, time.perf_counter() - since)
        done += len(frame)
        if number % 50 == 0:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{done:,} packets, {time.perf_counter() - began:.0f} s, {memory:.0f} MiB", flush=True)
    spent = time.perf_counter() - began
    print(f"{done:,} packets in {spent:.0f} s, {spent / done * 1e6:.0f} us each, slowest batch {worst:.1f} s")


if __name__ == "__main__":
    main()
