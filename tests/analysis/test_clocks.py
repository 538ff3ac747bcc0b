from __future__ import annotations

import numpy as np
import pytest

from gdlab import analysis
from tests.traffic import START_NS, merged, ping, pings, pong, table

MS = 1_000_000


def exchange(seed, *, n=200, offset_us=0, drift_ppm=0.0, there_ms=2.0, back_ms=2.0, wait_ms=0.0, held=True):
    """Probes of ours, and messages of the game, whose clock is another one; the truth is known."""
    rng = np.random.default_rng(seed)

    def theirs(ns):
        return ((START_NS + ns) / 1e3 + offset_us + drift_ppm * ns / 1e9).astype(np.int64)

    sent = np.sort(rng.integers(0, 30_000 * MS, n))
    there = (there_ms * MS + rng.exponential(MS, n)).astype(np.int64)
    wait = rng.integers(0, int(wait_ms * MS) + 1, n)
    back = (back_ms * MS + rng.exponential(MS, n)).astype(np.int64)
    received, returned = theirs(sent + there), theirs(sent + there + wait)
    asked = [ping(i, s // 1000) for i, s in enumerate(sent)]
    more = [
        {"r_us": r, "s_us": s} if held else {}
        for r, s in zip(received.tolist(), returned.tolist(), strict=True)
    ]
    answers = [pong(i, s // 1000, **m) for i, (s, m) in enumerate(zip(sent, more, strict=True))]
    of_game = np.sort(rng.integers(0, 30_000 * MS, 100))
    delay = (back_ms * MS + rng.exponential(MS, 100)).astype(np.int64)
    whole = merged(
        table(sent, asked, direction="out"),
        table(sent + there + wait + back, answers),
        table(of_game + delay, b"state"),
    )
    clock = np.full(len(whole), np.nan)
    by_time = np.argsort(of_game + delay, kind="stable")
    clock[(whole["payload"] == b"state").to_numpy()] = theirs(of_game)[by_time]
    return whole.assign(**{"v.t": clock}), (delay / MS)[by_time]


def test_offset_drift_and_delay_are_within_the_stated_error_on_50_seeds():
    for seed in range(50):
        rng = np.random.default_rng(seed + 1000)
        offset = int(rng.integers(0, 10**9)) - START_NS // 1000  # a game counts from its start
        drift = rng.uniform(-50, 50)
        table_, delay = exchange(
            seed,
            offset_us=offset,
            drift_ppm=drift,
            there_ms=rng.uniform(0.1, 20),
            back_ms=rng.uniform(0.1, 20),
            wait_ms=rng.choice([0, 16.7]),
        )
        found = analysis.clock_offsets(table_).iloc[0]
        at_s = (found["time"].value - START_NS) / 1e9
        assert abs(found["offset_us"] - (offset + drift * at_s)) <= found["error_us"]
        assert found["drift_ppm"] == pytest.approx(drift, abs=60)
        assert found["n"] == 200
        ways = analysis.one_way_delay(table_, sent="v.t")
        assert len(ways) == 100
        assert (np.abs(ways["delay_ms"] - delay) <= ways["error_ms"] + 0.01).all()


def test_without_an_offset_it_refuses_and_says_what_is_valid():
    unheld, _ = exchange(0, held=False)
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
