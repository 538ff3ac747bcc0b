"""Counts per bin of time: the same as counting anew, whatever the window."""

import numpy as np
import pytest

from gdlab.live import counts
from gdlab.live.counts import Counts


@pytest.mark.parametrize("seed", range(40))
def test_a_window_counts_what_a_count_of_the_moments_gives(seed):
    draw = np.random.default_rng(seed)
    moments = draw.integers(0, 5000, 200) + 10**6
    kept = Counts(10)
    for part in np.array_split(moments, 5):
        kept.add(part)
    start = int(draw.integers(10**6 - 3000, 10**6 + 6000))
    stop = start + int(draw.integers(1, 4000))
    step = int(draw.choice([10, 20, 50, 200]))
    starts, found, real = kept.window(start, stop, step)
    assert real == step
    assert starts[0] <= start
    assert starts[-1] + real >= stop
    assert [((moments >= at) & (moments < at + real)).sum() for at in starts] == found.tolist()


def test_memory_is_bounded_by_wider_bins_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(counts, "MAX_BINS", 1000)
    kept = Counts(10)
    moments = np.arange(0, 10 * 70_000, 7)
    for part in np.array_split(moments, 50):
        kept.add(part)
    _starts, found, real = kept.window(0, int(moments[-1]) + 1, 10)
    assert kept.bin_ns > 10
    assert len(kept._bins) <= 1000 + 256
    assert real >= kept.bin_ns
    assert found.sum() == kept.total == len(moments)


def test_moments_before_the_first_are_counted_too():
    kept = Counts(10)
    kept.add(np.array([1000]))
    kept.add(np.array([500, 505, 2000]))
    assert kept.window(500, 510, 10)[1].tolist() == [2]
    assert kept.window(0, 3000, 3000)[1].sum() == 4
