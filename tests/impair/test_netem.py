"""Beside the kernel's own netem and tbf, as they were recorded (see `netem.json`)."""

from __future__ import annotations

import json
import math
from pathlib import Path as File
from typing import Any

import numpy as np
import pytest

from gdlab.impair import Fate, GilbertElliott, Link
from tests.impair.walk import bursts, lost, walk

RECORDED: dict[str, dict[str, Any]] = json.loads((File(__file__).parent / "netem.json").read_text())


def agree(ours: int, theirs: int, variance: float) -> bool:
    """Whether two counts can be of one law: 99.9 % of their difference."""
    return abs(ours - theirs) <= 3.29 * math.sqrt(2 * variance)


@pytest.mark.slow
def test_independent_loss() -> None:
    numbers = lost(walk(Link(loss=0.02), 20_000))
    real = RECORDED["loss2"]
    assert agree(len(numbers), real["lost"], 20_000 * 0.02 * 0.98)
    assert len(numbers) / bursts(numbers) == pytest.approx(real["lost"] / real["bursts"], abs=0.03)


@pytest.mark.slow
def test_bursts_of_two_states() -> None:
    by_model = lost(walk(Link(loss_model=GilbertElliott(0.00680272, 0.333333, starts_good=True)), 20_000))
    by_numbers = lost(walk(Link(loss=0.02, burst=3), 20_000))
    real = RECORDED["ge"]
    for numbers in (by_model, by_numbers):
        assert agree(len(numbers), real["lost"], 20_000 * 0.02 * 0.98 * 5)
        assert agree(bursts(numbers), real["bursts"], 20_000 * 0.00667)
        assert len(numbers) / bursts(numbers) == pytest.approx(real["lost"] / real["bursts"], rel=0.2)


def test_duplicates() -> None:
    copies = sum(copy.copy for copy in walk(Link(duplicate=0.01), 20_000))
    assert agree(copies, RECORDED["dup1"]["duplicates"], 20_000 * 0.01)


def test_reordering_as_netem_does_it() -> None:
    link = Link(delay_ms=50, reorder=0.01, promote=True, order="free")
    copies = sorted(walk(link, 3000, rate=120), key=lambda c: (c.release, c.n))
    arrived = np.array([c.n for c in copies])
    late = int((arrived < np.maximum.accumulate(arrived)).sum())
    # Each of some 30 promoted packets makes about six late.
    assert agree(late, RECORDED["reorder1"]["late"], 30 * 36)


def test_independent_jitter_in_free_order() -> None:
    link = Link(delay_ms=40, jitter_ms=10, order="free")
    copies = sorted(walk(link, 1600, rate=200), key=lambda c: (c.release, c.n))
    arrived = np.array([c.n for c in copies])
    late = int((arrived < np.maximum.accumulate(arrived)).sum())
    assert late == pytest.approx(RECORDED["jit"]["late"], rel=0.1)


@pytest.mark.parametrize("name", ["rate50", "tbf"])
def test_the_queue_before_a_slow_link(name: str) -> None:
    # netem and tbf count the 14 bytes of the link layer; 50 packets of 142 bytes are 7,100.
    burst = 1540 if name == "tbf" else 0
    link = Link(rate_kbps=100, queue_bytes=7100, overhead_bytes=14, burst_bytes=burst)
    copies = walk(link, 2000, rate=200)
    passed = [copy for copy in copies if copy.fate == Fate.PASSED]
    real = RECORDED[name]
    assert len(passed) == pytest.approx(2000 - real["lost"], abs=20)
    waits = np.array([copy.release - copy.time for copy in passed]) / 1e6
    assert np.percentile(waits, 50) == pytest.approx(real["percentiles_ms"][0], rel=0.02)


def test_stalls_of_tcp_are_within_15_percent() -> None:
    link = Link(delay_ms=20, loss=0.02)
    waits = np.concatenate(
        [
            [
                (copy.release - copy.time) / 1e6
                for copy in walk(link, 3000, rate=60, size=64, seed=s, streams=True)
            ]
            for s in range(10)
        ]
    )
    ours = np.percentile(waits, [50, 90, 95, 97, 98, 99])
    np.testing.assert_allclose(ours, RECORDED["thin_d20_l2"]["percentiles_ms"], rtol=0.15)


def test_streams_lose_double_and_overtake_nothing() -> None:
    copies = walk(Link(delay_ms=20, jitter_ms=30, loss=0.2), 3000, rate=60, streams=True)
    assert [copy.n for copy in copies] == list(range(3000))
    assert {copy.fate for copy in copies} == {Fate.PASSED}
    releases = np.array([copy.release for copy in copies])
    assert (np.diff(releases) >= 0).all()
    assert sum(copy.resends > 0 for copy in copies) == pytest.approx(600, rel=0.15)
    for copy in copies:
        assert (
            copy.time + copy.hold + copy.queue + copy.serial + copy.delay + copy.stall + copy.order
            == copy.release
        )
