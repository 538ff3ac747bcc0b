from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis
from tests.traffic import merged, ping, pings, table

MS = 1_000_000


def of(numbers, **options):
    t = table(np.arange(len(numbers)) * MS, v__seq=np.asarray(numbers))
    return analysis.sequence(t, seq="v.seq", **options).iloc[0], analysis.numbered(t, seq="v.seq", **options)


def impaired(rng, n, *, loss, duplication, delay):
    """Numbers as they arrive after a path that loses, repeats and delays, and the truth by definition."""
    kept = np.flatnonzero(rng.random(n) >= loss)
    kept = np.union1d(kept, [0, n - 1])  # the ends are seen, so that all loss can be
    sent = np.concatenate([kept, kept[rng.random(len(kept)) < duplication]])
    at = sent + rng.exponential(delay, len(sent))
    at[sent == 0] = -1  # the first comes first
    arrived = sent[np.argsort(at, kind="stable")]
    # RFC 4737 section 3.3 and RFC 5560, one message after the other.
    seen, expected = set(), 0
    reordered = duplicates = late = 0
    for number in arrived.tolist():
        if number in seen:
            duplicates += 1
        elif number < expected:
            if expected - 1 - number > 64:
                late += 1
            else:
                reordered += 1
        else:
            expected = number + 1
        seen.add(number)
    return arrived, {"lost": n - len(seen), "duplicates": duplicates, "reordered": reordered, "late": late}


@pytest.mark.slow
def test_loss_duplication_and_reordering_are_the_truth_on_200_seeds():
    parts, truths = [], {}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 600))
        arrived, truth = impaired(
            rng, n, loss=rng.uniform(0, 0.3), duplication=rng.uniform(0, 0.2), delay=rng.choice([0.01, 1, 5])
        )
        truths[f"{seed}"] = truth | {"messages": len(arrived), "expected": n, "restarts": 0}
        parts.append(table(np.arange(len(arrived)) * MS, peer=f"{seed}", v__seq=arrived))
    got = analysis.sequence(merged(*parts), seq="v.seq").set_index("peer")
    assert len(got) == 200
    for peer, truth in truths.items():
        assert {name: got.loc[peer, name] for name in truth} == truth, peer


@pytest.mark.slow
def test_the_loss_interval_holds_the_true_probability_as_often_as_it_says():
    parts = []
    for seed in range(200):
        arrived, _ = impaired(np.random.default_rng(seed), 500, loss=0.05, duplication=0, delay=0.01)
        parts.append(table(np.arange(len(arrived)) * MS, peer=f"{seed}", v__seq=arrived))
    got = analysis.sequence(merged(*parts), seq="v.seq")
    assert ((got["loss_low"] <= 0.05) & (got["loss_high"] >= 0.05)).mean() >= 0.92


def test_a_message_far_behind_is_late_and_not_lost():
    got, each = of([*range(100), 200, *range(101, 200), *range(201, 210), 100], window=50)
    assert got["lost"] == 0
    assert each["status"].iloc[-1] == "late"
    assert each["behind"].iloc[-1] == 109
    assert got["late"] == 50  # 101 to 149 and 100 are over 50 behind number 200
    assert got["reordered"] == 50


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_counter_that_wraps_goes_on(bits):
    start = 2**bits - 50
    numbers = np.delete(np.arange(start, start + 100), [10, 70]) % 2**bits
    got, each = of(numbers, bits=bits)
    assert got["lost"] == 2
    assert got["restarts"] == 0
    assert each["seq"].is_monotonic_increasing


def test_reordering_across_the_wrap_is_reordering():
    got, _ = of([253, 254, 0, 255, 1], bits=8)
    assert (got["lost"], got["reordered"], got["restarts"]) == (0, 1, 0)


def test_a_restarted_sender_is_not_duplication():
    got, each = of([*range(500), *range(300)])
    assert (got["restarts"], got["duplicates"], got["lost"], got["expected"]) == (1, 0, 0, 800)
    assert each["run"].tolist() == [0] * 500 + [1] * 300


def test_a_jump_or_garbage_is_not_millions_lost():
    got, _ = of([0, 1, 2, 2**60, 3, 4, -(2**60), 5])
    assert got["lost"] == 0
    got, _ = of([2**62, -(2**62), 2**63 - 1, -(2**63)])
    assert got["lost"] == 0
    got, _ = of([0.0, 1.0, 1e300, np.nan, np.inf, 2.5, 2.0])
    assert (got["messages"], got["lost"]) == (3, 0)


def test_skipped_numbers_stand_where_they_are_missing():
    _, each = of([0, 1, 4, 3, 5])
    assert each["skipped"].tolist() == [0, 0, 2, 0, 0]
    assert each["status"].tolist() == ["in order", "in order", "in order", "reordered", "in order"]


def test_peers_count_by_themselves():
    whole = merged(
        table([0, 2, 4], peer="a", v__seq=[0, 1, 2]), table([1, 3, 5], peer="b", v__seq=[7, 9, 10])
    )
    result = analysis.sequence(whole, seq="v.seq").set_index("peer")
    assert result["lost"].to_dict() == {"a": 0, "b": 1}


def test_without_a_column_the_probes_of_the_other_side_count():
    t = merged(
        table(np.arange(4) * MS, [ping(i, i + 10**6) for i in (0, 1, 3, 4)]),
        pings(np.arange(10) * MS + 7, np.full(10, 3 * MS), echo=True),
    )
    result = analysis.sequence(t)
    assert result["messages"].tolist() == [4]
    assert result["lost"].tolist() == [1]
    assert analysis.sequence(t, direction="out")["messages"].tolist() == [10]


def test_a_game_that_counts_other_messages_too_has_lost_none():
    every_fifth = table(np.arange(50) * MS, [ping(5 * i, i + 10**6) for i in range(50)])
    assert len(analysis.sequence(every_fifth)) == 0
    half_lost = table(np.arange(50) * MS, [ping(i, i + 10**6) for i in np.flatnonzero(np.arange(75) % 3)])
    assert analysis.sequence(half_lost)["lost"].tolist() == [24]


def test_integers_over_2_to_53_keep_their_last_digit():
    _, each = of(np.arange(5) + 2**60)
    assert each["skipped"].tolist() == [0] * 5
    nullable = table(np.arange(4) * MS, v__seq=pd.array([2**60, None, 2**60 + 1, 2**60 + 3], dtype="Int64"))
    assert analysis.sequence(nullable, seq="v.seq")["lost"].tolist() == [1]


def test_one_message_has_no_loss_and_an_empty_table_no_rows():
    got, _ = of([5])
    assert np.isnan(got["loss"])
    for nothing in (table(), table([0], b"", event="open")):
        assert len(analysis.sequence(nothing)) == 0
        assert len(analysis.numbered(nothing)) == 0


@pytest.mark.parametrize("wrong", [{"window": -1}, {"bits": 1}, {"bits": 65}])
def test_misuse_is_refused(wrong):
    with pytest.raises(ValueError, match=r"window|bits"):
        analysis.sequence(table([0]), **wrong)
    with pytest.raises(KeyError, match=r"v\.seq"):
        analysis.sequence(table([0]), seq="v.seq")


@pytest.mark.parametrize("step", [2, 3, 100, 16_666_667, -1, -7])
@pytest.mark.parametrize("start", [0, -5, 2**40])
def test_a_counter_by_a_constant_step_loses_only_what_is_missing(step, start):
    kept = np.delete(np.arange(100), [10, 50, 51])
    got, each = of(start + kept * step)
    assert (got["step"], got["expected"], got["lost"], got["restarts"], got["jumps"]) == (step, 100, 3, 0, 0)
    assert each["seq"].tolist() == (start + kept * step).tolist()
    assert each["skipped"].sum() == 3


def test_heavy_loss_of_a_counter_by_one_is_no_step():
    kept = np.flatnonzero(np.random.default_rng(0).random(400) < 0.3)
    got, _ = of(kept)
    assert (got["step"], got["lost"]) == (1, kept[-1] - kept[0] + 1 - len(kept))


@pytest.mark.parametrize(
    ("start", "dtype"),
    [
        (2**64 - 100, np.uint64),
        (2**64 - 100, object),
        (2**63 - 50, np.uint64),
        (2**63 - 100, np.int64),
        (-(2**63), np.int64),
        (2**62, np.int64),
        (2**61 - 50, np.int64),
    ],
)
def test_numbers_of_any_64_bit_size_are_told_apart(start, dtype):
    numbers = [start + i for i in range(100) if i not in (7, 8)]
    got, each = of(np.array(numbers, dtype=dtype))
    assert (got["messages"], got["expected"], got["lost"], got["duplicates"]) == (98, 100, 2, 0)
    assert each["seq"].tolist() == numbers


@pytest.mark.parametrize("bits", [48, 62, 63, 64])
def test_a_wide_counter_that_wraps_goes_on(bits):
    numbers = [(2**bits - 50 + i) % 2**bits for i in range(100) if i not in (10, 70)]
    got, _ = of(np.array(numbers, dtype=np.uint64), bits=bits)
    assert (got["expected"], got["lost"], got["restarts"]) == (100, 2, 0)


def test_numbers_at_both_ends_of_64_bits_hang_nothing_and_lose_nothing():
    got, _ = of(np.array([-(2**63), 2**63 - 1, 0, -(2**63), 5], dtype=np.int64))
    assert got["received"] + got["duplicates"] == 5
    assert got["lost"] <= 10_000


def test_a_jump_of_11_000_is_reported_as_a_jump():
    got, _ = of([*range(100), *range(11_100, 11_200)])
    assert (got["jumps"], got["jumped"], got["restarts"], got["lost"], got["expected"]) == (
        1,
        11_000,
        0,
        0,
        200,
    )
    again, _ = of([*range(20_000, 20_100), *range(100)])
    assert (again["jumps"], again["jumped"], again["restarts"], again["lost"]) == (0, 0, 1, 0)


def test_a_field_that_is_not_there_is_told_the_way_it_is_written():
    numbered = table([0, MS], [b'{"number": 1}', b'{"number": 2}'])
    with pytest.raises(KeyError, match=r"such as 'v\.number'"):
        analysis.sequence(numbered, seq="number")
    with pytest.raises(KeyError, match="none has such a field"):
        analysis.sequence(numbered, seq="v.missing")
    with pytest.raises(KeyError) as caught:
        analysis.sequence(numbered.drop(columns="time"), seq="v.number")
    assert "such as 'v.time'" not in str(caught.value)
