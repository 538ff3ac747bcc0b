"""Payloads that lie apart in what is stored: every reader sees what it would see of those that do not."""

import random
from dataclasses import replace

import numpy as np
import pytest

from gdlab.packed import packed
from gdlab.store import Limit, Store, table
from tests.same import assert_same
from tests.some import some

NS = 1_700_000_000_000_000_000


def write_both(apart: Store, plain: Store, draw: random.Random, count: int, first: int, most: int) -> int:
    """Write the same messages to both stores; return how many bytes stand between them."""
    sizes = np.array([draw.randrange(most) for _ in range(count)], np.int64)
    gaps = np.array([draw.randrange(5) for _ in range(count)], np.int64)
    starts = np.cumsum(gaps + sizes) - sizes
    lie_in = np.frombuffer(draw.randbytes(int(starts[-1] + sizes[-1]) + draw.randrange(9)), np.uint8)
    times, peers = np.arange(first, first + count) + NS, np.full(count, apart.peer_code("p"), np.int32)
    kinds = np.array([draw.randrange(2) for _ in range(count)], np.int8)
    probes = np.array([draw.randrange(50) == 0 for _ in range(count)]) if draw.randrange(2) else None
    word = draw.choice(["u32le", ""])
    plain.extend(
        times, peers, sizes, packed(lie_in, starts, sizes), sizes + 44, kinds, probes=probes, word=word
    )
    apart.extend(times, peers, sizes, lie_in, sizes + 44, kinds, probes=probes, word=word, starts=starts)
    return len(lie_in) - int(sizes.sum())


@pytest.mark.parametrize("seed", some(range(8), every=4))
def test_tables_and_counters_are_the_same(seed: int) -> None:
    draw = random.Random(seed)
    limit = draw.choice([Limit(), Limit(rows=3000), Limit(rows=50)])
    apart, plain = Store("e", limit), Store("e", limit)
    apart.peer_code("p"), plain.peer_code("p")
    number = 0
    for _ in range(30):
        count = draw.choice([1, 2, 40, 700])
        write_both(apart, plain, draw, count, number, draw.choice([1, 60, 400]))
        number += count
        if draw.randrange(3) == 0:
            for store in (apart, plain):
                store.append(NS + number, 0, b"alone", word="lines")
            number += 1
        if draw.randrange(12) == 0:
            assert apart.withdraw() == plain.withdraw()
    a, b = table.build([apart.snapshot()]), table.build([plain.snapshot()])
    assert_same(a, b)
    assert a.payload.array.contiguous()[0].tobytes() == b.payload.array.contiguous()[0].tobytes()
    assert a.payload.array.contiguous()[1].tolist() == b.payload.array.contiguous()[1].tolist()
    found, wanted = apart.statistics(), plain.statistics()
    assert replace(found, bytes_kept=0) == replace(wanted, bytes_kept=0)
    assert apart.snapshot().evicted == plain.snapshot().evicted


def test_what_stands_between_counts_as_memory_and_the_bound_holds() -> None:
    draw = random.Random(3)
    limit = Limit(bytes=1 << 20)
    apart, plain = Store("e", limit), Store("e", limit)
    between = [write_both(apart, plain, draw, 100, 0, 200)]
    assert apart.statistics().bytes_kept == plain.statistics().bytes_kept + between[0]
    for number in range(1, 400):
        write_both(apart, plain, draw, 100, 100 * number, 200)
        assert apart.statistics().bytes_kept <= limit.bytes
    kept = table.build([apart.snapshot()])
    kept = kept[kept.event == "message"]
    assert len(kept) + apart.statistics().evicted_rows == 40_000
    everything = Store("e", Limit())
    draw = random.Random(3)
    for number in range(400):
        write_both(Store("e"), everything, draw, 100, 100 * number, 200)
    whole = table.build([everything.snapshot()])
    assert list(kept.payload) == list(whole.payload)[-len(kept) :]
