from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis
from tests.traffic import START_NS, merged, table

S = 1_000_000_000


def test_counts_messages_and_bytes_in_each_bin():
    rates = analysis.rates(table([0, S // 2, S, 4 * S], [b"ab", b"c", b"def", b""]), bin_s=1)
    assert rates["messages"].tolist() == [2, 1, 0, 0, 1]
    assert rates["messages_hz"].tolist()[:4] == [2, 1, 0, 0]
    assert rates["goodput_bytes_s"].tolist()[:4] == [3, 3, 0, 0]
    assert rates["wire_bytes_s"].tolist()[:4] == [3 + 56, 3 + 28, 0, 0]
    assert rates["time"].iloc[0] == pd.Timestamp(START_NS, tz="UTC")
    assert rates.attrs["bin_s"] == 1


def test_the_last_bin_counts_over_what_was_covered_and_not_at_all_under_half_of_it():
    assert analysis.rates(table([0, S, int(1.8 * S)]), bin_s=1)["messages_hz"].tolist() == [1, 2 / 0.8]
    assert analysis.rates(table([0, S, int(1.2 * S)]), bin_s=1)["messages_hz"].isna().tolist() == [
        False,
        True,
    ]


def test_each_peer_endpoint_and_direction_is_a_group_of_its_own():
    whole = merged(
        table([0, S], peer="a"),
        table([S], peer="a", direction="out"),
        table([0, 3 * S], peer="b"),
        table([S], peer="b", endpoint="tcp://127.0.0.1:1"),
    )
    rates = analysis.rates(whole, bin_s=1)
    sums = rates.groupby(["endpoint", "peer", "direction"], observed=True)["messages"].sum()
    assert sums.to_dict() == {
        ("udp://127.0.0.1:4242", "a", "in"): 2,
        ("udp://127.0.0.1:4242", "a", "out"): 1,
        ("udp://127.0.0.1:4242", "b", "in"): 2,
        ("tcp://127.0.0.1:1", "b", "in"): 1,
    }
    assert len(rates) == 4 * 4
    assert analysis.rates(whole, bin_s=1, by=())["messages"].tolist() == [2, 3, 0, 1]


def test_a_gap_row_makes_silence_unknown_and_counts_a_lower_bound():
    whole = merged(table([0, S, 2 * S + 5, 6 * S, 7 * S]), table([5 * S + 5], b"", event="gap", peer=""))
    rates = analysis.rates(whole, bin_s=1)
    assert rates["complete"].tolist() == [True, True, False, False, False, False, True, True]
    hz = rates["messages_hz"].to_numpy()
    assert hz[2] == 1  # something was seen: at least that
    assert np.isnan(hz[3:6]).all()
    assert rates["messages"].tolist() == [1, 1, 1, 0, 0, 0, 1, 1]


def test_a_gap_of_one_endpoint_says_nothing_about_another():
    whole = merged(
        table([0, 4 * S], endpoint="a"),
        table([0, 4 * S], endpoint="b"),
        table([3 * S], b"", event="gap", endpoint="b"),
    )
    rates = analysis.rates(whole, bin_s=1)
    assert rates.groupby("endpoint", observed=True)["complete"].all().to_dict() == {"a": True, "b": False}
    assert not analysis.rates(whole, bin_s=1, by=())["complete"].all()


def test_a_gap_before_everything_reaches_back_to_the_start():
    whole = merged(table([2 * S], b"", event="gap"), table([3 * S, 4 * S]))
    start, end = pd.Timestamp(START_NS, tz="UTC"), pd.Timestamp(START_NS + 5 * S, tz="UTC")
    rates = analysis.rates(whole, bin_s=1, span=(start, end))
    assert rates["complete"].tolist() == [False, False, False, True, True, True]


def test_the_span_makes_silence_at_both_ends_count():
    span = (pd.Timestamp(START_NS - 2 * S, tz="UTC"), pd.Timestamp(START_NS + 2 * S, tz="UTC"))
    rates = analysis.rates(table([0]), bin_s=1, span=span)
    assert rates["messages"].tolist() == [0, 0, 1, 0, 0]
    with pytest.raises(ValueError, match=r"ends .* before it begins"):
        analysis.rates(table([0]), span=span[::-1])


def test_top_keeps_the_busiest_and_adds_up_the_rest():
    whole = merged(*[table(np.arange(n) * 1000, peer=f"p{n}") for n in (3, 9, 1, 7)])
    rates = analysis.rates(whole, bin_s=1, top=2)
    assert rates["messages"].sum() == 20
    assert rates.loc[rates["peer"].isna(), "messages"].sum() == 4
    assert set(rates["peer"].dropna()) == {"p9", "p7"}


def test_events_are_not_messages_but_the_capture_was_running():
    whole = table([0, S, 5 * S], b"", event=["open", "message", "close"])
    assert analysis.rates(whole, bin_s=1)["messages"].tolist() == [0, 1, 0, 0, 0, 0]


def test_empty_and_event_only_tables_give_empty_results_of_the_same_dtypes():
    full = analysis.rates(table([0, 1]))
    for nothing in (table(), table([0, S], b"", event="open")):
        empty = analysis.rates(nothing)
        assert len(empty) == 0
        assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()


def test_order_of_rows_and_dtypes_of_a_file_do_not_matter():
    rng = np.random.default_rng(1)
    ordered = table(np.sort(rng.integers(0, 10 * S, 500)), peer=rng.choice(["a", "b"], 500))
    expected = analysis.rates(ordered, bin_s=0.5).sort_values(["peer", "time"], ignore_index=True)
    other = ordered.sample(frac=1, random_state=2)
    for name in ("peer", "endpoint", "direction", "event"):
        other[name] = other[name].astype(str)
    other["time"] = other["time"].astype("datetime64[us, UTC]").astype("datetime64[ns, UTC]")
    got = analysis.rates(other, bin_s=0.5).sort_values(["peer", "time"], ignore_index=True)
    assert got["messages"].sum() == 500
    assert abs(got["messages"] - expected["messages"]).sum() <= 4  # microseconds may move one over an edge


def test_wrong_times_do_not_take_the_memory():
    with pytest.raises(ValueError, match="larger bin_s"):
        analysis.rates(table([0, 10**18]), bin_s=0.001)
    assert len(analysis.rates(table([0, 10**18]))) <= 200
    for bad in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="above 0"):
            analysis.rates(table([0]), bin_s=bad)


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="wire_bytes"):
        analysis.rates(table([0]).drop(columns="wire_bytes"))


@pytest.mark.slow
def test_a_known_rate_is_found_within_the_counting_error_on_60_seeds():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        hz = rng.uniform(20, 500)
        regular = table((np.arange(int(5 * hz)) / hz * S).astype(np.int64))
        rates = analysis.rates(regular, bin_s=0.25)
        known = rates["messages_hz"].dropna()
        assert len(known) >= 19
        # One message more or less, over at least half a bin.
        assert (known.iloc[:-1] - hz).abs().max() <= 1 / 0.25, seed
        assert abs(known.iloc[-1] - hz) <= 2 / 0.25, seed


@pytest.mark.parametrize("bin_s", ["1s", 0, -1, float("nan"), float("inf")])
def test_a_bin_is_a_number_of_seconds(bin_s):
    with pytest.raises(ValueError, match="bin_s is a number of seconds above 0, not"):
        analysis.rates(table([0, S]), bin_s=bin_s)
