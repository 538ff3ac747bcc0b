from __future__ import annotations

import numpy as np
import pytest

from gdlab import analysis
from tests.traffic import merged, ping, table

MS = 1_000_000


def way(seed, *, path=0.0, relay=0.0, last=0.0, n=400):
    """Captures of sender, relay and receiver of numbered messages, and what each part lost."""
    rng = np.random.default_rng(seed)

    def survive(numbers, share):
        return numbers[rng.random(len(numbers)) >= share]

    def at(numbers, **options):
        return table(numbers * MS + rng.integers(0, 9 * MS, len(numbers)), v__seq=numbers, **options)

    sent = np.arange(n)
    into = survive(sent, path)
    out_of = survive(into, relay)
    got = survive(out_of, last)
    between = merged(at(into, peer="a"), at(out_of, peer="b", direction="out"))
    return (
        at(sent, direction="out").sort_values("time"),
        between,
        at(got).sort_values("time"),
        [n - len(into), len(into) - len(out_of), len(out_of) - len(got)],
    )


@pytest.mark.slow
def test_each_part_of_the_way_has_lost_what_it_lost_on_20_seeds():
    for seed in range(20):
        shares = np.random.default_rng(seed).choice([0, 0.02, 0.2], 3)
        sender, relay, receiver, truth = way(seed, path=shares[0], relay=shares[1], last=shares[2], n=100)
        parts = analysis.where_lost(sender, receiver, relay=relay, seq="v.seq")
        assert parts["place"].tolist() == ["sender to relay", "relay", "relay to receiver"]
        assert parts["lost"].tolist() == truth, seed
        whole = analysis.where_lost(sender, receiver, seq="v.seq")
        assert whole["lost"].tolist() == [sum(truth)], seed


def test_what_the_kernel_dropped_is_not_put_down_to_the_path():
    sender, _, receiver, truth = way(1, path=0.2)
    parts = analysis.where_lost(sender, receiver, seq="v.seq", kernel_drops=30).set_index("place")
    assert parts.loc["receiver's buffer", "lost"] == 30
    assert parts.loc["sender to receiver", "lost"] == sum(truth) - 30
    all_of_it = analysis.where_lost(sender, receiver, seq="v.seq", kernel_drops=10**6)
    assert all_of_it["lost"].tolist() == [0, sum(truth)]
    with pytest.raises(ValueError, match="kernel_drops"):
        analysis.where_lost(sender, receiver, seq="v.seq", kernel_drops=-1)


def test_probes_count_by_themselves_and_a_restart_is_another_run():
    numbers = [*range(200), *range(150)]
    texts = [ping(n, 10**6 + i) for i, n in enumerate(numbers)]
    sender = table(np.arange(350) * MS, texts, direction="out")
    kept = np.delete(np.arange(350), [20, 220, 221])
    receiver = table(kept * MS + 5, [texts[i] for i in kept])
    parts = analysis.where_lost(sender, receiver)
    assert parts[["entered", "lost"]].values.tolist() == [[350, 3]]


def test_several_streams_are_refused_and_nothing_is_lost_of_nothing():
    two = table(np.arange(4) * MS, peer=["a", "b"] * 2, direction="out", v__seq=[0, 0, 1, 1])
    with pytest.raises(ValueError, match="2 streams"):
        analysis.where_lost(two, table(), seq="v.seq")
    parts = analysis.where_lost(table(), table())
    assert parts["lost"].tolist() == [0]
    assert np.isnan(parts["loss"]).all()


@pytest.mark.slow
def test_all_is_lost_where_nothing_has_arrived():
    sent = [b'{"seq": %d}' % number for number in range(20)]
    sender, receiver = table(np.arange(20) * MS, sent, direction="out"), table()
    for quiet in (receiver, table([0], b"", event="open"), table([0], b"else", direction="out")):
        parts = analysis.where_lost(sender, quiet, seq="v.seq")
        assert parts[["entered", "lost"]].to_numpy().tolist() == [[20, 20]]
        found = analysis.findings(quiet, sender=sender).set_index("rule")
        assert "lost on the path (20 of 20)" in found.loc["lost-where", "what"]
    with pytest.raises(KeyError, match=r"v\.seq"):
        analysis.where_lost(sender, table([0], b"else"), seq="v.seq")


def test_the_finding_names_the_relay():
    sender, relay, receiver, _ = way(3, relay=0.1)
    found = analysis.findings(receiver, seq="v.seq", sender=sender, relay=relay).set_index("rule")
    assert "in the relay" in found.loc["lost-where", "what"]
    assert "missing-numbers" not in found.index
    silent = analysis.findings(way(3)[2], seq="v.seq", sender=sender, relay=way(3)[1])
    assert "lost-where" not in silent["rule"].tolist()


def test_a_counter_that_wrapped_before_the_receiver_began_is_counted_on():
    from gdlab import analysis
    from tests.files.tables import table_of

    def table(numbers, direction):
        rows = [{"time": 10**18 + n * 10**7, "direction": direction} for n in range(len(numbers))]
        return table_of(rows).assign(**{"v.seq": numbers})

    sent = [(65_000 + number) % 65_536 for number in range(3000)]
    got = [number for place, number in enumerate(sent) if place >= 600 and place % 10]
    (row,) = analysis.where_lost(table(sent, "out"), table(got, "in"), seq="v.seq", bits=16).to_dict(
        "records"
    )
    assert (row["entered"], row["lost"]) == (3000, 3000 - len(got))
