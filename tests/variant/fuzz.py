"""Mutated payloads: nothing but `VariantDecodeError` is raised, and time and memory stay in proportion.

``python -m tests.variant.fuzz --runs 1000000`` runs until done, or until ``--seconds`` are over; it prints
the seed and the worst it saw. The unit tests run a small part of it with a fixed seed.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import struct
import sys
import time
import tracemalloc
from collections import Counter

import numpy as np

from gdlab import variant as v
from gdlab.errors import VariantDecodeError
from gdlab.variant.columns import decode_columns
from tests.variant.golden import lines

#: Bounds that hold for every input: what a byte may cost, beside a constant.
MAX_MEMORY_PER_BYTE = 64
MAX_NS_PER_BYTE = 20_000  # generous: the machine may be busy with something else
_INTERESTING = [
    0,
    1,
    2,
    3,
    4,
    24,
    27,
    28,
    29,
    34,
    38,
    39,
    255,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x1001B,
    0xF001C,
]


def corpus() -> list[bytes]:
    """Payloads to mutate: all golden ones but the huge."""
    found = [
        bytes.fromhex(case["hex"])
        for name in ("variants.jsonl", "decode_only.jsonl", "malformed.jsonl")
        for case in lines(name)
    ]
    return sorted({data for data in found if 0 < len(data) <= 600})


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A payload with up to four changes: bits, words, cuts, repeats, pieces of others."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not out:
            break
        at = rng.randrange(len(out))
        choice = rng.randrange(7)
        if choice == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif choice == 1:
            out[at] = rng.randrange(256)
        elif choice == 2 and len(out) >= 4:
            at = at // 4 * 4
            out[at : at + 4] = struct.pack("<I", rng.choice(_INTERESTING))
        elif choice == 3:
            del out[at:]
        elif choice == 4:
            out[at:at] = rng.choice(others)[:64]
        elif choice == 5:
            out += out[at // 4 * 4 :][:128]
        else:
            del out[at : at + rng.randint(1, 8)]
    return bytes(out)


def check(data: bytes, decoder: v.Decoder, full: v.Decoder) -> str:
    """Decode by every way there is; gives what came of it."""
    try:
        value, used = v.loads_from(memoryview(data))  # by the strict decoder alone
        outcome = "value"
    except VariantDecodeError as error:
        outcome = error.code
        value, used = None, 0
        if not 0 <= error.offset <= len(data) + 3 or len(str(error)) > 2000 or not error.code:
            raise AssertionError(f"a poor error: {error}") from error
    with contextlib.suppress(VariantDecodeError):
        full.loads(data)
    try:
        prepared = decoder.loads(data)
        assert outcome == "value"
        assert v.dumps(prepared, double=True) == v.dumps(value, double=True)
    except VariantDecodeError:
        assert outcome != "value"
    if outcome == "value":
        assert used >= 4
        again = v.dumps(value)
        assert v.dumps(v.loads(again)) == again
    return outcome


def check_bulk(payloads: list[bytes]) -> None:
    """Decode payloads as columns, which report errors and raise nothing."""
    lengths = np.array(list(map(len, payloads)), np.int64)
    starts = np.cumsum(lengths) - lengths
    columns = decode_columns(b"".join(payloads), starts, lengths)
    assert columns.rows == len(payloads)


def run(runs: int, seed: int, seconds: float = float("inf")) -> Counter[str]:
    """So many mutated inputs; gives how they ended."""
    rng = random.Random(seed)
    seeds = corpus()
    decoder, full = v.Decoder(), v.Decoder(full_objects=True)
    outcomes: Counter[str] = Counter()
    batch: list[bytes] = []
    stop = time.monotonic() + seconds
    worst = 0.0
    for index in range(runs):
        data = mutated(rng.choice(seeds), rng, seeds)
        before = time.thread_time_ns()
        outcomes[check(data, decoder, full)] += 1
        worst = max(worst, (time.thread_time_ns() - before) / (len(data) + 64))
        batch.append(data)
        if len(batch) == 500:
            check_bulk(batch)
            batch.clear()
            if time.monotonic() > stop:
                print(f"stopped after {index + 1} of {runs} runs: {seconds} s are over")
                break
    print(f"worst: {worst:.0f} ns for each byte (and 64), all ways of decoding together")
    return outcomes


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    tracemalloc_peak = memory_of(list(corpus()))
    print(f"memory: at most {tracemalloc_peak:.1f} bytes for each byte of the corpus")
    started = time.monotonic()
    outcomes = run(options.runs, options.seed, options.seconds)
    print(f"{sum(outcomes.values())} inputs in {time.monotonic() - started:.0f} s: {dict(outcomes)}")
    return 0


def memory_of(payloads: list[bytes]) -> float:
    """The largest peak of memory while decoding one of some payloads, for each byte of it (and 64)."""
    worst = 0.0
    for data in payloads:
        tracemalloc.start()
        try:
            v.loads_from(data)
        except VariantDecodeError:
            pass
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        worst = max(worst, peak / (len(data) + 64))
    return worst


if __name__ == "__main__":
    sys.exit(main())
