from __future__ import annotations

import numpy as np
import pytest

from gdlab.analysis import percentiles


def test_a_quantile_is_shown_only_with_ten_samples_on_its_thin_side():
    for n, shown in [(19, 0), (20, 1), (99, 1), (100, 2), (200, 3), (999, 3), (1000, 4), (10_000, 5)]:
        result = percentiles(np.arange(n))
        assert result["value"].notna().sum() == shown
        assert (result["n"] == n).all()
    assert percentiles([])["needed_n"].tolist() == [20, 100, 200, 1000, 10_000]


def test_values_are_those_of_numpy():
    sample = np.random.default_rng(0).exponential(10, 20_000)
    assert np.allclose(percentiles(sample)["value"], np.quantile(sample, [0.5, 0.9, 0.95, 0.99, 0.999]))


@pytest.mark.slow
def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    truth = -np.log(1 - np.array([0.5, 0.9, 0.95]))
    hits = np.zeros(3)
    for _ in range(400):
        result = percentiles(rng.exponential(1, 400), (0.5, 0.9, 0.95))
        hits += (result["low"] <= truth) & (truth <= result["high"])
    assert (hits / 400 > 0.93).all()


def test_missing_values_count_as_the_largest():
    result = percentiles(np.ones(980), missing=20)
    assert result["n"].tolist() == [1000] * 5
    assert result["value"].tolist()[:3] == [1, 1, 1]
    assert result["value"].iloc[3] == np.inf
    assert np.isnan(result["value"].iloc[4])


def test_a_sender_that_waited_gets_its_missing_requests_back():
    # 99 requests of 1 ms at one each 10 ms, and one of 1000 ms in which 99 more should have been sent.
    plain = percentiles([*[1.0] * 99, 1000.0], (0.9,))
    corrected = percentiles([*[1.0] * 99, 1000.0], (0.5, 0.9), expected_ms=10)
    assert plain["value"].tolist() == [1]
    assert corrected["n"].tolist() == [199, 199]
    assert corrected["value"].iloc[1] == pytest.approx(800, abs=10)


def test_nan_is_no_value():
    assert percentiles([np.nan] * 30 + [5.0] * 20)["value"].iloc[0] == 5
    assert percentiles([np.nan] * 30)["n"].iloc[0] == 0


@pytest.mark.parametrize(
    "wrong",
    [{"quantiles": (0,)}, {"quantiles": (1,)}, {"missing": -1}, {"expected_ms": 0}, {"expected_ms": 1e-9}],
)
def test_misuse_is_refused(wrong):
    with pytest.raises(ValueError, match=r"quantile|missing|interval"):
        percentiles([1.0, 2.0], **wrong)


def test_infinite_values_count_as_the_largest_or_smallest():
    assert percentiles([1.0, 2.0, np.inf] * 10, (0.5,))["value"].tolist() == [2]
    half = percentiles([*range(25), *[np.inf] * 25], (0.5, 0.75))
    assert half["value"].iloc[0] == np.inf
    assert half["low"].iloc[0] == 17
    for end in (np.inf, -np.inf):
        assert percentiles([end] * 30, (0.5,)).loc[0, ["value", "low", "high"]].tolist() == [end] * 3
    waited = percentiles([*[1.0] * 30, np.inf], (0.5,), expected_ms=10)
    assert (waited["value"].iloc[0], waited["n"].iloc[0]) == (1, 31)
