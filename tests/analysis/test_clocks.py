from __future__ import annotations

import numpy as np
import pytest

from gdlab import analysis
from tests.traffic import PEER, START_NS, merged, ping, pings, pong, table

MS = 1_000_000


def sides(seed, *, n=200, peer=PEER, offset_us=0, drift_ppm=0.0, ms=(2.0, 2.0), wait_ms=0.0, held=True):
    """Probes of ours, and messages of the game, whose clock is another one; the truth is known.

    `ms` is the least time there and back.
    """
    rng = np.random.default_rng(seed)

    def theirs(ns):
        return ((START_NS + ns) / 1e3 + offset_us + drift_ppm * ns / 1e9).astype(np.int64)

    sent = np.sort(rng.integers(0, 30_000 * MS, n))
    there, back = ((least * MS + rng.exponential(MS, n)).astype(np.int64) for least in ms)
    wait = rng.integers(0, int(wait_ms * MS) + 1, n)
    received, returned = theirs(sent + there), theirs(sent + there + wait)
    asked = [ping(i, s // 1000) for i, s in enumerate(sent)]
    more = [
        {"r_us": r, "s_us": s} if held else {}
        for r, s in zip(received.tolist(), returned.tolist(), strict=True)
    ]
    answers = [pong(i, s // 1000, **m) for i, (s, m) in enumerate(zip(sent, more, strict=True))]
    of_game = np.sort(rng.integers(0, 30_000 * MS, n // 2))
    delay = (ms[1] * MS + rng.exponential(MS, n // 2)).astype(np.int64)
    unknown = np.full(n, np.nan)
    return [
        table(sent, asked, peer=peer, direction="out", v__t=unknown, truth=unknown),
        table(sent + there + wait + back, answers, peer=peer, v__t=unknown, truth=unknown),
        table(of_game + delay, b"state", peer=peer, v__t=theirs(of_game).astype(float), truth=delay / MS),
    ]


def test_offset_drift_and_delay_are_within_the_stated_error_on_200_seeds():
    tables, truths = [], {}
    for seed in range(200):
        rng = np.random.default_rng(seed + 1000)
        offset = int(rng.integers(0, 10**9)) - START_NS // 1000  # a game counts from its start
        drift = rng.uniform(-50, 50)
        truths[f"{seed}"] = offset, drift
        tables += sides(
            seed,
            n=100,
            peer=f"{seed}",
            offset_us=offset,
            drift_ppm=drift,
            ms=rng.uniform(0.1, 20, 2),
            wait_ms=rng.choice([0, 16.7]),
        )
    whole = merged(*tables)
    found = analysis.clock_offsets(whole).set_index("peer")
    assert len(found) == 200
    assert (found["n"] == 100).all()
    for peer, (offset, drift) in truths.items():
        row = found.loc[peer]
        at_s = (row["time"].value - START_NS) / 1e9
        assert abs(row["offset_us"] - (offset + drift * at_s)) <= row["error_us"], peer
        assert abs(row["drift_ppm"] - drift) <= row["drift_error_ppm"], peer
    ways = analysis.one_way_delay(whole, sent="v.t")
    truth = whole.loc[whole["truth"].notna(), ["time", "peer", "truth"]]
    both = ways.merge(truth, on=["time", "peer"], validate="one_to_one")
    assert len(both) == 200 * 50
    # Two microseconds: the times in the messages are whole ones, and at these sizes floats end at 0.25.
    assert (np.abs(both["delay_ms"] - both["truth"]) <= both["error_ms"] + 0.002).all()


@pytest.mark.parametrize("drift", [-100, 0, 80])
def test_a_drift_that_could_not_be_told_widens_the_error(drift):
    # Six exchanges at the beginning, messages for half a minute after them: only the error can be honest there.
    parts = sides(7, n=400, offset_us=10**6, drift_ppm=drift, ms=(1, 1))
    early = [part[part["time"] < parts[0]["time"].iloc[6]] for part in parts[:2]]
    whole = merged(*early, parts[2])
    row = analysis.clock_offsets(whole).iloc[0]
    assert row["drift_ppm"] == 0
    assert row["drift_error_ppm"] >= 100
    ways = analysis.one_way_delay(whole, sent="v.t")
    assert (
        np.abs(ways["delay_ms"] - parts[2].sort_values("time")["truth"].to_numpy()) <= ways["error_ms"]
    ).all()
    assert ways["error_ms"].iloc[-1] > ways["error_ms"].iloc[0] + 2


def test_without_an_offset_it_refuses_and_says_what_is_valid():
    unheld = merged(*sides(0, held=False))
    for nothing in (table(), pings([0, MS], [5, 5]), unheld):
        assert len(analysis.clock_offsets(nothing)) == 0
        with pytest.raises(ValueError, match=r"round_trips.*jitter"):
            analysis.one_way_delay(nothing)


def test_an_answer_that_cannot_be_is_left_out():
    sent = np.arange(20) * 100 * MS
    lies = [pong(i, s // 1000, r_us=100, s_us=50) for i, s in enumerate(sent)]
    whole = merged(
        table(sent, [ping(i, s // 1000) for i, s in enumerate(sent)], direction="out"), table(sent + MS, lies)
    )
    assert len(analysis.clock_offsets(whole)) == 0
