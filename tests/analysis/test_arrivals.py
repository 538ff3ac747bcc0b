from __future__ import annotations

import numpy as np
import pytest

from gdlab import analysis
from tests.traffic import START_NS, merged, ping, pings, table

MS = 1_000_000


def rfc3550(arrived_us: list[float], sent_us: list[float]) -> list[float]:
    """The estimator as appendix A.8 of RFC 3550 writes it, one packet after the other, in microseconds."""
    estimates = []
    transit = None
    jitter = 0.0
    for arrival, sent in zip(arrived_us, sent_us, strict=True):
        now = arrival - sent
        if transit is not None:
            d = now - transit
            jitter += (1.0 / 16.0) * (abs(d) - jitter)
            estimates.append(jitter)
        transit = now
    return estimates


@pytest.mark.slow
def test_jitter_agrees_with_the_estimator_of_the_rfc_on_200_seeds():
    parts, truth = [], {}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 300))
        sent = np.cumsum(rng.integers(1, 30_000, n))
        arrived = np.sort(sent * 1000 + rng.exponential(5 * MS, n).astype(np.int64))
        offset = int(rng.integers(-(10**12), 10**12))
        parts.append(table(arrived, peer=f"{seed}", v__t=sent + offset))
        truth[f"{seed}"] = rfc3550((arrived / 1000).tolist(), sent.tolist())
    jitter = analysis.jitter(merged(*parts), sent="v.t", unit="us")
    values = {peer: part["jitter_ms"].to_numpy() for peer, part in jitter.groupby("peer", observed=True)}
    assert values.keys() == truth.keys()
    for peer, expected in truth.items():
        assert np.isnan(values[peer][0])
        assert np.allclose(values[peer][1:] * 1000, expected, rtol=1e-9, atol=1e-6), peer


@pytest.mark.slow
def test_jitter_is_the_mean_difference_of_delays_within_its_stated_error_on_200_seeds():
    # Two exponential delays of mean d differ by d on average.
    truth = np.geomspace(0.1, 4, 200)
    parts = []
    for seed, mean_ms in enumerate(truth):
        rng = np.random.default_rng(seed)
        sent = np.arange(200) * 100_000
        arrived = sent * 1000 + np.minimum(rng.exponential(mean_ms * MS, 200), 99 * MS).astype(np.int64)
        parts.append(table(arrived, peer=f"{seed}", v__t=sent))
    jitter = analysis.jitter(merged(*parts), sent="v.t")
    last = jitter.groupby("peer", observed=True)["jitter_ms"].last()
    ratio = last[[f"{seed}" for seed in range(200)]].to_numpy() / truth
    assert ratio.mean() == pytest.approx(1, abs=4 * 0.23 / np.sqrt(200))
    assert ratio.std() == pytest.approx(0.23, abs=0.05)


def test_jitter_reads_the_clock_in_probes_that_arrive():
    t = table([0, 10 * MS, 22 * MS], [ping(i, t_us) for i, t_us in enumerate((5, 10_005, 20_005))])
    assert analysis.jitter(t)["jitter_ms"].tolist()[1:] == pytest.approx([0, 2 / 16])
    assert (
        len(analysis.jitter(pings(np.arange(5) * MS, np.full(5, MS), echo=True))) == 0
    )  # our own clock, echoed


@pytest.mark.parametrize(("unit", "factor"), [("s", 1e-6), ("ms", 1e-3), ("us", 1), ("ns", 1000)])
def test_the_unit_of_the_senders_clock_is_honoured(unit, factor):
    t = table([0, 10 * MS, 22 * MS], v__t=np.array([0, 10_000, 20_000]) * factor)
    assert analysis.jitter(t, sent="v.t", unit=unit)["jitter_ms"].tolist()[1:] == pytest.approx([0, 2 / 16])


def test_nanoseconds_since_1970_keep_their_precision():
    sent = START_NS + np.array([0, 10 * MS, 20 * MS])
    t = table([0, 10 * MS, 20 * MS + 160], v__t=sent)
    assert analysis.jitter(t, sent="v.t", unit="ns")["jitter_ms"].iloc[2] * MS == pytest.approx(10, rel=1e-6)


def test_a_restarted_sender_starts_a_new_estimate():
    t = table(np.arange(4) * 10 * MS, v__t=[50_000_000, 50_010_000, 0, 10_000])
    assert analysis.jitter(t, sent="v.t")["jitter_ms"].isna().tolist() == [True, False, True, False]


def test_without_a_senders_clock_there_is_no_jitter():
    assert len(analysis.jitter(table([0, MS, 2 * MS]))) == 0
    with pytest.raises(KeyError, match=r"v\.t"):
        analysis.jitter(table([0]), sent="v.t")
    with pytest.raises(ValueError, match="unit"):
        analysis.jitter(table([0]), unit="min")


def test_messages_without_a_time_are_left_out():
    t = table([0, 5 * MS, 10 * MS], v__t=[0, np.nan, 10_000])
    assert analysis.jitter(t, sent="v.t")["jitter_ms"].tolist()[1:] == [0]


@pytest.mark.slow
def test_inter_arrival_times_of_generated_traffic_are_the_truth_on_200_seeds():
    parts, truth = [], {}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        between = rng.exponential(rng.choice([1e4, 1e6, 3e7]), int(rng.integers(1, 200))).astype(np.int64)
        truth[f"{seed}"] = between
        parts.append(table(rng.integers(0, 10**9) + np.cumsum([0, *between]), peer=f"{seed}"))
    found = analysis.inter_arrival(merged(*parts).sample(frac=1, random_state=0))
    for peer, part in found.groupby("peer", observed=True):
        assert np.allclose(part["iat_ms"].to_numpy()[1:] * MS, truth[peer], atol=0.01), peer


def test_inter_arrival_times_are_per_peer_and_of_one_direction():
    whole = merged(
        table([0, 10 * MS, 30 * MS], peer="a"),
        table([5 * MS, 6 * MS], peer="b"),
        table([7 * MS], peer="a", direction="out"),
    )
    between = analysis.inter_arrival(whole)
    assert between.loc[between["peer"] == "a", "iat_ms"].tolist()[1:] == [10, 20]
    assert between.loc[between["peer"] == "b", "iat_ms"].tolist()[1:] == [1]
    assert between["time"].is_monotonic_increasing
    assert analysis.inter_arrival(whole, direction="out")["iat_ms"].isna().tolist() == [True]


def test_nothing_is_measured_across_a_gap():
    whole = merged(table([0, MS, 50 * MS, 51 * MS]), table([40 * MS], b"", event="gap", peer=""))
    assert analysis.inter_arrival(whole)["iat_ms"].isna().tolist() == [True, False, True, False]


def test_rows_in_any_order_give_the_same_times():
    rng = np.random.default_rng(3)
    t = table(np.sort(rng.integers(0, 10**9, 100)), peer=rng.choice(["a", "b"], 100))
    shuffled = analysis.inter_arrival(t.sample(frac=1, random_state=4))
    assert np.allclose(shuffled["iat_ms"], analysis.inter_arrival(t)["iat_ms"], equal_nan=True)


def test_empty_tables_give_empty_results():
    for measure in (analysis.inter_arrival, analysis.jitter):
        assert len(measure(table())) == 0
        assert len(measure(table([0], b"", event="close"))) == 0
