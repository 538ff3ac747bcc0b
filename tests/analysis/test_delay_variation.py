from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis
from tests.traffic import START_NS, merged, table

MS = 1_000_000


def one_way(seed, *, n=3600, drift_ppm=40.0, least_ms=3.0, mean_ms=1.0, peer="10.0.0.1:1", restart=None):
    """Messages of a game whose clock counts from its own start; only their sending and our arrival are known."""
    rng = np.random.default_rng(seed)
    sent = np.arange(n) * (1000 * MS // 60)
    delay = (rng.exponential(mean_ms * MS, n) + least_ms * MS).astype(np.int64)
    theirs = (sent * (1 + drift_ppm / 1e6) / 1e3).astype(np.int64)
    if restart is not None:
        theirs = np.where(np.arange(n) >= restart, theirs - theirs[restart], theirs)
    return table(sent + delay, b"state", peer=peer, v__t=theirs.astype(float), truth=delay / MS)


def test_it_is_the_delay_less_its_least_with_the_drift_taken_out():
    rows = one_way(1)
    found = analysis.delay_above_least(rows, sent="v.t")
    truth = rows.sort_values("time", kind="stable")["truth"].to_numpy()
    wrong = np.abs(found["above_ms"].to_numpy() - (truth - truth.min()))
    # Without the drift taken out it would grow to 2.4 ms in this minute.
    assert np.quantile(wrong, 0.95) <= 0.05
    assert abs(found["drift_ppm"].iloc[0] + 40) < 1
    assert (found["above_ms"] >= 0).all()
    assert (found["n"] == 3600).all()


def test_a_restart_of_the_sender_begins_anew_and_peers_are_apart():
    rows = merged(one_way(2, restart=2000), one_way(3, peer="10.0.0.2:2", least_ms=50.0))
    found = analysis.delay_above_least(rows, sent="v.t")
    assert len(found) == 7200
    assert found["n"].value_counts().to_dict() == {3600: 3600, 2000: 2000, 1600: 1600}
    assert found["above_ms"].max() < 20
    assert found["time"].is_monotonic_increasing


def test_too_few_messages_are_refused_with_the_number_needed():
    with pytest.raises(ValueError, match="20 messages of one sender"):
        analysis.delay_above_least(one_way(4, n=19), sent="v.t")
    mixed = merged(one_way(4, n=19), one_way(5, n=25, peer="10.0.0.2:2"))
    assert set(analysis.delay_above_least(mixed, sent="v.t")["peer"]) == {"10.0.0.2:2"}


def test_order_of_rows_does_not_matter():
    rows = one_way(6, n=200)
    shuffled = rows.sample(frac=1, random_state=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(
        analysis.delay_above_least(rows, sent="v.t"), analysis.delay_above_least(shuffled, sent="v.t")
    )
    assert rows["time"].min() >= pd.Timestamp(START_NS, tz="UTC")
