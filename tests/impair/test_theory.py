"""Distributions, bursts, queues and order against what theory says of them."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest

from gdlab.impair import Also, Every, Fate, Link, Markov4, Outage, Path, Pattern, scenario
from gdlab.impair.delay import gamma2_quantile
from gdlab.impair.streams import normal_quantile
from tests.impair.walk import START_NS, bursts, lost, lost_by, through, walk

MANY = 1_000_000
#: A 99.9 % interval: the draws are the same each time, so that these tests never fail by chance twice.
Z = 3.29


def within(count: float, expected: float, variance: float) -> bool:
    return abs(count - expected) <= Z * math.sqrt(variance)


@pytest.mark.slow
def test_a_million_independent_losses() -> None:
    numbers = lost_by(Link(loss=0.02), MANY)
    count = len(numbers)
    assert within(count, 0.02 * MANY, MANY * 0.02 * 0.98)
    assert count / bursts(numbers) == pytest.approx(1 / 0.98, rel=0.01)


@pytest.mark.parametrize("many", [20_000, pytest.param(200_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("share", "burst"), [(0.02, 3.0), (0.05, 10.0), (0.3, 2.0)])
def test_bursts_have_the_mean_length_asked_for(share: float, burst: float, many: int) -> None:
    numbers = lost_by(Link(loss=share, burst=burst), many)
    runs = bursts(numbers)
    # Lengths are geometric: variance burst * (burst - 1), over so many runs.
    assert within(len(numbers) / runs, burst, burst * (burst - 1) / runs)
    spread = (1 + (1 - 1 / burst) - share / (burst * (1 - share))) / (
        1 / burst + share / (burst * (1 - share))
    )
    assert within(len(numbers), many * share, many * share * (1 - share) * spread * 1.2)


@pytest.mark.slow
def test_bursts_in_time_do_not_depend_on_the_packet_rate() -> None:
    found = {}
    for rate in (500, 5000):
        numbers = lost_by(Link(loss=0.05, burst_ms=40), 60 * rate, rate=rate)
        found[rate] = (len(numbers) / (60 * rate), len(numbers) / bursts(numbers) / rate * 1e3)
    for share, length_ms in found.values():
        assert share == pytest.approx(0.05, rel=0.25)
        assert length_ms == pytest.approx(40, rel=0.3)
    assert found[500][0] == pytest.approx(found[5000][0], rel=0.02)


def test_four_states_pattern_and_every() -> None:
    single = lost(walk(Link(loss_model=Markov4(0, 0.5, 0, 1, 0.02)), 20_000))
    assert bursts(single) == len(single) > 300  # those of state 4 are lost alone
    assert lost(walk(Link(loss_model=Pattern("0010")), 12)) == {2, 6, 10}
    assert lost(walk(Link(loss_model=Every(5)), 12)) == {4, 9}


@pytest.mark.slow
def test_bursts_of_four_states_have_the_mean_length_asked_for() -> None:
    long = lost_by(Link(loss_model=Markov4(0.01, 0.25)), 100_000)
    assert len(long) / bursts(long) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("over_ms", [0.0, 20.0])
@pytest.mark.parametrize("shape", ["uniform", "normal", "gamma"])
@pytest.mark.parametrize("many", [4_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_jitter_has_its_shape_whether_drawn_or_drifting(shape: str, over_ms: float, many: int) -> None:
    # 10 ms apart, four correlation times: nearly independent samples of the process.
    link = Link(delay_ms=200, jitter_ms=20, jitter=shape, jitter_over_ms=over_ms)
    x = np.sort([copy.delay / 1e6 - 200 for copy in walk(link, many, rate=12.5)])
    if shape == "uniform":
        law = (x + 20) / 40
    elif shape == "normal":
        law = np.array([0.5 * math.erfc(-v / 20 / math.sqrt(2)) for v in x])
    else:
        law = 1 - (1 + x / 10) * np.exp(-x / 10)
    empirical = np.arange(1, len(x) + 1) / len(x)
    assert np.abs(law - empirical).max() < 1.95 / math.sqrt(len(x))  # Kolmogorov-Smirnov, 0.1 %


@pytest.mark.slow
def test_jitter_in_time_is_the_same_at_60_and_at_10_000_hz() -> None:
    link = Link(delay_ms=40, jitter_ms=10, jitter_over_ms=20)
    for rate in (60, 10_000):
        copies = walk(link, round(rate * 20), rate=rate)
        total = np.array([copy.release - copy.time for copy in copies]) / 1e6
        assert total.mean() == pytest.approx(40, abs=0.7)
        assert total.std() == pytest.approx(10 / math.sqrt(3), rel=0.06)
    # Drawn for each packet, with order kept, it becomes delay instead.
    drawn = walk(Link(delay_ms=40, jitter_ms=10), 20_000, rate=10_000)
    assert np.mean([copy.release - copy.time for copy in drawn]) / 1e6 == pytest.approx(48.3, abs=0.5)


def test_quantiles_are_those_of_their_distributions() -> None:
    u = np.array([1e-12, 0.001, 0.2, 0.5, 0.8, 0.999])
    phi = [0.5 * math.erfc(-z / math.sqrt(2)) for z in normal_quantile(u)]
    np.testing.assert_allclose(phi, u, rtol=1e-9)
    for share in (0.0, 1e-9, 0.01, 0.5, 0.99, 1 - 1e-9):
        x = gamma2_quantile(share)
        assert 1 - (1 + x) * math.exp(-x) == pytest.approx(share, abs=1e-9)


def brute_force_queue(times: list[int], wire: int, rate: float, limit: int) -> list[int | None]:
    """Departures of a FIFO of bytes, event by event."""
    leaves: list[int | None] = []
    waiting: deque[int] = deque()
    free = 0
    for time_ns in times:
        while waiting and waiting[0] <= time_ns:
            waiting.popleft()
        if waiting and (len(waiting) + 1) * wire > limit:
            leaves.append(None)
            continue
        free = max(time_ns, free) + round(wire / rate)
        waiting.append(free)
        leaves.append(free)
    return leaves


def test_the_queue_is_a_fifo_of_bytes_with_a_hard_end() -> None:
    times = [START_NS + 4_000_000 * i for i in range(2000)]
    link = Link(rate_kbps=200, queue_bytes=5000, delay_ms=30)
    copies = through(Path(7, link, link), times)
    expected = brute_force_queue(times, 128, 200 / 8e6, 5000)
    got = [copy.release - 30_000_000 if copy.fate == Fate.PASSED else None for copy in copies]
    assert got == expected
    assert sum(leave is None for leave in expected) > 100


def test_what_merely_travels_is_in_no_queue() -> None:
    copies = walk(Link(delay_ms=500, rate_kbps=10_000, queue_bytes=2000), 1000, rate=400)
    assert {copy.fate for copy in copies} == {Fate.PASSED}


def test_a_bucket_lets_a_burst_through_at_once() -> None:
    link = Link(rate_kbps=128, burst_bytes=1280, queue_ms=5000)
    copies = through(Path(7, link, link), [START_NS] * 20)  # of 128 bytes on the wire each
    waits = [(copy.release - START_NS) / 1e6 for copy in copies]
    assert waits[:10] == [0] * 10
    np.testing.assert_allclose(waits[10:], np.arange(1, 11) * 8, atol=0.01)


def test_a_changed_rate_acts_on_what_waits() -> None:
    link = Link(rate_kbps=128, queue_ms=10_000)
    path = Path(7, link, link)
    copies = through(path, [START_NS] * 4)  # 8 ms each
    path.run(scenario([(0.012, {"rate_kbps": 256})]), START_NS)
    path.advance(START_NS + 12_000_000)
    # The first is gone; the second had 4 ms of 8 left, which now take 2; the others take 4 each.
    assert [copy.release - START_NS for copy in copies] == [8_000_000, 14_000_000, 18_000_000, 22_000_000]
    assert len(path.moved) == 3
    for copy in copies:
        assert copy.time + copy.queue + copy.serial + copy.delay + copy.order == copy.release


def test_a_trace_lets_1500_bytes_leave_at_each_of_its_times() -> None:
    link = Link(trace=(10, 20, 30), queue_ms=10_000)
    copies = through(Path(7, link, link), [START_NS] * 4, size=1472 - 750)  # two fit into one opportunity
    assert [(copy.release - START_NS) / 1e6 for copy in copies] == [10, 10, 20, 20]
    later = through(Path(7, link, link), [START_NS, START_NS + 95_000_000], size=1472)
    assert [(copy.release - START_NS) / 1e6 for copy in later] == [10, 100]


def test_reorder_is_the_share_that_comes_late() -> None:
    copies = [c for c in walk(Link(delay_ms=50, reorder=0.01), 20_000, rate=60) if c.fate == Fate.PASSED]
    arrived = np.array([c.n for c in sorted(copies, key=lambda c: (c.release, c.n))])
    late = int((arrived < np.maximum.accumulate(arrived)).sum())
    held_back = sum(bool(c.also & Also.REORDERED) for c in copies)
    assert late == held_back
    assert within(late, 200, 198)


def test_promoting_makes_all_that_were_overtaken_late() -> None:
    link = Link(delay_ms=50, reorder=0.01, promote=True, order="free")
    copies = sorted(walk(link, 20_000, rate=120), key=lambda c: (c.release, c.n))
    arrived = np.array([c.n for c in copies])
    assert (arrived < np.maximum.accumulate(arrived)).mean() == pytest.approx(0.05, abs=0.008)


@pytest.mark.slow
def test_fragments_are_lost_together() -> None:
    plain, large = (
        len(lost(walk(Link(loss=0.01, mtu=1500), 100_000, size=size))) / 100_000 for size in (1472, 4000)
    )
    assert plain == pytest.approx(0.01, rel=0.1)
    assert large == pytest.approx(1 - 0.99**3, rel=0.1)
    copy = walk(Link(mtu=1500), 1, size=4000)[0]
    assert (copy.fragments, copy.wire) == (3, 4000 + 8 + 3 * 20)
    assert walk(Link(mtu=1500, fragments="drop"), 1, size=1473)[0].fate == Fate.MTU


def test_an_outage_cuts_or_holds() -> None:
    for hold in (False, True):
        path = Path(7, Link(delay_ms=10), Link())
        path.run(scenario([(0.5, Outage(0.2, hold=hold))]), START_NS)
        copies = through(path, [START_NS + i * 10_000_000 for i in range(100)])
        hit = [copy for copy in copies if 50 <= copy.n < 70]
        others = [copy for copy in copies if not 50 <= copy.n < 70]
        assert {copy.release - copy.time for copy in others} == {10_000_000}
        if hold:
            assert {copy.release for copy in hit} == {START_NS + 710_000_000}
            assert all(copy.also & Also.HELD for copy in hit)
        else:
            assert {copy.fate for copy in hit} == {Fate.CUT}


def test_slots_bunch_releases_at_their_distances() -> None:
    copies = walk(Link(delay_ms=5, slot_ms=(2, 8)), 20_000, rate=5000)
    distances = np.diff(np.unique([copy.release for copy in copies])) / 1e6
    assert distances.min() >= 2 - 1e-3
    assert distances.max() <= 8 + 1e-3
    assert distances.mean() == pytest.approx(5, rel=0.05)


def test_every_share_adds_up_to_the_release() -> None:
    link = Link(
        delay_ms=20,
        jitter_ms=15,
        rate_kbps=1200,
        loss=0.01,
        duplicate=0.02,
        reorder=0.02,
        slot_ms=(1, 3),
    )
    path = Path(7, link, link)
    path.run(scenario([(0.5, Outage(0.1, hold=True)), (1.0, {"rate_kbps": 700})]), START_NS)
    for copy in through(path, [START_NS + i * 1_000_000 for i in range(3000)]):
        if copy.fate == Fate.PASSED:
            shares = copy.queue + copy.serial + copy.delay + copy.order + copy.slot + copy.reorder + copy.hold
            assert copy.time + shares == copy.release
